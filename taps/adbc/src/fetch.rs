//! Runs a query and hands over its batches.
//!
//! The driver works in a thread of its own: it makes the next batch while the records of the last one are written, and a signal
//! ends the run while it does so.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use adbc_core::error::{Error as DriverError, Result as DriverResult, Status};
use adbc_core::options::{OptionStatement, OptionValue};
use adbc_core::{Connection as _, Optionable as _, Statement as _};
use adbc_driver_manager::{ManagedConnection, ManagedStatement};
use melisma_adbc::Database;
use melisma_sdk::arrow::array::{RecordBatch, RecordBatchReader};
use melisma_sdk::{Error, Output, Result};

/// Batches that wait to be written.
const AHEAD: usize = 2;
/// A signal is looked for at this interval.
const LOOK: Duration = Duration::from_millis(100);

/// Where queries are run.
#[derive(Debug)]
pub(crate) struct Queries<'a> {
    pub(crate) database: &'a Database,
    pub(crate) connection: Connection,
    /// Options of each statement.
    pub(crate) options: &'a [(String, String)],
}

/// A connection, for `Debug`.
#[derive(Clone)]
pub(crate) struct Connection(pub(crate) ManagedConnection);

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

/// A query, and what is known of its rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) sql: &'a str,
    /// For errors: `cannot read "main"."orders"`.
    pub(crate) doing: &'a str,
    /// Whether the rows may come in any order, and so by the partitions that the driver makes of them.
    pub(crate) any_order: bool,
}

impl Queries<'_> {
    /// Hands each batch of the rows to `batch`.
    pub(crate) fn rows(
        &self,
        asked: Asked<'_>,
        output: &mut Output<'_>,
        mut batch: impl FnMut(&RecordBatch, &mut Output<'_>) -> Result<()>,
    ) -> Result<()> {
        let failed = |error: &DriverError| self.database.error(asked.doing, error);
        let statement = self.statement(asked.sql).map_err(|error| failed(&error))?;
        let cancel = statement.get_cancel_handle();
        let (send, receive) = sync_channel(AHEAD);
        let connection = self.connection.0.clone();
        thread::scope(|scope| {
            let fetching = scope.spawn(move || fetch(statement, &connection, asked.any_order, &send));
            let written = take(&receive, output, &mut batch);
            drop(receive);
            if written.is_err() {
                // The driver may not be able to; then its next batch ends the thread.
                let _ = cancel.try_cancel();
            }
            let fetched = fetching.join();
            written?;
            match fetched {
                Ok(fetched) => fetched.map_err(|error| failed(&error)),
                Err(_) => Err(Error::bug("the thread of the driver panicked")),
            }
        })
    }

    fn statement(&self, sql: &str) -> DriverResult<ManagedStatement> {
        let mut statement = self.connection.0.clone().new_statement()?;
        for (name, value) in self.options {
            let value = OptionValue::String(value.clone());
            statement.set_option(OptionStatement::from(&**name), value)?;
        }
        statement.set_sql_query(sql)?;
        Ok(statement)
    }
}

/// Takes batches until there are no more, or the run is to end.
fn take(
    receive: &Receiver<RecordBatch>,
    output: &mut Output<'_>,
    batch: &mut impl FnMut(&RecordBatch, &mut Output<'_>) -> Result<()>,
) -> Result<()> {
    loop {
        match receive.recv_timeout(LOOK) {
            Ok(next) => batch(&next, output)?,
            Err(RecvTimeoutError::Timeout) => output.stop().check()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// Runs the statement, and sends its batches until no one takes them.
fn fetch(
    mut statement: ManagedStatement,
    connection: &ManagedConnection,
    any_order: bool,
    send: &SyncSender<RecordBatch>,
) -> DriverResult<()> {
    if any_order {
        match statement.execute_partitions() {
            Ok(result) => {
                for partition in &result.partitions {
                    if !send_all(connection.read_partition(partition)?, send)? {
                        break;
                    }
                }
                return Ok(());
            }
            // One reader it is.
            Err(error) if error.status == Status::NotImplemented => {}
            Err(error) => return Err(error),
        }
    }
    let reader = statement.execute()?;
    send_all(reader, send).map(drop)
}

/// Whether all were taken.
fn send_all(reader: Box<dyn RecordBatchReader + Send>, send: &SyncSender<RecordBatch>) -> DriverResult<bool> {
    for batch in reader {
        if send.send(batch?).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}
