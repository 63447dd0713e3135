//! tap-snowflake: the tap by the name and with the settings of Meltano's tap for Snowflake.

use std::collections::BTreeMap;

use melisma_adbc::SnowflakeLogin;
use melisma_sdk::config::Names;
use melisma_sdk::{JsonSchema, Result, Secret};
use serde::Deserialize;

use crate::config::{ReadConfig, Settings, Source, yes};
use crate::sql::Sql;

/// Reads tables and views of a Snowflake database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct SnowflakeConfig {
    #[serde(flatten)]
    login: SnowflakeLogin,
    /// The database. Not set: that of the user.
    #[serde(default)]
    database: Option<String>,
    /// The schema of the session. `filter_schemas` says which are discovered.
    #[serde(default)]
    schema: Option<String>,
    /// The tables and views to discover, each `schema.table`: another name for `filter_tables`, and taken together with it.
    #[serde(default)]
    tables: Option<Names>,
    /// The schemas to discover: a list, or a text with commas between. Not set: all but `information_schema`.
    #[serde(default)]
    filter_schemas: Option<Names>,
    /// Writes decimals as strings of format `singer.decimal`, with precision and scale. When off, they are numbers; their
    /// digits are exact either way.
    #[serde(default = "yes")]
    use_singer_decimal: bool,
    #[serde(flatten)]
    read: ReadConfig,
}

impl Settings for SnowflakeConfig {
    fn source(self) -> Result<Source> {
        let mut read = self.read;
        if let Some(tables) = self.tables {
            let filter = read.filter_tables.get_or_insert_with(|| Names(Vec::new()));
            filter.0.extend(tables.0);
        }
        let mut address = self
            .login
            .address(self.database.as_deref(), self.schema.as_deref())?;
        // In nanoseconds, the driver has no moments before 1677 and after 2262, and would make others of them.
        let precision = "adbc.snowflake.sql.client_option.max_timestamp_precision";
        if !address.options.iter().any(|(name, _)| name == precision) {
            let value = Secret::new("microseconds".to_owned());
            address.options.push((precision.to_owned(), value));
        }
        Ok(Source {
            address,
            sql: Some(Sql::Snowflake),
            statement_options: BTreeMap::new(),
            filter_schemas: self.filter_schemas,
            decimals_as_strings: self.use_singer_decimal,
            read,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    /// What the settings come to, as a text; or the error.
    fn source(more: &Value) -> String {
        let mut config = json!({"account": "a", "user": "u", "password": "p"});
        for (name, value) in more.as_object().expect("settings") {
            config[name] = value.clone();
        }
        let config: SnowflakeConfig = serde_json::from_value(config).expect("settings");
        let source = match config.source() {
            Ok(source) => source,
            Err(error) => return error.to_string(),
        };
        let options = source.address.options.iter();
        let options: Vec<(&String, &String)> = options.map(|(name, value)| (name, value.expose())).collect();
        format!(
            "{} {options:?} {:?} {:?} {}",
            source.address.driver, source.filter_schemas, source.read, source.decimals_as_strings
        )
    }

    #[test]
    fn every_setting_of_tap_snowflake_changes_what_is_read() {
        let key = json!({"password": null, "private_key": "AAAA"});
        let token = json!({"password": null, "oauth_access_token": "a"});
        let none = json!({});
        let probes = [
            ("account", json!("b"), &none),
            ("user", json!("b"), &none),
            ("password", json!("b"), &none),
            ("private_key", json!("BBBB"), &key),
            ("private_key_path", json!("/none"), &none),
            ("private_key_passphrase", json!("x"), &key),
            ("oauth_access_token", json!("b"), &token),
            ("use_browser_authentication", json!(true), &none),
            ("warehouse", json!("b"), &none),
            ("role", json!("b"), &none),
            ("driver", json!("b"), &none),
            ("options", json!({"x": "y"}), &none),
            ("database", json!("b"), &none),
            ("schema", json!("b"), &none),
            ("tables", json!(["b.c"]), &none),
            ("filter_schemas", json!(["b"]), &none),
            ("use_singer_decimal", json!(false), &none),
        ];
        let shared = schemars::schema_for!(ReadConfig);
        let own = schemars::schema_for!(SnowflakeConfig);
        let names = |schema: &schemars::Schema| -> BTreeSet<String> {
            let properties = schema.get("properties").and_then(Value::as_object);
            properties.expect("settings").keys().cloned().collect()
        };
        let own: BTreeSet<String> = names(&own).difference(&names(&shared)).cloned().collect();
        assert_eq!(own, probes.iter().map(|(name, ..)| (*name).to_owned()).collect());
        for (name, value, given) in probes {
            let mut with = given.clone();
            with[name] = value;
            assert_ne!(source(given), source(&with), "{name}");
        }
    }
}
