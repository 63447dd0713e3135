//! target-duckdb: the target by the name and with the settings of the most used target for DuckDB.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use melisma_adbc::Address;
use melisma_sdk::sql::{Connection as _, Opened, Sql, SqlConfig, SqlTarget};
use melisma_sdk::target::StandardConfig;
use melisma_sdk::{Error, JsonSchema, Result, Secret, show};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::config::metadata_columns;
use crate::database::{Database, Link, numbers};
use crate::dialects::DialectName;

/// The target for DuckDB.
pub type TargetDuckDb = Sql<DuckDb>;

/// A DuckDB database.
#[derive(Debug)]
pub struct DuckDb {
    database: Database,
    path: String,
}

/// Writes streams to tables of a DuckDB database.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct DuckDbConfig {
    /// The file of the database, which is made if there is none.
    #[serde(alias = "filepath")]
    #[schemars(extend("x-aliases" = ["filepath"]))]
    path: String,
    /// The driver: the path of the library `libduckdb`, or its name where it is found.
    #[serde(default = "duckdb")]
    driver: String,
    /// Options of DuckDB, by their names: `memory_limit`, `threads`.
    #[serde(default)]
    options: BTreeMap<String, Secret<String>>,
    #[serde(flatten)]
    sql: SqlConfig,
    /// Another name for `add_record_metadata`. It takes precedence.
    #[serde(default)]
    add_metadata_columns: Option<bool>,
    /// Refused: the service `MotherDuck` is not supported.
    #[serde(default)]
    token: Option<Secret<String>>,
    /// Refused: `default_target_schema` alone chooses the schema.
    #[serde(default)]
    schema_mapping: Option<Ignored>,
    /// Refused unless it is 0: objects become JSON.
    #[serde(default)]
    #[schemars(range(min = 0, max = 128))]
    data_flattening_max_level: u32,
    /// Accepted and ignored: there are no CSV files.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "there are no CSV files"))]
    delimiter: Option<String>,
    /// Accepted and ignored: there are no CSV files.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "there are no CSV files"))]
    quotechar: Option<String>,
    /// Accepted and ignored: there are no temporary files.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "there are no temporary files"))]
    temp_dir: Option<String>,
    /// Accepted and ignored: a STATE is emitted when its rows are durable, without flushing other streams.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "a STATE is emitted when its rows are durable, without flushing other streams"))]
    flush_all_streams: bool,
}

/// The value of an ignored setting.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Ignored(#[schemars(with = "BTreeMap<String, String>")] IgnoredAny);

fn duckdb() -> String {
    "duckdb".to_owned()
}

impl DuckDbConfig {
    fn check(&self) -> Result<()> {
        let refused = |setting: &str, expected: &str| {
            Err(Error::config(format!(
                "config: {setting}: expected {expected}, found another value"
            )))
        };
        if self.token.is_some() || self.path.starts_with("md:") || self.path.starts_with("motherduck:") {
            return refused("token", "none, because MotherDuck is not supported");
        }
        if self.schema_mapping.is_some() {
            return refused(
                "schema_mapping",
                "none, because default_target_schema alone chooses the schema",
            );
        }
        if self.data_flattening_max_level > 0 {
            return refused("data_flattening_max_level", "0, because objects become JSON");
        }
        Ok(())
    }
}

impl SqlTarget for DuckDb {
    type Config = DuckDbConfig;
    type Connection = Link;

    fn open(config: DuckDbConfig, standard: &mut StandardConfig) -> Result<Opened<Self>> {
        config.check()?;
        metadata_columns(standard, config.add_metadata_columns, &config.sql);
        let path = ("path".to_owned(), Secret::new(config.path.clone()));
        let address = Address {
            driver: config.driver,
            options: config.options.into_iter().chain([path]).collect(),
            // Dates become moments, and moments text, in this zone.
            start: vec!["SET TimeZone = 'UTC'".to_owned()],
            file: Some(PathBuf::from(&config.path)),
            ..Address::default()
        };
        let database = Database::open(address, Some(DialectName::Duckdb))?;
        check_version(&database)?;
        Ok(Opened {
            dialect: Arc::clone(&database.dialect),
            target: Self {
                database,
                path: config.path,
            },
            config: config.sql,
        })
    }

    fn connect(&self) -> Result<Link> {
        self.database.connect()
    }

    fn location(&self) -> Option<String> {
        Some(self.path.clone())
    }
}

/// DuckDB has MERGE since 1.4.
fn check_version(database: &Database) -> Result<()> {
    let rows = database
        .connect()?
        .query("cannot ask for the version", "SELECT version()")?;
    let version = rows
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().next().flatten())
        .unwrap_or_default();
    match numbers(&version) {
        Some(found) if found < (1, 4) => Err(Error::config(format!(
            "config: driver: expected DuckDB 1.4 or later, found {}",
            show(&version)
        ))),
        _ => Ok(()),
    }
}
