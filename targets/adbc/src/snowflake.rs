//! target-snowflake: the target by the name and with the settings of Meltano's target for Snowflake.

use std::sync::Arc;

use melisma_adbc::SnowflakeLogin;
use melisma_sdk::sql::{self, Sql, SqlConfig};
use melisma_sdk::target::StandardConfig;
use melisma_sdk::{JsonSchema, Result};
use serde::{Deserialize, Serialize};

use crate::config::metadata_columns;
use crate::dialects::{self, DialectName};
use crate::warehouse::{Service, Warehouse, WarehouseConfig};

/// The target for Snowflake.
pub type TargetSnowflake = Sql<Service<SnowflakeConfig>>;

/// Writes streams to tables of a Snowflake database.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SnowflakeConfig {
    #[serde(flatten)]
    login: SnowflakeLogin,
    /// The database.
    database: String,
    /// The schema of tables for which neither `default_target_schema` nor the name of the stream has one, and of the
    /// stages of a run. Not set: `PUBLIC`.
    #[serde(default)]
    schema: Option<String>,
    /// The type of columns for date-times: without a zone, in UTC (`TIMESTAMP_NTZ`), or with one.
    #[serde(default)]
    timestamp_type: TimestampType,
    #[serde(flatten)]
    sql: SqlConfig,
    /// Accepted and ignored: there are no files.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "there are no files"))]
    clean_up_batch_files: Option<bool>,
}

/// `timestamp_type`
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(inline)]
enum TimestampType {
    /// Without a zone, in UTC.
    #[default]
    #[serde(rename = "TIMESTAMP_NTZ")]
    Ntz,
    /// With the zone of the session, which is UTC.
    #[serde(rename = "TIMESTAMP_LTZ")]
    Ltz,
    /// With a zone of its own.
    #[serde(rename = "TIMESTAMP_TZ")]
    Tz,
}

impl WarehouseConfig for SnowflakeConfig {
    fn warehouse(self, standard: &mut StandardConfig) -> Result<Warehouse> {
        metadata_columns(standard, None, &self.sql);
        let schema = self.schema.unwrap_or_else(|| "PUBLIC".to_owned()).to_uppercase();
        let database = self.database.to_uppercase();
        Ok(Warehouse {
            address: self.login.address(Some(&database), Some(&schema))?,
            name: DialectName::Snowflake,
            start: Vec::new(),
            location: format!("{database}.{schema}"),
            dialect: Arc::new(dialects::snowflake::Snowflake {
                schema,
                timestamp: match self.timestamp_type {
                    TimestampType::Ntz => "TIMESTAMP_NTZ",
                    TimestampType::Ltz => "TIMESTAMP_LTZ",
                    TimestampType::Tz => "TIMESTAMP_TZ",
                },
            }),
            sql: self.sql,
        })
    }

    fn defaults() -> StandardConfig {
        StandardConfig {
            add_record_metadata: true,
            ..sql::defaults()
        }
    }
}
