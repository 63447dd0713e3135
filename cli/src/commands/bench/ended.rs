//! A signal ends a measurement: the processes that run, and the files that were made for them.

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use melisma_bench::process::interrupt;
use melisma_sdk::{Error, Result};

use crate::signals::{Interruption, Signals};

/// How often the watcher looks for a signal.
const TICK: Duration = Duration::from_millis(50);
/// How long a measurement may take to end: it may be reading a large input.
const GRACE: Duration = Duration::from_secs(5);

/// Runs `measuring`. A signal ends its processes, and is its error. `folder` is removed in any case.
pub(super) fn unless_ended<T>(folder: PathBuf, measuring: impl FnOnce() -> Result<T>) -> Result<T> {
    let signals = Signals::watch(None)?;
    let has_ended = Arc::new(AtomicBool::new(false));
    let (watched, seen) = (signals.another()?, Arc::clone(&has_ended));
    thread::spawn(move || watch(&watched, &seen, &folder));
    let result = measuring();
    has_ended.store(true, Ordering::Relaxed);
    result.map_err(|error| signals.take().map_or(error, Interruption::error))
}

fn watch(signals: &Signals, has_ended: &AtomicBool, folder: &PathBuf) {
    while !signals.sleep(TICK) {
        if has_ended.load(Ordering::Relaxed) {
            return;
        }
    }
    interrupt();
    let end = Instant::now() + GRACE;
    while Instant::now() < end {
        if has_ended.load(Ordering::Relaxed) {
            return;
        }
        thread::sleep(TICK);
    }
    let _ = fs::remove_dir_all(folder);
    let code = signals
        .take()
        .map_or(1, |interruption| Error::kind(&interruption.error()).exit_code());
    process::exit(code.into());
}
