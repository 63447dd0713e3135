//! tap-sqlite: the tap by the name of its database.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use melisma_adbc::Address;
use melisma_sdk::arrow::InvalidDates;
use melisma_sdk::{Error, JsonSchema, Kind, Result, Secret, show};
use serde::Deserialize;

use crate::config::{ReadConfig, Settings, Source};
use crate::sql::Sql;

/// Reads tables and views of an SQLite database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct SqliteConfig {
    /// The file of the database. It is opened for reading only.
    #[serde(alias = "path", alias = "path_to_db")]
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
    read: ReadConfig,
}

fn sqlite() -> String {
    "sqlite".to_owned()
}

fn minute() -> f64 {
    60.0
}

impl Settings for SqliteConfig {
    fn source(self) -> Result<Source> {
        let millis = self.lock_timeout_seconds * 1000.0;
        if !(0.0..=f64::from(i32::MAX)).contains(&millis) {
            let found = self.lock_timeout_seconds;
            return Err(Error::config(format!(
                "config: lock_timeout_seconds: expected 0 to 2147483 seconds, found {found}"
            )));
        }
        if self.read.invalid_date_handling == InvalidDates::Clamp {
            return Err(Error::config(
                "config: invalid_date_handling: expected error, null or text, because a text that is no date has no nearest \
                 one, found clamp",
            ));
        }
        // The driver calls a file that is not there a lack of memory.
        fs::metadata(&self.database).map_err(|error| {
            let path = show(&self.database);
            Error::new(Kind::Io, format!("cannot open the database {path}")).with_source(error)
        })?;
        Ok(Source {
            address: Address {
                driver: self.driver,
                options: vec![("uri".to_owned(), Secret::new(read_only(&self.database)))],
                start: vec![format!("PRAGMA busy_timeout = {millis:.0}")],
                file: Some(PathBuf::from(self.database)),
                ..Address::default()
            },
            sql: Some(Sql::Sqlite),
            statement_options: BTreeMap::new(),
            filter_schemas: None,
            decimals_as_strings: false,
            read: self.read,
        })
    }
}

/// The URI of a file that is to be read only. A tap makes no file.
fn read_only(path: &str) -> String {
    let mut uri = "file:".to_owned();
    for &byte in path.as_bytes() {
        // What has a meaning in a URI, and what no URI has.
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'~') {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri + "?mode=ro"
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_is_a_uri_whatever_characters_it_has() {
        assert_eq!(
            super::read_only("data/a b?#%é.db"),
            "file:data/a%20b%3F%23%25%C3%A9.db?mode=ro"
        );
    }
}
