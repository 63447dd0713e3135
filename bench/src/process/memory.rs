//! The memory of all processes below this one, while they run.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{process, sync::Arc};

use super::tree::children;

/// The least time between two looks.
const INTERVAL: Duration = Duration::from_millis(10);
/// A look takes at most this part of the time, so that the observer does not disturb what it observes.
const SHARE: u32 = 50;

/// Looks again and again until it is stopped.
pub(super) struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Option<u64>>,
}

impl Sampler {
    pub(super) fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        Self {
            stop,
            thread: thread::spawn(move || watch(&seen)),
        }
    }

    /// The peak in bytes: of the sum over the processes, or of one process alone if that was more between two looks.
    /// `None` when nothing was seen.
    pub(super) fn stop(self) -> Option<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().ok().flatten()
    }
}

fn watch(stop: &AtomicBool) -> Option<u64> {
    let mut peak = None;
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        peak = peak.max(look());
        thread::park_timeout(INTERVAL.max(start.elapsed() * SHARE));
    }
    peak
}

/// What the processes below this one use now.
fn look() -> Option<u64> {
    let (mut sum, mut highest, mut seen) = (0, 0, false);
    let mut waiting = children(process::id());
    while let Some(pid) = waiting.pop() {
        // A process that has ended meanwhile is not there, and one that is not waited for has no memory.
        if let Some((now, most)) = fs::read_to_string(format!("/proc/{pid}/status"))
            .ok()
            .and_then(|status| resident(&status))
        {
            sum += now;
            highest = most.max(highest);
            seen = true;
        }
        waiting.extend(children(pid));
    }
    seen.then_some(sum.max(highest))
}

/// The resident memory now and at its highest, in bytes.
fn resident(status: &str) -> Option<(u64, u64)> {
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    };
    Some((of("VmRSS:")?, of("VmHWM:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_in_bytes() {
        let status = "Name:\tcat\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(resident(status), Some((1 << 20, 2 << 20)));
        assert_eq!(resident("Name:\tzombie\n"), None);
    }
}
