//! What one database says differently from another.

use std::borrow::Cow;
use std::fmt;

use super::types::SqlType;

/// A table's place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableName {
    /// The schema, in databases that have schemas; where there is none, the one that the connection looks in first.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
}

impl TableName {
    /// As statements name it.
    pub fn sql(&self, dialect: &dyn Dialect) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", dialect.quote(schema), dialect.quote(&self.table)),
            None => dialect.quote(&self.table),
        }
    }
}

/// How rows replace those with the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsert {
    /// `MERGE INTO`.
    Merge,
    /// `DELETE` of the rows with the keys, then `INSERT`: every database can do this. What new rows do not have is kept in
    /// a temporary table meanwhile, which `CREATE TEMPORARY TABLE ... AS` makes.
    DeleteInsert,
    /// The same, with the keys compared one by one (`DELETE ... USING`), where a list of them has no `IN`.
    DeleteUsing,
}

/// A column that changes its type.
#[derive(Clone, Copy, Debug)]
pub struct Evolved<'a> {
    /// Its name.
    pub column: &'a str,
    /// What it is.
    pub from: &'a SqlType,
    /// What it becomes.
    pub to: &'a SqlType,
}

/// The SQL of one database: its names, types and statements. What is not said here is as in the SQL standard.
pub trait Dialect: fmt::Debug + Send + Sync {
    /// What errors call it.
    fn name(&self) -> &'static str;

    /// A name as statements have it.
    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// A text as statements have it.
    fn literal(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    /// The form in which two names of one column are equal.
    fn fold(&self, name: &str) -> String {
        name.to_owned()
    }

    /// The longest name, in bytes; at least 16.
    fn identifier_bytes(&self) -> usize {
        128
    }

    /// The schema of tables for which no other is chosen; `None` where tables have no schema, or it is not known.
    fn default_schema(&self) -> Option<&str>;

    /// The name of a stream, which names its table and may name its schema (`shop-orders`).
    fn stream_name<'a>(&self, stream: &'a str) -> Cow<'a, str> {
        stream.into()
    }

    /// The name of the column for a property.
    fn column_name<'a>(&self, property: &'a str) -> Cow<'a, str> {
        property.into()
    }

    /// What it calls a type. `None`: tables are made, and never changed, by the connection's bulk load alone.
    fn sql_type(&self, of: &SqlType) -> Option<String>;

    /// The type that it calls so.
    fn parse_type(&self, declared: &str) -> SqlType;

    /// Whether values of this type are stored as text, which they are turned into before they are handed over.
    fn stores_as_text(&self, of: &SqlType) -> bool {
        let _ = of;
        false
    }

    /// The type that values of this type have in the stage, where the bulk load cannot write the type itself: from there
    /// they are cast.
    fn staged(&self, of: &SqlType) -> SqlType {
        of.clone()
    }

    /// The table of this name that takes rows on their way into another one, the stage.
    fn stage(&self, name: String) -> TableName {
        TableName {
            schema: None,
            table: name,
        }
    }

    /// The statement that makes a stage; `columns` are names and types, with commas between.
    fn create_stage(&self, stage: &str, columns: &str) -> String {
        format!("CREATE TEMPORARY TABLE {stage} ({columns})")
    }

    /// What follows the columns in the statement that makes a table: partitions, clusters.
    fn table_options(&self, columns: &[&str], key: &[&str]) -> String {
        let (_, _) = (columns, key);
        String::new()
    }

    /// Whether a statement that makes or changes a table, or a bulk load, commits what came before it. Then all rows go
    /// through stages, and [`Connection::change`](super::Connection::change) is called for the changes of a commit.
    fn commits_early(&self) -> bool {
        false
    }

    /// Whether the rows of a stage are read faster once they are committed. Then stages are committed before their rows go to
    /// the table, in a transaction that has changed no row of a table.
    fn commits_stages(&self) -> bool {
        false
    }

    /// Whether it is worth a query to find out that no row of a stage replaces another, because a plain `INSERT` is much
    /// faster.
    fn inserts_new_keys(&self) -> bool {
        false
    }

    /// A query for the name and the type of each column of a table, in order; no rows when there is no such table. `None`:
    /// the connection knows them.
    fn describe(&self, table: &TableName) -> Option<String> {
        let _ = table;
        None
    }

    /// The statement that makes a schema, if it can be made.
    fn create_schema(&self, schema: &str) -> Option<String> {
        Some(format!("CREATE SCHEMA IF NOT EXISTS {}", self.quote(schema)))
    }

    /// The statements that change the type of a column, and keep its values. `None`: it cannot.
    fn widen(&self, table: &TableName, evolved: &Evolved<'_>) -> Option<Vec<String>> {
        let _ = (table, evolved);
        None
    }

    /// The statement that deletes all rows of a table, in the transaction.
    fn delete_all(&self, table: &str) -> String {
        format!("DELETE FROM {table}")
    }

    /// How rows replace those with the same key.
    fn upsert(&self) -> Upsert {
        Upsert::DeleteInsert
    }

    /// Whether a table whose rows have keys is made with a primary key.
    fn has_primary_keys(&self) -> bool {
        false
    }

    /// An expression of one type as one of another.
    fn cast(&self, expression: &str, from: &SqlType, to: &SqlType) -> String {
        let _ = from;
        let name = match to {
            SqlType::Other(name) => Some(name.clone()),
            to => self.sql_type(to),
        };
        name.map_or_else(
            || expression.to_owned(),
            |name| format!("CAST({expression} AS {name})"),
        )
    }

    /// Whether a table can be changed in a transaction that has replaced or deleted rows of it.
    fn alters_changed_tables(&self) -> bool {
        true
    }

    /// A column that every table has, which numbers its rows: those that the open transaction has added come after all others.
    /// Where a table cannot be changed once rows of it were deleted, the old rows of `load_method: overwrite` are then deleted
    /// after the last change of the table, by their numbers.
    fn row_number(&self) -> Option<&'static str> {
        None
    }

    /// The expression for the time of now, in the type of a [`SqlType::Timestamp`].
    fn now(&self) -> &'static str {
        "CURRENT_TIMESTAMP"
    }

    /// Whether only one connection can write at a time, so that a second writing thread would wait for the first.
    fn has_one_writer(&self) -> bool {
        false
    }
}
