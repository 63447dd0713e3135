//! `melisma run`: taps into targets, with their states stored, and commands of other plugins in between.
//!
//! The blocks of the command line are all prepared before the first one runs. A [`pair`] is one tap into one target, and
//! has a walk of its own. ARCHITECTURE.md has both walks with reasons.

mod bookmarks;
mod catalog_cache;
mod command;
mod completed;
mod context;
mod fifo;
mod grammar;
mod input_verdict;
mod invoke;
mod launcher;
mod limit;
mod line_hash;
mod log_config;
mod messages;
mod meter;
mod metrics;
mod open_store;
mod options;
mod outcome;
mod pair;
mod plan;
mod plugin_fields;
mod plugin_log;
mod process_group;
mod processes;
mod program;
mod progress;
mod query_plugin;
mod relay;
mod run_dir;
mod run_log;
mod shared_pipe;
mod state_id;
mod state_reader;
mod steps;
mod summary;
mod supervise;
mod tap_args;
mod target_state;
mod threads;
pub(crate) mod units;
mod window;
mod workspace;

use std::process::ExitCode;
use std::sync::Arc;

use melisma_sdk::Result;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::answer_file::AnswerFile;
use crate::args::RunArgs;
use crate::console::Console;
use crate::install::Next;
use crate::project::Project;
use crate::signals::Signals;
use crate::stderr;

pub(crate) use invoke::Single;
pub(crate) use run_log::path as log_path;
pub(crate) use workspace::Workspace;

use context::Invocation;
use meter::{End, RunMeter};
use metrics::MetricsServer;
use progress::Display;
use steps::Run;

/// Runs the blocks of the command line.
pub(crate) fn run(args: &RunArgs) -> Result<ExitCode> {
    // Before anything else, so that a signal during the preparation is not lost.
    let signals = Signals::watch(args.timeout)?;
    args.project.enter()?;
    let run_id = args.run_id.unwrap_or_else(Uuid::now_v7).to_string();
    let meter = Arc::new(RunMeter::new(&run_id));
    let report = args
        .report
        .as_deref()
        .map(|path| AnswerFile::new("--report", path))
        .transpose()?;
    let server = args
        .metrics
        .map(|at| MetricsServer::start(at, &meter))
        .transpose()?;
    let interrupted = signals.another()?;
    let result = run_blocks(args, run_id, signals, &meter, server.as_ref());
    let end = End::of(&result, interrupted.is_interrupted());
    let written = report.map_or(Ok(()), |file| file.write(&meter.report(&end).to_json()?));
    match (result, written) {
        // Whoever reads reports must not take an old one for this run's.
        (Ok(0), Err(error)) => Err(error),
        (result, Err(error)) => {
            stderr::write_at_the_end(format!("melisma: {error}\n"));
            result.map(ExitCode::from)
        }
        (result, Ok(())) => result.map(ExitCode::from),
    }
}

/// Prepares all blocks and runs them.
fn run_blocks(
    args: &RunArgs,
    run_id: String,
    signals: Signals,
    meter: &RunMeter,
    server: Option<&MetricsServer>,
) -> Result<u8> {
    let workspace = Workspace::here(&args.project, args.project.choice())?;
    let console = Console::new(&args.project.log, |name| workspace.setting(name))?;
    let bound = Map::from_iter([("run_id".to_owned(), Value::from(&*run_id))]);
    let console = console.with(bound);
    let invocation = Invocation {
        run_id,
        signals,
        display: Display::new(&console),
        console: Arc::new(console),
        marks_states: server.is_some(),
        as_el: args.as_el,
    };
    if let Some(server) = server {
        invocation
            .console
            .info(&format!("metrics are at {}", server.url()));
    }
    let run = Run {
        args,
        workspace: &workspace,
        invocation: &invocation,
        meter,
    };
    let result = run.blocks().and_then(|blocks| {
        if let Next::End { installed } = run.install(&blocks)? {
            return Ok(u8::from(!installed));
        }
        let steps = run.prepare(blocks)?;
        if args.dry_run {
            run.describe(&steps);
            return Ok(0);
        }
        let ended = run.run(steps);
        completed::run(&ended, args, meter, &invocation.console);
        ended
    });
    invocation.console.flush_at_the_end(&invocation.signals);
    result
}

/// Checks the names and the order of blocks, without running anything.
pub(crate) fn check_blocks(blocks: &[String], project: &Project) -> Result<()> {
    grammar::parse(blocks, project).map(drop)
}
