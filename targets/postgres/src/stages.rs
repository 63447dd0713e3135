//! The temporary tables of a session, into which rows are copied before they are merged.
//!
//! A stage lives as long as the connection, so that a batch needs no DDL. The server empties all of them at each commit
//! (`ON COMMIT DELETE ROWS`) and locks each for that, so a commit would cost as much as there are streams, and some
//! thousands of streams would exhaust the server's locks. Therefore streams with the same columns share a stage, and a
//! connection keeps at most [`KEPT`]: the least recently used one is dropped.

use crate::types::Type;

/// The most stages of a connection. Emptying one costs some ten microseconds at each commit; making one costs a
/// millisecond, and happens at most once a batch.
const KEPT: usize = 32;

/// What makes two columns the same: name, type and collation.
pub(crate) type Column = (Box<str>, Type, u32);

/// The stages of a connection.
#[derive(Default)]
pub(crate) struct Stages {
    stages: Vec<Kept>,
    made: usize,
    uses: u64,
}

struct Kept {
    stage: Stage,
    columns: Vec<Column>,
    /// The transaction in which it last got rows: they are still in it.
    used_in: u64,
    last_use: u64,
}

/// A stage, by its number on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stage(usize);

impl Stage {
    /// Its name in statements.
    pub(crate) fn sql(self) -> String {
        format!("pg_temp.melisma_stage_{}", self.0)
    }
}

impl Stages {
    /// The stage with these columns, and the transaction that it last got rows in. It is used in `transaction` now.
    pub(crate) fn take(&mut self, columns: &[Column], transaction: u64) -> Option<(Stage, u64)> {
        self.uses += 1;
        let kept = self.stages.iter_mut().find(|kept| kept.columns == columns)?;
        kept.last_use = self.uses;
        let used_in = std::mem::replace(&mut kept.used_in, transaction);
        Some((kept.stage, used_in))
    }

    /// Forgets the least recently used stage, when there is no room for another one.
    pub(crate) fn remove_oldest(&mut self) -> Option<Stage> {
        if self.stages.len() < KEPT {
            return None;
        }
        let oldest = (0..self.stages.len()).min_by_key(|&at| self.stages[at].last_use)?;
        Some(self.stages.swap_remove(oldest).stage)
    }

    /// A new stage, which is used in `transaction`.
    pub(crate) fn add(&mut self, columns: Vec<Column>, transaction: u64) -> Stage {
        self.made += 1;
        let stage = Stage(self.made);
        self.stages.push(Kept {
            stage,
            columns,
            used_in: transaction,
            last_use: self.uses,
        });
        stage
    }
}
