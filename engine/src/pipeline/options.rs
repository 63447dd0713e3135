//! The settings of a run of the pipeline.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use crate::decode::Undeclared;
use crate::line::MAX_LINE_BYTES;
use crate::message::MAX_STREAMS;
use crate::schema::StreamSchema;
use crate::sink::CommitMode;

/// How a run reads, batches, commits and emits STATE.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Options {
    /// When rows are committed.
    pub limits: Limits,
    /// STATE is emitted at most once in this time, and one that waits as long causes a commit of the rows that it waits for.
    pub state_interval: Duration,
    /// Bytes that lines, open batches and writes in hand may take together; the input waits when they are spent.
    pub memory_budget: usize,
    /// The longest line that is taken, in bytes.
    pub max_line_bytes: usize,
    /// The most streams that one input may have.
    pub max_streams: usize,
    /// The most bytes that one run may write to the file of [`OnInvalid::DeadLetter`].
    pub dead_letter_max_bytes: u64,
    /// Writing threads. A stream stays with one of them. Streams that are committed at STATEs share one thread, whatever
    /// this says.
    pub writers: usize,
    /// When rows become durable.
    pub commit: CommitMode,
    /// With [`CommitMode::AtEnd`]: what the STATEs must show before anything is published. An input whose tap has failed
    /// ends like any other.
    pub final_state: FinalState,
    /// Whether records are checked against their schema beyond what their columns need.
    pub validate: bool,
    /// Whether the `_sdc_` columns are added; those that the tap sends are removed otherwise.
    pub add_metadata: bool,
    /// What becomes of a record that does not fit its schema.
    pub on_invalid: OnInvalid,
    /// Whether a line that is no message is skipped with a warning, instead of ending the run.
    pub warn_invalid_lines: bool,
    /// Whether a message of unknown type is skipped with a warning, instead of ending the run.
    pub lenient: bool,
    /// Whether rows may come in forms of COPY ([`copied`](crate::copied)).
    pub accepts_copied: bool,
    /// What is put right in lines that are no JSON.
    pub repairs: Repairs,
    /// What happens to ACTIVATE_VERSION messages.
    pub activate_version: ActivateVersion,
    /// What becomes of properties that the schema does not declare.
    pub undeclared: UndeclaredProperties,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            state_interval: Duration::from_secs(10),
            memory_budget: 256 << 20,
            max_line_bytes: MAX_LINE_BYTES,
            max_streams: MAX_STREAMS,
            dead_letter_max_bytes: 1 << 30,
            writers: 1,
            commit: CommitMode::PerStream,
            final_state: FinalState::Ignored,
            validate: true,
            add_metadata: false,
            on_invalid: OnInvalid::Fail,
            warn_invalid_lines: false,
            lenient: false,
            accepts_copied: false,
            repairs: Repairs::default(),
            activate_version: ActivateVersion::Apply,
            undeclared: UndeclaredProperties::default(),
        }
    }
}

/// What the STATEs of an input must show before a destination that replaces what was there may take the end of the
/// input for the end of the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FinalState {
    /// Nothing: the end of the input is enough.
    #[default]
    Ignored,
    /// Whether the tap ended well is known otherwise. But rows of a FULL_TABLE read that an earlier run has begun, or that
    /// is unfinished, are not the whole stream.
    NotPartial,
    /// The same, and the last message is a STATE that does not say that anything is still being read.
    Required,
    /// The same where the input has a STATE at all. Of a file without one the end is enough: it was there before it was
    /// read, so no tap can have died at its other end meanwhile.
    RequiredIfAny,
}

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

/// What is put right instead of ending the run; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Repairs {
    /// Bytes that are not UTF-8 become U+FFFD.
    pub invalid_utf8: bool,
    /// Escapes of one half of a surrogate pair become U+FFFD.
    pub lone_surrogates: bool,
    /// `NaN`, `Infinity` and `-Infinity` become null.
    pub not_a_number: bool,
    /// A property whose schema is none allows anything.
    pub invalid_schemas: bool,
}

/// What becomes of properties that the schema does not declare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UndeclaredProperties {
    /// They are left out, with a warning that names each once.
    #[default]
    Drop,
    /// They are kept where the schema says that there are such ([`StreamSchema::open`](field@StreamSchema::open)), and left out elsewhere: for
    /// encoders that pass records on as they came.
    KeepIfOpen,
    /// They are kept.
    Keep,
    /// They are put into a column of this name, as one JSON object.
    Column(Box<str>),
    /// A record that has one does not fit its schema.
    Refuse,
}

impl UndeclaredProperties {
    /// Whether there is a place for them.
    pub(super) fn have_a_place(&self) -> bool {
        matches!(self, Self::KeepIfOpen | Self::Keep | Self::Column(_))
    }

    /// Whether that was asked for, so that a schema need not say anything.
    pub(super) fn are_wanted(&self) -> bool {
        matches!(self, Self::Keep | Self::Column(_))
    }

    pub(super) fn of(&self, schema: &StreamSchema) -> Undeclared {
        match self {
            Self::KeepIfOpen if schema.open => Undeclared::Keep,
            Self::Drop | Self::KeepIfOpen => Undeclared::Drop,
            Self::Keep => Undeclared::Keep,
            Self::Column(_) => Undeclared::Collect,
            Self::Refuse => Undeclared::Refuse,
        }
    }
}

/// What happens to ACTIVATE_VERSION messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivateVersion {
    /// The sinks apply them ([`Sink::activate_version`](crate::sink::Sink::activate_version)).
    Apply,
    /// They are ignored, with a warning: the destination cannot remove rows of older versions.
    Warn,
    /// They are ignored.
    Ignore,
}

/// What becomes of a record that does not fit its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnInvalid {
    /// The run ends with the error; what came before is committed.
    Fail,
    /// The record is left out and counted.
    Skip,
    /// The record is written to this JSONL file, the dead-letter file, with the reason, and counted.
    DeadLetter(PathBuf),
}

/// Tells a run to end early: no more input is read, what is in hand is committed.
pub trait Stop {
    /// The signal that asked for the end, if one did. Called often, and cheap.
    fn signal(&self) -> Option<i32>;
}

/// Never stops.
impl Stop for () {
    fn signal(&self) -> Option<i32> {
        None
    }
}

/// Holds the signal's number, 0 for none.
impl Stop for AtomicI32 {
    fn signal(&self) -> Option<i32> {
        Some(self.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
    }
}
