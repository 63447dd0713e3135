//! The settings that every target has, and how they become the pipeline's options.

use std::path::PathBuf;
use std::time::Duration;

use melisma_engine::pipeline::{self, ActivateVersion, FinalState, Limits, Options, Repairs};
use melisma_engine::schema::Metadata;
use melisma_engine::sink::CommitMode;
use melisma_engine::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Capabilities;

/// The settings that every target has, read from the same configuration as its own.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct StandardConfig {
    /// Add the columns `_sdc_extracted_at`, `_sdc_received_at`, `_sdc_batched_at`, `_sdc_deleted_at`, `_sdc_sequence`,
    /// `_sdc_table_version` and `_sdc_sync_started_at`. When off, such columns of the tap are dropped.
    pub add_record_metadata: bool,
    /// Check each record against its SCHEMA.
    pub validate_records: bool,
    /// What happens to a record that does not fit its SCHEMA: `fail` ends the run, `skip` drops it, `dead_letter`
    /// writes it to the file `dead_letter_path`.
    pub on_invalid: OnInvalid,
    /// The dead-letter file: a JSONL file for refused records, with line, byte, stream, reason and the message as it
    /// came.
    pub dead_letter_path: Option<PathBuf>,
    /// The most bytes that one run writes to the dead-letter file; one record more ends the run.
    #[schemars(range(min = 1, max = 1_125_899_906_842_624_u64))]
    pub dead_letter_max_bytes: u64,
    /// How the rows of this run are combined with those of earlier runs.
    pub load_method: LoadMethod,
    /// Replace existing rows (`load_method: overwrite`, `write_mode: replace`) only if the last message is a STATE that
    /// does not say that the tap is still reading. Without this check, the input of a tap that failed looks complete.
    /// When `melisma run` reports that the tap ended well, no STATE is needed. Turn it off for a tap that sends no
    /// STATE, or none after its last record.
    pub require_final_state: bool,
    /// The number of rows of a stream after which they are committed.
    #[schemars(range(min = 1, max = 4_294_967_295_u64))]
    pub batch_size_rows: usize,
    /// The number of bytes of a stream after which its rows are committed.
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64))]
    pub batch_size_bytes: usize,
    /// The number of seconds after which rows are committed, however few they are.
    #[schemars(range(min = 0, max = 315_360_000))]
    pub batch_wait_limit_seconds: f64,
    /// The number of seconds between two STATEs. A STATE that has waited this long causes a commit of the rows it waits
    /// for.
    #[schemars(range(min = 0, max = 315_360_000))]
    pub state_interval_seconds: f64,
    /// The number of bytes that input, open batches and pending writes may take together. When they are used up, the
    /// tap waits.
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64))]
    pub memory_budget_bytes: usize,
    /// The longest line that is accepted, in bytes.
    #[schemars(range(min = 1, max = 4_294_967_295_u64))]
    pub max_line_bytes: usize,
    /// The largest number of streams. Each takes some memory, and a file or a table, until the run ends.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_streams: usize,
    /// The number of streams that are written at the same time.
    #[schemars(range(min = 1, max = 256))]
    pub max_parallelism: usize,
    /// Skip messages of unknown type with a warning, instead of ending the run.
    pub lenient: bool,
    /// What happens to a line that is not a Singer message: `fail` ends the run, `warn` skips it.
    pub invalid_line: InvalidLine,
    /// What happens to bytes that are not UTF-8: `fail` ends the run, `replace` replaces them with U+FFFD.
    pub invalid_utf8: Replace,
    /// What happens to an escape that is half a surrogate pair: `fail` ends the run, `replace` replaces it with U+FFFD.
    pub lone_surrogate: Replace,
    /// What happens to NaN, Infinity and -Infinity: `fail` ends the run, `null` replaces them with null.
    pub nan: NotANumber,
    /// What happens to a property whose schema is not valid JSON Schema: `fail` ends the run, `any` lets it hold any
    /// value.
    pub invalid_schema: InvalidSchema,
    /// What happens to properties that the SCHEMA does not declare: `drop` drops them, with a warning that names each;
    /// `column` writes them to the column `undeclared_column`, as one JSON object; `fail` makes the record invalid
    /// (`on_invalid`); `keep`, which only target-jsonl supports, writes them as they came. Not set: target-jsonl keeps
    /// them where the SCHEMA allows them, and all others are dropped.
    pub undeclared_properties: Option<UndeclaredProperties>,
    /// The name of the column for `undeclared_properties: column`.
    #[schemars(length(min = 1))]
    pub undeclared_column: String,
    /// Apply ACTIVATE_VERSION messages.
    pub process_activate_version_messages: bool,
}

