//! Meltano's system database: the `state` and `runs` tables, as Meltano 2.7 and later read and write them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit, Zoned};
use melisma_sdk::{Error, Kind, Result};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::merge::{merge, object, unwrap, wrap};
use super::{Outcome, Write};

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
/// A run without a heartbeat for so long is dead.
const STALE_SECONDS: i64 = 5 * 60;
/// The same for a run that never had one.
const STALE_WITHOUT_HEARTBEAT_SECONDS: i64 = 24 * 60 * 60;
const STALE_ERROR: &str =
    "No heartbeat recorded for 5 minutes. The process was likely killed unceremoniously.";
const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// An open system database.
pub(crate) struct Database {
    connection: Connection,
    path: PathBuf,
}

impl Database {
    /// Opens the database at `path`; creates it, and its folder, when it is absent or empty.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .map_err(|error| Error::io(format!("cannot create {}", folder.display()), error))?;
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
                "{} has no tables `runs` and `state`: it is older than Meltano 2.7.1, or no system database of Meltano",
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

    /// The state that the next run starts from: what is partial laid over what is complete.
    pub(crate) fn read(&self, state_id: &str) -> Result<Option<String>> {
        let row: Option<(Option<String>, Option<String>)> = self
            .connection
            .query_row(
                "SELECT completed_state, partial_state FROM state WHERE state_id = ?",
                [state_id],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(|error| failed(&self.path, error))?;
        let Some((completed, partial)) = row else {
            return Ok(None);
        };
        unwrap(&merge(
            completed.as_deref().unwrap_or("{}"),
            partial.as_deref().unwrap_or("{}"),
        ))
    }

    /// Stores a state.
    pub(crate) fn write(&mut self, state_id: &str, state: &str, how: Write) -> Result<()> {
        let stored = match how {
            Write::Complete => write_complete(&mut self.connection, state_id, state),
            Write::Partial => write_partial(&mut self.connection, state_id, state),
        };
        stored.map_err(|error| failed(&self.path, error))
    }

    /// Begins a run: marks dead runs as failed, refuses when one is alive (unless `force`), adds the run's row.
    pub(crate) fn begin(&mut self, state_id: &str, run_id: &str, force: bool) -> Result<i64> {
        let path = self.path.clone();
        let sql = |error| failed(&path, error);
        // One transaction: of two runs that start together, one sees the other.
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sql)?;
        let now = Timestamp::now();
        let alive = fail_stale(&transaction, state_id, now).map_err(sql)?;
        if let (Some(run), false) = (alive, force) {
            transaction.commit().map_err(sql)?;
            return Err(Error::new(Kind::Retry, run.conflict(state_id, now)));
        }
        let trigger = std::env::var("MELTANO_JOB_TRIGGER").unwrap_or_else(|_| "cli".to_owned());
        transaction
            .execute(
                "INSERT INTO runs (job_name, state, started_at, payload, payload_flags, run_id, \"trigger\", last_heartbeat_at)
                 VALUES (?1, 'RUNNING', ?2, '{}', 0, ?3, ?4, ?2)",
                params![state_id, text(now), run_id.replace('-', ""), trigger],
            )
            .map_err(sql)?;
        let row = transaction.last_insert_rowid();
        transaction.commit().map_err(sql)?;
        Ok(row)
    }

    /// Says that the run of this row is alive.
    pub(crate) fn heartbeat(&self, row: i64) -> Result<()> {
        self.connection
            .execute(
                "UPDATE runs SET last_heartbeat_at = ? WHERE id = ?",
                params![text(Timestamp::now()), row],
            )
            .map(drop)
            .map_err(|error| failed(&self.path, error))
    }

    /// Ends the run of this row.
    pub(crate) fn finish(&self, row: i64, outcome: &Outcome, last: Option<(&str, Write)>) -> Result<()> {
        let mut payload = Vec::new();
        let flags = match last {
            None => 0,
            Some((state, how)) => {
                payload.push(("singer_state".to_owned(), state.to_owned()));
                if how == Write::Complete { 1 } else { 2 }
            }
        };
        let state = match outcome {
            Outcome::Success => "SUCCESS",
            Outcome::Fail(reason) => {
                payload.push((
                    "error".to_owned(),
                    serde_json::Value::from(reason.as_str()).to_string(),
                ));
                "FAIL"
            }
        };
        self.connection
            .execute(
                "UPDATE runs SET state = ?, ended_at = ?, payload = ?, payload_flags = ? WHERE id = ?",
                params![state, text(Timestamp::now()), object(&payload), flags, row],
            )
            .map(drop)
            .map_err(|error| failed(&self.path, error))
    }
}

