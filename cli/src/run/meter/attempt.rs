//! One attempt to run a pair.

use std::collections::BTreeMap;
use std::process::ExitStatus;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use melisma_sdk::{Error, Kind, Result};

use super::super::plugin_log::Facts;
use super::super::relay::SharedCounter;
use super::samples::Sampler;
use super::uncommitted::Uncommitted;
use super::{lock, seconds, time};
use crate::count::{Counter, StreamCount};
use crate::report::{
    Amount, MAX_STREAMS, PairReport, ProcessReport, RunOutcome, StatesReport, StreamReport, VERSION,
};
use crate::state::StateWatch;

/// The names of a pair.
#[derive(Clone, Debug)]
pub(in crate::run) struct PairNames {
    pub(in crate::run) tap: String,
    pub(in crate::run) mappers: Vec<String>,
    pub(in crate::run) target: String,
    pub(in crate::run) state_id: String,
}

impl PairNames {
    /// `tap-a > hide-pii > target-b`
    pub(in crate::run) fn chain(&self) -> String {
        let mut names = vec![&*self.tap];
        names.extend(self.mappers.iter().map(|mapper| &**mapper));
        names.push(&self.target);
        names.join(" > ")
    }
}

/// How something ended.
#[derive(Clone, Debug)]
pub(in crate::run) struct End {
    pub(in crate::run) outcome: RunOutcome,
    pub(in crate::run) exit_code: u8,
    pub(in crate::run) error: Option<String>,
}

impl End {
    /// That of a run or a block. Whether it was interrupted is not always in its error.
    pub(in crate::run) fn of(ended: &Result<u8>, interrupted: bool) -> Self {
        match ended {
            Ok(0) => Self {
                outcome: RunOutcome::Success,
                exit_code: 0,
                error: None,
            },
            Ok(code) => Self {
                outcome: failure(interrupted),
                exit_code: *code,
                error: None,
            },
            Err(error) => Self::of_error(error, interrupted),
        }
    }

    pub(in crate::run) fn of_error(error: &Error, interrupted: bool) -> Self {
        Self {
            outcome: failure(interrupted || matches!(error.kind(), Kind::Interrupted(_))),
            exit_code: error.kind().exit_code(),
            error: Some(error.to_string()),
        }
    }
}

fn failure(interrupted: bool) -> RunOutcome {
    if interrupted {
        RunOutcome::Interrupted
    } else {
        RunOutcome::Failed
    }
}

/// What the threads of a pair count.
pub(in crate::run) struct Handles {
    pub(in crate::run) counter: SharedCounter,
    pub(in crate::run) tap_facts: Facts,
    pub(in crate::run) target_facts: Facts,
}

/// An attempt that has begun.
pub(in crate::run) struct Attempt {
    names: PairNames,
    /// The place of the pair among the blocks.
    block: usize,
    number: u32,
    began: Instant,
    started: Timestamp,
    live: Mutex<Live>,
}

struct Live {
    handles: Option<Handles>,
    states: Option<StateWatch>,
    processes: Vec<ProcessReport>,
    sampler: Sampler,
    uncommitted: Uncommitted,
    end: Option<(End, Duration, Timestamp)>,
}

/// What the metrics endpoint shows of an attempt.
pub(in crate::run) struct Reading {
    pub(in crate::run) names: PairNames,
    pub(in crate::run) outcome: RunOutcome,
    pub(in crate::run) streams: Vec<StreamCount>,
    /// All bytes that came to the target.
    pub(in crate::run) bytes: u64,
    pub(in crate::run) written: BTreeMap<String, u64>,
    pub(in crate::run) states_emitted: u64,
    pub(in crate::run) states_stored: u64,
    /// The time since the last state was stored, or since the beginning.
    pub(in crate::run) state_lag: Duration,
    /// The age of the oldest record that no emitted state covers.
    pub(in crate::run) oldest_uncommitted: Duration,
}

impl Attempt {
    pub(super) fn begin(names: PairNames, block: usize, number: u32) -> Self {
        Self {
            names,
            block,
            number,
            began: Instant::now(),
            started: Timestamp::now(),
            live: Mutex::new(Live {
                handles: None,
                states: None,
                processes: Vec::new(),
                sampler: Sampler::new(),
                uncommitted: Uncommitted::default(),
                end: None,
            }),
        }
    }

    /// The place of the pair among the blocks.
    pub(in crate::run) fn block(&self) -> usize {
        self.block
    }

    /// `tap-a > hide-pii > target-b`
    pub(in crate::run) fn pair_name(&self) -> String {
        self.names.chain()
    }

    /// From now on its states can be seen.
    pub(in crate::run) fn watch_states(&self, states: StateWatch) {
        lock(&self.live).states = Some(states);
    }

    /// From now on its records can be seen.
    pub(in crate::run) fn watch_records(&self, handles: Handles) {
        lock(&self.live).handles = Some(handles);
    }

    /// A process has ended.
    pub(in crate::run) fn process_ended(&self, role: &str, name: &str, status: ExitStatus) {
        let mut live = lock(&self.live);
        live.processes.push(ProcessReport::new(role, name, status));
        // In the order of the chain, whoever ended first.
        let place = |process: &ProcessReport| {
            ["tap", "mapper", "target"]
                .iter()
                .position(|role| *role == process.role)
        };
        live.processes.sort_by_key(place);
    }

