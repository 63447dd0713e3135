//! The `runs` table: the history of runs, and the lock of a pipeline.
//!
//! A row in the state RUNNING is the lock. Meltano's rows have the time of the last heartbeat. Those of melisma also have
//! the owner, in `payload`: so a run that was killed on this machine is known to be dead at once, and one that is alive is
//! not considered dead because a clock jumped.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use melisma_sdk::{Error, Kind, Result};
use serde_json::Value;

use super::backend::StateBackend;
use super::begin::NewRun;
use super::database::{ActiveRun, DATE_TIME, Database, stored};
use super::merge::object;
use super::owner::{Owner, ago};
use super::pipeline::Pipeline;
use super::sql::{Sql, transaction};
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
    pub(crate) fn begin(
        &mut self,
        new: &NewRun<'_>,
        pipeline: &Pipeline,
        backend: Option<&StateBackend>,
    ) -> Result<ActiveRun> {
        let now = Timestamp::now();
        // One transaction, so that of two runs that start together one sees the other. What the marking of dead runs has
        // changed stays when another run is alive.
        let begun = transaction(&mut *self.sql, new.state_id, |sql| {
            match fail_dead(sql, new.state_id, now)? {
                Some(run) if !new.force => Ok(Err(run.conflict(new.state_id, now))),
                _ => insert(sql, new, pipeline, backend, now).map(Ok),
            }
        })?;
        begun.map_err(|conflict| Error::new(Kind::Retry, conflict))
    }

    /// Records that the run of this row is alive.
    pub(crate) fn heartbeat(&mut self, row: &str) -> Result<()> {
        let now = text(Timestamp::now());
        self.again(|sql| {
            let statement = "UPDATE runs SET last_heartbeat_at = ?1 WHERE id = ?2";
            sql.query(statement, &[Some(&now), Some(row)]).map(drop)
        })
    }

    /// Records the end of the run of this row.
    pub(crate) fn finish(
        &mut self,
        row: &str,
        result: &RunResult,
        last: Option<(&str, WriteMode)>,
    ) -> Result<()> {
        let mut payload = Vec::new();
        let flags = match last {
            None => "0",
            Some((state, mode)) => {
                payload.push(("singer_state".to_owned(), state.to_owned()));
                if mode == WriteMode::Complete { "1" } else { "2" }
            }
        };
        let state = match result {
            RunResult::Success => "SUCCESS",
            RunResult::Fail(reason) => {
                payload.push(("error".to_owned(), Value::from(reason.as_str()).to_string()));
                "FAIL"
            }
        };
        let (now, payload) = (text(Timestamp::now()), object(&payload));
        self.again(|sql| {
            sql.query(
                "UPDATE runs SET state = ?1, ended_at = ?2, payload = ?3, payload_flags = ?4 WHERE id = ?5",
                &[Some(state), Some(&now), Some(&payload), Some(flags), Some(row)],
            )
            .map(drop)
        })
    }

    /// When the last successful run of a pipeline ended, in ISO 8601.
    pub(crate) fn last_success(&mut self, state_id: &str) -> Result<Option<String>> {
        let rows = self.sql.query(
            "SELECT ended_at FROM runs WHERE job_name = ?1 AND state = 'SUCCESS' AND ended_at IS NOT NULL
             ORDER BY ended_at DESC LIMIT 1",
            &[Some(state_id)],
        )?;
        let ended = rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next().flatten());
        Ok(ended.as_deref().and_then(parse).map(iso))
    }
}

/// A time as Python writes it in ISO 8601: without a fraction that is zero.
pub(crate) fn iso(at: Timestamp) -> String {
    let text = at
        .to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%dT%H:%M:%S%.6f")
        .to_string();
    format!("{}+00:00", text.strip_suffix(".000000").unwrap_or(&text))
}

/// Adds the row of a run, and finds the state that it resumes from.
fn insert(
    sql: &mut dyn Sql,
    new: &NewRun<'_>,
    pipeline: &Pipeline,
    backend: Option<&StateBackend>,
    now: Timestamp,
) -> Result<ActiveRun> {
    let owner = serde_json::to_string(&Owner::current()).unwrap_or_default();
    let rows = sql.query(
        "INSERT INTO runs (job_name, state, started_at, payload, payload_flags, run_id, \"trigger\", last_heartbeat_at)
         VALUES (?1, 'RUNNING', ?2, ?3, 0, ?4, ?5, ?2) RETURNING id",
        &[
            Some(new.state_id),
            Some(&text(now)),
            Some(&object(&[(OWNER.to_owned(), owner)])),
            Some(&new.run_id.replace('-', "")),
            Some(&trigger()),
        ],
    )?;
    let row = rows
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().next().flatten());
    let mut run = ActiveRun {
        row: row.ok_or_else(|| Error::bug("the row of the run has no id"))?,
        run_id: new.run_id.to_owned(),
        known: match backend {
            Some(backend) => backend.read(new.state_id)?,
            None => stored(sql, new.state_id)?,
        },
        pipeline: pipeline.clone(),
        start: None,
        adopted: None,
        replaces: false,
        warnings: Vec::new(),
    };
    run.find_start(sql, new)?;
    Ok(run)
}

/// What has started this process.
pub(super) fn trigger() -> String {
    std::env::var("MELTANO_JOB_TRIGGER").unwrap_or_else(|_| "cli".to_owned())
}

/// A run whose row is in the state RUNNING.
pub(super) struct Running {
    pub(super) run_id: Option<String>,
    pub(super) started: Option<String>,
    pub(super) heartbeat: Option<String>,
    pub(super) owner: Option<Owner>,
}

impl Running {
    /// The reason why the run counts as dead, if it does.
    pub(super) fn dead(&self, now: Timestamp) -> Option<String> {
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
        let run = self.run_id.as_deref().unwrap_or("?").replace('-', "");
        let last = seen("last seen", &self.heartbeat);
        format!(
            "another run of {state_id} is alive: run {run}{by}{last}; wait for it or end it, or use --force if it has ended"
        )
    }
}

/// Marks dead runs of `state_id` as failed; returns the newest one that is alive, if any.
fn fail_dead(sql: &mut dyn Sql, state_id: &str, now: Timestamp) -> Result<Option<Running>> {
    let rows = sql.query(
        "SELECT id, run_id, started_at, last_heartbeat_at, payload FROM runs
         WHERE job_name = ?1 AND state = 'RUNNING' ORDER BY id",
        &[Some(state_id)],
    )?;
    let mut alive = None;
    for row in rows {
        let mut row = row.into_iter();
        let mut next = || row.next().flatten();
        let id = next();
        let run = Running {
            run_id: next(),
            started: next(),
            heartbeat: next(),
            owner: next().as_deref().and_then(owner),
        };
        let Some(why) = run.dead(now) else {
            alive = Some(run);
            continue;
        };
        let payload = object(&[("error".to_owned(), Value::from(why).to_string())]);
        sql.query(
            "UPDATE runs SET state = 'FAIL', ended_at = ?1, payload = ?2 WHERE id = ?3",
            &[Some(&text(now)), Some(&payload), id.as_deref()],
        )?;
    }
    Ok(alive)
}

pub(super) fn owner(payload: &str) -> Option<Owner> {
    let payload: Value = serde_json::from_str(payload).ok()?;
    serde_json::from_value(payload.get(OWNER)?.clone()).ok()
}

pub(super) fn text(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime(DATE_TIME).to_string()
}

pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let at: DateTime = text.parse().ok()?;
    at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.since((Unit::Second, from))
        .map_or(0, |span| span.get_seconds())
}
