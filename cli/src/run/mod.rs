//! `melisma run`: one tap into one target, with its state kept.

mod ask;
mod direct;
mod discover;
mod end;
mod fifo;
mod folder;
mod held;
mod identity;
mod input_verdict;
mod launcher;
mod logs;
mod pace;
mod plan;
mod plugins;
mod process;
mod progress;
mod relay;
mod summary;
mod supervise;
mod threads;
mod told;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap_complete::engine::ArgValueCandidates;
use melisma_sdk::{Error, Kind, Result, fault};

use crate::completions;
use crate::console::{Console, LogArgs};
use crate::project::{self, Choice, Project, Vars};
use crate::signals::Signals;
use crate::state::{Database, Keeper, Kept, NewRun, Outcome, Pipeline, StateFile, Store, Taking, Write};

use end::End;
use folder::RunFolder;
use plan::Plan;

/// What `melisma run` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  melisma run tap-csv target-parquet                      plugins of the project in this folder or above
  melisma run --cwd examples/tpch --environment prod tap-csv target-jsonl
  melisma run \"tap-csv --config tap.json\" \"target-jsonl --config target.json\"
  melisma run --state state.json \"python my_tap.py --config c.json\" \"target-csv --config t.json\"
  melisma run --full-refresh tap-csv target-parquet       everything again, whatever the state says

In a folder with a meltano.yml (or below one) TAP and TARGET are plugins of that project. Elsewhere each is a command
line, split into words as a shell does it; no shell runs; tap-csv and the other built-in plugins need no project. The
state that the target has confirmed is kept in .meltano/meltano.db, or in FILE, and the next run of the same plugins, or
of the same command lines word for word, resumes from it.

Ctrl-C asks the tap to end; the target then writes what it has and its state is kept. A second Ctrl-C kills both.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Args {
    /// The tap: a plugin's name, or a command line
    #[arg(value_name = "TAP", add = ArgValueCandidates::new(completions::taps))]
    tap: String,
    /// The target: a plugin's name, or a command line
    #[arg(value_name = "TARGET", add = ArgValueCandidates::new(completions::targets))]
    target: String,
    /// Work in this folder
    #[arg(long, visible_alias = "project", value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// The environment of the project [default: `MELTANO_ENVIRONMENT`, then `default_environment`]
    #[arg(long, value_name = "NAME", conflicts_with = "no_environment")]
    environment: Option<String>,
    /// Use no environment
    #[arg(long)]
    no_environment: bool,
    /// Keep the state under this id [default: ENVIRONMENT:TAP-to-TARGET; for command lines TAP-to-TARGET-HASH]
    #[arg(long, value_name = "ID")]
    state_id: Option<String>,
    /// Add this to the id of the state
    #[arg(long, value_name = "SUFFIX")]
    state_id_suffix: Option<String>,
    /// Keep the state in this file instead of the database
    #[arg(long, value_name = "FILE", conflicts_with_all = ["state_id", "state_id_suffix"])]
    state: Option<PathBuf>,
    /// Do not pass the state to the tap: everything is extracted again
    #[arg(long)]
    full_refresh: bool,
    /// Neither read nor keep a state
    #[arg(long, conflicts_with = "state")]
    no_state_update: bool,
    /// Resume from a state that another pipeline, or an older version, has kept
    #[arg(long, conflicts_with_all = ["full_refresh", "no_state_update"])]
    adopt_state: bool,
    /// Run although another run of the same state seems to be alive
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    log: LogArgs,
}

/// Where the names of the plugins come from.
enum Place {
    Project(Box<Project>),
    /// No project: command lines.
    Folder {
        /// Where they work.
        here: PathBuf,
        /// Where their state is, usually `.meltano` in that folder.
        system: PathBuf,
    },
}

/// Runs a tap into a target.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let console = Arc::new(Console::new(&args.log));
    let result = run_on(args, &console);
    console.flush();
    result
}

