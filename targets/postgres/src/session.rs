//! A connection and its transaction, shared by the streams of one writing thread.
//!
//! Streams that share a connection share its transaction: a commit for one makes the rows of the others durable too,
//! earlier than they asked for. A transaction that failed takes the rows of all with it, so nothing more is committed
//! on the connection, and no stream may say that it was.

use std::collections::HashSet;
use std::time::Duration;

use melisma_postgres::postgres;
use melisma_postgres::postgres::error::SqlState;
use melisma_postgres::{CopyIn, Server, failed};
use melisma_sdk::{Error, Kind, Result, fault};

use crate::copy::{Group, Mask};
use crate::locks::{self, Purpose};
use crate::naming::TableName;
use crate::table::{self, Found};

/// What a COPY does, for errors.
const COPY: &str = "cannot copy rows into";

/// A connection.
pub(crate) struct Session {
    client: melisma_postgres::Session,
    server: Server,
    lock_timeout: Duration,
    /// Its number on the server, to be told apart from those in its way.
    pid: i32,
    /// Statements have a time limit, which a COPY that waits for the tap's next rows must not run into.
    hurried: bool,
    open: bool,
    /// The number of the transaction that is open, or comes next.
    transaction: u64,
    broken: bool,
    /// A COPY that goes on as long as rows for the same come.
    copying: Option<Copying>,
    /// Rows in a stage that are not in their table yet.
    pending: Option<Pending>,
    stages: usize,
    /// Tables whose lock of a first load is to be given up after the next commit.
    loaded: Vec<TableName>,
    /// The STATE that was stored with the last transaction.
    stored: Option<String>,
}

/// A COPY under way.
struct Copying {
    copy: CopyIn,
    statement: String,
    table: TableName,
}

/// Rows in a stage, of which no two have the same key.
pub(crate) struct Pending {
    /// The statement that brings them into their table.
    pub(crate) merge: String,
    pub(crate) table: TableName,
    pub(crate) stage: usize,
    pub(crate) mask: Mask,
    pub(crate) keys: HashSet<u64, foldhash::fast::FixedState>,
    pub(crate) bytes: usize,
}

impl Session {
    pub(crate) fn open(server: &Server, lock_timeout: Duration) -> Result<Self> {
        let mut client = server.session()?;
        let doing = "cannot set up the connection";
        // A transaction is idle while the tap is: that is for the target's own timers to end.
        let setup = format!(
            "set lock_timeout = {}; set client_min_messages = warning; set temp_buffers = '32MB'; \
             set idle_in_transaction_session_timeout = 0",
            lock_timeout.as_millis()
        );
        client
            .batch_execute(&setup)
            .map_err(|error| failed(doing, error))?;
        let row = client
            .query_one(
                "select pg_catalog.pg_backend_pid(), pg_catalog.current_setting('statement_timeout') <> '0'",
                &[],
            )
            .map_err(|error| failed(doing, error))?;
        let (pid, hurried) = (row.get(0), row.get(1));
        Ok(Self {
            client,
            server: server.clone(),
            lock_timeout,
            pid,
            hurried,
            open: false,
            transaction: 1,
            broken: false,
            copying: None,
            pending: None,
            stages: 0,
            loaded: Vec::new(),
            stored: None,
        })
    }

    /// The number of the transaction in which the next statement is.
    pub(crate) fn transaction(&self) -> u64 {
        self.transaction
    }

    /// The STATE that was stored last.
    pub(crate) fn stored(&self) -> Option<&str> {
        self.stored.as_deref()
    }

    /// The STATE was stored and is durable.
    pub(crate) fn note_stored(&mut self, state: &str) {
        self.stored = Some(state.to_owned());
    }

    /// A number for a new stage.
    pub(crate) fn new_stage(&mut self) -> usize {
        self.stages += 1;
        self.stages
    }

    /// Runs statements, in the transaction.
    pub(crate) fn execute(&mut self, table: &TableName, doing: &str, sql: &str) -> Result<()> {
        self.begin()?;
        let done = self.client.batch_execute(sql);
        done.map_err(|error| self.fail(table, doing, error))
    }

