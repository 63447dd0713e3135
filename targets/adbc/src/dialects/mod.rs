//! The SQL of the databases that are known, and that of all others.

mod ansi;
mod duckdb;
mod sqlite;

use std::sync::Arc;

use melisma_sdk::JsonSchema;
use melisma_sdk::sql::Dialect;
use serde::Deserialize;

/// Which SQL the database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum DialectName {
    /// DuckDB, 1.4 or later.
    Duckdb,
    /// SQLite.
    Sqlite,
    /// What all databases have in common: tables are made, and not changed.
    Ansi,
}

impl DialectName {
    pub(crate) fn dialect(self) -> Arc<dyn Dialect> {
        match self {
            Self::Duckdb => Arc::new(duckdb::DuckDb),
            Self::Sqlite => Arc::new(sqlite::Sqlite),
            Self::Ansi => Arc::new(ansi::Ansi),
        }
    }

    /// That of a database which calls itself so.
    pub(crate) fn of_vendor(vendor: &str) -> Self {
        match vendor.to_lowercase().as_str() {
            "duckdb" => Self::Duckdb,
            "sqlite" => Self::Sqlite,
            _ => Self::Ansi,
        }
    }
}
