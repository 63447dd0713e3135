//! The settings: those of the three taps, and what they share, by the names of tap-postgres.

use std::collections::BTreeMap;

use melisma_adbc::Address;
use melisma_sdk::arrow::InvalidDates;
use melisma_sdk::config::Names;
use melisma_sdk::{JsonSchema, Method, Result, Secret};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::sql::Sql;

/// The settings of a tap, and the database that they lead to.
pub trait Settings: DeserializeOwned + JsonSchema {
    /// Checks the settings.
    fn source(self) -> Result<Source>;
}

/// Where a tap reads, and how.
#[derive(Debug)]
pub struct Source {
    pub(crate) address: Address,
    /// The SQL of the database, if it is known before it is asked.
    pub(crate) sql: Option<Sql>,
    /// Options of each statement that reads.
    pub(crate) statement_options: BTreeMap<String, String>,
    pub(crate) filter_schemas: Option<Names>,
    pub(crate) decimals_as_strings: bool,
    pub(crate) read: ReadConfig,
}

/// What the taps share.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReadConfig {
    /// The tables and views to discover: a list, or a text with commas between, each `table` or `schema.table`.
    pub filter_tables: Option<Names>,
    /// Writes dates and date-times without a format in the schema: every value that the database has.
    pub dates_as_string: bool,
    /// What happens to dates and date-times that ISO 8601 cannot express.
    pub invalid_date_handling: InvalidDates,
    /// How streams are read when neither the catalog nor a replication key in it says otherwise.
    pub default_replication_method: Option<ReplicationMethod>,
    /// The date or date-time before which INCREMENTAL streams are not read, where the replication key is one.
    pub start_date: Option<String>,
    /// Options of single streams, by stream name (`main-users`).
    pub stream_options: BTreeMap<String, StreamOptions>,
    /// At most this many records of each stream in one run.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub max_record_count: Option<u64>,
    /// Whether FULL_TABLE records carry a version, and ACTIVATE_VERSION follows them, so that a target removes what is
    /// no longer in the table.
    pub emit_activate_version_messages: bool,
}

/// The replication methods that a database can be read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReplicationMethod {
    /// All rows, each time.
    FullTable,
    /// Rows from the bookmark of the replication key on.
    Incremental,
}

impl From<ReplicationMethod> for Method {
    fn from(method: ReplicationMethod) -> Self {
        match method {
            ReplicationMethod::FullTable => Self::FullTable,
            ReplicationMethod::Incremental => Self::Incremental,
        }
    }
}

/// Options of one stream.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StreamOptions {
    /// SQL conditions that rows must meet, all of them; the table is `t`.
    pub custom_where_clauses: Vec<String>,
}

/// Reads tables and views of a database that has an ADBC driver.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct AdbcConfig {
    /// The driver: its name (`duckdb`, `sqlite`, `postgresql`), or the path of its library or of its manifest (TOML).
    driver: String,
    /// The function of the library that makes the driver. Not set: what the manifest or the name of the library says.
    #[serde(default)]
    entrypoint: Option<String>,
    /// The database, in the form that the driver documents.
    #[serde(default)]
    uri: Option<Secret<String>>,
    /// Options of the driver, by their names: `username`, `password`, `adbc.snowflake.sql.db`.
    #[serde(default)]
    options: BTreeMap<String, Secret<String>>,
    /// Options of the statements that read rows, by their names: `adbc.sqlite.query.batch_rows`.
    #[serde(default)]
    statement_options: BTreeMap<String, String>,
    /// The SQL of the database, or `ansi`, what all databases have in common. Not set: what the database calls itself.
    #[serde(default)]
    dialect: Option<Sql>,
    /// The schemas to discover: a list, or a text with commas between. Not set: all but `information_schema` and those that
    /// begin with `pg_`.
    #[serde(default)]
    filter_schemas: Option<Names>,
    /// Writes decimals as strings of format `singer.decimal`, with precision and scale. When off, they are numbers; their
    /// digits are exact either way.
    #[serde(default = "yes")]
    use_singer_decimal: bool,
    #[serde(flatten)]
    read: ReadConfig,
}

pub(crate) fn yes() -> bool {
    true
}

impl Settings for AdbcConfig {
    fn source(self) -> Result<Source> {
        let uri = self.uri.into_iter().map(|uri| ("uri".to_owned(), uri));
        Ok(Source {
            address: Address {
                driver: self.driver,
                entrypoint: self.entrypoint,
                options: uri.chain(self.options).collect(),
                ..Address::default()
            },
            sql: self.dialect,
            statement_options: self.statement_options,
            filter_schemas: self.filter_schemas,
            decimals_as_strings: self.use_singer_decimal,
            read: self.read,
        })
    }
}
