//! One plugin alone, prepared as in a run: for `invoke`, `test`, `config test`, `select --list`, `head` and `check`.

use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{RecvTimeoutError, bounded};
use melisma_sdk::{Error, Result};
use rustix::process::{Pid, Signal, getpgrp, kill_process};
use serde_json::Value;
use uuid::Uuid;

use super::context::{Invocation, RunContext};
use super::plan::{TapPlan, command_folder, plan_command, plan_plugin, plan_tap};
use super::plugin_log::{self, Facts};
use super::program::Program;
use super::progress::Display;
use super::query_plugin::TICK;
use super::tap_args;
use crate::args::ProjectArgs;
use crate::console::Console;
use crate::plugin_kind::PluginKind;
use crate::project::{Exports, Plugin, Project, Resolved, resolve};
use crate::signals::{Interruption, Signals};

/// A plugin with its settings, and what its processes need.
pub(crate) struct Single<'a> {
    project: &'a Project,
    plugin: &'a Plugin,
    resolved: Resolved,
    context: RunContext,
    refresh_catalog: bool,
}

impl<'a> Single<'a> {
    /// Resolves the settings of a plugin.
    pub(crate) fn new(project: &'a Project, plugin: &'a Plugin, args: &ProjectArgs) -> Result<Self> {
        let console = Console::new(&args.log, |name| project.setting(name))?;
        let invocation = Invocation {
            run_id: Uuid::now_v7().to_string(),
            signals: Signals::watch(None)?,
            marks_states: false,
            as_el: false,
            display: Display::new(&console),
            console: Arc::new(console),
        };
        Ok(Self {
            project,
            plugin,
            resolved: resolve(project, plugin, &Exports::new())?,
            context: RunContext::new(&project.system.join("run"), &invocation)?,
            refresh_catalog: false,
        })
    }

    /// Discovers the catalog again, although nothing has changed that it depends on.
    pub(crate) fn refreshing_catalog(mut self, refresh: bool) -> Self {
        self.refresh_catalog = refresh;
        self
    }

    /// The settings, as the plugin gets them.
    pub(crate) fn resolved(&self) -> &Resolved {
        &self.resolved
    }

    /// Whether the plugin speaks the Singer protocol, and so gets a config file.
    pub(crate) fn is_singer(&self) -> bool {
        matches!(
            self.plugin.kind,
            PluginKind::Extractor | PluginKind::Loader | PluginKind::Mapper
        )
    }

    /// The tap's catalog with the rules of the project applied; `None` for a tap that gets none.
    pub(crate) fn catalog(&self) -> Result<Option<Value>> {
        let tap = self.tap()?;
        let catalog = tap_args::catalog(&tap, self.refresh_catalog, &self.context)?;
        Ok(catalog.map(|(_, catalog)| catalog))
    }

    /// That there is a file to execute.
    pub(crate) fn check_executable(&self) -> Result<()> {
        let program = if self.is_singer() {
            plan_plugin(self.project, self.plugin, &self.resolved, &self.context)?
        } else {
            plan_command(self.project, self.plugin, &self.resolved, None, &self.context)?
        };
        let file = program.file;
        let path = self.resolved.process.get("PATH").map_or("", String::as_str);
        let exists = match file.components().count() {
            1 => std::env::split_paths(path).any(|folder| folder.join(&file).is_file()),
            _ => file.is_file(),
        };
        if exists {
            return Ok(());
        }
        Err(Error::config(format!(
            "there is no executable {}",
            file.display()
        )))
    }

    pub(super) fn context(&self) -> &RunContext {
        &self.context
    }

    pub(super) fn tap(&self) -> Result<TapPlan> {
        plan_tap(self.project, self.plugin, &self.resolved, &self.context)
    }

    /// The program of the plugin with one of its commands, or with the arguments of a run. `args` come after them.
    pub(super) fn program(&self, command: Option<&str>, args: &[OsString]) -> Result<Program> {
        let mut program = match command {
            None if self.is_singer() => self.singer_program(args.is_empty())?,
            _ => {
                let (project, plugin) = (self.project, self.plugin);
                let mut program = plan_command(project, plugin, &self.resolved, command, &self.context)?;
                program.folder = command_folder(plugin, &self.resolved);
                program
            }
        };
        program.args.extend_from_slice(args);
        Ok(program)
    }

    /// With `--config`; a tap that is to extract also gets its catalog.
    fn singer_program(&self, extracts: bool) -> Result<Program> {
        if self.plugin.kind != PluginKind::Extractor {
            return plan_plugin(self.project, self.plugin, &self.resolved, &self.context);
        }
        let tap = self.tap()?;
        let args = if extracts {
            tap_args::catalog_args(&tap, self.refresh_catalog, &self.context)?
        } else {
            Vec::new()
        };
        let mut program = tap.program;
        program.args.extend(args);
        Ok(program)
    }

    /// Runs the plugin with the stdin and the stdout of this process. What it writes to stderr is its log.
    pub(crate) fn run(&self, command: Option<&str>, args: &[OsString]) -> Result<u8> {
        let program = self.program(command, args)?;
        // In the process group of this process, so that it may read from a terminal, whose Ctrl-C reaches both.
        let group = getpgrp().as_raw_nonzero().get();
        let mut starting = program.command();
        starting
            .process_group(group)
            .stdin(Stdio::inherit())
            .stdout(Stdio::inherit());
        let mut child = program.spawn(starting)?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (console, name) = (Arc::clone(&self.context.console), program.name.clone());
        let stderr = child.stderr.take();
        let log = thread::spawn(move || {
            if let Some(stderr) = stderr {
                plugin_log::relay(stderr, &name, &Facts::default(), &console);
            }
        });
        let (done_in, done) = bounded(1);
        thread::spawn(move || done_in.send(child.wait()));
        let status = loop {
            // The terminal has sent SIGINT to the plugin already.
            let interruption = self.context.signals.take();
            if let (Some(pid), Some(Interruption::Signal(signal))) = (pid, interruption)
                && signal != signal_hook::consts::SIGINT
            {
                let _ = kill_process(pid, Signal::TERM);
            }
            match done.recv_timeout(TICK) {
                Ok(status) => break status,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::bug("the waiting thread ended early"));
                }
            }
        };
        // Not a join: a process that the plugin left behind may keep its stderr open.
        for _ in 0..10 {
            if log.is_finished() {
                break;
            }
            thread::sleep(TICK);
        }
        self.context.console.flush_at_the_end(&self.context.signals);
        status
            .map(exit_code)
            .map_err(|error| Error::io(format!("cannot wait for {}", program.name), error))
    }
}

/// The code of a process, or 128 and the number of the signal that ended it, as a shell has it.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    u8::try_from(code.unwrap_or(1)).unwrap_or(1)
}
