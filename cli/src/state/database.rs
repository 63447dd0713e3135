//! Meltano's system database: the `state` and `runs` tables, as Meltano 2.7 and later read and write them.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use jiff::Zoned;
use melisma_sdk::{Error, Kind, Result, fault};

use super::WriteMode;
use super::backend::StateBackend;
use super::pipeline::{self, Pipeline};
use super::postgres::Postgres;
use super::reports_table;
use super::sql::{Sql, transaction};
use super::sqlite::Sqlite;
use super::stored::Stored;

/// What Meltano 2.7.1 to 4.0.8 have. Later versions add nothing to it, and older ones would refuse a newer revision.
const REVISION: &str = "INSERT INTO alembic_version VALUES ('6828cc5b1a4f');";
const SQLITE_SCHEMA: &str = "
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
CREATE TABLE runs (id INTEGER NOT NULL PRIMARY KEY, job_name VARCHAR, state VARCHAR(10), started_at DATETIME, ended_at DATETIME,
  payload VARCHAR, payload_flags INTEGER, run_id CHAR(32), \"trigger\" VARCHAR, last_heartbeat_at DATETIME);
CREATE TABLE state (state_id VARCHAR(900) NOT NULL PRIMARY KEY, partial_state VARCHAR, completed_state VARCHAR, updated_at DATETIME);
CREATE TABLE plugin_settings (label VARCHAR(255), description TEXT, name VARCHAR(255) NOT NULL, namespace VARCHAR(255), value BLOB,
  enabled BOOLEAN, PRIMARY KEY (name, namespace));
";
const POSTGRES_SCHEMA: &str = "
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
CREATE TABLE runs (id SERIAL NOT NULL PRIMARY KEY, job_name VARCHAR, state VARCHAR(10), started_at TIMESTAMP, ended_at TIMESTAMP,
  payload VARCHAR, payload_flags INTEGER, run_id UUID, \"trigger\" VARCHAR, last_heartbeat_at TIMESTAMP);
CREATE TABLE state (state_id VARCHAR(900) NOT NULL PRIMARY KEY, partial_state VARCHAR, completed_state VARCHAR, updated_at TIMESTAMP);
CREATE TABLE plugin_settings (label VARCHAR(255), description TEXT, name VARCHAR(255) NOT NULL, namespace VARCHAR(255), value BYTEA,
  enabled BOOLEAN, PRIMARY KEY (name, namespace));
";
/// The tables of a SQLite file.
const SQLITE_TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table'";
/// The tables of the schema that new tables of the session would be created in.
const POSTGRES_TABLES: &str =
    "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()";

pub(super) const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// How often a statement is tried again after the connection was lost, and how long to wait before each time.
const RECONNECTS: u32 = 3;
const BEFORE_RECONNECT: Duration = Duration::from_secs(2);

/// Where the system database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseUri {
    /// A SQLite file.
    File(PathBuf),
    /// The URL of a PostgreSQL server, which may have a password.
    Postgres(String),
}

/// An open system database.
pub(crate) struct Database {
    pub(super) sql: Box<dyn Sql>,
    /// Whether there is a table for what runs have done.
    pub(super) has_reports: bool,
    /// A file to save a state next to that cannot be stored.
    aside: PathBuf,
}

/// A run that has begun.
pub(crate) struct ActiveRun {
    /// Its row in `runs`.
    pub(super) row: String,
    pub(super) run_id: String,
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

impl Database {
    /// Opens the database; creates its tables if it has none. `system` is the folder `.meltano`.
    pub(crate) fn open(uri: &DatabaseUri, system: &Path) -> Result<Self> {
        let (sql, schema, tables, aside): (Box<dyn Sql>, _, _, _) = match uri {
            DatabaseUri::File(path) => (
                Box::new(Sqlite::open(path)?),
                SQLITE_SCHEMA,
                SQLITE_TABLES,
                path.clone(),
            ),
            DatabaseUri::Postgres(url) => (
                Box::new(Postgres::connect(url)?),
                POSTGRES_SCHEMA,
                POSTGRES_TABLES,
                system.join("meltano.db"),
            ),
        };
        let mut database = Self {
            sql,
            has_reports: false,
            aside,
        };
        let has_reports = database.prepare(schema, tables)?;
        database.has_reports = has_reports || reports_table::create_table(&mut *database.sql);
        Ok(database)
    }

    /// Creates the tables that are missing, but for that of reports; returns whether it is there.
    fn prepare(&mut self, schema: &str, tables: &str) -> Result<bool> {
        transaction(&mut *self.sql, "tables", |sql| {
            let tables = sql.query(tables, &[])?;
            let has = |name: &str| {
                tables
                    .iter()
                    .any(|row| row.first().and_then(Option::as_deref) == Some(name))
            };
            if !has("alembic_version") && !has("runs") && !has("state") {
                sql.batch(schema)?;
                sql.batch(REVISION)?;
            } else if !has("runs") || !has("state") {
                return Err(Error::config(format!(
                    "{} has no tables `runs` and `state`: it is from before Meltano 2.7.1, or not a system database of Meltano",
                    sql.location()
                )));
            }
            if !has(pipeline::NAME) {
                sql.batch(pipeline::TABLE)?;
            }
            Ok(has(reports_table::NAME))
        })
    }

    /// Where it is, for people.
    pub(crate) fn location(&self) -> String {
        self.sql.location()
    }

    /// A file to save a state next to that cannot be stored.
    pub(super) fn aside(&self) -> &Path {
        &self.aside
    }

    /// Stores a state and its owner, if the stored state is still the one that this run knows and the run still counts as
    /// running. Returns what is stored then.
    ///
    /// # Errors
    /// Another process has changed the state ([`Kind::Retry`]); it is not overwritten. Or the database or the backend
    /// cannot be written ([`Kind::Io`], [`Kind::Unavailable`]).
    pub(crate) fn write(
        &mut self,
        state_id: &str,
        run: &ActiveRun,
        backend: Option<&StateBackend>,
        state: &str,
        mode: WriteMode,
    ) -> Result<Stored> {
        let next = run.known.after(state, mode);
        self.again(|sql| {
            transaction(sql, state_id, |sql| {
                check_running(sql, state_id, run)?;
                let unchanged = |found: &Stored| {
                    // After a commit whose answer was lost, what is stored is this state already.
                    if *found == run.known || *found == next {
                        return Ok(());
                    }
                    Err(Error::new(
                        Kind::Retry,
                        format!(
                            "the state of {state_id} was changed by another process during this run; nothing was overwritten"
                        ),
                    ))
                };
                match backend {
                    Some(backend) => backend.write(state_id, &next, unchanged)?,
                    None => {
                        unchanged(&stored(sql, state_id)?)?;
                        write_row(sql, state_id, &next)?;
                    }
                }
                for id in std::iter::once(state_id).chain(run.adopted.as_deref()) {
                    pipeline::set_owner(sql, id, &run.pipeline)?;
                }
                fault!(STORE_HALF);
                Ok(())
            })
        })?;
        Ok(next)
    }

    /// Does `work`, and again with a new connection when the connection was lost. It must do no harm twice.
    pub(super) fn again<T>(&mut self, mut work: impl FnMut(&mut dyn Sql) -> Result<T>) -> Result<T> {
        let mut left = RECONNECTS;
        let mut done = work(&mut *self.sql);
        while left > 0
            && done
                .as_ref()
                .is_err_and(|error| matches!(error.kind(), Kind::Unavailable))
        {
            left -= 1;
            thread::sleep(BEFORE_RECONNECT);
            done = match self.sql.reconnect() {
                Ok(()) => work(&mut *self.sql),
                Err(error) => Err(error),
            };
        }
        done
    }
}

pub(super) fn write_row(sql: &mut dyn Sql, state_id: &str, next: &Stored) -> Result<()> {
    sql.query(
        "INSERT INTO state (state_id, partial_state, completed_state) VALUES (?1, ?2, ?3)
         ON CONFLICT (state_id) DO UPDATE SET partial_state = ?2, completed_state = ?3, updated_at = ?4",
        &[
            Some(state_id),
            next.partial.as_deref(),
            next.completed.as_deref(),
            Some(&local_now()),
        ],
    )
    .map(drop)
}

/// The row of a pipeline in the `state` table.
pub(super) fn stored(sql: &mut dyn Sql, state_id: &str) -> Result<Stored> {
    let statement = format!(
        "SELECT completed_state, partial_state FROM state WHERE state_id = ?1{}",
        sql.row_lock()
    );
    let rows = sql.query(&statement, &[Some(state_id)])?;
    let mut row = rows.into_iter().next().unwrap_or_default().into_iter();
    Ok(Stored {
        completed: row.next().flatten(),
        partial: row.next().flatten(),
    })
}

/// Fails if another process has ended this run.
fn check_running(sql: &mut dyn Sql, state_id: &str, run: &ActiveRun) -> Result<()> {
    let rows = sql.query("SELECT state FROM runs WHERE id = ?1", &[Some(&run.row)])?;
    let state = rows
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().next().flatten());
    let what = match state.as_deref() {
        Some("RUNNING") => return Ok(()),
        Some(state) => {
            format!("this run of {state_id} is recorded as {state}: another runner considered it dead")
        }
        None => format!("the row of this run of {state_id} was deleted"),
    };
    Err(Error::new(
        Kind::Retry,
        format!("{}: {what}; nothing was overwritten", sql.location()),
    ))
}

/// `updated_at` is in local time, as Meltano writes it; nothing reads it.
fn local_now() -> String {
    Zoned::now().strftime(DATE_TIME).to_string()
}
