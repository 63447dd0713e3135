//! CPU time: of processes that have ended, of this one, and of the whole machine.

use std::fs;
use std::io;
use std::process::{self, Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use wait4::{ResUse, Wait4 as _, try_wait4_pid};

use super::tree::children;

/// How often a wait looks again.
const TICK: Duration = Duration::from_millis(1);

/// CPU time. The system's peak of memory is of no use: a process inherits that of the one that started it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) user: Duration,
    pub(super) system: Duration,
}

impl Usage {
    pub(super) fn total(self) -> Duration {
        self.user + self.system
    }

    fn add(&mut self, ended: &ResUse) {
        self.user += ended.rusage.utime;
        self.system += ended.rusage.stime;
    }

    /// Waits for a process, and adds what it and all that it has waited for have used.
    pub(super) fn wait(&mut self, child: Child) -> io::Result<ExitStatus> {
        let ended = child.wait4()?;
        self.add(&ended);
        Ok(ended.status)
    }

    /// Waits for processes that were adopted because their parents have ended, this long at most. Whether there was any
    /// and all have ended. Every child that was started here must have been waited for.
    pub(super) fn wait_for_orphans(&mut self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut waited = false;
        loop {
            let left = children(process::id());
            if left.is_empty() {
                return waited;
            }
            for pid in left {
                if let Ok(Some(ended)) = try_wait4_pid(pid) {
                    self.add(&ended);
                    waited = true;
                }
            }
            if Instant::now() >= end {
                return false;
            }
            thread::sleep(TICK);
        }
    }
}

/// What this process has used so far. `None` where there is no /proc. The system counts in hundredths of a second.
pub(super) fn own() -> Option<Duration> {
    of_stat(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// The user and system time of `pid (name) state ...`; the name may have spaces and parentheses.
fn of_stat(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}

/// What all processors have worked so far, and what a virtual machine was not given. `None` where there is no /proc.
pub(super) fn machine() -> Option<Duration> {
    busy(&fs::read_to_string("/proc/stat").ok()?)
}

/// Of `cpu  user nice system idle iowait irq softirq steal guest guest_nice`; guests are in user and nice already.
fn busy(stat: &str) -> Option<Duration> {
    let line = stat.lines().find(|line| line.starts_with("cpu "))?;
    let ticks: Vec<u64> = line
        .split_ascii_whitespace()
        .skip(1)
        .map(|ticks| ticks.parse().unwrap_or_default())
        .collect();
    let busy = [0, 1, 2, 5, 6, 7]
        .iter()
        .filter_map(|at| ticks.get(*at))
        .sum::<u64>();
    Some(Duration::from_millis(busy * 10))
}

/// Lets processes whose parent has ended become children of this one, so that they are waited for and counted.
pub(super) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_busy_but_for_idle_and_iowait() {
        let stat = "cpu  100 1 20 5000 300 4 5 6 50 0\ncpu0 1 2 3\n";
        assert_eq!(busy(stat), Some(Duration::from_millis(1360)));
        assert_eq!(busy("intr 1"), None);
    }

    #[test]
    fn the_own_time_is_found_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 1 2 3 4 12 30 5 6 20 0";
        assert_eq!(of_stat(stat), Some(Duration::from_millis(420)));
        assert!(own().is_some() || !fs::exists("/proc/self/stat").unwrap());
    }
}
