//! A tap into a target, from the opening of its store to the report on it.
//!
//! This file is the whole walk, step by step; each step is a module of its own.

use std::sync::Arc;

use melisma_sdk::{Error, Result, fault};
use serde_json::{Map, Value};

use super::context::RunContext;
use super::limit::Limit;
use super::meter::{Attempt, End, PairNames};
use super::outcome::{Outcome, Verdict};
use super::plan::Plan;
use super::state_id::Identity;
use super::workspace::Workspace;
use super::{open_store, run_log, summary, supervise, tap_args, target_state};
use crate::args::{RunArgs, StateStrategy};
use crate::console::Console;
use crate::report::RunOutcome;
use crate::state::{RunResult, StateWriter, Store, StoreProgress, WriteMode};

/// A tap, its mappers and a target that are ready to run.
pub(super) struct Pair {
    plan: Plan,
    identity: Identity,
    context: RunContext,
}

impl Pair {
    /// Nothing of it has been started or stored.
    pub(super) fn new(
        mut plan: Plan,
        args: &RunArgs,
        workspace: &Workspace,
        context: RunContext,
    ) -> Result<Self> {
        let identity = Identity::new(args, workspace, &plan)?;
        if let Some(option) = args.extent.leaves_state()
            && plan.target.stores_state()
        {
            return Err(Error::config(format!(
                "{option} leaves the stored state as it is, and {} stores one next to its rows (state_in_target); turn that off for \
                 this run",
                plan.target.name
            )));
        }
        target_state::set_state_id(&mut plan.target, &identity.state_id, &context)?;
        Ok(Self {
            plan,
            identity,
            context,
        })
    }

    /// The id of its state.
    pub(super) fn state_id(&self) -> &str {
        &self.identity.state_id
    }

    /// `tap-a > hide-pii > target-b`, with the names of mappers.
    pub(super) fn describe(&self) -> String {
        self.names().chain()
    }

    /// The names of its parts, and of its state.
    pub(super) fn names(&self) -> PairNames {
        PairNames {
            tap: self.plan.tap.program.name.clone(),
            mappers: self
                .plan
                .mappers
                .iter()
                .map(|mapper| mapper.name.clone())
                .collect(),
            target: self.plan.target.name.clone(),
            state_id: self.identity.state_id.clone(),
        }
    }

    /// It runs at the same time as others, so its lines of the log say which pair it is.
    pub(super) fn label(&mut self) {
        let label = self.describe();
        self.context.console = Arc::new(self.context.console.labelled(&label));
    }

    /// Runs it; returns the exit code.
    pub(super) fn run(self, args: &RunArgs, workspace: &Workspace, attempt: &Arc<Attempt>) -> Result<u8> {
        let Self {
            plan,
            identity,
            mut context,
        } = self;
        let store = open_store::open_store(args, workspace, &identity, &context)?;
        let has_log = matches!(
            (&store, workspace),
            (Store::Database { .. }, Workspace::Project(_))
        );
        context.console = Arc::new(console_of(&context, &identity, has_log));
        let console = &context.console;
        console.info(&format!(
            "run {}: {} into {}, state id {}",
            context.run_id, plan.tap.program.name, plan.target.name, identity.state_id
        ));
        let state = starting_state(args, &plan, &store, &context);
        let mode = write_mode(args, &store);
        let leaves_state = args.extent.leaves_state();
        if let Some(option) = leaves_state {
            console.info(&format!(
                "the stored state is left as it is, whatever this run extracts ({option})"
            ));
        }
        let reporter = {
            let attempt = Arc::clone(attempt);
            Box::new(move || attempt.report())
        };
        let writer = StateWriter::start(store, mode, leaves_state.is_none(), reporter);
        attempt.watch_states(writer.watch());
        // An error from here on is recorded in the history of the run, so it must not return early.
        let outcome = state.and_then(|state| {
            let refresh = args.full_refresh || args.refresh_catalog;
            let prepared = tap_args::prepare(&plan.tap, state, refresh, &args.extent, &context)?;
            // Mappers may rename streams.
            let streams = prepared.streams.filter(|_| plan.mappers.is_empty());
            let limit = args.extent.limit.map(|most| Limit::new(most, streams));
            supervise::supervise(&plan, &prepared.args, limit, &writer, attempt, &context)
        });
        finish(outcome, writer, mode, attempt, &context)
    }
}

/// The log of this pair: its lines have the name of the job for machines, as Meltano's have it, and also go to its log
/// file. Without one the run goes on, as Meltano's does.
fn console_of(context: &RunContext, identity: &Identity, has_log: bool) -> Console {
    let file = has_log.then(|| run_log::open(&identity.state_id, &context.run_id));
    if let Some(Err(error)) = &file {
        context.console.warn(&format!("the run has no log file: {error}"));
    }
    let job = if context.as_el { "state_id" } else { "job_name" };
    let bound = Map::from_iter([(job.to_owned(), Value::from(&*identity.state_id))]);
    context.console.of_run(file.and_then(Result::ok), bound)
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

fn write_mode(args: &RunArgs, store: &Store) -> WriteMode {
    let merges = match args.state_strategy {
        StateStrategy::Auto => args.full_refresh || args.merge_state,
        StateStrategy::Merge => true,
        StateStrategy::Overwrite => false,
    };
    if merges && !store.replaces() {
        WriteMode::Partial
    } else {
        WriteMode::Complete
    }
}

/// Stores the last state, closes the run's row and reports how the run ended.
fn finish(
    outcome: Result<Outcome>,
    writer: StateWriter,
    mode: WriteMode,
    attempt: &Attempt,
    context: &RunContext,
) -> Result<u8> {
    let console = &context.console;
    let (mut store, progress, stored) = writer.finish()?;
    let outcome = match (outcome, stored) {
        (Ok(_), Err(error)) => Err(Error::new(error.kind(), not_stored(&error, &store, &progress))),
        (outcome, _) => outcome,
    };
    fault!(RUN_END);
    let result = match &outcome {
        Ok(outcome) => outcome.result(),
        Err(error) => RunResult::Fail(error.to_string()),
    };
    attempt.end(match &outcome {
        Ok(outcome) => end_of(outcome),
        Err(error) => End::of_error(error, context.signals.is_interrupted()),
    });
    store.record(&attempt.report());
    let last = progress.stored.as_deref().map(|state| (state, mode));
    if let Err(error) = store.finish(&result, last) {
        console.warn(&format!("the run could not be recorded as ended: {error}"));
    }
    if let Ok(outcome) = &outcome {
        summary::report(outcome, &progress, &store, console);
    }
    outcome.map(|outcome| outcome.exit_code())
}

fn end_of(outcome: &Outcome) -> End {
    let (word, error) = match &outcome.verdict {
        Verdict::Success => (RunOutcome::Success, None),
        Verdict::Failed(why, _) => (RunOutcome::Failed, Some(why.clone())),
        Verdict::Interrupted(interruption) => (RunOutcome::Interrupted, Some(interruption.to_string())),
    };
    End {
        outcome: word,
        exit_code: outcome.exit_code(),
        error,
    }
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
