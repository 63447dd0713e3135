//! The settings: those of `MeltanoLabs` tap-postgres under their names, pipelinewise's as aliases, and what both lack.

use std::collections::BTreeMap;

use melisma_postgres::Connection;
pub use melisma_sdk::config::Names;
use melisma_sdk::{JsonSchema, Method};
use serde::Deserialize;

/// Reads tables and views of a PostgreSQL database (11 or later).
///
/// The settings and streams are those of `MeltanoLabs` tap-postgres. FULL_TABLE is a binary COPY in ranges: an
/// interrupted run resumes where it stopped, and misses no row that changed in the meantime. INCREMENTAL reads from the
/// bookmark on, in the database's own order. LOG_BASED is not implemented yet: a catalog that asks for it ends the run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Config {
    /// Where the server is.
    #[serde(flatten)]
    pub connection: Connection,
    /// The schemas to discover: a list, or a text with commas between. Not set: all but `information_schema` and the
    /// server's own.
    #[serde(default)]
    pub filter_schemas: Option<Names>,
    /// The tables and views to discover: a list, or a text with commas between, each `table` or `schema.table`.
    #[serde(default)]
    pub filter_tables: Option<Names>,
    /// What values look like.
    #[serde(flatten)]
    pub values: Values,
    /// How streams are read when neither the catalog nor a replication key in it says otherwise.
    #[serde(default)]
    pub default_replication_method: Option<ReplicationMethod>,
    /// The date or date-time before which INCREMENTAL streams are not read, where the replication key is one.
    #[serde(default)]
    pub start_date: Option<String>,
    /// Options of single streams, by stream name (`public-users`).
    #[serde(default)]
    pub stream_options: BTreeMap<String, StreamOptions>,
    /// At most this many records of each stream in one run.
    #[serde(default)]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub max_record_count: Option<u64>,
    /// At most this many records of each INCREMENTAL stream in one run; pipelinewise's name.
    #[serde(default)]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub limit: Option<u64>,
    /// How many connections read one table at once in FULL_TABLE. They see one snapshot.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 64))]
    pub parallelism: u32,
    /// Whether FULL_TABLE keeps its progress in STATE and resumes from there after an interruption. Turn it off for a
    /// target that empties its tables at the start of each run: it would have only the rest of the rows.
    #[serde(default = "yes")]
    pub full_table_resume: bool,
    /// FULL_TABLE reads a table in ranges of this many MiB. STATE has those that were read to their end; a run that
    /// resumes reads the interrupted one again.
    #[serde(default = "range_mb")]
    #[schemars(range(min = 1, max = 65536))]
    pub full_table_range_mb: u32,
    /// Whether FULL_TABLE records carry a version, and ACTIVATE_VERSION follows them, so that a target removes what is
    /// no longer in the table.
    #[serde(default)]
    pub emit_activate_version_messages: bool,
    /// Accepted and ignored: rows are not fetched in portions.
    #[serde(default)]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64), extend("x-ignored" = "rows are not fetched in portions"))]
    pub itersize: Option<u64>,
    /// What LOG_BASED will need.
    #[serde(flatten)]
    pub log_based: LogBased,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

fn range_mb() -> u32 {
    32
}

/// What values look like.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Values {
    /// Writes dates and timestamps as PostgreSQL's text, without a format: every value, including BC and `infinity`.
    pub dates_as_string: bool,
    /// Declares json and jsonb columns as objects. When off, they may be any JSON.
    pub json_as_object: bool,
    /// Writes numeric as a string of format `singer.decimal`, with precision and scale. When off, it is a number; its
    /// digits are exact either way.
    pub use_singer_decimal: bool,
    /// What happens to dates and timestamps that ISO 8601 cannot express: BC, the year 10000 and later, `infinity`.
    pub invalid_date_handling: InvalidDates,
}

