//! `melisma environment`: the environments of a project.

use std::process::ExitCode;

use clap::Subcommand;
use melisma_sdk::{Error, Result};
use serde_json::json;

use super::open_project::open_for_edits;
use super::output::print;
use super::project_file::{ProjectFile, named_items, steps};
use crate::args::ProjectArgs;
use crate::suggestion::suggestion;

/// The subcommands of `melisma environment`.
#[derive(Subcommand)]
pub(crate) enum EnvironmentArgs {
    /// List the environments
    List,
    /// Add an environment
    Add {
        /// Its name
        name: String,
    },
    /// Remove an environment
    Remove {
        /// Its name
        name: String,
    },
}

pub(crate) fn run(args: &EnvironmentArgs, globals: &ProjectArgs) -> Result<ExitCode> {
    let project = open_for_edits(globals)?;
    let names = || named_items(&project, "environments").map(|(name, _)| name);
    let list = steps!["environments"];
    match args {
        EnvironmentArgs::List => {
            for name in names() {
                print(name)?;
            }
        }
        EnvironmentArgs::Add { name } => {
            let mut file = ProjectFile::open(&project)?;
            if names().any(|other| other == name) {
                return Err(Error::config(format!("there is an environment {name:?} already")));
            }
            if name.contains(':') {
                return Err(Error::config(format!(
                    "environment {name:?}: a name must not contain a colon"
                )));
            }
            file.add(&list, &json!({"name": name}))?;
            file.save()?;
            print(&format!("Created new environment '{name}'"))?;
        }
        EnvironmentArgs::Remove { name } => {
            let mut file = ProjectFile::with(&project, &list, name)?;
            let Some(item) = file.item(&list, name) else {
                return Err(Error::config(format!(
                    "there is no environment {name:?}{}",
                    suggestion(name, names())
                )));
            };
            file.remove(&item, 0)?;
            file.save()?;
            print(&format!("Removed environment '{name}'"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
