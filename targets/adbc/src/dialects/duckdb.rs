//! The SQL of DuckDB.

use melisma_sdk::sql::{Dialect, Evolved, SqlType, TableName, Upsert};

use super::decimal;

/// DuckDB from 1.4 on, which has MERGE. Tables have no primary key: MERGE needs none, a load with one takes longer, and a
/// column with one could not be widened.
#[derive(Debug)]
pub(super) struct DuckDb;

impl Dialect for DuckDb {
    fn name(&self) -> &'static str {
        "duckdb"
    }

    /// Case does not count, and is kept.
    fn fold(&self, name: &str) -> String {
        name.to_lowercase()
    }

    /// It has no limit.
    fn identifier_bytes(&self) -> usize {
        255
    }

    fn default_schema(&self) -> Option<&str> {
        Some("main")
    }

    fn sql_type(&self, of: &SqlType) -> Option<String> {
        Some(match of {
            SqlType::Boolean => "BOOLEAN".to_owned(),
            SqlType::BigInt => "BIGINT".to_owned(),
            SqlType::Decimal(precision, scale) => format!("DECIMAL({precision},{scale})"),
            SqlType::Double => "DOUBLE".to_owned(),
            SqlType::Text => "VARCHAR".to_owned(),
            SqlType::Date => "DATE".to_owned(),
            SqlType::Time => "TIME".to_owned(),
            SqlType::Timestamp => "TIMESTAMP WITH TIME ZONE".to_owned(),
            SqlType::Json => "JSON".to_owned(),
            SqlType::Other(name) => name.clone(),
        })
    }

    fn parse_type(&self, declared: &str) -> SqlType {
        match declared {
            "BOOLEAN" => SqlType::Boolean,
            "BIGINT" => SqlType::BigInt,
            "DOUBLE" => SqlType::Double,
            "VARCHAR" => SqlType::Text,
            "DATE" => SqlType::Date,
            "TIME" => SqlType::Time,
            "TIMESTAMP WITH TIME ZONE" => SqlType::Timestamp,
            "JSON" => SqlType::Json,
            _ => decimal(declared, "DECIMAL").unwrap_or_else(|| SqlType::Other(declared.to_owned())),
        }
    }

    fn describe(&self, table: &TableName) -> Option<String> {
        let schema = self.literal(table.schema.as_deref().unwrap_or("main"));
        let table = self.literal(&table.table);
        Some(format!(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_catalog = current_database() \
             AND lower(table_schema) = lower({schema}) AND lower(table_name) = lower({table}) ORDER BY ordinal_position"
        ))
    }

    fn widen(&self, table: &TableName, evolved: &Evolved<'_>) -> Option<Vec<String>> {
        let (table, column) = (table.sql(self), self.quote(evolved.column));
        let to = self.sql_type(evolved.to)?;
        Some(vec![format!(
            "ALTER TABLE {table} ALTER COLUMN {column} TYPE {to}"
        )])
    }

    fn upsert(&self) -> Upsert {
        Upsert::Merge
    }

    /// Rows that the open transaction has added are read by one thread.
    fn commits_stages(&self) -> bool {
        true
    }

    /// What MERGE inserts is compressed once more at the checkpoint; what INSERT does is written as it is.
    fn inserts_new_keys(&self) -> bool {
        true
    }

    /// A commit of both fails, before DuckDB 2.
    fn alters_changed_tables(&self) -> bool {
        false
    }

    fn row_number(&self) -> Option<&'static str> {
        Some("rowid")
    }
}