/// What happens to dates and timestamps that ISO 8601 cannot express.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InvalidDates {
    /// The run ends with an error.
    #[default]
    Error,
    /// Null.
    Null,
    /// The nearest date: 0001-01-01 or 9999-12-31, with the last microsecond of the day in a timestamp.
    Clamp,
    /// PostgreSQL's text: `infinity`, `0044-03-15 BC`.
    Text,
}

/// Singer's replication methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReplicationMethod {
    /// All rows, each time.
    FullTable,
    /// Rows from the bookmark of the replication key on.
    Incremental,
    /// Changes from the write-ahead log.
    LogBased,
}

impl From<ReplicationMethod> for Method {
    fn from(method: ReplicationMethod) -> Self {
        match method {
            ReplicationMethod::FullTable => Self::FullTable,
            ReplicationMethod::Incremental => Self::Incremental,
            ReplicationMethod::LogBased => Self::LogBased,
        }
    }
}

/// Options of one stream.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StreamOptions {
    /// SQL conditions that rows must meet, all of them.
    pub custom_where_clauses: Vec<String>,
}

/// Why the settings of LOG_BASED are ignored.
const NOT_YET: &str = "LOG_BASED is not supported yet";

/// Config of LOG_BASED, accepted so that a configuration that has them works for the other methods.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogBased {
    /// Accepted and ignored, for LOG_BASED: the replication slot.
    #[schemars(extend("x-ignored" = NOT_YET))]
    pub replication_slot_name: Option<String>,
    /// Accepted and ignored, for LOG_BASED: seconds until the reading of the log ends.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64), extend("x-aliases" = ["max_run_seconds", "logical_poll_total_seconds"], "x-ignored" = NOT_YET))]
    pub replication_max_run_seconds: Option<u64>,
    /// Accepted and ignored, for LOG_BASED: seconds without changes until the reading of the log ends.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64), extend("x-ignored" = NOT_YET))]
    pub replication_idle_exit_seconds: Option<u64>,
    /// Accepted and ignored, for LOG_BASED: there will be one connection anyway.
    #[schemars(extend("x-ignored" = NOT_YET))]
    pub log_based_single_connection: Option<bool>,
    /// Accepted and ignored, for LOG_BASED: whether a first run reads the whole table.
    #[schemars(extend("x-ignored" = NOT_YET))]
    pub auto_bootstrap_log_based: Option<bool>,
    /// Accepted and ignored, for LOG_BASED: whether to stop where the log ended when the run began.
    #[schemars(extend("x-ignored" = NOT_YET))]
    pub break_at_end_lsn: Option<bool>,
    /// Accepted and ignored, for LOG_BASED: adds the log's position to records.
    #[schemars(extend("x-ignored" = NOT_YET))]
    pub debug_lsn: Option<bool>,
    /// Accepted and ignored, for LOG_BASED: the last part of the replication slot's name.
    #[schemars(extend("x-ignored" = NOT_YET))]
    pub tap_id: Option<String>,
    /// Accepted and ignored, for LOG_BASED: `auto`, `pgoutput` or `wal2json`.
    #[schemars(extend("x-ignored" = NOT_YET))]
    pub output_plugin: Option<String>,
    /// Accepted and ignored, for LOG_BASED: the publication.
    #[schemars(extend("x-ignored" = NOT_YET))]
    pub publication_name: Option<String>,
    /// Accepted and ignored, for LOG_BASED: whether to make a missing slot.
    #[schemars(extend("x-ignored" = NOT_YET))]
    pub create_slot: Option<bool>,
    /// Accepted and ignored, for LOG_BASED: whether to make a missing publication.
    #[schemars(extend("x-ignored" = NOT_YET))]
    pub create_publication: Option<bool>,
    /// Accepted and ignored, for LOG_BASED: when the server may forget what was read.
    #[schemars(extend("x-ignored" = NOT_YET))]
    pub ack_mode: Option<String>,
}
