//! The SQL of BigQuery.
//!
//! There is no session: a statement is a job of its own, and so is a bulk load. So a stage is a table like others, which
//! removes itself after a while, and what changes tables is one script with a transaction at the commit.

mod names;
mod shape;

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use melisma_sdk::sql::{Dialect, Evolved, SqlType, TableName, Upsert};

use super::decimal;
pub(crate) use names::ColumnNames;
pub(crate) use shape::{Clusters, Shape};

/// BigQuery.
#[derive(Debug, Default)]
pub(crate) struct BigQuery {
    /// The dataset of all tables; `None`: that of the driver's options.
    pub(crate) dataset: Option<String>,
    /// Where a dataset is made that is not there.
    pub(crate) location: Option<String>,
    /// What the names of the stages of this run have at their end.
    pub(crate) run: String,
    /// The number of stages that were named: connections share the dataset.
    pub(crate) stages: AtomicU64,
    /// The number of hours after which a stage is removed that was not dropped.
    pub(crate) stage_hours: u32,
    /// How tables are made.
    pub(crate) shape: Shape,
    /// How columns are named.
    pub(crate) names: ColumnNames,
}

impl Dialect for BigQuery {
    fn name(&self) -> &'static str {
        "bigquery"
    }

    fn quote(&self, name: &str) -> String {
        quote(name)
    }

    fn literal(&self, text: &str) -> String {
        let text = text.replace('\\', "\\\\").replace('\'', "\\'");
        format!("'{}'", text.replace('\n', "\\n").replace('\r', "\\r"))
    }

    /// Case does not count in the names of columns, and is kept.
    fn fold(&self, name: &str) -> String {
        name.to_lowercase()
    }

    fn identifier_bytes(&self) -> usize {
        300
    }

    fn default_schema(&self) -> Option<&str> {
        self.dataset.as_deref()
    }

    /// All tables are in one dataset, by names that hold letters, digits and underscores.
    fn stream_name<'a>(&self, stream: &'a str) -> Cow<'a, str> {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        };
        stream.chars().map(plain).collect::<String>().into()
    }

    fn column_name<'a>(&self, property: &'a str) -> Cow<'a, str> {
        self.names.column(property)
    }

    fn sql_type(&self, of: &SqlType) -> Option<String> {
        Some(match of {
            SqlType::Boolean => "BOOL".to_owned(),
            SqlType::BigInt => "INT64".to_owned(),
            SqlType::Decimal(precision, scale) if *scale <= 9 && precision - scale <= 29 => {
                format!("NUMERIC({precision},{scale})")
            }
            SqlType::Decimal(precision, scale) => format!("BIGNUMERIC({precision},{scale})"),
            SqlType::Double => "FLOAT64".to_owned(),
            SqlType::Text => "STRING".to_owned(),
            SqlType::Date => "DATE".to_owned(),
            SqlType::Time => "TIME".to_owned(),
            SqlType::Timestamp => "TIMESTAMP".to_owned(),
            SqlType::Json => "JSON".to_owned(),
            SqlType::Other(name) => name.clone(),
        })
    }

    fn parse_type(&self, declared: &str) -> SqlType {
        match declared {
            "BOOL" => SqlType::Boolean,
            "INT64" => SqlType::BigInt,
            "FLOAT64" => SqlType::Double,
            "STRING" => SqlType::Text,
            "DATE" => SqlType::Date,
            "TIME" => SqlType::Time,
            "TIMESTAMP" => SqlType::Timestamp,
            "JSON" => SqlType::Json,
            "NUMERIC" => SqlType::Decimal(38, 9),
            _ => decimal(declared, "NUMERIC")
                .or_else(|| decimal(declared, "BIGNUMERIC"))
                .unwrap_or_else(|| SqlType::Other(declared.to_owned())),
        }
    }

    /// JSON is parsed on its way out of the stage.
    fn staged(&self, of: &SqlType) -> SqlType {
        match of {
            SqlType::Json => SqlType::Text,
            of => of.clone(),
        }
    }

    fn stage(&self, name: String) -> TableName {
        let number = self.stages.fetch_add(1, Ordering::Relaxed);
        TableName {
            schema: self.dataset.clone(),
            table: format!("{name}_{number}_{}", self.run),
        }
    }

    fn create_stage(&self, stage: &str, columns: &str) -> String {
        let hours = self.stage_hours;
        format!(
            "CREATE TABLE {stage} ({columns}) \
             OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL {hours} HOUR))"
        )
    }

    fn table_options(&self, columns: &[&str], key: &[&str]) -> String {
        self.shape.sql(columns, key)
    }

    fn commits_early(&self) -> bool {
        true
    }

    fn describe(&self, table: &TableName) -> Option<String> {
        let of = match &table.schema {
            Some(dataset) => format!("{}.", self.quote(dataset)),
            None => String::new(),
        };
        let table = self.literal(&table.table);
        Some(format!(
            "SELECT column_name, data_type FROM {of}INFORMATION_SCHEMA.COLUMNS WHERE table_name = {table} \
             ORDER BY ordinal_position"
        ))
    }

    fn create_schema(&self, schema: &str) -> Option<String> {
        let options = match &self.location {
            Some(location) => format!(" OPTIONS (location = {})", self.literal(location)),
            None => String::new(),
        };
        Some(format!(
            "CREATE SCHEMA IF NOT EXISTS {}{options}",
            self.quote(schema)
        ))
    }

    /// What BigQuery can turn a number into.
    fn widen(&self, table: &TableName, evolved: &Evolved<'_>) -> Option<Vec<String>> {
        let is_number = |of: &SqlType| matches!(of, SqlType::BigInt | SqlType::Decimal(..) | SqlType::Double);
        if !is_number(evolved.from) || !is_number(evolved.to) {
            return None;
        }
        let (table, column) = (table.sql(self), self.quote(evolved.column));
        let to = self.sql_type(evolved.to)?;
        Some(vec![format!(
            "ALTER TABLE {table} ALTER COLUMN {column} SET DATA TYPE {to}"
        )])
    }

    /// A statement without a condition is an error.
    fn delete_all(&self, table: &str) -> String {
        format!("DELETE FROM {table} WHERE TRUE")
    }

    fn upsert(&self) -> Upsert {
        Upsert::Merge
    }

    fn alters_changed_tables(&self) -> bool {
        false
    }

    fn cast(&self, expression: &str, from: &SqlType, to: &SqlType) -> String {
        match (from, to) {
            // What a float cannot hold is rounded to one.
            (SqlType::Text, SqlType::Json) => {
                format!("PARSE_JSON({expression}, wide_number_mode => 'round')")
            }
            (SqlType::Json, SqlType::Text) => format!("TO_JSON_STRING({expression})"),
            // Lengths and digits are those of the column, which refuses what it cannot hold.
            (_, to) => {
                let name = self.sql_type(to).unwrap_or_default();
                let word = name.split('(').next().unwrap_or_default();
                format!("CAST({expression} AS {word})")
            }
        }
    }

    fn now(&self) -> &'static str {
        "CURRENT_TIMESTAMP()"
    }
}

fn quote(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}
