//! A plugin with one of its commands, such as `dbt:run`, as a block of a run.

use std::io::Read;
use std::process::ExitStatus;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crossbeam_channel::{RecvTimeoutError, bounded};
use melisma_sdk::{Error, Result};
use rustix::process::Signal;

use super::context::RunContext;
use super::grammar::CommandNames;
use super::meter::BlockMeter;
use super::plan::{command_folder, plan_command};
use super::plugin_fields::Role;
use super::plugin_log::{self, Facts};
use super::process_group::{ProcessGroup, describe, kind_of};
use super::program::Program;
use super::query_plugin::TICK;
use super::supervise::OUTPUT_TIMEOUT;
use crate::plugin_kind::PluginKind;
use crate::project::{Exports, Plugin, Project, resolve};
use crate::signals::Interruption;

/// A command that is ready to run.
pub(super) struct CommandBlock {
    /// `dbt:run`.
    name: String,
    program: Program,
    context: RunContext,
}

impl CommandBlock {
    /// The command of a plugin of this project.
    pub(super) fn new(project: &Project, names: &CommandNames, context: RunContext) -> Result<Self> {
        if let Some(why) = unsupported(names) {
            return Err(Error::config(why));
        }
        let plugin = Plugin::load(project, names.kind, &names.plugin)?;
        let resolved = resolve(project, &plugin, &Exports::new())?;
        let mut program = plan_command(project, &plugin, &resolved, names.command.as_deref(), &context)?;
        program.folder = command_folder(&plugin, &resolved);
        let name = match &names.command {
            Some(command) => format!("{}:{command}", names.plugin),
            None => names.plugin.clone(),
        };
        Ok(Self {
            name,
            program,
            context,
        })
    }

    /// `dbt:run`.
    pub(super) fn describe(&self) -> String {
        self.name.clone()
    }

    /// Runs it; returns the exit code. What it writes to stdout and to stderr is its log.
    pub(super) fn run(self, meter: &BlockMeter) -> Result<u8> {
        if let Some(interruption) = self.context.signals.take() {
            return Err(interruption.error());
        }
        let mut child = self.program.spawn(self.program.command())?;
        let group = ProcessGroup::of(&child);
        let outputs = [
            child.stdout.take().map(|stdout| self.relay(stdout)),
            child.stderr.take().map(|stderr| self.relay(stderr)),
        ];
        let (done_in, done) = bounded(1);
        let waiter = group.clone();
        thread::spawn(move || done_in.send(waiter.wait(child)));
        let mut interrupted = None;
        let status = loop {
            if let Some(interruption) = self.context.signals.take() {
                stop(&group, interruption, interrupted.is_some());
                interrupted.get_or_insert(interruption);
            }
            match done.recv_timeout(TICK) {
                Ok(status) => break status,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::bug("the waiting thread ended early"));
                }
            }
        };
        // A process that the command left behind may hold its output open.
        let ended = Instant::now();
        while ended.elapsed() < OUTPUT_TIMEOUT && outputs.iter().flatten().any(|output| !output.is_finished())
        {
            thread::sleep(TICK / 10);
        }
        let status = status.map_err(|error| Error::io(format!("cannot wait for {}", self.name), error))?;
        meter.process_ended(status);
        self.verdict(status, interrupted)
    }

    fn relay(&self, output: impl Read + Send + 'static) -> JoinHandle<()> {
        let name = self.program.name.clone();
        let console = self.context.console.with(Role::Command.fields(&name));
        thread::spawn(move || plugin_log::relay(output, &name, &Facts::default(), &console))
    }

    fn verdict(&self, status: ExitStatus, interrupted: Option<Interruption>) -> Result<u8> {
        let console = &self.context.console;
        if let Some(interruption) = interrupted {
            return Err(interruption.error());
        }
        if status.success() {
            console.info(&format!("{} completed", self.name));
            return Ok(0);
        }
        console.error(&format!("{} failed ({})", self.name, describe(status)));
        Ok(kind_of(status).exit_code())
    }
}

/// The first signal is passed on, the second one kills.
fn stop(group: &ProcessGroup, interruption: Interruption, again: bool) {
    group.signal(match interruption {
        _ if again => Signal::KILL,
        Interruption::Signal(signal_hook::consts::SIGINT) => Signal::INT,
        _ => Signal::TERM,
    });
}

/// Why a plugin cannot run here: Meltano has code of its own for it, or nothing to run.
fn unsupported(names: &CommandNames) -> Option<String> {
    let CommandNames { kind, plugin, .. } = names;
    match kind {
        PluginKind::File | PluginKind::Transform => Some(format!(
            "{plugin}: a plugin of the kind {} has no command to run",
            kind.singular()
        )),
        PluginKind::Orchestrator if plugin == "airflow" => Some(format!(
            "{plugin}: as an orchestrator it needs a configuration file that `meltano invoke {plugin}` writes; add it as a utility"
        )),
        PluginKind::Utility if plugin == "superset" => Some(format!(
            "{plugin} needs a configuration file that `meltano invoke {plugin}` writes"
        )),
        _ => None,
    }
}
