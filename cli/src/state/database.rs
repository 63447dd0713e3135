//! Meltano's system database: the `state` and `runs` tables, as Meltano 2.7 and later read and write them.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Zoned;
use melisma_sdk::{Error, Kind, Result, fault};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::WriteMode;
use super::merge::{merge, unwrap, wrap};
use super::pipeline::{self, Pipeline};

const SCHEMA: &str = "
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
CREATE TABLE runs (id INTEGER NOT NULL PRIMARY KEY, job_name VARCHAR, state VARCHAR(7), started_at DATETIME, ended_at DATETIME,
  payload VARCHAR, payload_flags INTEGER, run_id CHAR(32), \"trigger\" VARCHAR, last_heartbeat_at DATETIME);
CREATE TABLE state (state_id VARCHAR(900) NOT NULL PRIMARY KEY, partial_state VARCHAR, completed_state VARCHAR, updated_at DATETIME);
CREATE TABLE plugin_settings (label VARCHAR(255), description TEXT, name VARCHAR(255) NOT NULL, namespace VARCHAR(255), value BLOB,
  enabled BOOLEAN, PRIMARY KEY (name, namespace));
INSERT INTO alembic_version VALUES ('6828cc5b1a4f');
";

/// How long a write waits for another process; Meltano writes a heartbeat each second.
const BUSY: Duration = Duration::from_secs(30);
pub(super) const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// An open system database.
pub(crate) struct Database {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

/// A run that has begun.
pub(crate) struct ActiveRun {
    /// Its row in `runs`.
    pub(super) row: i64,
    /// The stored state, as this run has read or written it last.
    pub(super) known: Stored,
    pub(super) pipeline: Pipeline,
    /// The state that it resumes from.
    pub(super) start: Option<String>,
    /// The id of an older version, if it resumes from the state of that id.
    pub(super) adopted: Option<String>,
    /// Whether the stored state belongs to another pipeline and is replaced.
    pub(super) replaces: bool,
    /// Warnings for the user about that state.
    pub(super) warnings: Vec<String>,
}

impl ActiveRun {
    /// Warnings for the user about the state that the run resumes from.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// The row of a pipeline in the `state` table, as it is written there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    completed: Option<String>,
    partial: Option<String>,
}

impl Stored {
    /// The state to resume from: the partial state merged over the completed one.
    pub(crate) fn state(&self) -> Result<Option<String>> {
        let or_none = |state: &Option<String>| state.clone().unwrap_or_else(|| "{}".to_owned());
        unwrap(&merge(&or_none(&self.completed), &or_none(&self.partial)))
    }

    /// The row after this state is stored.
    fn after(&self, state: &str, mode: WriteMode) -> Self {
        let (completed, partial) = match mode {
            WriteMode::Complete => (wrap(state), "{}".to_owned()),
            WriteMode::Partial => (
                self.completed.clone().unwrap_or_else(|| "{}".to_owned()),
                merge(self.partial.as_deref().unwrap_or("{}"), &wrap(state)),
            ),
        };
        Self {
            completed: Some(completed),
            partial: Some(partial),
        }
    }
}

impl Database {
    /// Opens the database at `path`; creates it and its folder if it is absent or empty.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .map_err(|error| Error::io(format!("cannot create {}", folder.display()), error))?;
        }
        // Created here for this user only, because SQLite would follow the umask. The files that SQLite adds get the same
        // permissions.
        if let Err(error) = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            && error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(Error::io(
                format!("cannot create the system database {}", path.display()),
                error,
            ));
        }
        let connection = open(path).map_err(|error| failed(path, error))?;
        let known: i64 = connection
            .query_row(
                "SELECT count(*) FROM sqlite_master WHERE name IN ('runs', 'state')",
                [],
                |row| row.get(0),
            )
            .map_err(|error| failed(path, error))?;
        if known != 2 {
            return Err(Error::config(format!(
                "{} has no tables `runs` and `state`: it is from before Meltano 2.7.1, or not a system database of Meltano",
                path.display()
            )));
        }
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Stores a state and its owner, if the stored state is still the one that this run knows and the run still counts as
    /// running. Returns the row as it is then.
    ///
    /// # Errors
    /// Another process has changed the state ([`Kind::Retry`]); it is not overwritten. Or the database cannot be written
    /// ([`Kind::Io`]).
    pub(crate) fn write(
        &mut self,
        state_id: &str,
        run: &ActiveRun,
        state: &str,
        mode: WriteMode,
    ) -> Result<Stored> {
        let path = self.path.clone();
        let sql = |error| failed(&path, error);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sql)?;
        let changed = changed(&transaction, state_id, run.row, &run.known).map_err(sql)?;
        if let Some(what) = changed {
            return Err(Error::new(
                Kind::Retry,
                format!("{}: {what}; nothing was overwritten", path.display()),
            ));
        }
        let stored = run.known.after(state, mode);
        transaction
            .execute(
                "INSERT INTO state (state_id, partial_state, completed_state) VALUES (?1, ?2, ?3)
                 ON CONFLICT (state_id) DO UPDATE SET partial_state = ?2, completed_state = ?3, updated_at = ?4",
                params![state_id, stored.partial, stored.completed, local_now()],
            )
            .map_err(sql)?;
        for id in std::iter::once(state_id).chain(run.adopted.as_deref()) {
            pipeline::set_owner(&transaction, id, &run.pipeline).map_err(sql)?;
        }
        fault!(STORE_HALF);
        transaction.commit().map_err(sql)?;
        Ok(stored)
    }
}

pub(super) fn stored(connection: &Connection, state_id: &str) -> rusqlite::Result<Stored> {
    let row = connection
        .query_row(
            "SELECT completed_state, partial_state FROM state WHERE state_id = ?",
            [state_id],
            |row| {
                Ok(Stored {
                    completed: row.get(0)?,
                    partial: row.get(1)?,
                })
            },
        )
        .optional()?;
    Ok(row.unwrap_or_default())
}

/// What another process has changed since this run read or wrote the state last.
fn changed(
    transaction: &Transaction<'_>,
    state_id: &str,
    row: i64,
    known: &Stored,
) -> rusqlite::Result<Option<String>> {
    if stored(transaction, state_id)? != *known {
        return Ok(Some(format!(
            "the state of {state_id} was changed by another process during this run"
        )));
    }
    let running: Option<String> = transaction
        .query_row("SELECT state FROM runs WHERE id = ?", [row], |row| row.get(0))
        .optional()?;
    Ok(match running.as_deref() {
        Some("RUNNING") => None,
        Some(state) => Some(format!(
            "this run of {state_id} is recorded as {state}: another runner considered it dead"
        )),
        None => Some(format!("the row of this run of {state_id} was deleted")),
    })
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if tables == 0 {
        transaction.execute_batch(SCHEMA)?;
    }
    transaction.execute_batch(pipeline::TABLE)?;
    transaction.commit()?;
    Ok(connection)
}

/// `updated_at` is in local time, as Meltano writes it; nothing reads it.
fn local_now() -> String {
    Zoned::now().strftime(DATE_TIME).to_string()
}

pub(super) fn failed(path: &Path, error: rusqlite::Error) -> Error {
    Error::new(Kind::Io, format!("the system database {}", path.display())).with_source(error)
}
