//! A connection and its transaction, shared by the streams of one writing thread.
//!
//! Streams that share a connection share its transaction: a commit for one makes the rows of the others durable too,
//! earlier than they asked for. A transaction that failed takes the rows of all with it, so nothing more is committed
//! on the connection, and no stream may say that it was.

mod backend;
mod copying;

use std::collections::HashSet;
use std::time::Duration;

use melisma_postgres::postgres;
use melisma_postgres::postgres::error::SqlState;
use melisma_postgres::{Server, failed};
use melisma_sdk::{Error, Kind, Result, fault};

use crate::copy::Mask;
use crate::locks::{self, Purpose};
use crate::naming::TableName;
use crate::stages::{Stage, Stages};
use crate::table::{self, Found};
use backend::{Backend, begin, connect, is_gone, made_meanwhile};
use copying::Copies;

pub(crate) use backend::pooled;
pub(crate) use copying::Load;

/// How many times as many tables may be in their first load, which takes one lock for each until it ends.
const FIRST_LOADS: usize = 10;

/// A connection.
pub struct Session {
    client: melisma_postgres::Session,
    server: Server,
    lock_timeout: Duration,
    backend: Backend,
    /// How many connections there were before this one.
    connection: usize,
    open: bool,
    /// The tables that the open transaction touches.
    touched: HashSet<TableName>,
    /// What was done depends on locks that would be lost with the connection.
    holds: bool,
    /// The number of the transaction that is open, or comes next.
    transaction: u64,
    broken: bool,
    copies: Copies,
    /// Rows in a stage that are not in their table yet.
    pending: Option<Pending>,
    stages: Stages,
    /// How many tables the connection holds the lock of a first load of.
    first_loads: usize,
    /// Tables whose lock of a first load is to be given up after the next commit.
    loaded: Vec<TableName>,
    /// The STATE that was stored with the last transaction.
    stored: Option<String>,
}

/// Rows in a stage, of which no two have the same key.
pub(crate) struct Pending {
    /// The statement that brings them into their table.
    pub(crate) merge: String,
    pub(crate) table: TableName,
    pub(crate) stage: Stage,
    pub(crate) mask: Mask,
    /// Whether the rows are tuples: their keys have other hashes than those of lines.
    pub(crate) tuples: bool,
    pub(crate) keys: HashSet<u64, foldhash::fast::FixedState>,
    pub(crate) bytes: usize,
}

