//! The SQL of PostgreSQL.

use melisma_sdk::sql::{Dialect, Evolved, SqlType, TableName, Upsert};

use super::decimal;

/// PostgreSQL; from version 15 on with MERGE, which leaves rows in place that foreign keys refer to.
#[derive(Debug)]
pub(super) struct Postgresql {
    pub(super) has_merge: bool,
}

/// What a connection needs to know before all else: dates become moments, and moments text, in the zone of the session, and
/// a backslash in a text is a backslash.
pub(super) const START: [&str; 3] = [
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'ISO'",
    "SET standard_conforming_strings = on",
];

impl Dialect for Postgresql {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn identifier_bytes(&self) -> usize {
        63
    }

    fn default_schema(&self) -> Option<&str> {
        Some("public")
    }

    fn sql_type(&self, of: &SqlType) -> Option<String> {
        Some(match of {
            SqlType::Boolean => "boolean".to_owned(),
            SqlType::BigInt => "bigint".to_owned(),
            SqlType::Decimal(precision, scale) => format!("numeric({precision},{scale})"),
            SqlType::Double => "double precision".to_owned(),
            SqlType::Text => "text".to_owned(),
            SqlType::Date => "date".to_owned(),
            SqlType::Time => "time without time zone".to_owned(),
            SqlType::Timestamp => "timestamp with time zone".to_owned(),
            SqlType::Json => "jsonb".to_owned(),
            SqlType::Other(name) => name.clone(),
        })
    }

    fn parse_type(&self, declared: &str) -> SqlType {
        match declared {
            "boolean" => SqlType::Boolean,
            "bigint" => SqlType::BigInt,
            "double precision" => SqlType::Double,
            "text" | "character varying" => SqlType::Text,
            "date" => SqlType::Date,
            "time without time zone" => SqlType::Time,
            "timestamp with time zone" => SqlType::Timestamp,
            "jsonb" => SqlType::Json,
            _ => decimal(declared, "numeric").unwrap_or_else(|| SqlType::Other(declared.to_owned())),
        }
    }

    fn describe(&self, table: &TableName) -> Option<String> {
        let schema = self.literal(table.schema.as_deref().unwrap_or("public"));
        let table = self.literal(&table.table);
        Some(format!(
            "SELECT CAST(a.attname AS text), pg_catalog.format_type(a.atttypid, a.atttypmod) \
             FROM pg_catalog.pg_attribute AS a \
             JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid \
             JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE n.nspname = {schema} AND c.relname = {table} AND c.relkind IN ('r', 'p', 'v', 'f') \
             AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        ))
    }

    /// `IF NOT EXISTS` would want the right to make schemas where there is one.
    fn create_schema(&self, schema: &str) -> Option<String> {
        let (name, quoted) = (self.literal(schema), self.quote(schema));
        let block = format!(
            "BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {name}) \
             THEN CREATE SCHEMA {quoted}; END IF; END"
        );
        Some(format!("DO {}", self.literal(&block)))
    }

    fn widen(&self, table: &TableName, evolved: &Evolved<'_>) -> Option<Vec<String>> {
        let (table, column) = (table.sql(self), self.quote(evolved.column));
        let to = self.sql_type(evolved.to)?;
        let value = self.cast(&column, evolved.from, evolved.to);
        Some(vec![format!(
            "ALTER TABLE {table} ALTER COLUMN {column} TYPE {to} USING {value}"
        )])
    }

    fn upsert(&self) -> Upsert {
        if self.has_merge {
            Upsert::Merge
        } else {
            Upsert::DeleteInsert
        }
    }

    fn has_primary_keys(&self) -> bool {
        true
    }

    fn cast(&self, expression: &str, _: &SqlType, to: &SqlType) -> String {
        // A cast to a length cuts a text silently; to store one that is too long is an error.
        let name = self.sql_type(to).unwrap_or_default();
        let name = match name.split_once('(') {
            Some(("character varying" | "character", _)) => "text",
            _ => &name,
        };
        format!("CAST({expression} AS {name})")
    }
}
