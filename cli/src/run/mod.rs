//! `melisma run`: taps into targets, with their states stored, and commands of other plugins in between.
//!
//! The blocks of the command line are all prepared before the first one runs. A [`pair`] is one tap into one target, and
//! has a walk of its own. ARCHITECTURE.md has both walks with reasons.

mod command;
mod context;
mod fifo;
mod grammar;
mod input_verdict;
mod invoke;
mod launcher;
mod line_hash;
mod log_config;
mod open_store;
mod options;
mod outcome;
mod pair;
mod plan;
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
mod summary;
mod supervise;
mod tap_args;
mod target_state;
mod threads;
mod units;
mod workspace;

use std::process::ExitCode;
use std::sync::Arc;

use melisma_sdk::{Error, Kind, Result};
use uuid::Uuid;

use crate::args::RunArgs;
use crate::console::Console;
use crate::project::Project;
use crate::signals::Signals;

pub(crate) use invoke::Single;

use command::CommandBlock;
use context::{Invocation, RunContext};
use grammar::Block;
use pair::Pair;
use workspace::Workspace;

/// Runs the blocks of the command line.
pub(crate) fn run(args: &RunArgs) -> Result<ExitCode> {
    // Before anything else, so that a signal during the preparation is not lost.
    let signals = Arc::new(Signals::watch(args.timeout)?);
    let workspace = Workspace::find(&args.project)?;
    let console = Console::new(&args.project.log, |name| workspace.setting(name))?;
    let invocation = Invocation {
        run_id: args.run_id.unwrap_or_else(Uuid::now_v7).to_string(),
        signals,
        console: Arc::new(console),
    };
    let result = prepare(args, &workspace, &invocation).and_then(|steps| {
        if args.dry_run {
            report_steps(&steps, &invocation.console);
            return Ok(ExitCode::SUCCESS);
        }
        run_steps(steps, args, &workspace, &invocation.console)
    });
    invocation.console.flush();
    result
}

/// Checks the names and the order of blocks, without running anything.
pub(crate) fn check_blocks(blocks: &[String], project: &Project) -> Result<()> {
    grammar::parse(blocks, project).map(drop)
}

/// A block that is ready to run.
enum Step {
    Pair(Box<Pair>),
    Command(Box<CommandBlock>),
}

impl Step {
    fn describe(&self) -> String {
        match self {
            Self::Pair(pair) => pair.describe(),
            Self::Command(command) => command.describe(),
        }
    }
}

/// Reads every setting of every block, so that what is wrong with the last one is known before the first one runs.
fn prepare(args: &RunArgs, workspace: &Workspace, invocation: &Invocation) -> Result<Vec<Step>> {
    let blocks = match workspace {
        Workspace::Project(project) => grammar::parse(&args.blocks, project)?,
        Workspace::Folder { .. } => Vec::new(),
    };
    options::check(args, &blocks)?;
    let context = || RunContext::new(&workspace.run_dirs(), invocation);
    let Workspace::Project(project) = workspace else {
        let [tap, target] = &*args.blocks else {
            return Err(Error::new(
                Kind::Usage,
                "there is no meltano.yml here or above, so a run takes two command lines: one of a tap, one of a target",
            ));
        };
        let context = context()?;
        let plan = plan::plan_command_lines(tap, target, &context)?;
        invocation.console.info(
            "there is no meltano.yml here or above, so the tap and the target are run as command lines",
        );
        return Ok(vec![Step::Pair(Box::new(Pair::new(
            plan, args, workspace, context,
        )?))]);
    };
    let mut steps = Vec::new();
    for block in blocks {
        let context = context()?;
        steps.push(match block {
            Block::Pair(names) => {
                let plan = plan::plan_pair(project, &names, &context)?;
                Step::Pair(Box::new(Pair::new(plan, args, workspace, context)?))
            }
            Block::Command(names) => Step::Command(Box::new(CommandBlock::new(project, &names, context)?)),
        });
    }
    Ok(steps)
}

/// Runs the steps in order. The first that fails is the last that runs.
fn run_steps(steps: Vec<Step>, args: &RunArgs, workspace: &Workspace, console: &Console) -> Result<ExitCode> {
    let number = steps.len();
    for (index, step) in steps.into_iter().enumerate() {
        if number > 1 {
            console.info(&format!("block {} of {number}: {}", index + 1, step.describe()));
        }
        let code = match step {
            Step::Pair(pair) => pair.run(args, workspace)?,
            Step::Command(command) => command.run()?,
        };
        if code != 0 {
            let left = number - index - 1;
            if left > 0 {
                console.error(&format!(
                    "{} not run, because this one failed",
                    plural_blocks(left)
                ));
            }
            return Ok(ExitCode::from(code));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn plural_blocks(number: usize) -> String {
    let verb = if number == 1 { "was" } else { "were" };
    format!("{} {verb}", units::plural(number as u64, "block"))
}

/// What `--dry-run` says.
fn report_steps(steps: &[Step], console: &Console) {
    let number = steps.len();
    for (index, step) in steps.iter().enumerate() {
        console.info(&format!(
            "dry run: block {} of {number} would be {}",
            index + 1,
            step.describe()
        ));
    }
}
