//! Progress and results of a run, for logs, metrics and the runner.

use std::time::{Duration, Instant};

/// Sees what happens, for progress and metrics. Called once a block or a batch, never once a record, from the
/// decoding thread and the writers; it should return at once.
pub trait Observer: Sync {
    /// After each block of input, and every so often while none comes: all bytes that were taken in so far, and what
    /// each stream has got of them. The order of the streams does not change; new ones come last.
    fn progress(&self, now: Instant, bytes: u64, streams: &mut dyn Iterator<Item = &StreamSummary>) {
        let _ = (now, bytes, streams);
    }

    /// A sink accepted a batch of `rows`, which took `took`.
    fn wrote(&self, stream: &str, rows: u64, took: Duration) {
        let _ = (stream, rows, took);
    }

    /// A sink made `rows` durable; the commit alone took `took`.
    fn committed(&self, stream: &str, rows: u64, took: Duration) {
        let _ = (stream, rows, took);
    }

    /// A record was refused for this reason, and dropped or written to the dead-letter file.
    fn refused(&self, stream: &str, reason: &str) {
        let _ = (stream, reason);
    }
}

/// Observes nothing.
impl Observer for () {}

/// What a run did, also when it failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines read, blank ones included.
    pub lines: u64,
    /// Bytes of these lines, newlines included.
    pub bytes: u64,
    /// Blank lines.
    pub blank: u64,
    /// Lines that were skipped with a warning: noise and messages of unknown type.
    pub ignored: u64,
    /// RECORD messages.
    pub records: u64,
    /// Records dropped, or written to the dead-letter file, by `on_invalid`.
    pub refused: u64,
    /// STATE messages that came.
    pub states: u64,
    /// STATE lines emitted.
    pub states_emitted: u64,
    /// The most bytes that lines, open batches and writes took together.
    pub peak_bytes: usize,
    /// Each stream, in the order of its first SCHEMA.
    pub streams: Vec<StreamSummary>,
}

/// What a run did with one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamSummary {
    /// The stream's name.
    pub stream: String,
    /// RECORD messages.
    pub records: u64,
    /// Bytes of these lines.
    pub bytes: u64,
    /// Records dropped, or written to the dead-letter file, by `on_invalid`.
    pub refused: u64,
    /// Rows that are durable.
    pub committed: u64,
    /// Commits, barriers included.
    pub commits: u64,
}
