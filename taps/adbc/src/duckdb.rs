//! tap-duckdb: the tap by the name of its database.

use std::collections::BTreeMap;
use std::path::PathBuf;

use melisma_adbc::Address;
use melisma_sdk::config::Names;
use melisma_sdk::{Error, JsonSchema, Result, Secret};
use serde::Deserialize;

use crate::config::{ReadConfig, Settings, Source, yes};
use crate::sql::Sql;

/// Reads tables and views of a DuckDB database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct DuckDbConfig {
    /// The file of the database. It is opened for reading only.
    #[serde(alias = "filepath")]
    #[schemars(extend("x-aliases" = ["filepath"]))]
    path: String,
    /// The driver: the path of the library `libduckdb`, or its name where it is found.
    #[serde(default = "duckdb")]
    driver: String,
    /// Options of DuckDB, by their names: `memory_limit`, `threads`.
    #[serde(default)]
    options: BTreeMap<String, Secret<String>>,
    /// The schemas to discover: a list, or a text with commas between. Not set: all of the database.
    #[serde(default)]
    filter_schemas: Option<Names>,
    /// Writes decimals as strings of format `singer.decimal`, with precision and scale. When off, they are numbers; their
    /// digits are exact either way.
    #[serde(default = "yes")]
    use_singer_decimal: bool,
    #[serde(flatten)]
    read: ReadConfig,
}

fn duckdb() -> String {
    "duckdb".to_owned()
}

impl Settings for DuckDbConfig {
    fn source(self) -> Result<Source> {
        if self.path.starts_with("md:") || self.path.starts_with("motherduck:") {
            return Err(Error::config(
                "config: path: expected a file, because MotherDuck is not supported, found its address",
            ));
        }
        let mut options = self.options;
        options
            .entry("access_mode".to_owned())
            .or_insert_with(|| Secret::new("READ_ONLY".to_owned()));
        options.insert("path".to_owned(), Secret::new(self.path.clone()));
        Ok(Source {
            address: Address {
                driver: self.driver,
                options: options.into_iter().collect(),
                file: Some(PathBuf::from(self.path)),
                ..Address::default()
            },
            sql: Some(Sql::DuckDb),
            statement_options: BTreeMap::new(),
            filter_schemas: self.filter_schemas,
            decimals_as_strings: self.use_singer_decimal,
            read: self.read,
        })
    }
}