    /// Takes a sample of the rate and of what is uncommitted.
    pub(in crate::run) fn sample(&self) {
        let mut live = lock(&self.live);
        let Some(handles) = &live.handles else { return };
        let (records, marks) = {
            let counter = handles.counter.lock();
            (counter.records(), counter.marks.clone())
        };
        let emitted = live.states.as_ref().map_or(0, |states| states.progress().emitted);
        live.sampler.note(self.began.elapsed(), records);
        let covered = marks.and_then(|marks| marks.covered());
        live.uncommitted.note(Instant::now(), records, emitted, covered);
    }

    /// It has ended, if that is not known yet.
    pub(in crate::run) fn end(&self, end: End) {
        let elapsed = self.began.elapsed();
        lock(&self.live)
            .end
            .get_or_insert_with(|| (end, elapsed, Timestamp::now()));
    }

    /// What it has done so far.
    pub(in crate::run) fn report(&self) -> PairReport {
        let live = lock(&self.live);
        let mut report = self.report_on_streams(live.handles.as_ref());
        report.processes.clone_from(&live.processes);
        if let Some(states) = &live.states {
            let progress = states.progress();
            report.states = StatesReport {
                emitted: progress.emitted,
                stored: progress.stored_times,
                location: states.location().map(str::to_owned),
            };
        }
        report.samples = live
            .sampler
            .samples(report.target_input.records.unwrap_or_default());
        let elapsed = match &live.end {
            Some((end, elapsed, at)) => {
                report.outcome = end.outcome;
                report.error.clone_from(&end.error);
                report.exit_code = Some(end.exit_code);
                report.ended_at = Some(time(*at));
                *elapsed
            }
            None => self.began.elapsed(),
        };
        report.duration_seconds = seconds(elapsed);
        report
    }

    fn report_on_streams(&self, handles: Option<&Handles>) -> PairReport {
        let names = &self.names;
        let mut report = PairReport {
            version: VERSION,
            tap: names.tap.clone(),
            mappers: names.mappers.clone(),
            target: names.target.clone(),
            state_id: names.state_id.clone(),
            attempt: self.number,
            started_at: time(self.started),
            ..PairReport::default()
        };
        let Some(handles) = handles else { return report };
        let counter = handles.counter.lock().clone();
        let (tap, target) = (handles.tap_facts.known(), handles.target_facts.known());
        report.location = target.location;
        let is_direct = names.mappers.is_empty();
        // A mapper may drop and rename streams, so behind one only the tap knows what it wrote.
        let of_tap = (!is_direct).then_some(&tap.records);
        report.target_input = Amount {
            records: Some(counter.records()),
            bytes: Some(counter.bytes),
        };
        report.tap_output = match of_tap {
            None => report.target_input,
            Some(records) => reported(records.values().copied()),
        };
        report.written_records = reported(target.records.values().copied()).records;
        let streams = streams(&counter, of_tap, &target.records);
        report.streams_not_listed = streams.len().saturating_sub(MAX_STREAMS) as u64;
        report.streams = streams.into_iter().take(MAX_STREAMS).collect();
        report
    }

    /// What the metrics endpoint shows; `None` before the pair's processes have started.
    pub(in crate::run) fn reading(&self) -> Option<Reading> {
        let live = lock(&self.live);
        let handles = live.handles.as_ref()?;
        let progress = live.states.as_ref()?.progress();
        let counter = handles.counter.lock().clone();
        let (outcome, now) = match &live.end {
            None => (RunOutcome::Running, Instant::now()),
            Some((end, elapsed, _)) => (end.outcome, self.began + *elapsed),
        };
        let since = progress.stored_at.unwrap_or(self.began);
        Some(Reading {
            names: self.names.clone(),
            outcome,
            bytes: counter.bytes,
            streams: counter.streams,
            written: handles.target_facts.known().records,
            states_emitted: progress.emitted,
            states_stored: progress.stored_times,
            state_lag: now.saturating_duration_since(since),
            oldest_uncommitted: live.uncommitted.age(now),
        })
    }
}

/// The sum of what a plugin reports; nothing when it reports nothing.
fn reported(counts: impl Iterator<Item = u64>) -> Amount {
    Amount {
        records: counts.reduce(u64::saturating_add),
        bytes: None,
    }
}

/// The streams that came to the target, and behind mappers those that only the tap reports.
fn streams(
    counter: &Counter,
    of_tap: Option<&BTreeMap<String, u64>>,
    written: &BTreeMap<String, u64>,
) -> Vec<StreamReport> {
    let mut streams: Vec<StreamReport> = counter
        .streams
        .iter()
        .map(|stream| {
            let target_input = Amount {
                records: Some(stream.records),
                bytes: Some(stream.bytes),
            };
            let tap_output = match of_tap {
                None => target_input,
                Some(records) => reported(records.get(&stream.name).copied().into_iter()),
            };
            StreamReport {
                stream: stream.name.clone(),
                tap_output,
                target_input,
                written_records: written.get(&stream.name).copied(),
            }
        })
        .collect();
    let only_of_tap = of_tap
        .into_iter()
        .flatten()
        .filter(|(name, _)| !counter.streams.iter().any(|stream| stream.name == **name));
    streams.extend(only_of_tap.map(|(name, &records)| StreamReport {
        stream: name.clone(),
        tap_output: reported(std::iter::once(records)),
        target_input: Amount {
            records: Some(0),
            bytes: Some(0),
        },
        written_records: None,
    }));
    streams
}
