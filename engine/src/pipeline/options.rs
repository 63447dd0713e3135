//! What a run of the pipeline may be told.

use std::path::PathBuf;
use std::time::Duration;

/// When the rows of a stream are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows of one stream (`batch_size_rows`), at least 1.
    pub rows: usize,
    /// Bytes of rows of one stream, as its encoder counts them (`batch_size_bytes`), at least 1.
    pub bytes: usize,
    /// The age of the first row that is not committed (`batch_wait_limit_seconds`).
    pub wait: Duration,
}

impl Default for Limits {
    /// 10,000 rows and 5 minutes, as Meltano's SDK has it, and 64 MiB.
    fn default() -> Self {
        Self {
            rows: 10_000,
            bytes: 64 << 20,
            wait: Duration::from_mins(5),
        }
    }
}

/// What becomes of a record that does not fit its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnInvalid {
    /// The run ends with the error; what came before is committed.
    Fail,
    /// The record is left out and counted.
    Skip,
    /// The record is set aside in this JSONL file, with the reason, and counted.
    DeadLetter(PathBuf),
}
