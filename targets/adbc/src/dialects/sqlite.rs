//! The SQL of SQLite.
//!
//! A column's type is a preference: `INTEGER` and `REAL` turn text that looks like a number into one, and `TEXT` keeps text
//! as it is. So decimals and JSON are `TEXT`, which alone keeps all of their digits. `DATE`, `TIME` and `TIMESTAMP` hold
//! text that never looks like a number.

use melisma_sdk::sql::{Dialect, Evolved, SqlType, TableName};

#[derive(Debug)]
pub(super) struct Sqlite;

impl Dialect for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    /// Case does not count, and is kept.
    fn fold(&self, name: &str) -> String {
        name.to_ascii_lowercase()
    }

    /// It has no limit.
    fn identifier_bytes(&self) -> usize {
        255
    }

    fn default_schema(&self) -> Option<&str> {
        None
    }

    fn sql_type(&self, of: &SqlType) -> Option<String> {
        Some(match of {
            SqlType::Boolean => "BOOLEAN".to_owned(),
            SqlType::BigInt => "INTEGER".to_owned(),
            SqlType::Double => "REAL".to_owned(),
            SqlType::Decimal(..) | SqlType::Text | SqlType::Json => "TEXT".to_owned(),
            SqlType::Date => "DATE".to_owned(),
            SqlType::Time => "TIME".to_owned(),
            SqlType::Timestamp => "TIMESTAMP".to_owned(),
            SqlType::Other(name) => name.clone(),
        })
    }

    fn parse_type(&self, declared: &str) -> SqlType {
        match declared.to_ascii_uppercase().as_str() {
            "BOOLEAN" => SqlType::Boolean,
            "INTEGER" | "INT" | "BIGINT" => SqlType::BigInt,
            "REAL" | "DOUBLE" | "FLOAT" => SqlType::Double,
            "TEXT" | "VARCHAR" => SqlType::Text,
            "DATE" => SqlType::Date,
            "TIME" => SqlType::Time,
            "TIMESTAMP" => SqlType::Timestamp,
            _ => SqlType::Other(declared.to_owned()),
        }
    }

    fn stores_as_text(&self, of: &SqlType) -> bool {
        matches!(
            of,
            SqlType::Decimal(..) | SqlType::Date | SqlType::Time | SqlType::Timestamp | SqlType::Json
        )
    }

    fn describe(&self, table: &TableName) -> Option<String> {
        let table = self.literal(&table.table);
        Some(format!(
            "SELECT name, type FROM pragma_table_info({table}, 'main')"
        ))
    }

    /// The type of a column cannot be changed, so a new one takes its place and its name.
    fn widen(&self, table: &TableName, evolved: &Evolved<'_>) -> Option<Vec<String>> {
        let to = self.sql_type(evolved.to)?;
        let (table, old) = (table.sql(self), self.quote(evolved.column));
        let new = self.quote(&format!("_melisma_{}", evolved.column));
        let value = self.cast(&old, evolved.from, evolved.to);
        Some(vec![
            format!("ALTER TABLE {table} ADD COLUMN {new} {to}"),
            format!("UPDATE {table} SET {new} = {value}"),
            format!("ALTER TABLE {table} DROP COLUMN {old}"),
            format!("ALTER TABLE {table} RENAME COLUMN {new} TO {old}"),
        ])
    }

    fn has_primary_keys(&self) -> bool {
        true
    }

    fn cast(&self, expression: &str, from: &SqlType, to: &SqlType) -> String {
        match (from, to) {
            (SqlType::Boolean, SqlType::Text) => {
                format!("CASE {expression} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE {expression} END")
            }
            // Fifteen digits, or where they are another number, seventeen.
            (SqlType::Double, SqlType::Text) => format!(
                "CASE WHEN CAST(CAST({expression} AS TEXT) AS REAL) = {expression} THEN CAST({expression} AS TEXT) \
                 ELSE printf('%!.17g', {expression}) END"
            ),
            (_, SqlType::Text) => format!("CAST({expression} AS TEXT)"),
            (SqlType::Date, SqlType::Timestamp) => format!("{expression} || 'T00:00:00.000000Z'"),
            // A value keeps its type in any column.
            _ => expression.to_owned(),
        }
    }

    fn now(&self) -> &'static str {
        "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"
    }

    fn has_one_writer(&self) -> bool {
        true
    }
}
