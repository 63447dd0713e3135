//! What a run has done, as JSON: in the file of `--report`, and next to its row in the system database.
//!
//! docs/runs.md documents the shape. A new field changes nothing for a reader of an old one; a change of what a field
//! means needs a new [`VERSION`].

use std::process::ExitStatus;

use melisma_sdk::{Error, Result};
use serde::{Deserialize, Serialize};

/// The version of the shape.
pub(crate) const VERSION: u32 = 1;

/// The most streams that a report lists; the totals count all.
pub(crate) const MAX_STREAMS: usize = 1000;

/// How a run, a block or an attempt ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunOutcome {
    #[default]
    Running,
    Success,
    Failed,
    /// By a signal or by `--timeout`.
    Interrupted,
    /// A block that never began, because one before it failed.
    NotRun,
}

/// One attempt to run a tap into a target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PairReport {
    pub(crate) version: u32,
    pub(crate) tap: String,
    pub(crate) mappers: Vec<String>,
    pub(crate) target: String,
    pub(crate) state_id: String,
    /// 1 for the first; each retry adds one.
    pub(crate) attempt: u32,
    pub(crate) outcome: RunOutcome,
    pub(crate) error: Option<String>,
    /// The exit code that the pair gives the run.
    pub(crate) exit_code: Option<u8>,
    /// In the order of the chain, as far as they have ended.
    pub(crate) processes: Vec<ProcessReport>,
    /// RFC 3339, in UTC.
    pub(crate) started_at: String,
    pub(crate) ended_at: Option<String>,
    pub(crate) duration_seconds: f64,
    /// What the tap wrote, as far as it is known.
    pub(crate) tap_output: Amount,
    /// What came to the target.
    pub(crate) target_input: Amount,
    /// The records that the target says it has written.
    pub(crate) written_records: Option<u64>,
    pub(crate) streams: Vec<StreamReport>,
    /// Streams beyond those that are listed.
    pub(crate) streams_not_listed: u64,
    pub(crate) states: StatesReport,
    /// Where the rows are, when the target says so.
    pub(crate) location: Option<String>,
    pub(crate) samples: Samples,
}

/// Records and bytes; `None` where the runner cannot know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Amount {
    pub(crate) records: Option<u64>,
    /// Of whole lines: for a stream those of its records, in all those of every message.
    pub(crate) bytes: Option<u64>,
}

/// One stream of a pair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StreamReport {
    pub(crate) stream: String,
    pub(crate) tap_output: Amount,
    pub(crate) target_input: Amount,
    pub(crate) written_records: Option<u64>,
}

/// How a process of a pair ended: by one of the two numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ProcessReport {
    /// `tap`, `mapper` or `target`.
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<i32>,
}

impl ProcessReport {
    pub(crate) fn new(role: &str, name: &str, status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;

        Self {
            role: role.to_owned(),
            name: name.to_owned(),
            exit_code: status.code(),
            signal: status.signal(),
        }
    }

    /// `exit code 3`, or `killed by signal 9`
    pub(crate) fn describe(&self) -> String {
        match (self.exit_code, self.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("killed by signal {signal}"),
            (None, None) => "unknown".to_owned(),
        }
    }
}

/// The states of a pair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StatesReport {
    /// The number of states that the target has emitted.
    pub(crate) emitted: u64,
    /// How often a state was stored: one covers all that were emitted before it.
    pub(crate) stored: u64,
    /// Where.
    pub(crate) location: Option<String>,
}

/// How many records came to the target in each of some intervals of the same length.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Samples {
    pub(crate) interval_seconds: f64,
    pub(crate) records: Vec<u64>,
}

/// What `--report` writes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RunReport {
    pub(crate) version: u32,
    /// The version of melisma.
    pub(crate) melisma: &'static str,
    pub(crate) run_id: String,
    pub(crate) outcome: RunOutcome,
    pub(crate) exit_code: u8,
    pub(crate) error: Option<String>,
    pub(crate) started_at: String,
    pub(crate) ended_at: String,
    pub(crate) duration_seconds: f64,
    pub(crate) blocks: Vec<BlockReport>,
}

impl RunReport {
    /// As text for a file.
    pub(crate) fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|_| Error::bug("a report that is no JSON"))
    }
}

/// One block of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BlockReport {
    /// `tap-a > target-b`, or `dbt:run`.
    pub(crate) name: String,
    /// `pair` or `command`.
    pub(crate) kind: &'static str,
    pub(crate) outcome: RunOutcome,
    pub(crate) error: Option<String>,
    pub(crate) exit_code: Option<u8>,
    pub(crate) duration_seconds: f64,
    pub(crate) retries: u32,
    /// The process of a command.
    pub(crate) processes: Vec<ProcessReport>,
    /// The attempts of a pair, the first one first.
    pub(crate) attempts: Vec<PairReport>,
}