/// How the rows of this run are combined with those of earlier runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum LoadMethod {
    /// Records are appended. In a database, where a stream has keys, a record replaces the one with the same key:
    /// Meltano passes this value to every target, chosen or not, and the targets of its SDK upsert then.
    #[default]
    AppendOnly,
    /// Records are appended, also when the stream has keys.
    Append,
    /// A record replaces the one with the same key.
    Upsert,
    /// The same as `upsert`.
    UpsertOnConflict,
    /// Existing rows are replaced by those of this run.
    Overwrite,
}

/// `on_invalid`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnInvalid {
    /// The run ends.
    #[default]
    Fail,
    /// The record is dropped and counted.
    Skip,
    /// The record is written to the dead-letter file and counted.
    DeadLetter,
}

/// `invalid_line`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum InvalidLine {
    /// The run ends.
    #[default]
    Fail,
    /// The line is skipped with a warning.
    Warn,
}

/// `invalid_utf8` and `lone_surrogate`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Replace {
    /// The run ends.
    #[default]
    Fail,
    /// U+FFFD takes its place.
    Replace,
}

/// `nan`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum NotANumber {
    /// The run ends.
    #[default]
    Fail,
    /// Null takes its place.
    Null,
}

/// `invalid_schema`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum InvalidSchema {
    /// The run ends.
    #[default]
    Fail,
    /// The property may hold any value.
    Any,
}

/// `undeclared_properties`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum UndeclaredProperties {
    /// They are dropped.
    Drop,
    /// They are written to a column of their own.
    Column,
    /// The record is invalid.
    Fail,
    /// They are written as they came.
    Keep,
}

impl Default for StandardConfig {
    fn default() -> Self {
        let options = Options::default();
        Self {
            add_record_metadata: options.add_metadata,
            validate_records: options.validate,
            on_invalid: OnInvalid::default(),
            dead_letter_path: None,
            dead_letter_max_bytes: options.dead_letter_max_bytes,
            load_method: LoadMethod::default(),
            require_final_state: true,
            batch_size_rows: options.limits.rows,
            batch_size_bytes: options.limits.bytes,
            batch_wait_limit_seconds: options.limits.wait.as_secs_f64(),
            state_interval_seconds: options.state_interval.as_secs_f64(),
            memory_budget_bytes: options.memory_budget,
            max_line_bytes: options.max_line_bytes,
            max_streams: options.max_streams,
            max_parallelism: options.writers,
            lenient: options.lenient,
            invalid_line: InvalidLine::default(),
            invalid_utf8: Replace::default(),
            lone_surrogate: Replace::default(),
            nan: NotANumber::default(),
            invalid_schema: InvalidSchema::default(),
            undeclared_properties: None,
            undeclared_column: Metadata::Undeclared.name().to_owned(),
            process_activate_version_messages: true,
        }
    }
}

impl StandardConfig {
    /// What the STATEs must show at the end. A runner that says how the tap ended knows better than they do.
    /// A file that has no STATE at all was not written by a tap that ends with one.
    pub(super) fn final_state(&self, runner_judges: bool, is_file: bool) -> FinalState {
        match (self.require_final_state, runner_judges) {
            (false, _) => FinalState::Ignored,
            (true, true) => FinalState::NotPartial,
            (true, false) if is_file => FinalState::RequiredIfAny,
            (true, false) => FinalState::Required,
        }
    }

