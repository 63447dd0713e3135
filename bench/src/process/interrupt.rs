//! The end of a measurement by a signal: the processes that run are ended, and no other is started.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use super::tree::children;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Ends everything below this process, and keeps [`run`](super::run) from starting more. Called from another thread
/// than the one that measures.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
    let mut waiting = children(process::id());
    while let Some(pid) = waiting.pop() {
        waiting.extend(children(pid));
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        // One that has ended meanwhile cannot be killed.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
    }
}

/// Whether [`interrupt`] was called.
pub(super) fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
