//! A running plugin with everything that it started itself: signals for all of it, waiting for its end.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};

use melisma_sdk::Kind;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// A handle on the process group of a plugin; clones share it.
#[derive(Clone)]
pub(crate) struct ProcessGroup(Arc<Members>);

struct Members {
    leader: Option<Pid>,
    /// After the leader is reaped, its number may belong to another process.
    reaped: Mutex<bool>,
}

impl ProcessGroup {
    /// The group of a child that [`Program::spawn`](super::program::Program::spawn) started.
    pub(crate) fn of(child: &Child) -> Self {
        let leader = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Self(Arc::new(Members {
            leader,
            reaped: Mutex::new(false),
        }))
    }

    /// Sends a signal to the whole group, while its leader is alive.
    pub(crate) fn signal(&self, signal: Signal) {
        let reaped = self.0.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(leader), false) = (self.0.leader, *reaped) {
            let _ = kill_process_group(leader, signal);
        }
    }

    /// Waits for the leader to end. The leader is reaped, which frees its number, under the lock: so [`signal`](Self::signal)
    /// never reaches an unrelated process.
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

/// The kind of error that a plugin ended with. Plugins made with the SDK have an exit code for each kind; any other code
/// has a meaning that only its plugin knows.
pub(crate) fn kind_of(status: ExitStatus) -> Kind {
    status.code().and_then(Kind::of_exit_code).unwrap_or(Kind::Failed)
}
