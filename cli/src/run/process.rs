//! The processes of a run: starting them, asking them to end, waiting for them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use melisma_sdk::target::{COUNTS_VARIABLE, RUN_VERDICT_VARIABLE};
use melisma_sdk::{Error, Kind, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// How to start a plugin.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// What its log lines are named after.
    pub(crate) name: String,
    /// The file that is executed, or a name that is looked up on the path.
    pub(crate) file: PathBuf,
    pub(crate) args: Vec<OsString>,
    /// All its variables; without, it gets melisma's own.
    pub(crate) vars: Option<BTreeMap<String, String>>,
    /// Variables besides.
    pub(crate) more_vars: Vec<(&'static str, OsString)>,
    /// Whether it is one of the plugins inside melisma.
    pub(crate) builtin: bool,
    /// Whether it is a target that may hold STATE beside its rows.
    pub(crate) stores_state: bool,
}

impl Program {
    /// The command, in a process group of its own: a Ctrl-C on the terminal reaches melisma alone, which passes it
    /// on once; and what a plugin starts itself can be ended with it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.file);
        command
            .args(&self.args)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(vars) = &self.vars {
            command.env_clear().envs(vars);
        }
        command.envs(self.more_vars.iter().map(|(name, value)| (name, value)));
        // Of a run that this one is a part of: what another runner says is not about these processes.
        for of_a_run in [COUNTS_VARIABLE, RUN_VERDICT_VARIABLE] {
            command.env_remove(of_a_run);
        }
        command
    }

    /// Starts it.
    pub(crate) fn spawn(&self, mut command: Command) -> Result<Child> {
        command.spawn().map_err(|error| {
            let hint = if error.kind() == std::io::ErrorKind::NotFound {
                " (is it installed?)"
            } else {
                ""
            };
            let file = self.file.display();
            Error::new(
                not_started(&error),
                format!("cannot start {} as {file}{hint}", self.name),
            )
            .with_source(error)
        })
    }
}

/// A machine that has no room may have some later; a file that cannot be executed stays one until somebody mends it.
fn not_started(error: &std::io::Error) -> Kind {
    use std::io::ErrorKind as K;
    match error.kind() {
        K::WouldBlock | K::OutOfMemory | K::ResourceBusy | K::ExecutableFileBusy => Kind::Retry,
        K::NotFound | K::PermissionDenied | K::NotADirectory | K::IsADirectory => Kind::Config,
        // No `ErrorKind` has a name for it: the file is no program.
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => Kind::Config,
        _ => Kind::Io,
    }
}

/// The kind of error that a plugin ended with. Our own plugins, and all that are made with the SDK, say it by their
/// exit code; another code means what only its plugin knows.
pub(crate) fn kind_of(status: ExitStatus) -> Kind {
    status.code().and_then(Kind::of_exit_code).unwrap_or(Kind::Failed)
}

/// A handle on a running process and all that it started.
#[derive(Clone)]
pub(crate) struct Group(Arc<Members>);

struct Members {
    leader: Option<Pid>,
    /// After the leader is reaped its number may belong to somebody else.
    reaped: Mutex<bool>,
}

impl Group {
    /// The group of a child that [`Program::spawn`] started.
    pub(crate) fn of(child: &Child) -> Self {
        let leader = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Self(Arc::new(Members {
            leader,
            reaped: Mutex::new(false),
        }))
    }

    /// Sends a signal to the whole group, while its leader lives.
    pub(crate) fn signal(&self, signal: Signal) {
        let reaped = self.0.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(leader), false) = (self.0.leader, *reaped) {
            let _ = kill_process_group(leader, signal);
        }
    }

    /// Waits for the end of the leader. No signal can hit a stranger: the number is given free under the lock.
    pub(crate) fn wait(&self, mut child: Child) -> std::io::Result<ExitStatus> {
        if let Some(leader) = self.0.leader {
            while let Err(rustix::io::Errno::INTR) =
                waitid(WaitId::Pid(leader), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            {}
        }
        let mut reaped = self.0.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        *reaped = true;
        child.wait()
    }
}

/// `exit code 1`, or `killed by signal 9`.
pub(crate) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}
