//! How much memory the processes take, and how many files they have open, once a second.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::lane::Lane;
use crate::processes;

/// Runner, tap and target.
const PROCESSES: usize = 3;

/// What the processes of a lane took at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Which run of the lane it was.
    pub(super) run: u64,
    /// Resident memory of all three, KiB.
    pub(super) memory: u64,
    /// Open files of all three.
    pub(super) files: u64,
}

/// All samples, by lane. A moment at which not all processes of a run were there is left out.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) lanes: Vec<Vec<Sample>>,
}

impl Watch {
    /// Looks until it is over.
    pub(super) fn look(&mut self, lanes: &[Lane<'_>], over: &AtomicBool) {
        self.lanes = vec![Vec::new(); lanes.len()];
        while !over.load(Ordering::Relaxed) {
            for (lane, samples) in lanes.iter().zip(&mut self.lanes) {
                let run = lane.run_number();
                let family = processes::family(&lane.id());
                let seen: Vec<(u64, u64)> = family
                    .iter()
                    .filter_map(|(pid, _)| of(pid.as_raw_nonzero().get()))
                    .collect();
                if seen.len() == PROCESSES {
                    samples.push(Sample {
                        run,
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

/// The middle one of all values.
pub(super) fn usual(samples: &[Sample], value: fn(&Sample) -> u64) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(value).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// The samples of each run that was long enough to tell whether it grew, without those in which it warmed up.
pub(super) fn runs(samples: &[Sample]) -> impl Iterator<Item = &[Sample]> {
    const WARM: usize = 20;
    const LONG: usize = 30;
    let runs = samples.chunk_by(|a, b| a.run == b.run);
    runs.filter(|run| run.len() >= WARM + LONG)
        .map(|run| &run[WARM..])
}
