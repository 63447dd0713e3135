//! What differs between the SQL of databases.

use std::collections::BTreeMap;

use melisma_sdk::JsonSchema;
use serde::Deserialize;

/// Which SQL the database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Sql {
    /// DuckDB.
    #[serde(rename = "duckdb")]
    DuckDb,
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgresql,
    /// Snowflake; never run against the service.
    Snowflake,
    /// What all databases have in common.
    Ansi,
}

impl Sql {
    /// That of a database which calls itself so.
    pub(crate) fn of_vendor(vendor: &str) -> Self {
        match vendor.to_lowercase().as_str() {
            "duckdb" => Self::DuckDb,
            "sqlite" => Self::Sqlite,
            "postgresql" => Self::Postgresql,
            "snowflake" => Self::Snowflake,
            _ => Self::Ansi,
        }
    }

    /// Statements for each connection: text is made of moments, and moments of text, in the zone of the session.
    pub(crate) fn start(self) -> Vec<String> {
        let statements: &[&str] = match self {
            Self::DuckDb => &["SET TimeZone = 'UTC'"],
            Self::Postgresql => &[
                "SET TimeZone = 'UTC'",
                "SET DateStyle = 'ISO'",
                "SET IntervalStyle = 'postgres'",
                "SET standard_conforming_strings = on",
            ],
            Self::Snowflake => &["ALTER SESSION SET TIMEZONE = 'UTC'"],
            Self::Sqlite | Self::Ansi => &[],
        };
        statements.iter().map(|&sql| sql.to_owned()).collect()
    }

    /// Options of statements that read rows: the driver of SQLite makes batches of 1024 rows otherwise.
    pub(crate) fn statement_options(self) -> BTreeMap<String, String> {
        match self {
            Self::Sqlite => [("adbc.sqlite.query.batch_rows".to_owned(), "4096".to_owned())].into(),
            Self::DuckDb | Self::Postgresql | Self::Snowflake | Self::Ansi => BTreeMap::new(),
        }
    }
}

/// A name as SQL has it.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL has it.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_in_names_and_texts_are_doubled() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
    }
}
