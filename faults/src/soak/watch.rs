//! How much memory the processes take, and how many files they have open, once a second.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::lane::Lane;
use crate::processes;

/// Runner, tap and target.
const PROCESSES: usize = 3;

/// What the processes of a lane took at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Since the start.
    pub(super) at: Duration,
    /// Resident memory of all three, KiB.
    pub(super) memory: u64,
    /// Open files of all three.
    pub(super) files: u64,
}

/// All samples, by lane. A moment at which not all processes of a run were there is left out.
pub(super) struct Watch {
    begun: Instant,
    pub(super) lanes: Vec<Vec<Sample>>,
}

impl Watch {
    pub(super) fn new(begun: Instant) -> Self {
        Self {
            begun,
            lanes: Vec::new(),
        }
    }

    /// Looks until it is over.
    pub(super) fn look(&mut self, lanes: &[Lane<'_>], over: &AtomicBool) {
        self.lanes = vec![Vec::new(); lanes.len()];
        while !over.load(Ordering::Relaxed) {
            for (lane, samples) in lanes.iter().zip(&mut self.lanes) {
                let family = processes::family(&lane.id());
                let seen: Vec<(u64, u64)> = family
                    .iter()
                    .filter_map(|(pid, _)| of(pid.as_raw_nonzero().get()))
                    .collect();
                if seen.len() == PROCESSES {
                    samples.push(Sample {
                        at: self.begun.elapsed(),
                        memory: seen.iter().map(|(memory, _)| memory).sum(),
                        files: seen.iter().map(|(_, files)| files).sum(),
                    });
                }
            }
            thread::sleep(Duration::from_secs(1));
        }
    }
}

/// KiB of resident memory, and open files.
fn of(pid: i32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let memory = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64;
    Some((memory, files))
}

/// What is usual in a part of the time, from `from` to `to` of the whole, which are 0 to 1: the middle one of all values.
pub(super) fn usual(samples: &[Sample], from: f64, to: f64, value: fn(&Sample) -> u64) -> u64 {
    let whole = samples.last().map_or(Duration::ZERO, |sample| sample.at);
    let mut values: Vec<u64> = samples
        .iter()
        .filter(|sample| (whole.mul_f64(from)..=whole.mul_f64(to)).contains(&sample.at))
        .map(value)
        .collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}
