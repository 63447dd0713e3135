//! The SQL of Snowflake.
//!
//! A name that is not quoted becomes upper case there, and most people quote none. So names are written in upper case, quoted
//! for the sake of what else they have in them: `orders` and `ORDERS` are the same table.
//!
//! A statement that makes or changes a table ends the transaction, and the driver's bulk load makes a table-like thing of its
//! own each time. So rows go into stages, and all that changes tables is one transaction at the commit.

use melisma_sdk::sql::{Dialect, Evolved, SqlType, TableName, Upsert};

use super::decimal;

/// Snowflake.
#[derive(Debug)]
pub(crate) struct Snowflake {
    /// The schema of tables whose stream names none.
    pub(crate) schema: String,
    /// What a moment becomes.
    pub(crate) timestamp: &'static str,
}

/// Moments without a zone are in UTC, and what has a zone is turned into them in that of the session.
pub(super) const START: &str = "ALTER SESSION SET TIMEZONE = 'UTC'";

impl Dialect for Snowflake {
    fn name(&self) -> &'static str {
        "snowflake"
    }

    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.to_uppercase().replace('"', "\"\""))
    }

    /// A backslash is an escape.
    fn literal(&self, text: &str) -> String {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    }

    fn fold(&self, name: &str) -> String {
        name.to_uppercase()
    }

    fn identifier_bytes(&self) -> usize {
        255
    }

    fn default_schema(&self) -> Option<&str> {
        Some(&self.schema)
    }

    fn sql_type(&self, of: &SqlType) -> Option<String> {
        Some(match of {
            SqlType::Boolean => "BOOLEAN".to_owned(),
            SqlType::BigInt => "NUMBER(38,0)".to_owned(),
            SqlType::Decimal(precision, scale) => format!("NUMBER({precision},{scale})"),
            SqlType::Double => "FLOAT".to_owned(),
            SqlType::Text => "TEXT".to_owned(),
            SqlType::Date => "DATE".to_owned(),
            SqlType::Time => "TIME".to_owned(),
            SqlType::Timestamp => self.timestamp.to_owned(),
            SqlType::Json => "VARIANT".to_owned(),
            SqlType::Other(name) => name.clone(),
        })
    }

    fn parse_type(&self, declared: &str) -> SqlType {
        match declared {
            "BOOLEAN" => SqlType::Boolean,
            "FLOAT" => SqlType::Double,
            "TEXT" => SqlType::Text,
            "DATE" => SqlType::Date,
            "TIME" => SqlType::Time,
            "VARIANT" => SqlType::Json,
            moment if moment == self.timestamp => SqlType::Timestamp,
            _ => decimal(declared, "NUMBER").unwrap_or_else(|| SqlType::Other(declared.to_owned())),
        }
    }

    /// JSON is parsed on its way out of the stage.
    fn staged(&self, of: &SqlType) -> SqlType {
        match of {
            SqlType::Json => SqlType::Text,
            of => of.clone(),
        }
    }

    /// The driver loads a table by its name as it is, of the schema that the session is in.
    fn stage(&self, name: String) -> TableName {
        TableName {
            schema: None,
            table: name.to_uppercase(),
        }
    }

    fn commits_early(&self) -> bool {
        true
    }

    fn describe(&self, table: &TableName) -> Option<String> {
        let schema = table.schema.as_deref().unwrap_or(&self.schema).to_uppercase();
        let (schema, table) = (self.literal(&schema), self.literal(&table.table.to_uppercase()));
        Some(format!(
            "SELECT column_name, CASE data_type WHEN 'NUMBER' THEN 'NUMBER(' || numeric_precision || ',' || numeric_scale \
             || ')' ELSE data_type END FROM information_schema.columns WHERE table_schema = {schema} \
             AND table_name = {table} ORDER BY ordinal_position"
        ))
    }

    /// Only a number can get more digits, none of them behind the point.
    fn widen(&self, table: &TableName, evolved: &Evolved<'_>) -> Option<Vec<String>> {
        match (evolved.from, evolved.to) {
            (SqlType::Decimal(from, scale), SqlType::Decimal(to, same)) if scale == same && from < to => {
                let (table, column) = (table.sql(self), self.quote(evolved.column));
                Some(vec![format!(
                    "ALTER TABLE {table} ALTER COLUMN {column} SET DATA TYPE NUMBER({to},{same})"
                )])
            }
            _ => None,
        }
    }

    fn upsert(&self) -> Upsert {
        Upsert::Merge
    }

    /// Declared, and not checked.
    fn has_primary_keys(&self) -> bool {
        true
    }

    fn alters_changed_tables(&self) -> bool {
        false
    }

    fn cast(&self, expression: &str, from: &SqlType, to: &SqlType) -> String {
        match (from, to) {
            (SqlType::Text, SqlType::Json) => format!("PARSE_JSON({expression})"),
            (SqlType::Json, SqlType::Text) => format!("TO_JSON({expression})"),
            (_, to) => {
                let name = self.sql_type(to).unwrap_or_default();
                format!("CAST({expression} AS {name})")
            }
        }
    }

    /// In the type of a moment, which the session has in UTC.
    fn now(&self) -> &'static str {
        "CURRENT_TIMESTAMP()"
    }
}
