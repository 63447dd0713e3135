//! `melisma run`: one tap into one target, with the state stored.
//!
//! This file is the whole run, step by step; each step is a module of its own. ARCHITECTURE.md has the walk with reasons.

mod context;
mod fifo;
mod input_verdict;
mod launcher;
mod line_hash;
mod log_config;
mod open_store;
mod outcome;
mod plan;
mod plugin_log;
mod process_group;
mod processes;
mod program;
mod progress;
mod query_plugin;
mod relay;
mod run_dir;
mod shared_pipe;
mod state_id;
mod state_reader;
mod summary;
mod supervise;
mod tap_args;
mod target_state;
mod threads;
mod units;
mod workspace;

use std::process::ExitCode;
use std::sync::Arc;

use melisma_sdk::{Error, Result, fault};

use crate::args::RunArgs;
use crate::console::Console;
use crate::signals::Signals;
use crate::state::{RunResult, StateWriter, Store, StoreProgress, WriteMode};

use context::RunContext;
use outcome::Outcome;
use plan::Plan;
use state_id::Identity;
use workspace::Workspace;

/// Runs a tap into a target.
pub(crate) fn run(args: &RunArgs) -> Result<ExitCode> {
    let console = Arc::new(Console::new(&args.log));
    let result = run_with(args, &console);
    console.flush();
    result
}

fn run_with(args: &RunArgs, console: &Arc<Console>) -> Result<ExitCode> {
    if let Some(dir) = &args.cwd {
        std::env::set_current_dir(dir)
            .map_err(|error| Error::config(format!("cannot work in {}", dir.display())).with_source(error))?;
    }
    // Before anything else, so that a signal during the preparation is not lost.
    let signals = Signals::watch()?;
    let workspace = Workspace::find(args)?;
    let context = RunContext::new(&workspace.run_dirs(), signals, console)?;
    let mut plan = Plan::new(args, &workspace, &context)?;
    let identity = Identity::new(args, &workspace, &plan)?;
    target_state::set_state_id(&mut plan.target, &identity.state_id, &context)?;
    let store = open_store::open_store(args, &workspace, &identity, &context)?;
    console.info(&format!(
        "run {}: {} into {}, state id {}",
        context.run_id, plan.tap.program.name, plan.target.name, identity.state_id
    ));
    let state = starting_state(args, &plan, &store, &context);
    let mode = if args.full_refresh && !store.replaces() {
        WriteMode::Partial
    } else {
        WriteMode::Complete
    };
    let writer = StateWriter::start(store, mode);
    // An error from here on is recorded in the history of the run, so it must not return early.
    let outcome = state.and_then(|state| {
        let tap_args = tap_args::prepare(&plan.tap, state, &context)?;
        supervise::supervise(&plan, &tap_args, &writer, &context)
    });
    finish(outcome, writer, mode, console)
}

/// The state to resume from: the one that the target has committed, if it stores one, otherwise the stored one.
fn starting_state(
    args: &RunArgs,
    plan: &Plan,
    store: &Store,
    context: &RunContext,
) -> Result<Option<String>> {
    if args.full_refresh || args.no_state_update {
        return Ok(None);
    }
    match target_state::stored_state(&plan.target, context)? {
        Some(state) => Ok(Some(state)),
        None => store.read(),
    }
}

/// Stores the last state, closes the run's row and reports how the run ended.
fn finish(
    outcome: Result<Outcome>,
    writer: StateWriter,
    mode: WriteMode,
    console: &Console,
) -> Result<ExitCode> {
    let (store, progress, stored) = writer.finish()?;
    let outcome = match (outcome, stored) {
        (Ok(_), Err(error)) => Err(Error::new(error.kind(), not_stored(&error, &store, &progress))),
        (outcome, _) => outcome,
    };
    fault!(RUN_END);
    let result = match &outcome {
        Ok(outcome) => outcome.result(),
        Err(error) => RunResult::Fail(error.to_string()),
    };
    let last = progress.stored.as_deref().map(|state| (state, mode));
    if let Err(error) = store.finish(&result, last) {
        console.warn(&format!("the run could not be recorded as ended: {error}"));
    }
    if let Ok(outcome) = &outcome {
        summary::report(outcome, &progress, &store, console);
    }
    outcome.map(|outcome| ExitCode::from(outcome.exit_code()))
}

/// The message for a state that could not be stored, with the file that it was saved to instead.
fn not_stored(error: &Error, store: &Store, progress: &StoreProgress) -> String {
    let instead = match progress.waiting.as_deref().map(|state| store.save_aside(state)) {
        Some(Some(path)) => format!("; the last emitted state was saved to {}", path.display()),
        Some(None) => "; the last emitted state could not be saved anywhere".to_owned(),
        None => String::new(),
    };
    format!("the state could not be stored: {error}{instead}")
}
