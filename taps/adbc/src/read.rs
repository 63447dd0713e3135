//! Reads one stream by the replication method that the catalog chose.

use std::time::{SystemTime, UNIX_EPOCH};

use melisma_sdk::arrow::ValueOptions;
use melisma_sdk::{Error, Method, Output, Result, show};

use crate::config::ReadConfig;
use crate::fetch::{Asked, Queries};
use crate::incremental;
use crate::query::Query;
use crate::sql::Sql;
use crate::table::Table;
use crate::values::{Columns, first_row};

/// Reads a stream.
pub(crate) fn stream(
    table: &Table,
    queries: &Queries<'_>,
    (sql, read, options): (Sql, &ReadConfig, ValueOptions),
    output: &mut Output<'_>,
) -> Result<()> {
    let doing = format!("cannot read {}", table.quoted_name());
    let columns = Columns::new(table, output, options);
    let clauses = read.stream_options.get(output.stream());
    let query = Query {
        table,
        sql,
        columns: columns.selected(),
        clauses: clauses.map_or(&[], |options| &options.custom_where_clauses),
        limit: read.max_record_count,
        doing: &doing,
    };
    let done = match output.replication_method() {
        Method::FullTable => full_table(&query, &columns, queries, read, output),
        Method::Incremental => incremental::read(&query, &columns, queries, read, output),
        Method::LogBased => Err(Error::config(
            "replication method: LOG_BASED: a database has no log here",
        )),
    };
    done.map_err(|error| with_column(error, &query))
}

/// All rows, each time: an interrupted run starts over.
fn full_table(
    query: &Query<'_>,
    columns: &Columns<'_>,
    queries: &Queries<'_>,
    read: &ReadConfig,
    output: &mut Output<'_>,
) -> Result<()> {
    let version = read.emit_activate_version_messages.then(now);
    if let Some(version) = version {
        output.set_version(version);
    }
    let asked = Asked {
        sql: &query.whole(),
        doing: query.doing,
        // Rows of SQLite come behind one that says their types.
        any_order: query.sql == Sql::Ansi && query.limit.is_none(),
    };
    queries.rows(asked, output, |batch, output| {
        let rows = columns.of(batch, query.extra())?;
        for row in first_row(batch, query.extra())?..batch.num_rows() {
            rows.write(row, output)?;
        }
        output.checkpoint()
    })?;
    if let Some(version) = version {
        output.activate_version(version)?;
    }
    Ok(())
}

/// The milliseconds since 1970, as versions of tables are.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The driver of SQLite names columns by their number: says which one that is.
#[cold]
fn with_column(error: Error, query: &Query<'_>) -> Error {
    let message = error.message();
    let number = message
        .split_once("Type mismatch in column ")
        .and_then(|(_, rest)| {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse::<usize>().ok()
        });
    let column = number
        .and_then(|number| query.columns.get(number.checked_sub(query.extra())?))
        .filter(|_| query.sql == Sql::Sqlite);
    match column {
        None => error,
        Some(column) => Error::input(format!(
            "{message}: the column is {}, declared {}; read it through a view with a CAST",
            show(&column.name),
            show(&column.sql_type)
        )),
    }
}