    /// Runs statements, in the transaction; `false` when a key would be there twice, and then nothing was done.
    pub(crate) fn try_unique(&mut self, table: &TableName, doing: &str, sql: &str) -> Result<bool> {
        self.begin()?;
        self.execute(table, doing, "savepoint melisma")?;
        match self.client.batch_execute(sql) {
            Ok(()) => self.execute(table, doing, "release melisma").map(|()| true),
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => self
                .execute(table, doing, "rollback to melisma; release melisma")
                .map(|()| false),
            Err(error) => Err(self.fail(table, doing, error)),
        }
    }

    /// What the catalog says about a table, as the transaction sees it.
    pub(crate) fn read_table(&mut self, table: &TableName) -> Result<Option<Found>> {
        self.begin()?;
        let client = &mut self.client;
        let found = table::read_by(&mut |sql, values| client.query(sql, values), table);
        self.broken |= found.is_err();
        found
    }

    /// Waits until no other run has its first load of the table, and keeps others from one until
    /// [`unlock_first`](Session::unlock_first) or the end of the connection.
    pub(crate) fn lock_first(&mut self, table: &TableName) -> Result<()> {
        let (purpose, hash) = locks::keys(Purpose::FirstLoad, table);
        let sql = format!("select pg_catalog.pg_advisory_lock({purpose}, {hash})");
        self.execute(table, "cannot wait for another run's first load of", &sql)
    }

    /// Lets others in after the next commit: what was done is not for them to see before.
    pub(crate) fn unlock_first(&mut self, table: &TableName) {
        self.loaded.push(table.clone());
    }

    /// Whether another run waits for the end of a first load; asked between two transactions.
    pub(crate) fn is_first_awaited(&mut self, table: &TableName) -> Result<bool> {
        if self.open {
            return Ok(false);
        }
        let (purpose, hash) = locks::keys(Purpose::FirstLoad, table);
        let sql = format!(
            "select from pg_catalog.pg_locks l where not l.granted and l.locktype = 'advisory' and l.classid = {purpose} \
             and l.objid = {} and l.database = (select oid from pg_catalog.pg_database where datname = current_database())",
            hash.cast_unsigned()
        );
        let rows = self.client.query(&sql, &[]);
        let rows = rows.map_err(|error| self.fail(table, "cannot see who waits for", error))?;
        Ok(!rows.is_empty())
    }

    /// Keeps others from making or changing the table until the end of the transaction.
    pub(crate) fn lock_change(&mut self, table: &TableName) -> Result<()> {
        let (purpose, hash) = locks::keys(Purpose::Change, table);
        let sql = format!("select pg_catalog.pg_advisory_xact_lock({purpose}, {hash})");
        self.execute(table, "cannot wait for another run to change", &sql)
    }

    /// Rows of one statement, in the transaction.
    pub(crate) fn query(&mut self, table: &TableName, doing: &str, sql: &str) -> Result<Vec<postgres::Row>> {
        self.begin()?;
        let rows = self.client.query(sql, &[]);
        rows.map_err(|error| self.fail(table, doing, error))
    }

    /// Sends rows to the server by this COPY, in the transaction. It goes on where the last one was the same, unless
    /// it must be one of its own. What the server has against the rows may be told by a later call.
    pub(crate) fn copy(
        &mut self,
        table: &TableName,
        statement: &str,
        group: &Group,
        alone: bool,
    ) -> Result<()> {
        self.check()?;
        let copying = match self.copying.take() {
            Some(copying) if !alone && !self.hurried && copying.statement == statement => copying,
            other => {
                self.copying = other;
                self.begin()?;
                let copy = self.client.copy_in(statement);
                Copying {
                    copy: copy.map_err(|error| self.fail(table, COPY, error))?,
                    statement: statement.to_owned(),
                    table: table.clone(),
                }
            }
        };
        let copying = self.copying.insert(copying);
        let mut pieces = group.lines();
        fault!(PG_COPY_MIDDLE, {
            let lines = pieces.next().unwrap_or_default();
            let half = self.client.send_lines(&mut copying.copy, &lines[..lines.len() / 2]);
            half.map_err(|error| failed(COPY, error))?;
        }, error => {
            self.broken = true;
            return Err(error);
        });
        let sent = pieces.try_for_each(|lines| self.client.send_lines(&mut copying.copy, lines));
        match sent {
            Ok(()) => Ok(()),
            // When sending fails, the end of the COPY has the server's reason.
            Err(error) => self.end_copy().and_then(|()| Err(self.fail(table, COPY, error))),
        }
    }

