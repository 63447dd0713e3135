//! The settings of target-adbc, and what all of its names share.

use std::collections::BTreeMap;

use melisma_sdk::sql::SqlConfig;
use melisma_sdk::target::StandardConfig;
use melisma_sdk::{Error, JsonSchema, Secret};
use serde::Deserialize;

use crate::dialects::DialectName;

/// Writes streams to tables of a database that has an ADBC driver.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Config {
    /// The driver: its name (`duckdb`, `sqlite`, `postgresql`), or the path of its library or of its manifest (TOML).
    pub(crate) driver: String,
    /// The function of the library that makes the driver. Not set: what the manifest or the name of the library says.
    #[serde(default)]
    pub(crate) entrypoint: Option<String>,
    /// The database, in the form that the driver documents.
    #[serde(default)]
    pub(crate) uri: Option<Secret<String>>,
    /// Options of the driver, by their names: `username`, `password`, `adbc.snowflake.sql.db`.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, Secret<String>>,
    /// The SQL of the database, or `ansi`, what all databases have in common: tables are made by the driver, and never
    /// changed. Not set: what the database calls itself.
    #[serde(default)]
    pub(crate) dialect: Option<DialectName>,
    #[serde(flatten)]
    pub(crate) sql: SqlConfig,
}

/// Turns the metadata columns on or off by the other name that they have for people who come from pipelinewise's targets,
/// and on where rows cannot be deleted without them.
pub(crate) fn metadata_columns(standard: &mut StandardConfig, add: Option<bool>, sql: &SqlConfig) {
    if let Some(add) = add {
        standard.add_record_metadata = add;
    }
    standard.add_record_metadata |= sql.hard_delete;
}

/// A setting that was given a value other than the one that is possible.
pub(crate) fn refused(setting: &str, expected: &str) -> Error {
    Error::config(format!(
        "config: {setting}: expected {expected}, found another value"
    ))
}
