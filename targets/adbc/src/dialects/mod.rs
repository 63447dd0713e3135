//! The SQL of the databases that are known, and that of all others.

mod ansi;
pub(crate) mod bigquery;
mod duckdb;
mod postgresql;
mod redshift;
pub(crate) mod snowflake;
mod sqlite;

use std::sync::Arc;

use melisma_sdk::JsonSchema;
use melisma_sdk::sql::{Dialect, SqlType};
use serde::Deserialize;

use crate::transactions::By;
use bigquery::BigQuery;
use snowflake::Snowflake;

/// Which SQL the database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum DialectName {
    /// DuckDB, 1.4 or later.
    Duckdb,
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgresql,
    /// Redshift; never run against the service.
    Redshift,
    /// Snowflake; never run against the service.
    Snowflake,
    /// BigQuery; never run against the service.
    Bigquery,
    /// What all databases have in common: tables are made, and not changed.
    Ansi,
}

impl DialectName {
    /// The dialect, of a database of the newest version.
    pub(crate) fn dialect(self) -> Arc<dyn Dialect> {
        match self {
            Self::Duckdb => Arc::new(duckdb::DuckDb),
            Self::Sqlite => Arc::new(sqlite::Sqlite),
            Self::Postgresql => postgresql(true),
            Self::Redshift => redshift("public"),
            Self::Snowflake => Arc::new(Snowflake {
                schema: "PUBLIC".to_owned(),
                timestamp: "TIMESTAMP_NTZ",
            }),
            Self::Bigquery => Arc::new(BigQuery {
                run: run_id(),
                stage_hours: 24,
                ..BigQuery::default()
            }),
            Self::Ansi => Arc::new(ansi::Ansi),
        }
    }

    /// That of a database which calls itself so.
    pub(crate) fn of_vendor(vendor: &str) -> Self {
        match vendor.to_lowercase().as_str() {
            "duckdb" => Self::Duckdb,
            "sqlite" => Self::Sqlite,
            "postgresql" => Self::Postgresql,
            "redshift" | "amazon redshift" => Self::Redshift,
            "snowflake" => Self::Snowflake,
            "bigquery" | "google bigquery" => Self::Bigquery,
            _ => Self::Ansi,
        }
    }

    /// Statements for each connection.
    pub(crate) fn start(self) -> &'static [&'static str] {
        match self {
            Self::Postgresql => &postgresql::START,
            Self::Snowflake => &[snowflake::START],
            _ => &[],
        }
    }

    /// How changes of rows are committed.
    pub(crate) fn commits(self) -> By {
        match self {
            Self::Snowflake => By::Statements,
            Self::Bigquery => By::Script,
            _ => By::Driver,
        }
    }
}

/// The SQL of PostgreSQL; `MERGE` came with version 15.
pub(crate) fn postgresql(has_merge: bool) -> Arc<dyn Dialect> {
    Arc::new(postgresql::Postgresql { has_merge })
}

/// The SQL of Redshift, with the schema of tables whose stream names none.
pub(crate) fn redshift(schema: &str) -> Arc<dyn Dialect> {
    Arc::new(redshift::Redshift {
        schema: schema.to_owned(),
    })
}

/// What tells this run from others: names that it gives to tables of its own have it.
pub(crate) fn run_id() -> String {
    use std::time::{SystemTime, UNIX_EPOCH};

    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}_{:x}", now.as_nanos(), std::process::id())
}

/// A decimal by its declaration: `NUMERIC(10, 2)` for the word `NUMERIC`.
fn decimal(declared: &str, word: &str) -> Option<SqlType> {
    let digits = declared
        .strip_prefix(word)?
        .strip_prefix('(')?
        .strip_suffix(')')?;
    let (precision, scale) = match digits.split_once(',') {
        Some((precision, scale)) => (precision, scale.trim().parse().ok()?),
        None => (digits, 0),
    };
    let precision: u8 = precision.trim().parse().ok()?;
    (precision >= scale).then_some(SqlType::Decimal(precision, scale))
}
