//! The `runs` table: the history of runs, and the lock of a pipeline.
//!
//! A row in the state RUNNING is the lock. Meltano's rows have the time of the last heartbeat. Those of melisma also have
//! the owner, in `payload`: so a run that was killed on this machine is known to be dead at once, and one that is alive is
//! not considered dead because a clock jumped.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use melisma_sdk::{Error, Kind, Result};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde_json::Value;

use super::begin::{NewRun, Refused};
use super::database::{ActiveRun, DATE_TIME, Database, failed, stored};
use super::merge::object;
use super::owner::{Owner, ago};
use super::pipeline::Pipeline;
use super::{RunResult, WriteMode};

/// A run without a heartbeat for this long counts as dead, unless its owner is known.
const STALE_SECONDS: i64 = 5 * 60;
/// The same for a run without any heartbeat.
const STALE_WITHOUT_HEARTBEAT_SECONDS: i64 = 24 * 60 * 60;
const STALE_ERROR: &str =
    "No heartbeat recorded for 5 minutes. The process was likely killed unceremoniously.";
/// The key of the owner in `payload`.
const OWNER: &str = "melisma_owner";

impl Database {
    /// Begins a run: marks dead runs as failed, fails if one is alive (unless `force`), adds the run's row, and checks the
    /// owner of the stored state.
    pub(crate) fn begin(&mut self, new: &NewRun<'_>, pipeline: &Pipeline) -> Result<ActiveRun> {
        let NewRun {
            state_id,
            run_id,
            force,
            ..
        } = *new;
        let path = self.path.clone();
        let sql = |error| failed(&path, error);
        // One transaction, so that of two runs that start together one sees the other.
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sql)?;
        let now = Timestamp::now();
        let alive = fail_dead(&transaction, state_id, now).map_err(sql)?;
        if let (Some(run), false) = (alive, force) {
            transaction.commit().map_err(sql)?;
            return Err(Error::new(Kind::Retry, run.conflict(state_id, now)));
        }
        let trigger = std::env::var("MELTANO_JOB_TRIGGER").unwrap_or_else(|_| "cli".to_owned());
        let owner = serde_json::to_string(&Owner::current()).unwrap_or_default();
        transaction
            .execute(
                "INSERT INTO runs (job_name, state, started_at, payload, payload_flags, run_id, \"trigger\", last_heartbeat_at)
                 VALUES (?1, 'RUNNING', ?2, ?3, 0, ?4, ?5, ?2)",
                params![
                    state_id,
                    text(now),
                    object(&[(OWNER.to_owned(), owner)]),
                    run_id.replace('-', ""),
                    trigger
                ],
            )
            .map_err(sql)?;
        let row = transaction.last_insert_rowid();
        let mut run = ActiveRun {
            row,
            known: stored(&transaction, state_id).map_err(sql)?,
            pipeline: pipeline.clone(),
            start: None,
            adopted: None,
            replaces: false,
            warnings: Vec::new(),
        };
        // An error rolls the row back.
        run.find_start(&transaction, new).map_err(|error| match error {
            Refused::Sql(error) => sql(error),
            Refused::Not(error) => error,
        })?;
        transaction.commit().map_err(sql)?;
        Ok(run)
    }

    /// Records that the run of this row is alive.
    pub(crate) fn heartbeat(&self, row: i64) -> Result<()> {
        self.connection
            .execute(
                "UPDATE runs SET last_heartbeat_at = ? WHERE id = ?",
                params![text(Timestamp::now()), row],
            )
            .map(drop)
            .map_err(|error| failed(&self.path, error))
    }

    /// Records the end of the run of this row.
    pub(crate) fn finish(&self, row: i64, result: &RunResult, last: Option<(&str, WriteMode)>) -> Result<()> {
        let mut payload = Vec::new();
        let flags = match last {
            None => 0,
            Some((state, mode)) => {
                payload.push(("singer_state".to_owned(), state.to_owned()));
                if mode == WriteMode::Complete { 1 } else { 2 }
            }
        };
        let state = match result {
            RunResult::Success => "SUCCESS",
            RunResult::Fail(reason) => {
                payload.push(("error".to_owned(), Value::from(reason.as_str()).to_string()));
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

impl Database {
    /// When the last successful run of a pipeline ended, in ISO 8601.
    pub(crate) fn last_success(&self, state_id: &str) -> Result<Option<String>> {
        let ended = self
            .connection
            .query_row(
                "SELECT ended_at FROM runs WHERE job_name = ? AND state = 'SUCCESS' AND ended_at IS NOT NULL
                 ORDER BY ended_at DESC LIMIT 1",
                [state_id],
                |row| row.get::<_, String>(0),
            )
            .optional()
            .map_err(|error| failed(&self.path, error))?;
        Ok(ended.map(|ended| iso(&ended)))
    }
}

/// A time of the database as Python writes it in ISO 8601: without a fraction that is zero.
fn iso(text: &str) -> String {
    let text = text.replacen(' ', "T", 1);
    format!("{}+00:00", text.strip_suffix(".000000").unwrap_or(&text))
}

/// A run whose row is in the state RUNNING.
struct Running {
    run_id: Option<String>,
    started: Option<String>,
    heartbeat: Option<String>,
    owner: Option<Owner>,
}

impl Running {
    /// The reason why the run counts as dead, if it does.
    fn dead(&self, now: Timestamp) -> Option<String> {
        match self
            .owner
            .as_ref()
            .and_then(|owner| Some((owner, owner.is_alive()?)))
        {
            // However old the heartbeat is: the process may be suspended, or a clock may have jumped.
            Some((_, true)) => return None,
            Some((owner, false)) => return Some(format!("The process was killed unceremoniously: {owner}.")),
            None => {}
        }
        let older = |at: &Option<String>, limit| {
            at.as_deref()
                .and_then(parse)
                .is_none_or(|at| seconds_between(at, now) > limit)
        };
        let stale = match self.heartbeat {
            Some(_) => older(&self.heartbeat, STALE_SECONDS),
            None => older(&self.started, STALE_WITHOUT_HEARTBEAT_SECONDS),
        };
        stale.then(|| STALE_ERROR.to_owned())
    }

    fn conflict(&self, state_id: &str, now: Timestamp) -> String {
        let seen = |what: &str, at: &Option<String>| {
            let at = at.as_deref().and_then(parse);
            at.map_or_else(String::new, |at| format!(", {what} {}", ago(at, now)))
        };
        let by = match &self.owner {
            Some(owner) => format!(", {}", owner.describe(now)),
            None => seen("started", &self.started),
        };
        let run = self.run_id.as_deref().unwrap_or("?");
        let last = seen("last seen", &self.heartbeat);
        format!(
            "another run of {state_id} is alive: run {run}{by}{last}; wait for it or end it, or use --force if it has ended"
        )
    }
}

/// Marks dead runs of `state_id` as failed; returns the newest one that is alive, if any.
fn fail_dead(connection: &Connection, state_id: &str, now: Timestamp) -> rusqlite::Result<Option<Running>> {
    let mut query = connection.prepare(
        "SELECT id, run_id, started_at, last_heartbeat_at, payload FROM runs
         WHERE job_name = ? AND state = 'RUNNING' ORDER BY id",
    )?;
    let rows: Vec<(i64, Running)> = query
        .query_map([state_id], |row| {
            Ok((
                row.get(0)?,
                Running {
                    run_id: row.get(1)?,
                    started: row.get(2)?,
                    heartbeat: row.get(3)?,
                    owner: row.get::<_, Option<String>>(4)?.as_deref().and_then(owner),
                },
            ))
        })?
        .collect::<Result<_, _>>()?;
    let mut alive = None;
    for (id, run) in rows {
        let Some(why) = run.dead(now) else {
            alive = Some(run);
            continue;
        };
        let payload = object(&[("error".to_owned(), Value::from(why).to_string())]);
        connection.execute(
            "UPDATE runs SET state = 'FAIL', ended_at = ?, payload = ? WHERE id = ?",
            params![text(now), payload, id],
        )?;
    }
    Ok(alive)
}

fn owner(payload: &str) -> Option<Owner> {
    let payload: Value = serde_json::from_str(payload).ok()?;
    serde_json::from_value(payload.get(OWNER)?.clone()).ok()
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
