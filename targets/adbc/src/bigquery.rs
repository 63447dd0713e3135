//! target-bigquery: the target by the name and with the settings of z3z1ma's target for BigQuery, which the Hub offers first.

mod values;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use melisma_adbc::Address;
use melisma_sdk::sql::{self, Dialect as _, Sql, SqlConfig};
use melisma_sdk::target::{LoadMethod, StandardConfig};
use melisma_sdk::{Error, JsonSchema, Result, Secret};
use serde::Deserialize;

use crate::config::refused;
use crate::dialects::bigquery::{Clusters, Shape};
use crate::dialects::{self, DialectName};
use crate::warehouse::{Service, Warehouse, WarehouseConfig};

use values::{Choice, DriverOption, Granularity, Transforms};

/// The target for BigQuery.
pub type TargetBigQuery = Sql<Service<BigQueryConfig>>;

/// Writes streams to tables of a BigQuery dataset.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct BigQueryConfig {
    /// The project.
    project: String,
    /// The dataset of the tables, which is made if there is none.
    dataset: String,
    /// Where the dataset is made if there is none.
    #[serde(default = "location")]
    location: String,
    /// The file with the key of a service account. Neither this nor `credentials_json`: the default credentials of the
    /// environment.
    #[serde(default)]
    credentials_path: Option<String>,
    /// The key of a service account, as JSON.
    #[serde(default)]
    credentials_json: Option<Secret<String>>,
    /// The driver: its name where it is found, or the path of its library or manifest.
    #[serde(default = "bigquery")]
    driver: String,
    /// Options of the driver, by their names: `bigquery.auth.quota_project`. Those of the Python target
    /// (`storage_write_batch_mode`, `process_pool`, `max_workers`) are accepted and ignored.
    #[serde(default)]
    options: BTreeMap<String, DriverOption>,
    #[serde(flatten)]
    sql: SqlConfig,
    /// Expected to be true: the properties of a stream become columns, and objects and lists become JSON. The table with one
    /// JSON column for all of a record, which the Python target makes unless this is true, is refused.
    #[serde(default)]
    denormalized: bool,
    /// Replace the record with the same key; off, records are added. Patterns of streams are refused.
    #[serde(default)]
    upsert: Choice,
    /// Replace the rows of earlier runs, unless `upsert` is on. Patterns of streams are refused.
    #[serde(default)]
    overwrite: Choice,
    /// Another name for `batch_size_rows`. It takes precedence.
    #[serde(default)]
    #[schemars(range(min = 1, max = 4_294_967_295_u64))]
    batch_size: Option<usize>,
    /// Expected to be true: `on_invalid` says what happens to records that do not fit.
    #[serde(default = "yes")]
    fail_fast: bool,
    /// Refused: no views are made.
    #[serde(default)]
    generate_view: bool,
    /// The partitions of tables that are made: by `_sdc_batched_at`, so with `add_record_metadata` only.
    #[serde(default)]
    partition_granularity: Granularity,
    /// The number of days after which a partition is removed.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000))]
    partition_expiration_days: Option<u32>,
    /// Cluster the tables that are made by the keys of their streams. Off: by `_sdc_batched_at`.
    #[serde(default)]
    cluster_on_key_properties: bool,
    /// The columns to cluster the tables by that are made, the first four of them.
    #[serde(default)]
    clustering_fields: Option<Vec<String>>,
    /// How columns are named.
    #[serde(default)]
    column_name_transforms: Transforms,
    /// The number of hours after which a table of a run's own is removed by BigQuery, where the run could not do it.
    #[serde(default = "week")]
    #[schemars(range(min = 1, max = 87_600))]
    temporary_table_expiration_hours: u32,
    /// Accepted and ignored: rows are loaded by load jobs.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "rows are loaded by load jobs"))]
    method: Option<String>,
    /// Accepted and ignored: rows are loaded by load jobs, without a bucket.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "rows are loaded by load jobs, without a bucket"))]
    bucket: Option<String>,
    /// Accepted and ignored: a load job takes the time that it takes.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(range(min = 0, max = 4_294_967_295_u64), extend("x-ignored" = "a load job takes the time that it takes"))]
    timeout: Option<u64>,
    /// Accepted and ignored: of records with the same key the last one wins in any case.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "of records with the same key the last one wins in any case"))]
    dedupe_before_upsert: Option<Choice>,
    /// Accepted and ignored: objects and lists become JSON.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "objects and lists become JSON"))]
    schema_resolver_version: Option<u8>,
    /// Accepted and ignored: no views are made.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "no views are made"))]
    timestamp_format: Option<String>,
    /// Accepted and ignored: tables of a run's own have names of their own.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted and ignored")]
    #[schemars(extend("x-ignored" = "tables of a run's own have names of their own"))]
    temporary_table_name_template: Option<String>,
}