fn run_on(args: &Args, console: &Arc<Console>) -> Result<ExitCode> {
    if let Some(folder) = &args.cwd {
        std::env::set_current_dir(folder).map_err(|error| {
            Error::config(format!("cannot work in {}", folder.display())).with_source(error)
        })?;
    }
    let signals = Signals::watch()?;
    let place = place(args)?;
    let run_id = uuid_v7();
    let folder = RunFolder::create(&place.run_folders(), &run_id)?;
    let mut plan = match &place {
        Place::Project(project) => plan::from_project(project, &args.tap, &args.target, &folder, console)?,
        Place::Folder { .. } => plan::from_command_lines(&args.tap, &args.target, &folder, console)?,
    };
    let pipeline = place.pipeline(&plan);
    let names = format!("{}-to-{}", plan.tap.program.name, plan.target.name);
    let names = match &pipeline.words {
        Some(hash) => format!("{names}-{}", identity::short(hash)),
        None => names,
    };
    let state_id = place.state_id(args, names)?;
    held::name(&mut plan.target, &state_id, &folder)?;
    if let Place::Folder { .. } = place {
        console.info("there is no meltano.yml here or above: the tap and the target are command lines, without a project");
    }
    let old_names = plan.lines.as_ref().map(|lines| lines.old_names.as_str());
    let store = place.store(args, &state_id, &run_id, pipeline, old_names, console)?;
    console.info(&format!(
        "run {run_id}: {} into {}, state id {state_id}",
        plan.tap.program.name, plan.target.name
    ));
    let full_refresh = args.full_refresh;
    let start = if full_refresh || args.no_state_update {
        Ok(None)
    } else {
        held::state(&plan.target, &signals, console).and_then(|held| match held {
            Some(state) => Ok(Some(state)),
            None => store.read(),
        })
    };
    let how = if full_refresh && !store.replaces() {
        Write::Partial
    } else {
        Write::Complete
    };
    let keeper = Keeper::start(store, how);
    let end = start.and_then(|state| {
        let start = discover::start(&plan, state, &folder, &signals, console)?;
        supervise::supervise(&plan, &start, &folder, &keeper, &signals, console)
    });
    finish(end, keeper, how, console)
}

/// Stores the last state, closes the run's row and says how it went.
fn finish(end: Result<End>, keeper: Keeper, how: Write, console: &Console) -> Result<ExitCode> {
    let (store, kept, stored) = keeper.finish()?;
    let end = match (end, stored) {
        (Ok(_), Err(error)) => Err(Error::new(error.kind(), not_stored(&error, &store, &kept))),
        (end, _) => end,
    };
    fault!(RUN_END);
    let outcome = match &end {
        Ok(end) => end.outcome(),
        Err(error) => Outcome::Fail(error.to_string()),
    };
    let closed = store.finish(&outcome, kept.stored.as_deref().map(|state| (state, how)));
    if let Err(error) = closed {
        console.warn(&format!("the run's row could not be closed: {error}"));
    }
    if let Ok(end) = &end {
        summary::tell(end, &kept, &store, console);
    }
    end.map(|end| ExitCode::from(end.exit_code()))
}

/// What is told of a state that could not be stored, and where it is instead.
fn not_stored(error: &Error, store: &Store, kept: &Kept) -> String {
    let instead = match kept.waiting.as_deref().map(|state| store.keep_aside(state)) {
        Some(Some(path)) => format!("; the last state that the target told is in {}", path.display()),
        Some(None) => "; the last state that the target told could not be kept anywhere".to_owned(),
        None => String::new(),
    };
    format!("the state could not be stored: {error}{instead}")
}

fn place(args: &Args) -> Result<Place> {
    let here = std::env::current_dir().map_err(|error| Error::io("there is no current folder", error))?;
    let os: Vars = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let Some(root) = project::find(&here, &os) else {
        let system = project::system_folder(&here, &os);
        return Ok(Place::Folder { here, system });
    };
    let choice = match &args.environment {
        Some(name) => Choice::Named(name),
        None if args.no_environment => Choice::None,
        None => Choice::Default,
    };
    Ok(Place::Project(Box::new(Project::load(root, os, choice)?)))
}

impl Place {
    fn run_folders(&self) -> PathBuf {
        match self {
            Self::Project(project) => project.system.join("run"),
            Self::Folder { .. } => std::env::temp_dir(),
        }
    }

