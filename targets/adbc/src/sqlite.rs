//! target-sqlite: the target by the name and with the settings of Meltano's target for SQLite.

use std::path::PathBuf;
use std::sync::Arc;

use melisma_adbc::Address;
use melisma_sdk::sql::{Opened, Sql, SqlConfig, SqlTarget};
use melisma_sdk::target::StandardConfig;
use melisma_sdk::{Error, JsonSchema, Result, Secret};
use serde::Deserialize;

use crate::config::metadata_columns;
use crate::database::{Database, Link};
use crate::dialects::DialectName;

/// The target for SQLite.
pub type TargetSqlite = Sql<Sqlite>;

/// An SQLite database.
#[derive(Debug)]
pub struct Sqlite {
    database: Database,
    path: String,
}

/// Writes streams to tables of an SQLite database.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SqliteConfig {
    /// The file of the database, which is made if there is none. A name without an extension gets `.db`.
    #[serde(alias = "path", alias = "path_to_db", default = "warehouse")]
    #[schemars(extend("x-aliases" = ["path", "path_to_db"]))]
    database: String,
    /// The driver: the path of its library, or its name where it is found.
    #[serde(default = "sqlite")]
    driver: String,
    /// The number of seconds to wait for another process that writes to the database.
    #[serde(default = "minute")]
    #[schemars(range(min = 0, max = 2_147_483))]
    lock_timeout_seconds: f64,
    #[serde(flatten)]
    sql: SqlConfig,
}

fn warehouse() -> String {
    "warehouse".to_owned()
}

fn sqlite() -> String {
    "sqlite".to_owned()
}

fn minute() -> f64 {
    60.0
}

impl SqlTarget for Sqlite {
    type Config = SqliteConfig;
    type Connection = Link;

    fn open(config: SqliteConfig, standard: &mut StandardConfig) -> Result<Opened<Self>> {
        let millis = config.lock_timeout_seconds * 1000.0;
        if !(0.0..=f64::from(i32::MAX)).contains(&millis) {
            let found = config.lock_timeout_seconds;
            return Err(Error::config(format!(
                "config: lock_timeout_seconds: expected 0 to 2147483 seconds, found {found}"
            )));
        }
        if config.sql.default_target_schema.is_some() {
            return Err(Error::config(
                "config: default_target_schema: expected none, because a table of SQLite has no schema, found one",
            ));
        }
        metadata_columns(standard, None, &config.sql);
        let mut path = PathBuf::from(&config.database);
        if path.extension().is_none() {
            path.set_extension("db");
        }
        let address = Address {
            driver: config.driver,
            options: vec![("uri".to_owned(), Secret::new(path.display().to_string()))],
            start: vec![format!("PRAGMA busy_timeout = {millis:.0}")],
            file: Some(path.clone()),
            ..Address::default()
        };
        let database = Database::open(address, Some(DialectName::Sqlite))?;
        Ok(Opened {
            dialect: Arc::clone(&database.dialect),
            target: Self {
                database,
                path: path.display().to_string(),
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
