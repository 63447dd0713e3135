//! `melisma new`: the project of a new tap or target.

mod kind;
mod name;
mod render;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use melisma_sdk::{Error, Result};

use crate::args::LogArgs;
use crate::console::Console;
use crate::project;
use kind::{TapKind, TargetKind};
use name::Name;
use render::Values;

const EXAMPLES: &str = "\
Examples:
  melisma new tap shop                     a tap of an HTTP API, in the folder tap-shop
  melisma new tap shop --kind yaml         the same without code: a file that tap-rest reads
  melisma new target shop --kind batch     a target that gets Arrow batches
  melisma new target shop --sdk-path ../melisma

The project builds and runs as it is: `cargo test`, then `melisma run` with its meltano.yml. Its README says what to change.";

/// The options of `melisma new`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct NewArgs {
    #[command(subcommand)]
    command: New,
}

#[derive(Subcommand)]
enum New {
    /// Make the project of a tap
    Tap {
        /// What the tap is
        #[arg(long, value_enum, default_value_t)]
        kind: TapKind,
        #[command(flatten)]
        common: Common,
    },
    /// Make the project of a target
    Target {
        /// What the target is
        #[arg(long, value_enum, default_value_t)]
        kind: TargetKind,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(clap::Args)]
struct Common {
    /// The name: shop, or with its prefix, tap-shop
    #[arg(value_name = "NAME")]
    name: String,
    /// The folder of the project, which must not exist or be empty [default: the name]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Take melisma-sdk from this checkout of melisma instead of crates.io
    #[arg(long, value_name = "DIR")]
    sdk_path: Option<PathBuf>,
    #[command(flatten)]
    log: LogArgs,
}

/// Makes the project.
pub(crate) fn run(args: &NewArgs) -> Result<ExitCode> {
    let (prefix, template, common) = match &args.command {
        New::Tap { kind, common } => ("tap", kind.template(), common),
        New::Target { kind, common } => ("target", kind.template(), common),
    };
    // There is no project yet whose settings could say how to log.
    let console = Console::new(&common.log, |name| {
        Ok(std::env::var(project::setting_variable(name)).ok())
    })?;
    let name = Name::new(prefix, &common.name)?;
    if template.is_file_alone() && common.sdk_path.is_some() {
        return Err(Error::config(
            "--sdk-path: the kind yaml has no code that would need melisma-sdk",
        ));
    }
    let sdk = common.sdk_path.as_deref().map(sdk_folder).transpose()?;
    let folder = common.dir.clone().unwrap_or_else(|| PathBuf::from(&name.package));
    check_empty(&folder)?;
    let values = Values::new(&name, template, sdk.as_deref());
    for (path, text) in values.files() {
        write(&folder.join(path), &text)?;
    }
    console.info(&format!("created {}", folder.display()));
    let build = if template.is_file_alone() {
        ""
    } else {
        "`cargo test`, "
    };
    console.info(&format!(
        "next: `cd {}`, {build}then as README.md says",
        folder.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// The folder of melisma-sdk in a checkout, or that folder itself.
fn sdk_folder(checkout: &Path) -> Result<PathBuf> {
    let wrong = || {
        let shown = checkout.display();
        Error::config(format!(
            "--sdk-path: expected a checkout of melisma, with sdk/Cargo.toml in it, found {shown}"
        ))
    };
    let absolute = checkout
        .canonicalize()
        .map_err(|error| wrong().with_source(error))?;
    let is_sdk = |folder: &Path| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.contains("name = \"melisma-sdk\"")
    };
    let folders = [absolute.join("sdk"), absolute];
    folders
        .into_iter()
        .find(|folder| is_sdk(folder))
        .ok_or_else(wrong)
}

fn check_empty(folder: &Path) -> Result<()> {
    let refused = |what: &str| {
        Err(Error::config(format!(
            "{} {what}; nothing is overwritten",
            folder.display()
        )))
    };
    match folder.read_dir().map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => refused("is not empty"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => refused("is a file"),
        Err(error) => Err(Error::io(format!("cannot read {}", folder.display()), error)),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .map_err(|error| Error::io(format!("cannot make {}", folder.display()), error))?;
    }
    fs::write(path, text).map_err(|error| Error::io(format!("cannot write {}", path.display()), error))
}
