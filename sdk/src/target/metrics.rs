//! What a target logs about itself: METRIC lines while it runs, a summary at its end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use melisma_engine::pipeline::{Observer, StreamSummary, Summary};

use super::counts::Counts;
use crate::metrics::{Counter, Timer};

/// Counts records and batches of each stream, and times their commits. Locked once a batch.
#[derive(Debug)]
pub(super) struct Metrics {
    /// What was read, for a runner.
    counts: Counts,
    streams: Mutex<HashMap<Box<str>, Stream>>,
}

#[derive(Debug)]
struct Stream {
    records: Counter,
    batches: Counter,
    /// Time spent on writes that are not committed yet.
    writing: Duration,
}

impl Metrics {
    pub(super) fn new(counts: Counts) -> Self {
        Self {
            counts,
            streams: Mutex::default(),
        }
    }

    /// The last counts for the runner, then what was done.
    pub(super) fn finish(&self, summary: &Summary) {
        self.counts.finish(summary);
        log_summary(summary);
    }

    fn with(&self, stream: &str, work: impl FnOnce(&mut Stream)) {
        // Counters are whole after every call, whatever panicked in between.
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = streams.get_mut(stream) {
            return work(known);
        }
        work(streams.entry(stream.into()).or_insert(Stream {
            records: Counter::new("record_count", Some(stream)),
            batches: Counter::new("batch_count", Some(stream)),
            writing: Duration::ZERO,
        }));
    }
}

impl Observer for Metrics {
    fn progress(&self, now: Instant, bytes: u64, streams: &mut dyn Iterator<Item = &StreamSummary>) {
        self.counts.progress(now, bytes, streams);
    }

    fn wrote(&self, stream: &str, rows: u64, took: Duration) {
        self.with(stream, |counters| {
            counters.records.add(rows);
            counters.writing += took;
        });
    }

    fn committed(&self, stream: &str, rows: u64, took: Duration) {
        self.with(stream, |counters| {
            let took = took + std::mem::take(&mut counters.writing);
            if rows > 0 {
                counters.batches.add(1);
                Timer::took("batch_processing_time", Some(stream), took, true);
            }
            let now = Instant::now();
            counters.records.tick(now);
            counters.batches.tick(now);
        });
    }
}

/// Says what was done, one line a stream, and warns of what was left out.
fn log_summary(summary: &Summary) {
    for stream in &summary.streams {
        // A name may be long, and have control characters in it.
        let name = melisma_engine::error::show(&stream.stream);
        let name = name.as_str();
        log::info!(
            stream_name = name;
            "stream {name}: {} {}, {} committed in {} {}",
            stream.records,
            if stream.records == 1 { "record" } else { "records" },
            stream.committed,
            stream.commits,
            if stream.commits == 1 { "commit" } else { "commits" },
        );
        if stream.refused > 0 {
            log::warn!(stream_name = name; "stream {name}: refused records: {} (on_invalid)", stream.refused);
        }
    }
    if summary.ignored > 0 {
        log::warn!(
            "{} lines skipped that are not messages, or of unknown type",
            summary.ignored
        );
    }
    if summary.blank > 0 {
        log::info!("{} blank lines skipped", summary.blank);
    }
}
