//! `melisma lock`: the definitions of a project's plugins as lock files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::{Error, Kind, Result};
use serde_json::{Map, Value};

use super::open_project::open;
use super::plugin_arg::{KindArg, kind_of};
use super::project_file::refuse_readonly;
use crate::args::ProjectArgs;
use crate::completions;
use crate::console::Console;
use crate::definitions::{self, Wanted, lock_file};
use crate::plugin_kind::PluginKind;
use crate::project::Project;

const EXAMPLES: &str = "\
Examples:
  melisma lock                       lock files for all plugins that have none
  melisma lock --update target-csv   the definition of this version of melisma
  melisma lock tap-github --from definition.json

Definitions of the built-in plugins are part of melisma. Others come from a file, or from Meltano Hub, or the Hub that hub_url
names.";

/// The options of `melisma lock`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LockArgs {
    /// The plugins, perhaps after their kind [default: all]
    #[arg(value_name = "PLUGIN", add = ArgValueCandidates::new(completions::plugins))]
    plugins: Vec<String>,
    #[command(flatten)]
    kind: KindArg,
    #[command(flatten)]
    project: ProjectArgs,
    /// Replace lock files that are there
    #[arg(short, long)]
    update: bool,
    /// Lock all plugins. This is the default
    #[arg(long, conflicts_with = "plugins")]
    all: bool,
    /// Take the definition from this file: a lock file, or a definition of Meltano Hub as YAML or JSON
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

/// Writes the lock files.
pub(crate) fn run(args: &LockArgs) -> Result<ExitCode> {
    let project = open(&args.project)?;
    let console = Console::new(&args.project.log, |name| project.setting(name))?;
    refuse_readonly(&project)?;
    let (kind, names) = args.kind.leading(&args.plugins);
    let chosen: Vec<(PluginKind, &str)> = if names.is_empty() {
        let kinds = PluginKind::ALL
            .into_iter()
            .filter(|own| kind.is_none_or(|kind| kind == *own));
        kinds
            .flat_map(|kind| project.plugin_names(kind).map(move |name| (kind, name)))
            .collect()
    } else {
        let of_name = |name: &'_ String| kind.map_or_else(|| kind_of(&project, name), Ok);
        let chosen = names.iter().map(|name| Ok((of_name(name)?, name.as_str())));
        chosen.collect::<Result<_>>()?
    };
    if args.from.is_some() && chosen.len() != 1 {
        return Err(Error::new(Kind::Usage, "--from is about one plugin; name one"));
    }
    for (kind, name) in chosen {
        lock(&project, args, kind, name, &console)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn lock(project: &Project, args: &LockArgs, kind: PluginKind, name: &str, console: &Console) -> Result<()> {
    let described = format!("{} {name}", kind.singular());
    let none = Map::new();
    let block = project.plugin_block(kind, name).unwrap_or(&none);
    if block.contains_key("inherit_from") {
        console.info(&format!(
            "{described} inherits its definition, so it needs no lock file"
        ));
        return Ok(());
    }
    if block.contains_key("namespace") {
        console.info(&format!(
            "{described} has its definition in meltano.yml, so it needs no lock file"
        ));
        return Ok(());
    }
    let variant = block.get("variant").and_then(Value::as_str);
    let existing = match variant {
        Some(variant) => Some(lock_file::path(project, kind, name, variant)).filter(|path| path.exists()),
        None => lock_file::all(project, kind, name).pop(),
    };
    if let Some(path) = existing.filter(|_| !args.update) {
        console.info(&format!(
            "{described} has a lock file, {}; --update replaces it",
            path.display()
        ));
        return Ok(());
    }
    let file = args.from.as_deref();
    let definition = definitions::find(
        project,
        &Wanted {
            kind,
            name,
            variant,
            file,
            locked: false,
        },
    )?;
    let path = lock_file::write(project, kind, &definition)?;
    console.info(&format!("locked {described} in {}", path.display()));
    Ok(())
}
