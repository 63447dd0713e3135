//! The blocks of a run: prepared, run in order or at once, and tried again.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use melisma_sdk::{Error, Kind, Result};

use super::command::CommandBlock;
use super::context::{Invocation, RunContext};
use super::grammar::{self, Block};
use super::meter::{BlockMeter, End, RunMeter};
use super::pair::Pair;
use super::workspace::Workspace;
use super::{completed, options, plan, units};
use crate::args::RunArgs;
use crate::install::{self, Next};
use crate::project::Plugin;

/// How long a pair that has failed waits before the first retry; twice as long before each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// A run, before its blocks are prepared.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) args: &'a RunArgs,
    pub(super) workspace: &'a Workspace,
    pub(super) invocation: &'a Invocation,
    pub(super) meter: &'a RunMeter,
}

/// A block, and what runs it. The block is kept to prepare it again.
pub(super) struct Step {
    block: Block,
    ready: Ready,
    meter: Arc<BlockMeter>,
}

/// A block that is ready to run.
enum Ready {
    Pair(Box<Pair>),
    Command(Box<CommandBlock>),
}

impl Ready {
    fn describe(&self) -> String {
        match self {
            Self::Pair(pair) => pair.describe(),
            Self::Command(command) => command.describe(),
        }
    }
}

impl Run<'_> {
    /// The blocks of the command line, by name.
    pub(super) fn blocks(&self) -> Result<Vec<Block>> {
        let blocks = match self.workspace {
            Workspace::Project(project) => grammar::parse(&self.args.blocks, project)?,
            Workspace::Folder { .. } => vec![grammar::command_lines(&self.args.blocks)?],
        };
        options::check(self.args, &blocks)?;
        if let Workspace::Folder { .. } = self.workspace {
            self.invocation.console.info(
                "there is no meltano.yml here or above, so the tap and the target are run as command lines",
            );
        }
        Ok(blocks)
    }

    /// Installs the plugins of the blocks that need it.
    pub(super) fn install(&self, blocks: &[Block]) -> Result<Next> {
        let Workspace::Project(project) = self.workspace else {
            return match self.args.install.word() {
                Some("--only-install") => Err(Error::new(
                    Kind::Usage,
                    "--only-install: there is no meltano.yml here or above, and a command line needs no installation",
                )),
                _ => Ok(Next::Run),
            };
        };
        let mut plugins = Vec::new();
        for (kind, name) in blocks.iter().flat_map(Block::plugins) {
            plugins.push(Plugin::load(project, kind, name)?);
        }
        install::before_running(self.args.install, project, &plugins, &self.invocation.console)
    }

    /// Reads every setting of every block, so that what is wrong with the last one is known before the first one runs.
    pub(super) fn prepare(&self, blocks: Vec<Block>) -> Result<Vec<Step>> {
        let step = |block: Block| {
            let ready = self.ready(&block)?;
            let meter = self.meter.add(ready.describe(), matches!(ready, Ready::Pair(_)));
            Ok(Step { block, ready, meter })
        };
        blocks.into_iter().map(step).collect()
    }

    fn ready(&self, block: &Block) -> Result<Ready> {
        let context = RunContext::new(&self.workspace.run_dirs(), self.invocation)?;
        let plan = match (block, self.workspace) {
            (Block::CommandLines { tap, target }, _) => plan::plan_command_lines(tap, target, &context)?,
            (Block::Pair(names), Workspace::Project(project)) => plan::plan_pair(project, names, &context)?,
            (Block::Command(names), Workspace::Project(project)) => {
                return Ok(Ready::Command(Box::new(CommandBlock::new(
                    project, names, context,
                )?)));
            }
            (_, Workspace::Folder { .. }) => return Err(Error::bug("a plugin without a project")),
        };
        let pair = Pair::new(plan, self.args, self.workspace, context)?;
        Ok(Ready::Pair(Box::new(pair)))
    }

    /// What `--dry-run` says.
    pub(super) fn describe(&self, steps: &[Step]) {
        let number = steps.len();
        for (index, step) in steps.iter().enumerate() {
            self.invocation.console.info(&format!(
                "dry run: block {} of {number} would be {}",
                index + 1,
                step.ready.describe()
            ));
        }
    }

    /// Runs the steps in order, and with `--parallel` pairs that follow each other at once. After the first that fails,
    /// none is started any more. Returns the exit code of that one.
    pub(super) fn run(&self, steps: Vec<Step>) -> Result<u8> {
        let number = steps.len();
        let mut steps = steps.into_iter().enumerate().peekable();
        while let Some(first) = steps.next() {
            let mut together = vec![first];
            while let Some(next) = steps.next_if(|(_, next)| self.may_join(&together, next)) {
                together.push(next);
            }
            let code = self.run_together(together, number)?;
            if code != 0 {
                let left = steps.len();
                if left > 0 {
                    let console = &self.invocation.console;
                    console.error(&format!(
                        "{} not run, because one before failed",
                        plural_blocks(left)
                    ));
                }
                return Ok(code);
            }
        }
        Ok(0)
    }

    /// Whether a step may run at the same time as others: all are pairs with states of their own.
    fn may_join(&self, together: &[(usize, Step)], next: &Step) -> bool {
        let state_id = |step: &Step| match &step.ready {
            Ready::Pair(pair) => Some(pair.state_id().to_owned()),
            Ready::Command(_) => None,
        };
        let Some(next) = state_id(next) else {
            return false;
        };
        together.len() < usize::from(self.args.parallel)
            && together
                .iter()
                .all(|(_, step)| state_id(step).is_some_and(|other| other != next))
    }

    fn run_together(&self, together: Vec<(usize, Step)>, number: usize) -> Result<u8> {
        let is_alone = together.len() == 1;
        let ended: Vec<Result<u8>> = thread::scope(|scope| {
            let running: Vec<_> = together
                .into_iter()
                .map(|(index, step)| {
                    if number > 1 {
                        let console = &self.invocation.console;
                        console.info(&format!(
                            "block {} of {number}: {}",
                            index + 1,
                            step.ready.describe()
                        ));
                    }
                    scope.spawn(move || self.measured(step, is_alone))
                })
                .collect();
            let panicked = |_| Err(Error::bug("the thread of a block panicked"));
            running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(panicked))
                .collect()
        });
        let mut code = 0;
        let mut failed = None;
        for ended in ended {
            match ended {
                Ok(other) if code == 0 && failed.is_none() => code = other,
                Err(error) if code == 0 && failed.is_none() => failed = Some(error),
                // There is one exit code; the others are in the log.
                Err(error) => self.invocation.console.error(&error.to_string()),
                Ok(_) => {}
            }
        }
        failed.map_or(Ok(code), Err)
    }

    /// Runs a step, and notes how it ended.
    fn measured(&self, step: Step, is_alone: bool) -> Result<u8> {
        let meter = Arc::clone(&step.meter);
        meter.begin();
        let ended = self.with_retries(step, is_alone);
        meter.end(&End::of(&ended, self.invocation.signals.is_interrupted()));
        completed::block(&meter, &self.invocation.console);
        ended
    }

    /// Runs a step, and with `--retries` again when a pair has failed: from the state that it has reached.
    fn with_retries(&self, step: Step, is_alone: bool) -> Result<u8> {
        let Step {
            block,
            mut ready,
            meter,
        } = step;
        let mut tries = 0;
        loop {
            let ended = match ready {
                Ready::Pair(mut pair) => {
                    if !is_alone {
                        pair.label();
                    }
                    let attempt = meter.begin_attempt(pair.names());
                    let ended = pair.run(self.args, self.workspace, &attempt);
                    // Unless the pair knows better: it may have failed before anything of it ran.
                    attempt.end(End::of(&ended, self.invocation.signals.is_interrupted()));
                    ended
                }
                Ready::Command(command) => return command.run(&meter),
            };
            let interrupted = self.invocation.signals.is_interrupted();
            if tries == self.args.retries || interrupted || !is_worth_a_retry(&ended) {
                return ended;
            }
            tries += 1;
            let console = &self.invocation.console;
            if let Err(error) = &ended {
                console.error(&error.to_string());
            }
            let wait = FIRST_WAIT.saturating_mul(1 << (tries - 1).min(5));
            console.warn(&format!(
                "trying again in {} s ({tries} of {})",
                wait.as_secs(),
                self.args.retries
            ));
            if self.invocation.signals.sleep(wait) {
                return ended;
            }
            ready = self.ready(&block)?;
        }
    }
}

/// Whether the same again may succeed: a wrong configuration does not become right, and a bug does not go away.
fn is_worth_a_retry(ended: &Result<u8>) -> bool {
    match ended {
        Ok(0) => false,
        Ok(code) => ![Kind::Usage, Kind::Config, Kind::Bug]
            .iter()
            .any(|kind| kind.exit_code() == *code),
        Err(error) => !matches!(error.kind(), Kind::Usage | Kind::Config | Kind::Bug),
    }
}

fn plural_blocks(number: usize) -> String {
    let verb = if number == 1 { "was" } else { "were" };
    format!("{} {verb}", units::plural(number as u64, "block"))
}
