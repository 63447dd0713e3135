//! The stored states as people and scripts read and change them: `melisma state`.
//!
//! A state is `{"singer_state": ...}` here, as Meltano stores and shows it. Each change is one transaction. A run that is
//! alive notices it and does not overwrite it.

use jiff::Timestamp;
use melisma_sdk::Result;
use uuid::Uuid;

use super::WriteMode;
use super::backend::StateBackend;
use super::database::{Database, stored, write_row};
use super::merge::is_empty;
use super::pipeline::remove_owner;
use super::runs::{text, trigger};
use super::sql::{Sql, transaction};
use super::stored::Stored;

/// The states of a project.
pub(crate) struct States {
    database: Database,
    /// Where they are, if not in the database.
    backend: Option<StateBackend>,
}

impl States {
    pub(crate) fn new(database: Database, backend: Option<StateBackend>) -> Self {
        Self { database, backend }
    }

    /// Where they are, for people.
    pub(crate) fn location(&self) -> String {
        match &self.backend {
            Some(backend) => backend.location(),
            None => self.database.location(),
        }
    }

    /// Their ids, in order.
    pub(crate) fn ids(&mut self) -> Result<Vec<String>> {
        if let Some(backend) = &self.backend {
            return backend.ids();
        }
        let rows = self
            .database
            .sql
            .query("SELECT state_id FROM state ORDER BY state_id", &[])?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// The state that a run would resume from; `{}` when there is none.
    pub(crate) fn get(&mut self, id: &str) -> Result<String> {
        Ok(self.stored(id)?.merged())
    }

    pub(super) fn stored(&mut self, id: &str) -> Result<Stored> {
        match &self.backend {
            Some(backend) => backend.read(id),
            None => stored(&mut *self.database.sql, id),
        }
    }

    /// Replaces a state, or merges `state` over it, and adds the edit to the history of runs. An empty state replaces
    /// nothing.
    pub(crate) fn edit(&mut self, id: &str, state: &str, mode: WriteMode) -> Result<()> {
        let effect = if is_empty(state) { WriteMode::Partial } else { mode };
        self.change(
            id,
            |found| found.after_wrapped(state.to_owned(), effect),
            |sql| record(sql, id, state, mode),
        )
    }

    /// Replaces a state as a whole; not an edit in the history of runs, as in Meltano.
    pub(super) fn replace(&mut self, id: &str, next: &Stored) -> Result<()> {
        self.change(id, |_| next.clone(), |_| Ok(()))
    }

    /// Removes a state.
    pub(crate) fn clear(&mut self, id: &str) -> Result<()> {
        let backend = self.backend.as_ref();
        self.database.again(|sql| {
            transaction(sql, id, |sql| {
                match backend {
                    Some(backend) => backend.clear(id)?,
                    None => drop(sql.query("DELETE FROM state WHERE state_id = ?1", &[Some(id)])?),
                }
                remove_owner(sql, id)
            })
        })
    }

    fn change(
        &mut self,
        id: &str,
        next: impl Fn(Stored) -> Stored,
        then: impl Fn(&mut dyn Sql) -> Result<()>,
    ) -> Result<()> {
        let backend = self.backend.as_ref();
        self.database.again(|sql| {
            transaction(sql, id, |sql| {
                match backend {
                    Some(backend) => backend.update(id, |found| Ok(next(found)))?,
                    None => {
                        let next = next(stored(sql, id)?);
                        write_row(sql, id, &next)?;
                    }
                }
                then(sql)
            })
        })
    }
}

/// Adds an edit to the history of runs, as Meltano does.
fn record(sql: &mut dyn Sql, id: &str, state: &str, mode: WriteMode) -> Result<()> {
    let flags = if mode == WriteMode::Complete { "1" } else { "2" };
    sql.query(
        "INSERT INTO runs (job_name, state, started_at, ended_at, payload, payload_flags, run_id, \"trigger\")
         VALUES (?1, 'STATE_EDIT', ?2, ?2, ?3, ?4, ?5, ?6)",
        &[
            Some(id),
            Some(&text(Timestamp::now())),
            Some(state),
            Some(flags),
            Some(&Uuid::now_v7().simple().to_string()),
            Some(&trigger()),
        ],
    )
    .map(drop)
}
