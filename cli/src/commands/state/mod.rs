//! `melisma state`: shows and changes what runs resume from.

mod editor;
mod edits;
mod list;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use melisma_sdk::Result;

use super::confirm::confirm;
use super::output::print;
use crate::args::ProjectArgs;
use crate::console::Console;
use crate::project::{Choice, Project};
use crate::run::Workspace;
use crate::state::{Database, StateBackend, States, compact, pretty};

const EXAMPLES: &str = "\
Examples:
  melisma state list --pattern 'dev:*'
  melisma state get dev:tap-csv-to-target-postgres
  melisma state set dev:tap-csv-to-target-postgres --input-file state.json
  melisma state copy dev:tap-csv-to-target-postgres prod:tap-csv-to-target-postgres
  melisma state clear --force dev:tap-csv-to-target-postgres
  melisma state export | melisma --cwd ../other state import

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
        /// Read the new state from this file, - for stdin
        #[arg(long, value_name = "FILE")]
        input_file: Option<PathBuf>,
        /// Do not check that the state has the key `singer_state`
        #[arg(long)]
        no_validate: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        force: bool,
    },
    /// Merge a state over the stored one
    Merge {
        /// The id
        state_id: String,
        /// What is merged over it
        #[arg(required_unless_present_any = ["input_file", "from_state_id"],
              conflicts_with_all = ["input_file", "from_state_id"])]
        state: Option<String>,
        /// Read it from this file, - for stdin
        #[arg(long, value_name = "FILE", conflicts_with = "from_state_id")]
        input_file: Option<PathBuf>,
        /// Take the state of this id
        #[arg(long, value_name = "ID")]
        from_state_id: Option<String>,
    },
    /// Replace a state by that of another id
    Copy {
        /// The id whose state is copied
        src_state_id: String,
        /// The id that gets it
        dst_state_id: String,
        /// Do not ask for confirmation
        #[arg(long)]
        force: bool,
    },
    /// Replace a state by that of another id, and remove that one
    Move {
        /// The id whose state is moved
        src_state_id: String,
        /// The id that gets it
        dst_state_id: String,
        /// Do not ask for confirmation
        #[arg(long)]
        force: bool,
    },
    /// Edit a state in the editor of VISUAL or EDITOR
    Edit {
        /// The id
        state_id: String,
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
    /// Print all states as one JSON document
    Export,
    /// Store the states that `export` has printed
    Import {
        /// The file, - for stdin
        #[arg(default_value = "-")]
        input_file: PathBuf,
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
            Self::Get { state_id, .. }
            | Self::Set { state_id, .. }
            | Self::Merge { state_id, .. }
            | Self::Copy {
                src_state_id: state_id,
                ..
            }
            | Self::Move {
                dst_state_id: state_id,
                ..
            }
            | Self::Edit { state_id, .. } => Some(state_id),
            Self::Clear { state_id, .. } => state_id.as_deref(),
            Self::List { .. } | Self::Export | Self::Import { .. } => None,
        }
    }

    /// Asks before something is overwritten or removed.
    fn confirm(&self) -> Result<()> {
        let question = match self {
            Self::Set { force: false, .. } | Self::Edit { force: false, .. } => {
                "This will overwrite the state's current value. Continue?"
            }
            Self::Copy { force: false, .. } => "This will overwrite state for the destination. Continue?",
            Self::Move { force: false, .. } => {
                "This will clear the source state and overwrite destination state. Continue?"
            }
            Self::Clear { force: false, .. } => "This will clear state for the job(s). Continue?",
            _ => return Ok(()),
        };
        confirm(question, "--force")
    }
}

pub(crate) fn run(args: &StateArgs, globals: &ProjectArgs) -> Result<ExitCode> {
    args.confirm()?;
    let workspace = workspace(globals, args.id())?;
    let console = Console::new(&globals.log, |name| workspace.setting(name))?;
    act(args, &mut open_states(&workspace)?, &console).map(|()| ExitCode::SUCCESS)
}

/// The states of a project.
pub(super) fn open_states(workspace: &Workspace) -> Result<States> {
    let database = Database::open(&workspace.database()?, workspace.system())?;
    let backend = workspace.state_backend()?;
    let backend = backend
        .map(|settings| StateBackend::open(&settings))
        .transpose()?;
    Ok(States::new(database, backend))
}

fn act(args: &StateArgs, states: &mut States, console: &Console) -> Result<()> {
    match args {
        StateArgs::List { pattern } => list::list(states, pattern.as_deref(), console),
        StateArgs::Get { state_id, format } => {
            let state = states.get(state_id)?;
            print(&match format {
                StateFormat::Json => compact(&state),
                StateFormat::Pretty => pretty(&state),
            })
        }
        StateArgs::Set {
            state_id,
            state,
            input_file,
            no_validate,
            ..
        } => {
            let state = edits::given(state.as_deref(), input_file.as_deref())?;
            edits::set(states, state_id, &state, !no_validate, console)
        }
        StateArgs::Merge {
            state_id,
            state,
            input_file,
            from_state_id,
        } => {
            let state = match from_state_id {
                Some(from) => edits::existing(states, from)?,
                None => edits::given(state.as_deref(), input_file.as_deref())?,
            };
            edits::merge(states, state_id, &state, console)
        }
        StateArgs::Copy {
            src_state_id,
            dst_state_id,
            ..
        } => edits::copy(states, src_state_id, dst_state_id, console),
        StateArgs::Move {
            src_state_id,
            dst_state_id,
            ..
        } => edits::move_(states, src_state_id, dst_state_id, console),
        StateArgs::Edit { state_id, .. } => edits::edit(states, state_id, console),
        StateArgs::Clear { state_id, .. } => edits::clear(states, state_id.as_deref(), console),
        StateArgs::Export => print(&states.export()?),
        StateArgs::Import { input_file } => {
            let count = states.import(&edits::given(None, Some(input_file))?)?;
            console.info(&format!("Successfully imported {count} state(s)."));
            Ok(())
        }
    }
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
