//! `melisma remove`: plugins out of a project, with what was installed and locked for them.

use std::fs;
use std::io::ErrorKind;
use std::process::ExitCode;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::{Error, Kind, Result};

use super::open_project::open;
use super::plugin_arg::{KindArg, kind_of};
use super::project_file::{ProjectFile, steps};
use super::system_database;
use crate::args::ProjectArgs;
use crate::completions;
use crate::console::Console;
use crate::definitions::lock_file;
use crate::plugin_kind::PluginKind;
use crate::project::Project;

/// The options of `melisma remove`.
#[derive(Args)]
pub(crate) struct RemoveArgs {
    /// The plugins, perhaps after their kind
    #[arg(value_name = "PLUGIN", required = true, add = ArgValueCandidates::new(completions::plugins))]
    plugins: Vec<String>,
    #[command(flatten)]
    kind: KindArg,
    #[command(flatten)]
    project: ProjectArgs,
}

pub(crate) fn run(args: &RemoveArgs) -> Result<ExitCode> {
    let project = open(&args.project)?;
    let console = Console::new(&args.project.log, |name| project.setting(name))?;
    let (kind, names) = args.kind.leading(&args.plugins);
    if names.is_empty() {
        return Err(Error::new(Kind::Usage, "name a plugin"));
    }
    let mut plugins = Vec::new();
    for name in names {
        let kind = kind.map_or_else(|| kind_of(&project, name), Ok)?;
        plugins.push((kind, name.as_str()));
    }
    for &(kind, name) in &plugins {
        let mut heirs = project.heirs(kind, name);
        if let Some(heir) = heirs.find(|heir| !plugins.contains(&(kind, heir))) {
            return Err(Error::config(format!(
                "{heir} inherits from {name}, so {name} is not removed; remove both, or change {heir} first"
            )));
        }
    }
    for (kind, name) in plugins {
        remove(&project, kind, name)?;
        console.info(&format!("removed {} {name}", kind.singular()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes a plugin from the project's files, and what was installed, locked and stored for it.
fn remove(project: &Project, kind: PluginKind, name: &str) -> Result<()> {
    let list = steps!["plugins", kind.plural()];
    let mut file = ProjectFile::with(project, &list, name)?;
    let item = file
        .item(&list, name)
        .ok_or_else(|| Error::config(format!("there is no {} {name:?} in the project", kind.singular())))?;
    file.remove(&item, 1)?;
    file.save()?;
    gone(
        fs::remove_dir_all(project.system.join(kind.plural()).join(name)),
        name,
    )?;
    gone(fs::remove_dir_all(project.system.join("run").join(name)), name)?;
    // Another plugin may use the definition of this one, in a variant of its own.
    if !project.is_inherited(kind, name) {
        for path in lock_file::all(project, kind, name) {
            gone(fs::remove_file(&path), &path.display().to_string())?;
        }
    }
    system_database::forget_settings(project, kind, name)
}

fn gone(result: std::io::Result<()>, what: &str) -> Result<()> {
    match result {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io(format!("cannot remove {what}"), error))
        }
        _ => Ok(()),
    }
}
