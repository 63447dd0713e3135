//! `melisma init`: a new project.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use melisma_sdk::{Error, Result};
use uuid::Uuid;

use crate::args::LogArgs;
use crate::console::Console;
use crate::project::{self, FILE};

const EXAMPLES: &str = "\
Examples:
  melisma init shop        a project in the folder shop
  melisma init             a project in this folder

The project is one of Meltano: `meltano run` works in it as `melisma run` does.";

/// The options of `melisma init`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InitArgs {
    /// The folder of the project, which is made when it is missing [default: this folder]
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    folder: PathBuf,
    /// Replace a meltano.yml that is there
    #[arg(long)]
    force: bool,
    /// Tell Meltano in meltano.yml that it must not send usage statistics. melisma sends none
    #[arg(long)]
    no_usage_stats: bool,
    #[command(flatten)]
    log: LogArgs,
}

/// What does not belong in a repository.
const IGNORED: &str = "/.meltano\n.env\n";

/// Makes the project.
pub(crate) fn run(args: &InitArgs) -> Result<ExitCode> {
    // There is no project yet whose settings could say how to log.
    let console = Console::new(&args.log, |name| {
        Ok(std::env::var(project::setting_variable(name)).ok())
    })?;
    let file = args.folder.join(FILE);
    if file.exists() && !args.force {
        return Err(Error::config(format!(
            "there is a project in {} already; --force replaces its {FILE}",
            args.folder.display()
        )));
    }
    fs::create_dir_all(&args.folder)
        .map_err(|error| Error::io(format!("cannot make {}", args.folder.display()), error))?;
    let stats = if args.no_usage_stats {
        "send_anonymous_usage_stats: false\n"
    } else {
        ""
    };
    let id = Uuid::now_v7();
    let text = format!(
        "default_environment: dev\nproject_id: {id}\n{stats}environments:\n- name: dev\n- name: staging\n- name: \
         prod\n"
    );
    write(&file, &text)?;
    let ignore = args.folder.join(".gitignore");
    if !ignore.exists() {
        write(&ignore, IGNORED)?;
    }
    console.info(&format!("created {}", file.display()));
    let enter = match args.folder.as_path() {
        here if here == Path::new(".") => String::new(),
        folder => format!("`cd {}`, then ", folder.display()),
    };
    console.info(&format!("next: {enter}`melisma add tap-csv target-parquet`"));
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|error| Error::io(format!("cannot write {}", path.display()), error))
}