/// A run of the same pipeline that is alive.
struct Running {
    run_id: Option<String>,
    started: Option<String>,
    heartbeat: Option<String>,
}

impl Running {
    fn conflict(&self, state_id: &str, now: Timestamp) -> String {
        let age = |at: &Option<String>| at.as_deref().and_then(parse).map(|at| seconds_between(at, now));
        let ago = |seconds: i64| match seconds {
            0..=119 => format!("{seconds} s ago"),
            120..=7199 => format!("{} min ago", seconds / 60),
            _ => format!("{} h ago", seconds / 3600),
        };
        let mut said = format!(
            "another run of {state_id} is alive: run {}",
            self.run_id.as_deref().unwrap_or("?")
        );
        if let Some(seconds) = age(&self.started) {
            let _ = write!(said, ", started {}", ago(seconds));
        }
        if let Some(seconds) = age(&self.heartbeat) {
            let _ = write!(said, ", last seen {}", ago(seconds));
        }
        said.push_str("; wait for it, or use --force when it is gone");
        said
    }
}

/// Marks dead runs of `state_id` as failed; the newest that is alive, if any.
fn fail_stale(connection: &Connection, state_id: &str, now: Timestamp) -> rusqlite::Result<Option<Running>> {
    let mut query = connection.prepare(
        "SELECT id, run_id, started_at, last_heartbeat_at FROM runs WHERE job_name = ? AND state = 'RUNNING' ORDER BY id",
    )?;
    let rows: Vec<(i64, Running)> = query
        .query_map([state_id], |row| {
            Ok((
                row.get(0)?,
                Running {
                    run_id: row.get(1)?,
                    started: row.get(2)?,
                    heartbeat: row.get(3)?,
                },
            ))
        })?
        .collect::<Result<_, _>>()?;
    let payload = object(&[(
        "error".to_owned(),
        serde_json::Value::from(STALE_ERROR).to_string(),
    )]);
    let mut alive = None;
    for (id, run) in rows {
        let older = |at: &Option<String>, limit| {
            at.as_deref()
                .and_then(parse)
                .is_none_or(|at| seconds_between(at, now) > limit)
        };
        let stale = match run.heartbeat {
            Some(_) => older(&run.heartbeat, STALE_SECONDS),
            None => older(&run.started, STALE_WITHOUT_HEARTBEAT_SECONDS),
        };
        if stale {
            connection.execute(
                "UPDATE runs SET state = 'FAIL', ended_at = ?, payload = ? WHERE id = ?",
                params![text(now), payload, id],
            )?;
        } else {
            alive = Some(run);
        }
    }
    Ok(alive)
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
    transaction.commit()?;
    Ok(connection)
}

fn write_complete(connection: &mut Connection, state_id: &str, state: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO state (state_id, partial_state, completed_state) VALUES (?1, '{}', ?2)
         ON CONFLICT (state_id) DO UPDATE SET partial_state = '{}', completed_state = ?2, updated_at = ?3",
        params![state_id, wrap(state), local_now()],
    )?;
    Ok(())
}

fn write_partial(connection: &mut Connection, state_id: &str, state: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let old: Option<Option<String>> = transaction
        .query_row(
            "SELECT partial_state FROM state WHERE state_id = ?",
            [state_id],
            |row| row.get(0),
        )
        .optional()?;
    let merged = merge(old.flatten().as_deref().unwrap_or("{}"), &wrap(state));
    transaction.execute(
        "INSERT INTO state (state_id, partial_state, completed_state) VALUES (?1, ?2, '{}')
         ON CONFLICT (state_id) DO UPDATE SET partial_state = ?2, updated_at = ?3",
        params![state_id, merged, local_now()],
    )?;
    transaction.commit()
}

/// `updated_at` is in local time, as Meltano writes it; nothing reads it.
fn local_now() -> String {
    Zoned::now().strftime(DATE_TIME).to_string()
}

fn text(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime(DATE_TIME).to_string()
}

fn parse(text: &str) -> Option<Timestamp> {
    let at: DateTime = text.parse().ok()?;
    at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.since((Unit::Second, from))
        .map_or(0, |span| span.get_seconds())
}

fn failed(path: &Path, error: rusqlite::Error) -> Error {
    Error::new(Kind::Io, format!("the system database {}", path.display())).with_source(error)
}