    /// Ends the COPY that is under way.
    fn end_copy(&mut self) -> Result<()> {
        let Some(Copying { copy, table, .. }) = self.copying.take() else {
            return Ok(());
        };
        fault!(PG_COPY_END, error => {
            self.broken = true;
            return Err(error);
        });
        let done = self.client.finish_copy(copy);
        done.map_err(|error| self.fail(&table, COPY, error))?;
        Ok(())
    }

    /// The rows that wait in a stage.
    pub(crate) fn pending(&mut self) -> &mut Option<Pending> {
        &mut self.pending
    }

    /// Brings the rows that wait in a stage into their table.
    pub(crate) fn settle(&mut self) -> Result<()> {
        match self.pending.take() {
            Some(pending) => {
                fault!(PG_MERGE, error => {
                    self.broken = true;
                    return Err(error);
                });
                self.execute(&pending.table, "cannot upsert rows into", &pending.merge)?;
                fault!(PG_MERGED, error => {
                    self.broken = true;
                    return Err(error);
                });
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Makes everything durable that was done on the connection.
    pub(crate) fn commit(&mut self) -> Result<()> {
        self.check()?;
        self.end_copy()?;
        self.settle()?;
        if !self.open {
            return self.unlock_loaded();
        }
        fault!(PG_COMMIT_BEFORE, error => {
            self.broken = true;
            return Err(error);
        });
        fault!(PG_COMMIT_SENT, {
            self.client.send_only("commit");
        }, error => {
            self.broken = true;
            return Err(error);
        });
        if let Err(error) = self.client.batch_execute("commit") {
            self.broken = true;
            return Err(failed("cannot commit", error));
        }
        self.open = false;
        self.transaction += 1;
        fault!(PG_COMMIT_AFTER);
        self.unlock_loaded()
    }

    /// Gives up the locks of first loads that have ended.
    fn unlock_loaded(&mut self) -> Result<()> {
        for table in std::mem::take(&mut self.loaded) {
            let (purpose, hash) = locks::keys(Purpose::FirstLoad, &table);
            let sql = format!("select pg_catalog.pg_advisory_unlock({purpose}, {hash})");
            let done = self.client.batch_execute(&sql);
            done.map_err(|error| self.fail(&table, "cannot end the first load of", error))?;
        }
        Ok(())
    }

    /// Sees to it that a transaction is open, and that nothing is under way in it.
    fn begin(&mut self) -> Result<()> {
        self.check()?;
        self.end_copy()?;
        if !self.open {
            fault!(PG_BEGIN);
            if let Err(error) = self.client.batch_execute("begin") {
                self.broken = true;
                return Err(failed("cannot begin a transaction", error));
            }
            self.open = true;
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if self.broken {
            return Err(Error::new(
                Kind::Unavailable,
                "the transaction was rolled back by an earlier error; rows that were not committed are not in the table",
            ));
        }
        Ok(())
    }

    /// The error of a statement about `table`. After it the connection does nothing more.
    #[cold]
    fn fail(&mut self, table: &TableName, doing: &str, error: postgres::Error) -> Error {
        self.broken = true;
        let doing = format!("{doing} {}", table.sql());
        if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
            return locks::error(&doing, &self.server, table, self.lock_timeout, self.pid);
        }
        if made_meanwhile(&error) {
            let error = failed(&doing, error);
            return Error::new(
                Kind::Retry,
                format!("{}; somebody else made it at the same moment", error.message()),
            );
        }
        let limit = error.code() == Some(&SqlState::PROGRAM_LIMIT_EXCEEDED);
        let error = failed(&doing, error);
        if !limit {
            return error;
        }
        // A row, or its key, is larger than the server's pages allow: the input's doing, not the configuration's.
        Error::new(
            Kind::Input,
            format!(
                "{}; where a first load left such a key in the table, delete the rows whose key is longer than about \
                 2,700 bytes, or drop the table and load it again",
                error.message()
            ),
        )
    }
}

/// Whether somebody who does not know our locks made a schema, table or column between our look and our statement.
fn made_meanwhile(error: &postgres::Error) -> bool {
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
