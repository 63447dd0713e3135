//! Builds the queries that read a table, and runs small ones.

use std::collections::HashMap;
use std::fmt::Write as _;

use adbc_core::error::Result as DriverResult;
use adbc_core::{Connection as _, Statement as _};
use adbc_driver_manager::ManagedConnection;
use melisma_adbc::Database;
use melisma_sdk::arrow::array::{Array as _, RecordBatchReader as _};
use melisma_sdk::arrow::schema::SchemaRef;
use melisma_sdk::arrow::{Cells, ValueOptions};
use melisma_sdk::{Error, Result};

use crate::kind::Kind;
use crate::sql::Sql;
use crate::table::{Cast, Column, Table};

/// A table's selected columns and conditions.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    pub(crate) table: &'a Table,
    pub(crate) sql: Sql,
    /// The selected columns.
    pub(crate) columns: Vec<&'a Column>,
    /// What the user wants of rows, in SQL.
    pub(crate) clauses: &'a [String],
    /// At most this many rows.
    pub(crate) limit: Option<u64>,
    /// For errors: `cannot read "main"."orders"`.
    pub(crate) doing: &'a str,
}

impl Query<'_> {
    /// All rows.
    pub(crate) fn whole(&self) -> String {
        self.ordered(&[], None, self.limit)
    }

    /// The rows that meet `conditions`, in the order of a column, at most `limit`.
    pub(crate) fn ordered(&self, conditions: &[String], order: Option<&str>, limit: Option<u64>) -> String {
        let table = self.table.quoted_name();
        // A line break ends a comment that a clause may have at its end.
        let clauses = self.clauses.iter().map(|clause| format!("({clause}\n)"));
        let all: Vec<String> = conditions.iter().cloned().chain(clauses).collect();
        let mut rest = format!(" FROM {table} AS t");
        if !all.is_empty() {
            let _ = write!(rest, " WHERE {}", all.join(" AND "));
        }
        if let Some(order) = order {
            let _ = write!(rest, " ORDER BY {order}");
        }
        if self.sql == Sql::Sqlite {
            return self.with_samples(&rest, limit);
        }
        let list = list(self.columns.iter().copied());
        let limit = limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
        format!("SELECT {list}{rest}{limit}")
    }

    /// The query with a row before all others that says which type each column has: the driver of SQLite would take it from
    /// the first rows, which may be null.
    fn with_samples(&self, rest: &str, limit: Option<u64>) -> String {
        let mut samples = "0".to_owned();
        let mut list = "1".to_owned();
        for column in &self.columns {
            let sample = match column.kind {
                Kind::Declared(declared) => declared.sample(),
                _ => "''",
            };
            let _ = write!(samples, ", {sample}");
            let _ = write!(list, ", {}", expression(column));
        }
        // SQLite keeps the order of a query inside another one for the sake of its limit.
        let limit = limit.map_or_else(|| "-1".to_owned(), |limit| limit.to_string());
        format!("SELECT {samples} UNION ALL SELECT * FROM (SELECT {list}{rest} LIMIT {limit})")
    }

    /// The number of columns before those of the table; as many rows come before its rows.
    pub(crate) fn extra(&self) -> usize {
        usize::from(self.sql == Sql::Sqlite)
    }
}

/// What stands between `SELECT` and `FROM`; the table is `t`. A number, where no column is selected: SQL wants something.
pub(crate) fn list<'a>(columns: impl IntoIterator<Item = &'a Column>) -> String {
    let columns: Vec<String> = columns.into_iter().map(expression).collect();
    if columns.is_empty() {
        return "1".to_owned();
    }
    columns.join(", ")
}

fn expression(column: &Column) -> String {
    let name = format!("t.{}", column.quoted);
    match (&column.kind, column.cast) {
        (Kind::Declared(declared), _) => declared.expression(&name),
        (_, Cast::None) => name,
        (_, Cast::Text) => format!("CAST({name} AS VARCHAR)"),
        (_, Cast::Json) => format!("to_json({name})"),
    }
}

/// The types of a query's columns.
pub(crate) fn schema(connection: &mut ManagedConnection, sql: &str) -> DriverResult<SchemaRef> {
    let mut statement = connection.new_statement()?;
    statement.set_sql_query(sql)?;
    let reader = statement.execute()?;
    Ok(reader.schema())
}

/// The two texts in each row of a query.
pub(crate) fn pairs(
    database: &Database,
    connection: &mut ManagedConnection,
    sql: &str,
) -> Result<HashMap<String, String>> {
    let failed = |error| database.error("cannot query the database", &error);
    let mut statement = connection.new_statement().map_err(failed)?;
    statement.set_sql_query(sql).map_err(failed)?;
    let reader = statement.execute().map_err(failed)?;
    let schema = reader.schema();
    let [first, second] = schema.fields().as_ref() else {
        return Err(Error::bug("a query for two columns, with another number of them"));
    };
    let mut pairs = HashMap::new();
    for batch in reader {
        let batch = batch.map_err(|error| failed(error.into()))?;
        let first = Cells::new(batch.column(0), first, ValueOptions::default())?;
        let second = Cells::new(batch.column(1), second, ValueOptions::default())?;
        for row in 0..batch.num_rows() {
            if let (Some(first), Some(second)) = (first.text(row)?, second.text(row)?) {
                pairs.insert(first.to_owned(), second.to_owned());
            }
        }
    }
    Ok(pairs)
}

/// The text in the first row of a query.
pub(crate) fn text(
    database: &Database,
    connection: &mut ManagedConnection,
    sql: &str,
) -> Result<Option<String>> {
    let failed = |error| database.error("cannot query the database", &error);
    let mut statement = connection.new_statement().map_err(failed)?;
    statement.set_sql_query(sql).map_err(failed)?;
    let reader = statement.execute().map_err(failed)?;
    let schema = reader.schema();
    let Some(field) = schema.fields().first() else {
        return Err(Error::bug("a query without a column"));
    };
    for batch in reader {
        let batch = batch.map_err(|error| failed(error.into()))?;
        if batch.column(0).is_empty() {
            continue;
        }
        let cells = Cells::new(batch.column(0), field, ValueOptions::default())?;
        return Ok(cells.text(0)?.map(str::to_owned));
    }
    Ok(None)
}
