//! The server at the other end of a connection: what it says about itself, and whether it is still there.

use std::time::Duration;

use melisma_postgres::postgres;
use melisma_postgres::postgres::error::SqlState;
use melisma_postgres::{Server, failed};
use melisma_sdk::{Error, Result};

/// The most tables that one transaction touches, where it may end earlier: the server keeps locks on each of them, on its
/// indexes and on its stage.
const MOST_TABLES: i64 = 100;

/// The fewest, on a server that has few locks.
const FEWEST_TABLES: i64 = 16;

/// The server's locks, which all sessions share, for each table of a transaction: a table takes up to ten, and the other
/// sessions need some. With the server's defaults, 64 locks for each of 100 connections, that makes 100 tables.
const LOCKS_FOR_A_TABLE: i64 = 64;

/// What the server says about the connection.
pub(super) struct Backend {
    /// Its process id on the server, to distinguish it from sessions that block it.
    pub(super) pid: i32,
    /// Statements have a time limit, which a COPY that waits for the tap's next rows must not run into.
    pub(super) hurried: bool,
    /// The number of tables after which a transaction ends, if it may.
    pub(super) most_tables: usize,
}

/// Opens a connection, and asks what there is to know about it.
pub(super) fn connect(
    server: &Server,
    lock_timeout: Duration,
) -> Result<(melisma_postgres::Session, Backend)> {
    let mut client = server.session()?;
    let fail = |error| failed("cannot set up the connection", error);
    // A transaction is idle while the tap is: that is for the target's own timers to end.
    let setup = format!(
        "set lock_timeout = {}; set client_min_messages = warning; set temp_buffers = '32MB'; \
         set idle_in_transaction_session_timeout = 0",
        lock_timeout.as_millis()
    );
    client.batch_execute(&setup).map_err(fail)?;
    let facts = "select pg_catalog.pg_backend_pid(), pg_catalog.current_setting('statement_timeout') <> '0', \
                 pg_catalog.current_setting('max_locks_per_transaction')::bigint \
                 * pg_catalog.current_setting('max_connections')::bigint";
    let row = client.query_one(facts, &[]).map_err(fail)?;
    let locks: i64 = row.get(2);
    let most_tables = (locks / LOCKS_FOR_A_TABLE).clamp(FEWEST_TABLES, MOST_TABLES);
    let backend = Backend {
        pid: row.get(0),
        hurried: row.get(1),
        most_tables: most_tables.unsigned_abs() as usize,
    };
    Ok((client, backend))
}

/// Begins a transaction, and divides by zero when that is in another process than the session's settings and temporary
/// tables are.
pub(super) fn begin(pid: i32) -> String {
    format!("begin; select 1 / (pg_catalog.pg_backend_pid() = {pid})::int")
}

/// Whether the connection is closed, or the server closes it with this error.
pub(super) fn is_gone(error: &postgres::Error) -> bool {
    match error.code() {
        Some(code) => matches!(code.code(), "57P01" | "57P02" | "57P05") || code.code().starts_with("08"),
        None => true,
    }
}

/// The error of a connection that is not one session on the server.
pub(crate) fn pooled() -> Error {
    Error::config(
        "the connection goes through a pooler that gives each transaction another session of the server (PgBouncer's \
         pool_mode = transaction or statement): the target needs one of its own for temporary tables and settings; \
         connect to the server itself, or use pool_mode = session",
    )
}

/// Whether another session, one that does not take our locks, created a schema, table or column between our check and our
/// statement.
pub(super) fn made_meanwhile(error: &postgres::Error) -> bool {
    let made = [
        SqlState::DUPLICATE_SCHEMA,
        SqlState::DUPLICATE_TABLE,
        SqlState::DUPLICATE_COLUMN,
    ];
    let in_catalog = error
        .as_db_error()
        .is_some_and(|error| error.schema() == Some("pg_catalog"));
    error
        .code()
        .is_some_and(|code| made.contains(code) || *code == SqlState::UNIQUE_VIOLATION && in_catalog)
}