/// Options of the Python target, which share the setting with those of the driver.
const PYTHON_OPTIONS: [&str; 3] = ["storage_write_batch_mode", "process_pool", "max_workers"];

fn location() -> String {
    "US".to_owned()
}

fn bigquery() -> String {
    "bigquery".to_owned()
}

fn yes() -> bool {
    true
}

fn week() -> u32 {
    168
}

impl WarehouseConfig for BigQueryConfig {
    fn warehouse(self, standard: &mut StandardConfig) -> Result<Warehouse> {
        self.check()?;
        standard.add_record_metadata |= self.sql.hard_delete;
        if let Some(rows) = self.batch_size {
            standard.batch_size_rows = rows;
        }
        let (upsert, overwrite) = (self.upsert.read("upsert")?, self.overwrite.read("overwrite")?);
        if standard.load_method == LoadMethod::AppendOnly {
            standard.load_method = match (upsert, overwrite) {
                (true, _) => LoadMethod::Upsert,
                (false, true) => LoadMethod::Overwrite,
                (false, false) => LoadMethod::Append,
            };
        }
        let address = self.address();
        let mut sql = self.sql;
        let dataset = sql.default_target_schema.take().unwrap_or(self.dataset);
        let place = format!("{}.{dataset}", self.project);
        let dialect = dialects::bigquery::BigQuery {
            dataset: Some(dataset),
            location: Some(self.location),
            run: dialects::run_id(),
            stages: AtomicU64::default(),
            stage_hours: self.temporary_table_expiration_hours,
            shape: Shape {
                partitions: Some(self.partition_granularity.sql()),
                partition_days: self.partition_expiration_days,
                clusters: match self.clustering_fields {
                    Some(fields) => Clusters::Columns(fields),
                    None if self.cluster_on_key_properties => Clusters::Key,
                    None => Clusters::BatchedAt,
                },
            },
            names: self.column_name_transforms.names(),
        };
        Ok(Warehouse {
            address,
            name: DialectName::Bigquery,
            // What the dataset holds cannot be asked for before it is there.
            start: dialect
                .dataset
                .iter()
                .filter_map(|name| dialect.create_schema(name))
                .collect(),
            location: place,
            dialect: Arc::new(dialect),
            sql,
        })
    }

    fn defaults() -> StandardConfig {
        StandardConfig {
            add_record_metadata: true,
            ..sql::defaults()
        }
    }
}

impl BigQueryConfig {
    fn check(&self) -> Result<()> {
        if !self.denormalized {
            return Err(Error::config(
                "config: denormalized: expected true, because properties become columns, found false, which is also what it is \
                 when it is not set",
            ));
        }
        if !self.fail_fast {
            let expected = "true, because on_invalid says what happens to records that do not fit";
            return Err(refused("fail_fast", expected));
        }
        if self.generate_view {
            return Err(refused("generate_view", "false, because no views are made"));
        }
        if self.credentials_path.is_some() && self.credentials_json.is_some() {
            return Err(Error::config(
                "config: expected one of credentials_path and credentials_json, found both",
            ));
        }
        Ok(())
    }

    fn address(&self) -> Address {
        let option = |name: &str, value: &str| {
            let name = format!("adbc.bigquery.sql.{name}");
            (name, Secret::new(value.to_owned()))
        };
        let kind = |kind: &str| option("auth_type", &format!("adbc.bigquery.sql.auth_type.{kind}"));
        let mut options = vec![
            option("project_id", &self.project),
            option("dataset_id", &self.dataset),
            option("location", &self.location),
        ];
        match (&self.credentials_path, &self.credentials_json) {
            (Some(path), _) => {
                options.extend([kind("json_credential_file"), option("auth_credentials", path)]);
            }
            (None, Some(json)) => {
                options.extend([
                    kind("json_credential_string"),
                    option("auth_credentials", json.expose()),
                ]);
            }
            (None, None) => {}
        }
        let more = self
            .options
            .iter()
            .filter(|(name, _)| !PYTHON_OPTIONS.contains(&name.as_str()));
        options.extend(more.map(|(name, value)| (name.clone(), value.text())));
        Address {
            driver: self.driver.clone(),
            options,
            ..Address::default()
        }
    }
}
