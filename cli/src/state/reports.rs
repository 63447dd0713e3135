//! What runs have done, in a table of melisma's own next to `runs`, and both tables as `melisma runs` lists them.
//!
//! Meltano ignores the table. A row belongs to the row of `runs` with the same `id`, if its `run_id` is the same too: a
//! database may give the `id` of a deleted row to another run.

use std::fmt::Write as _;

use jiff::Timestamp;
use melisma_sdk::{Error, Result};
use serde_json::Value;
use uuid::Uuid;

use super::database::{ActiveRun, Database};
use super::runs::{Running, owner, parse};
use super::sql::Row;
use crate::report::{PairReport, VERSION};

/// A row of `runs`, with what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct RunRow {
    /// With hyphens.
    pub(crate) run_id: String,
    pub(crate) state_id: String,
    /// `RUNNING`, `SUCCESS` or `FAIL`.
    pub(crate) state: String,
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) trigger: Option<String>,
    pub(crate) error: Option<String>,
    /// Whether its process is gone, although its end is not recorded.
    pub(crate) is_dead: bool,
    /// `None` for a run of Meltano, or of an older melisma.
    pub(crate) report: Option<PairReport>,
}

/// Which runs are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunFilter {
    pub(crate) state_id: Option<String>,
    /// `RUNNING`, `SUCCESS` or `FAIL`.
    pub(crate) state: Option<&'static str>,
    /// The first characters of the run's id.
    pub(crate) id_prefix: Option<String>,
    pub(crate) limit: u32,
}

impl Database {
    /// Records what a run has done.
    pub(super) fn record(&mut self, run: &ActiveRun, report: &PairReport) -> Result<()> {
        if !self.has_reports {
            return Ok(());
        }
        let report = serde_json::to_string(report).map_err(|_| Error::bug("a report that is no JSON"))?;
        self.sql
            .query(
                "INSERT INTO melisma_runs (id, run_id, report) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET run_id = ?2, report = ?3",
                &[Some(&run.row), Some(&run.run_id), Some(&report)],
            )
            .map(drop)
    }

    /// The newest runs that match, the newest first. Edits of states are no runs.
    pub(crate) fn runs(&mut self, filter: &RunFilter) -> Result<Vec<RunRow>> {
        let (report, join) = if self.has_reports {
            (
                "melisma_runs.run_id, melisma_runs.report",
                "LEFT JOIN melisma_runs ON melisma_runs.id = runs.id",
            )
        } else {
            ("NULL, NULL", "")
        };
        // The payload of a run that succeeded has its state, which may be large, and nothing else.
        let mut statement = format!(
            "SELECT runs.run_id, job_name, state, started_at, ended_at, \"trigger\", last_heartbeat_at,
               CASE WHEN state <> 'SUCCESS' THEN payload END, {report}
             FROM runs {join} WHERE state IN ('SUCCESS', 'FAIL', 'RUNNING')"
        );
        let id = filter.id_prefix.as_ref().map(|prefix| format!("{prefix}%"));
        let conditions = [
            ("job_name =", filter.state_id.as_deref()),
            ("state =", filter.state),
            (
                "REPLACE(CAST(runs.run_id AS VARCHAR(36)), '-', '') LIKE",
                id.as_deref(),
            ),
        ];
        let mut values = Vec::new();
        for (condition, value) in conditions {
            if value.is_some() {
                values.push(value);
                let _ = write!(statement, " AND {condition} ?{}", values.len());
            }
        }
        let _ = write!(
            statement,
            " ORDER BY started_at DESC, runs.id DESC LIMIT {}",
            filter.limit
        );
        let rows = self.sql.query(&statement, &values)?;
        let now = Timestamp::now();
        Ok(rows.into_iter().map(|row| RunRow::of(row, now)).collect())
    }
}

impl RunRow {
    fn of(row: Row, now: Timestamp) -> Self {
        let mut row = row.into_iter();
        let mut next = || row.next().flatten();
        let run_id = next().unwrap_or_default();
        let run_id = Uuid::try_parse(&run_id).map_or(run_id, |id| id.to_string());
        let (state_id, state) = (next().unwrap_or_default(), next().unwrap_or_default());
        let (started, ended, trigger, heartbeat, payload) = (next(), next(), next(), next(), next());
        let running = Running {
            run_id: None,
            started: started.clone(),
            heartbeat,
            owner: payload.as_deref().and_then(owner),
        };
        let dead = (state == "RUNNING").then(|| running.dead(now)).flatten();
        let recorded: Option<Value> = payload
            .as_deref()
            .and_then(|payload| serde_json::from_str(payload).ok());
        let error = recorded.and_then(|payload| Some(payload.get("error")?.as_str()?.to_owned()));
        let (report_of, report) = (next(), next());
        let report = report
            .filter(|_| report_of.as_deref() == Some(&run_id))
            .and_then(|report| serde_json::from_str::<PairReport>(&report).ok())
            .filter(|report| report.version <= VERSION);
        Self {
            run_id,
            state_id,
            state,
            started: started.as_deref().and_then(parse),
            ended: ended.as_deref().and_then(parse),
            trigger,
            is_dead: dead.is_some(),
            error: error.or(dead),
            report,
        }
    }
}