    /// Whose the state of this run is.
    fn pipeline(&self, plan: &Plan) -> Pipeline {
        let (tap, target) = (&plan.tap.program.name, plan.target.name.clone());
        match self {
            // The same plugins of another environment read and write elsewhere.
            Self::Project(project) => Pipeline {
                tap: match &project.environment {
                    Some(environment) => format!("{}:{tap}", environment.name),
                    None => tap.clone(),
                },
                target,
                words: None,
            },
            Self::Folder { here, system } => {
                let shared = *system != project::system_folder(here, &Vars::new());
                Pipeline {
                    tap: tap.clone(),
                    target,
                    words: plan.lines.as_ref().map(|lines| lines.hash(here, shared)),
                }
            }
        }
    }

    fn state_id(&self, args: &Args, names: String) -> Result<String> {
        if let Some(id) = &args.state_id {
            return Ok(id.clone());
        }
        let (environment, suffix) = match self {
            Self::Project(project) => {
                let environment = project
                    .environment
                    .as_ref()
                    .map(|environment| environment.name.clone());
                if environment.is_none() && args.state.is_none() && !args.no_state_update {
                    return Err(Error::config(
                        "no environment is active, so the state has no id: name one with --environment or \
                         default_environment, or give --state-id",
                    ));
                }
                (environment, project.state_id_suffix()?)
            }
            Self::Folder { .. } => (args.environment.clone(), None),
        };
        let suffix = args.state_id_suffix.clone().or(suffix);
        let parts: Vec<String> = environment.into_iter().chain([names]).chain(suffix).collect();
        if let Some(part) = parts.iter().find(|part| part.contains(':')) {
            return Err(Error::config(format!(
                "{part:?}: a part of a state id must not contain a colon"
            )));
        }
        Ok(parts.join(":"))
    }

    fn store(
        &self,
        args: &Args,
        state_id: &str,
        run_id: &str,
        pipeline: Pipeline,
        old_names: Option<&str>,
        console: &Console,
    ) -> Result<Store> {
        if args.no_state_update {
            return Ok(Store::Nowhere);
        }
        let taking = match (args.full_refresh, args.adopt_state) {
            (true, _) => Taking::Replace,
            (false, true) => Taking::Adopt,
            (false, false) => Taking::Own,
        };
        if let Some(path) = &args.state {
            let (store, warning) = Store::file(StateFile::open(path, args.force)?, pipeline, taking)?;
            if let Some(warning) = &warning {
                console.warn(warning);
            }
            return Ok(store);
        }
        let path = match self {
            Self::Project(project) => plugins::database_path(project)?,
            Self::Folder { system, .. } => system.join("meltano.db"),
        };
        let old_id = old_names
            .map(|names| self.state_id(args, names.to_owned()))
            .transpose()?;
        let new = NewRun {
            state_id,
            run_id,
            force: args.force,
            taking,
            old_id: old_id.as_deref().filter(|old| *old != state_id),
        };
        let mut database = Database::open(&path)?;
        let run = database.begin(&new, &pipeline)?;
        run.warnings().iter().for_each(|warning| console.warn(warning));
        Ok(Store::Database {
            database,
            state_id: state_id.to_owned(),
            run,
        })
    }
}

/// A UUID of version 7: milliseconds since 1970, then randomness.
fn uuid_v7() -> String {
    use std::hash::{BuildHasher, RandomState};
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let milliseconds = now.as_millis();
    // Seeded by the operating system for each process; the time keeps two of one process apart.
    let random = |salt: u8| u128::from(RandomState::new().hash_one((salt, now, std::process::id())));
    let high = (milliseconds << 16) | 0x7000 | (random(0) & 0x0fff);
    let low = (random(1) & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    let hex = format!("{:016x}{low:016x}", high & u128::from(u64::MAX));
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// The error of a run that a signal ended before it began.
fn interrupted(signal: i32) -> Error {
    Error::new(
        Kind::Interrupted(signal),
        format!("ended by {}", crate::signals::name(signal)),
    )
}

#[cfg(test)]
mod tests {
    use super::uuid_v7;

    #[test]
    fn run_ids_are_uuids_of_version_7() {
        let (a, b) = (uuid_v7(), uuid_v7());
        assert_eq!((a.len(), &a[14..15]), (36, "7"));
        assert!("89ab".contains(&a[19..20]), "{a}");
        assert_ne!(a, b);
    }
}
