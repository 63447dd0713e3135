//! The SQL of Redshift.

use melisma_sdk::sql::{Dialect, Evolved, SqlType, TableName, Upsert};

use super::decimal;

/// Redshift. A key is declared, which its planner makes use of; it does not check one.
#[derive(Debug)]
pub(super) struct Redshift {
    /// The schema of tables whose stream names none.
    pub(super) schema: String,
}

/// What a text holds, in bytes, and how it is declared.
const TEXT: &str = "character varying(65535)";

impl Dialect for Redshift {
    fn name(&self) -> &'static str {
        "redshift"
    }

    /// Case does not count, and names become lower case.
    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.to_lowercase().replace('"', "\"\""))
    }

    /// A backslash is an escape.
    fn literal(&self, text: &str) -> String {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    }

    fn fold(&self, name: &str) -> String {
        name.to_lowercase()
    }

    fn identifier_bytes(&self) -> usize {
        127
    }

    fn default_schema(&self) -> Option<&str> {
        Some(&self.schema)
    }

    fn sql_type(&self, of: &SqlType) -> Option<String> {
        Some(match of {
            SqlType::Boolean => "boolean".to_owned(),
            SqlType::BigInt => "bigint".to_owned(),
            SqlType::Decimal(precision, scale) => format!("numeric({precision},{scale})"),
            SqlType::Double => "double precision".to_owned(),
            SqlType::Text => TEXT.to_owned(),
            SqlType::Date => "date".to_owned(),
            SqlType::Time => "time without time zone".to_owned(),
            SqlType::Timestamp => "timestamp without time zone".to_owned(),
            SqlType::Json => "super".to_owned(),
            SqlType::Other(name) => name.clone(),
        })
    }

    fn parse_type(&self, declared: &str) -> SqlType {
        match declared {
            "boolean" => SqlType::Boolean,
            "bigint" => SqlType::BigInt,
            "double precision" => SqlType::Double,
            TEXT => SqlType::Text,
            "date" => SqlType::Date,
            "time without time zone" => SqlType::Time,
            "timestamp without time zone" => SqlType::Timestamp,
            "super" => SqlType::Json,
            _ => decimal(declared, "numeric").unwrap_or_else(|| SqlType::Other(declared.to_owned())),
        }
    }

    /// The driver writes no times of day, and a moment with its zone; JSON is parsed on its way out of the stage.
    fn staged(&self, of: &SqlType) -> SqlType {
        match of {
            SqlType::Time | SqlType::Json => SqlType::Text,
            SqlType::Timestamp => SqlType::Other("timestamp with time zone".to_owned()),
            of => of.clone(),
        }
    }

    fn stores_as_text(&self, of: &SqlType) -> bool {
        *of == SqlType::Time
    }

    fn describe(&self, table: &TableName) -> Option<String> {
        let schema = table.schema.as_deref().unwrap_or(&self.schema).to_lowercase();
        let (schema, table) = (self.literal(&schema), self.literal(&table.table.to_lowercase()));
        Some(format!(
            "SELECT CAST(a.attname AS varchar(127)), CAST(format_type(a.atttypid, a.atttypmod) AS varchar(127)) \
             FROM pg_catalog.pg_attribute AS a \
             JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid \
             JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE n.nspname = {schema} AND c.relname = {table} AND a.attnum > 0 AND NOT a.attisdropped \
             ORDER BY a.attnum"
        ))
    }

    /// The type of a column cannot be changed in a transaction, so a new one takes its place and its name.
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

    fn upsert(&self) -> Upsert {
        Upsert::DeleteUsing
    }

    fn has_primary_keys(&self) -> bool {
        true
    }

    fn cast(&self, expression: &str, from: &SqlType, to: &SqlType) -> String {
        match (from, to) {
            (SqlType::Text, SqlType::Json) => format!("JSON_PARSE({expression})"),
            (SqlType::Json, SqlType::Text) => format!("JSON_SERIALIZE({expression})"),
            (SqlType::Boolean, SqlType::Text) => {
                format!("CASE {expression} WHEN true THEN 'true' WHEN false THEN 'false' END")
            }
            (SqlType::Other(zoned), SqlType::Timestamp) if zoned == "timestamp with time zone" => {
                format!("{expression} AT TIME ZONE 'UTC'")
            }
            // A cast to a length cuts a text silently; to store one that is too long is an error.
            (_, SqlType::Other(name)) if name.starts_with("character") => {
                format!("CAST({expression} AS {TEXT})")
            }
            (_, to) => {
                let name = self.sql_type(to).unwrap_or_default();
                format!("CAST({expression} AS {name})")
            }
        }
    }

    /// In a moment without a zone, which is in UTC.
    fn now(&self) -> &'static str {
        "GETDATE()"
    }
}
