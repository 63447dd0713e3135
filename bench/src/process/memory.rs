//! The memory of all processes below this one, while they run.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{process, sync::Arc};

use super::tree::children;

/// The time between two looks.
const INTERVAL: Duration = Duration::from_millis(10);
/// The time between the first ones: much of a run of some milliseconds is over before the second look otherwise.
const FIRST_INTERVAL: Duration = Duration::from_millis(1);
/// A process that never had as much has just become another program, whose pages are not there yet.
const LEAST: u64 = 64 << 10;
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
    let (begin, mut peak) = (Instant::now(), None);
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        peak = peak.max(look());
        let interval = (begin.elapsed() / 10).clamp(FIRST_INTERVAL, INTERVAL);
        thread::park_timeout(interval.max(start.elapsed() * SHARE));
    }
    peak
}

/// What the processes below this one use now.
fn look() -> Option<u64> {
    let read = |pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Memory::of(&status)
    };
    let (mut sum, mut highest, mut seen) = (0, 0, false);
    let below = |pid, memory| children(pid).into_iter().map(move |child| (child, memory));
    let own = process::id();
    let mut waiting: Vec<(u32, Option<Memory>)> = below(own, read(own)).collect();
    while let Some((pid, parent)) = waiting.pop() {
        // A process that has ended meanwhile is not there, and one that is not waited for has no memory.
        let memory = read(pid);
        if let Some(memory) = memory.filter(|memory| !parent.is_some_and(|parent| parent.is_shared(memory))) {
            sum += memory.resident;
            highest = memory.highest.max(highest);
            seen = true;
        }
        waiting.extend(below(pid, memory));
    }
    seen.then_some(sum.max(highest))
}

/// The memory of a process in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Memory {
    /// What is resident now.
    resident: u64,
    /// The most that was.
    highest: u64,
    /// The most addresses that it had.
    addresses: u64,
}

impl Memory {
    fn of(status: &str) -> Option<Self> {
        let of = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kib * 1024)
        };
        let memory = Self {
            resident: of("VmRSS:")?,
            highest: of("VmHWM:")?,
            addresses: of("VmPeak:")?,
        };
        (memory.highest >= LEAST).then_some(memory)
    }

    /// Whether a child still uses the memory of its parent: until it has become another program, it has none of its own.
    fn is_shared(self, child: &Self) -> bool {
        (self.highest, self.addresses) == (child.highest, child.addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_in_bytes_and_that_of_the_parent_is_known() {
        let status = "Name:\tcat\nVmPeak:\t 4096 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        let memory = Memory::of(status).unwrap();
        assert_eq!(
            (memory.resident, memory.highest, memory.addresses),
            (1 << 20, 2 << 20, 4 << 20)
        );
        assert_eq!(Memory::of("Name:\tzombie\n"), None);
        let new = "Name:\tcat\nVmPeak:\t 4096 kB\nVmHWM:\t 4 kB\nVmRSS:\t 4 kB\n";
        assert_eq!(Memory::of(new), None);
        let other = Memory { highest: 1, ..memory };
        assert!(memory.is_shared(&memory) && !memory.is_shared(&other));
    }
}