    /// The options of a run that commits in this way, for a target that can do these things.
    pub(super) fn options(&self, commit: CommitMode, can: Capabilities) -> Result<Options> {
        let on_invalid = match (self.on_invalid, &self.dead_letter_path) {
            (OnInvalid::Fail, _) => pipeline::OnInvalid::Fail,
            (OnInvalid::Skip, _) => pipeline::OnInvalid::Skip,
            (OnInvalid::DeadLetter, Some(path)) => pipeline::OnInvalid::DeadLetter(path.clone()),
            (OnInvalid::DeadLetter, None) => {
                return Err(Error::config(
                    "config: dead_letter_path: expected a path for on_invalid dead_letter, found none",
                ));
            }
        };
        Ok(Options {
            limits: Limits {
                rows: self.batch_size_rows,
                bytes: self.batch_size_bytes,
                wait: seconds("batch_wait_limit_seconds", self.batch_wait_limit_seconds)?,
            },
            state_interval: seconds("state_interval_seconds", self.state_interval_seconds)?,
            memory_budget: self.memory_budget_bytes,
            max_line_bytes: self.max_line_bytes,
            max_streams: self.max_streams,
            dead_letter_max_bytes: self.dead_letter_max_bytes,
            writers: self.max_parallelism,
            commit,
            final_state: self.final_state(false, false),
            validate: self.validate_records,
            add_metadata: self.add_record_metadata,
            on_invalid,
            warn_invalid_lines: self.invalid_line == InvalidLine::Warn,
            lenient: self.lenient,
            // What a runner agrees on, and no setting.
            accepts_copied: false,
            repairs: Repairs {
                invalid_utf8: self.invalid_utf8 == Replace::Replace,
                lone_surrogates: self.lone_surrogate == Replace::Replace,
                not_a_number: self.nan == NotANumber::Null,
                invalid_schemas: self.invalid_schema == InvalidSchema::Any,
            },
            activate_version: self.activate_version(commit, can),
            undeclared: self.undeclared(can.undeclared_properties)?,
        })
    }

    fn activate_version(&self, commit: CommitMode, can: Capabilities) -> ActivateVersion {
        match (can.activate_version, self.process_activate_version_messages) {
            (true, true) => ActivateVersion::Apply,
            // What is replaced as a whole keeps no rows of earlier runs, whatever their version.
            (false, _) if commit != CommitMode::AtEnd => ActivateVersion::Warn,
            _ => ActivateVersion::Ignore,
        }
    }

    /// `undeclared_properties`, for a target that can keep them or not.
    fn undeclared(&self, keeps: bool) -> Result<pipeline::UndeclaredProperties> {
        Ok(match self.undeclared_properties {
            None if keeps => pipeline::UndeclaredProperties::KeepIfOpen,
            None | Some(UndeclaredProperties::Drop) => pipeline::UndeclaredProperties::Drop,
            Some(UndeclaredProperties::Fail) => pipeline::UndeclaredProperties::Refuse,
            Some(UndeclaredProperties::Column) if self.undeclared_column.is_empty() => {
                return Err(Error::config(
                    "config: undeclared_column: expected the name of a column, found an empty one",
                ));
            }
            Some(UndeclaredProperties::Column) => {
                pipeline::UndeclaredProperties::Column(self.undeclared_column.as_str().into())
            }
            Some(UndeclaredProperties::Keep) if keeps => pipeline::UndeclaredProperties::Keep,
            Some(UndeclaredProperties::Keep) => {
                return Err(Error::config(
                    "config: undeclared_properties: expected drop, column or fail, found keep: this target writes \
                     columns, and has no place for others",
                ));
            }
        })
    }
}

fn seconds(setting: &str, value: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(value).map_err(|error| {
        Error::config(format!("config: {setting}: expected seconds, found {value}")).with_source(error)
    })
}
