//! `melisma state`: shows and changes what runs resume from.

use std::collections::HashMap;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use globset::GlobBuilder;
use melisma_sdk::{Error, Kind, Result};
use serde_json::value::RawValue;

use super::confirm::confirm;
use super::output::print;
use crate::args::ProjectArgs;
use crate::console::Console;
use crate::project::{Choice, Project};
use crate::run::Workspace;
use crate::state::{Database, StateBackend, States, WriteMode, compact, is_empty, pretty};

const EXAMPLES: &str = "\
Examples:
  melisma state list --pattern 'dev:*'
  melisma state get dev:tap-csv-to-target-postgres
  melisma state set dev:tap-csv-to-target-postgres --input-file state.json
  melisma state clear --force dev:tap-csv-to-target-postgres

A state is an object with the key singer_state, as `state get` prints it.";

/// The subcommands of `melisma state`.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum StateArgs {
    /// List the ids of the stored states
    List {
        /// Only ids that match this pattern
        #[arg(long, value_name = "GLOB")]
        pattern: Option<String>,
    },
    /// Print the state that a run would resume from
    Get {
        /// The id
        state_id: String,
        /// The format
        #[arg(long, default_value = "json", ignore_case = true)]
        format: StateFormat,
    },
    /// Replace a state
    Set {
        /// The id
        state_id: String,
        /// The new state
        #[arg(required_unless_present = "input_file", conflicts_with = "input_file")]
        state: Option<String>,
        /// Read the new state from this file
        #[arg(long, value_name = "FILE")]
        input_file: Option<PathBuf>,
        /// Do not check that the state has the key `singer_state`
        #[arg(long)]
        no_validate: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        force: bool,
    },
    /// Remove a state, so that the next run starts from the beginning
    Clear {
        /// The id
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        state_id: Option<String>,
        /// Remove all states
        #[arg(long)]
        all: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        force: bool,
    },
}

/// How a state is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateFormat {
    /// On one line
    Json,
    /// On many lines
    Pretty,
}

impl StateArgs {
    /// The id whose environment counts.
    fn id(&self) -> Option<&str> {
        match self {
            Self::List { .. } => None,
            Self::Get { state_id, .. } | Self::Set { state_id, .. } => Some(state_id),
            Self::Clear { state_id, .. } => state_id.as_deref(),
        }
    }
}

pub(crate) fn run(args: &StateArgs, globals: &ProjectArgs) -> Result<ExitCode> {
    let workspace = workspace(globals, args.id())?;
    let console = Console::new(&globals.log, |name| workspace.setting(name))?;
    let database = Database::open(&workspace.database()?, workspace.system())?;
    let backend = workspace.state_backend()?;
    let backend = backend
        .map(|settings| StateBackend::open(&settings))
        .transpose()?;
    let mut states = States::new(database, backend);
    match args {
        StateArgs::List { pattern } => list(&mut states, pattern.as_deref(), &console)?,
        StateArgs::Get { state_id, format } => {
            let state = states.get(state_id)?;
            print(&match format {
                StateFormat::Json => compact(&state),
                StateFormat::Pretty => pretty(&state),
            })?;
        }
        StateArgs::Set {
            state_id,
            state,
            input_file,
            no_validate,
            force,
        } => {
            let state = given(state.as_deref(), input_file.as_deref())?;
            let state = checked(&state, !no_validate)?;
            if !force {
                confirm(
                    "This will overwrite the state's current value. Continue?",
                    "--force",
                )?;
            }
            if *no_validate {
                console.warn(
                    "The state is not validated. A state that is invalid may cause problems in future runs.",
                );
            }
            states.edit(state_id, &state, WriteMode::Complete)?;
            console.info(&format!("State for {state_id} was successfully set."));
        }
        StateArgs::Clear { state_id, force, .. } => {
            if !force {
                confirm("This will clear state for the job(s). Continue?", "--force")?;
            }
            clear(&mut states, state_id.as_deref(), &console)?;
        }
    }
    console.flush();
    Ok(ExitCode::SUCCESS)
}

/// The project, or outside of one the current folder. `default_environment` does not count, but the environment that a
/// state id begins with does, because it may have a state backend of its own.
fn workspace(globals: &ProjectArgs, id: Option<&str>) -> Result<Workspace> {
    globals.enter()?;
    let workspace = Workspace::here(globals, globals.explicit_choice())?;
    let Workspace::Project(project) = &workspace else {
        return Ok(workspace);
    };
    let active = project
        .environment
        .as_ref()
        .map(|environment| environment.name.as_str());
    match id.and_then(|id| environment_of(id, project)) {
        Some(own) if active != Some(own) => Workspace::here(globals, Choice::Named(own)),
        _ => Ok(workspace),
    }
}

/// The environment that a state id begins with, if the project has it.
fn environment_of<'a>(id: &'a str, project: &Project) -> Option<&'a str> {
    let (own, _) = id.split_once(':')?;
    let environments = project.listed("environments");
    let mut names = environments.iter().filter_map(|item| item.get("name")?.as_str());
    names.any(|name| name == own).then_some(own)
}

fn list(states: &mut States, pattern: Option<&str>, console: &Console) -> Result<()> {
    let pattern = pattern.map(|pattern| {
        let glob = GlobBuilder::new(pattern).build();
        let wrong = |error: globset::Error| Error::new(Kind::Usage, format!("--pattern: {}", error.kind()));
        glob.map(|glob| glob.compile_matcher()).map_err(wrong)
    });
    let pattern = pattern.transpose()?;
    let mut ids = states.ids()?;
    ids.retain(|id| pattern.as_ref().is_none_or(|pattern| pattern.is_match(id)));
    if ids.is_empty() {
        console.info(&format!("No state IDs found in {}.", states.location()));
    }
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let coloured = std::io::stdout().is_terminal() && !set("NO_COLOR");
    for id in ids {
        if !coloured {
            print(&id)?;
            continue;
        }
        let state = states.get(&id)?;
        let colour = match checked(&state, true) {
            _ if is_empty(&state) => 33,
            Ok(_) => 32,
            Err(_) => 31,
        };
        print(&format!("\u{1b}[{colour}m{id}\u{1b}[0m"))?;
    }
    Ok(())
}

fn clear(states: &mut States, id: Option<&str>, console: &Console) -> Result<()> {
    if let Some(id) = id {
        return states.clear(id);
    }
    let ids = states.ids()?;
    for id in &ids {
        states.clear(id)?;
    }
    console.info(&format!("{} state(s) were successfully cleared", ids.len()));
    Ok(())
}

/// The state that the command line has, or the file.
fn given(state: Option<&str>, file: Option<&Path>) -> Result<String> {
    match file {
        Some(file) => fs::read_to_string(file)
            .map_err(|error| Error::config(format!("cannot read {}", file.display())).with_source(error)),
        None => Ok(state.unwrap_or_default().to_owned()),
    }
}

/// A state on one line.
///
/// # Errors
/// It is not an object, or `whole` and without `singer_state`.
fn checked(state: &str, whole: bool) -> Result<String> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(state)
        .map_err(|error| Error::input("the state is not a JSON object").with_source(error))?;
    if whole && !members.contains_key("singer_state") {
        return Err(Error::input(
            "the state has no key singer_state at its top: expected {\"singer_state\": ...}; `state set --no-validate` \
             accepts it",
        ));
    }
    Ok(compact(state))
}