impl Session {
    pub(crate) fn open(server: &Server, lock_timeout: Duration) -> Result<Self> {
        let (client, backend) = connect(server, lock_timeout)?;
        Ok(Self {
            client,
            server: server.clone(),
            lock_timeout,
            backend,
            connection: 0,
            open: false,
            touched: HashSet::new(),
            holds: false,
            transaction: 1,
            broken: false,
            copies: Copies::default(),
            pending: None,
            stages: Stages::default(),
            first_loads: 0,
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

    /// The stages of the connection.
    pub(crate) fn stages(&mut self) -> &mut Stages {
        &mut self.stages
    }

    /// Which connection it is: it may be opened again between two transactions.
    pub(crate) fn connection(&self) -> usize {
        self.connection
    }

    /// The connection is not opened again any more: the locks that it holds are needed to the end.
    pub(crate) fn stay(&mut self) {
        self.holds = true;
    }

    /// Whether another first load would take more of the server's locks than are for one session.
    pub(crate) fn has_many_first_loads(&self) -> bool {
        self.first_loads >= FIRST_LOADS * self.backend.most_tables
    }

    /// Runs statements, in the transaction.
    pub(crate) fn execute(&mut self, table: &TableName, doing: &str, sql: &str) -> Result<()> {
        self.begin(table)?;
        self.prove_types()?;
        let done = self.client.batch_execute(sql);
        done.map_err(|error| self.fail(table, doing, error))
    }

    /// Runs statements, in the transaction; `false` when a key would be there twice, and then nothing was done.
    pub(crate) fn try_unique(&mut self, table: &TableName, doing: &str, sql: &str) -> Result<bool> {
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
        self.begin(table)?;
        let client = &mut self.client;
        let found = table::read_by(&mut |sql, values| client.query(sql, values), table);
        self.broken |= found.is_err();
        found
    }

    /// Waits until no other run has its first load of the table, and keeps others from one until
    /// [`unlock_first`](Session::unlock_first) or the end of the connection.
    pub(crate) fn lock_first(&mut self, table: &TableName) -> Result<()> {
        self.begin(table)?;
        self.first_loads += 1;
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
        match self.client.query(&sql, &[]) {
            Ok(rows) => Ok(!rows.is_empty()),
            // Whoever waited has got the lock by now.
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(self.fail(table, "cannot see who waits for", error)),
        }
    }

    /// Keeps others from making or changing the table until the end of the transaction.
    pub(crate) fn lock_change(&mut self, table: &TableName) -> Result<()> {
        let (purpose, hash) = locks::keys(Purpose::Change, table);
        let sql = format!("select pg_catalog.pg_advisory_xact_lock({purpose}, {hash})");
        self.execute(table, "cannot wait for another run to change", &sql)
    }

    /// Rows of one statement, in the transaction.
    pub(crate) fn query(&mut self, table: &TableName, doing: &str, sql: &str) -> Result<Vec<postgres::Row>> {
        self.begin(table)?;
        let rows = self.client.query(sql, &[]);
        rows.map_err(|error| self.fail(table, doing, error))
    }

    /// The rows that wait in a stage.
    pub(crate) fn pending(&mut self) -> &mut Option<Pending> {
        &mut self.pending
    }

    /// Brings the rows that wait in a stage into their table.
    pub(crate) fn settle(&mut self) -> Result<()> {
        match self.pending.take() {
            Some(pending) => {
                fault!(PG_MERGE, error => { self.broken = true; return Err(error.into()) });
                self.execute(&pending.table, "cannot upsert rows into", &pending.merge)?;
                fault!(PG_MERGED, error => { self.broken = true; return Err(error.into()) });
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Makes what was done durable when the transaction has come to touch many tables.
    pub(crate) fn relieve(&mut self) -> Result<()> {
        if self.touched.len() < self.backend.most_tables {
            return Ok(());
        }
        self.commit()
    }

    /// Makes everything durable that was done on the connection.
    pub(crate) fn commit(&mut self) -> Result<()> {
        self.check()?;
        self.end_copy()?;
        self.settle()?;
        if !self.open {
            return self.unlock_loaded();
        }
        self.prove_types()?;
        fault!(PG_COMMIT_BEFORE, error => { self.broken = true; return Err(error.into()) });
        if let Err(error) = self.client.batch_execute("commit") {
            self.broken = true;
            return Err(failed("cannot commit", error));
        }
        self.open = false;
        self.touched.clear();
        self.transaction += 1;
        fault!(PG_COMMIT_AFTER);
        self.unlock_loaded()
    }

    /// Gives up the locks of first loads that have ended.
    fn unlock_loaded(&mut self) -> Result<()> {
        for table in std::mem::take(&mut self.loaded) {
            let (purpose, hash) = locks::keys(Purpose::FirstLoad, &table);
            let sql = format!("select pg_catalog.pg_advisory_unlock({purpose}, {hash})");
            self.first_loads = self.first_loads.saturating_sub(1);
            match self.client.batch_execute(&sql) {
                // Locks go with the connection.
                Err(error) if !is_gone(&error) => {
                    return Err(self.fail(&table, "cannot end the first load of", error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Sees to it that a transaction is open, and that nothing is under way in it.
    pub(crate) fn begin(&mut self, table: &TableName) -> Result<()> {
        self.check()?;
        self.end_copy()?;
        if !self.open {
            fault!(PG_BEGIN);
            let mut begun = self.client.batch_execute(&begin(self.backend.pid));
            if begun.as_ref().is_err_and(is_gone) && !self.holds {
                // Nothing was uncommitted, so nothing is lost: servers end sessions that are idle, and restart.
                log::info!("the server has closed the connection between two transactions; connecting again");
                (self.client, self.backend) = connect(&self.server, self.lock_timeout)?;
                self.connection += 1;
                self.stages = Stages::default();
                self.copies = Copies::default();
                self.first_loads = 0;
                self.loaded.clear();
                begun = self.client.batch_execute(&begin(self.backend.pid));
            }
            if let Err(error) = begun {
                self.broken = true;
                return Err(match error.code() {
                    Some(&SqlState::DIVISION_BY_ZERO) => pooled(),
                    _ => failed("cannot begin a transaction", error),
                });
            }
            self.open = true;
        }
        if !self.touched.contains(table) {
            self.touched.insert(table.clone());
        }
        Ok(())
    }

    /// The number of the server's process.
    pub(crate) fn pid(&self) -> i32 {
        self.backend.pid
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
            return locks::error(&doing, &self.server, table, self.lock_timeout, self.backend.pid);
        }
        if made_meanwhile(&error) {
            let error = failed(&doing, error);
            return Error::new(
                Kind::Retry,
                format!(
                    "{}; another session created it at the same moment",
                    error.message()
                ),
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
