//! The `runs` table as people and scripts read it: `melisma logs`.

use jiff::Timestamp;
use melisma_sdk::Result;
use uuid::Uuid;

use super::database::Database;
use super::runs::parse;
use super::sql::Row;

const COLUMNS: &str = "SELECT run_id, job_name, state, started_at, ended_at, \"trigger\" FROM runs";

/// A run that has begun.
#[derive(Clone, Debug)]
pub(crate) struct PastRun {
    /// With hyphens.
    pub(crate) run_id: String,
    pub(crate) state_id: String,
    /// `RUNNING`, `SUCCESS` or `FAIL`.
    pub(crate) state: String,
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) trigger: Option<String>,
}

impl PastRun {
    fn of(row: Row) -> Self {
        let mut row = row.into_iter();
        let mut next = || row.next().flatten();
        let run_id = next().unwrap_or_default();
        Self {
            run_id: Uuid::try_parse(&run_id).map_or(run_id, |id| id.to_string()),
            state_id: next().unwrap_or_default(),
            state: next().unwrap_or_default(),
            started: next().as_deref().and_then(parse),
            ended: next().as_deref().and_then(parse),
            trigger: next(),
        }
    }
}

impl Database {
    /// The newest runs, the newest first. Edits of states are no runs.
    pub(crate) fn newest_runs(&mut self, limit: u32) -> Result<Vec<PastRun>> {
        let rows = self.sql.query(
            &format!(
                "{COLUMNS} WHERE state IN ('SUCCESS', 'FAIL', 'RUNNING') ORDER BY started_at DESC, id DESC LIMIT {limit}"
            ),
            &[],
        )?;
        Ok(rows.into_iter().map(PastRun::of).collect())
    }

    /// The run with this id.
    pub(crate) fn past_run(&mut self, run_id: Uuid) -> Result<Option<PastRun>> {
        let rows = self.sql.query(
            &format!("{COLUMNS} WHERE run_id = ?1 ORDER BY id LIMIT 1"),
            &[Some(&run_id.simple().to_string())],
        )?;
        Ok(rows.into_iter().next().map(PastRun::of))
    }
}
