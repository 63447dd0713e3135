//! What a run has done so far: for its report, its rows in the system database and its metrics.
//!
//! Nothing is counted here. An [`Attempt`] has handles on what the threads of a pair count anyway, and reads them on
//! request, so a run without report and metrics costs no more.

mod attempt;
mod samples;
mod uncommitted;

use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::report::{BlockReport, ProcessReport, RunOutcome, RunReport, VERSION};

pub(super) use attempt::{Attempt, End, Handles, PairNames, Reading};

/// All blocks of a run.
pub(super) struct RunMeter {
    run_id: String,
    began: Instant,
    started: Timestamp,
    blocks: Mutex<Vec<Arc<BlockMeter>>>,
}

/// One block of a run, with all its attempts.
pub(super) struct BlockMeter {
    /// `tap-a > target-b`, or `dbt:run`.
    name: String,
    is_pair: bool,
    /// Its place among the blocks.
    place: usize,
    status: Mutex<BlockStatus>,
}

#[derive(Default)]
struct BlockStatus {
    began: Option<Instant>,
    elapsed: Option<Duration>,
    end: Option<End>,
    process: Option<ProcessReport>,
    attempts: Vec<Arc<Attempt>>,
}

impl RunMeter {
    pub(super) fn new(run_id: &str) -> Self {
        Self {
            run_id: run_id.to_owned(),
            began: Instant::now(),
            started: Timestamp::now(),
            blocks: Mutex::default(),
        }
    }

    /// Adds a block that has not begun.
    pub(super) fn add(&self, name: String, is_pair: bool) -> Arc<BlockMeter> {
        let mut blocks = lock(&self.blocks);
        let block = Arc::new(BlockMeter {
            name,
            is_pair,
            place: blocks.len(),
            status: Mutex::default(),
        });
        blocks.push(Arc::clone(&block));
        block
    }

    pub(super) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// How long the run has taken so far.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn blocks(&self) -> Vec<Arc<BlockMeter>> {
        lock(&self.blocks).clone()
    }

    /// The report on a run that has ended like this.
    pub(super) fn report(&self, end: &End) -> RunReport {
        let blocks: Vec<BlockReport> = self.blocks().iter().map(|block| block.report()).collect();
        let of_block = || {
            let failed = blocks.iter().find(|block| block.exit_code == Some(end.exit_code));
            failed.and_then(|block| block.error.clone())
        };
        let is_success = end.outcome == RunOutcome::Success;
        let error = end
            .error
            .clone()
            .or_else(|| (!is_success).then(of_block).flatten());
        RunReport {
            version: VERSION,
            melisma: env!("CARGO_PKG_VERSION"),
            run_id: self.run_id.clone(),
            outcome: end.outcome,
            exit_code: end.exit_code,
            error,
            started_at: time(self.started),
            ended_at: time(Timestamp::now()),
            duration_seconds: seconds(self.began.elapsed()),
            blocks,
        }
    }
}

impl BlockMeter {
    /// Its place among the blocks; the first one has 0.
    pub(super) fn place(&self) -> usize {
        self.place
    }

    /// The block begins.
    pub(super) fn begin(&self) {
        lock(&self.status).began.get_or_insert_with(Instant::now);
    }

    /// A pair is tried, for the first time or again.
    pub(super) fn begin_attempt(&self, names: PairNames) -> Arc<Attempt> {
        let mut status = lock(&self.status);
        let number = u32::try_from(status.attempts.len() + 1).unwrap_or(u32::MAX);
        let attempt = Arc::new(Attempt::begin(names, self.place, number));
        status.attempts.push(Arc::clone(&attempt));
        attempt
    }

    /// The process of a command has ended.
    pub(super) fn process_ended(&self, status: ExitStatus) {
        let process = ProcessReport::new("command", &self.name, status);
        lock(&self.status).process = Some(process);
    }

    /// The block has ended.
    pub(super) fn end(&self, end: &End) {
        let mut status = lock(&self.status);
        status.elapsed = status.began.map(|began| began.elapsed());
        let failed = end.outcome != RunOutcome::Success;
        let of_attempt = || status.attempts.last().and_then(|attempt| attempt.report().error);
        let of_process = || {
            let process = status.process.as_ref()?;
            Some(format!("{} failed ({})", self.name, process.describe()))
        };
        let known = || of_attempt().or_else(of_process);
        let error = end.error.clone().or_else(|| failed.then(known).flatten());
        status.end = Some(End { error, ..end.clone() });
    }

    /// The newest attempt, and the number of retries so far.
    pub(super) fn newest(&self) -> Option<(Arc<Attempt>, u32)> {
        let status = lock(&self.status);
        let newest = status.attempts.last().cloned()?;
        Some((newest, retries(&status)))
    }

    pub(super) fn report(&self) -> BlockReport {
        let status = lock(&self.status);
        let end = status.end.clone();
        let (outcome, error, exit_code) = match end {
            Some(end) => (end.outcome, end.error, Some(end.exit_code)),
            None if status.began.is_some() => (RunOutcome::Running, None, None),
            None => (RunOutcome::NotRun, None, None),
        };
        BlockReport {
            name: self.name.clone(),
            kind: if self.is_pair { "pair" } else { "command" },
            outcome,
            error,
            exit_code,
            duration_seconds: seconds(status.elapsed.unwrap_or_default()),
            retries: retries(&status),
            processes: status.process.iter().cloned().collect(),
            attempts: status.attempts.iter().map(|attempt| attempt.report()).collect(),
        }
    }
}

fn retries(status: &BlockStatus) -> u32 {
    u32::try_from(status.attempts.len().saturating_sub(1)).unwrap_or(u32::MAX)
}

/// RFC 3339 in UTC, with milliseconds.
fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Seconds with three digits after the point.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
