//! Commits of all streams together, each at a STATE that covers exactly their rows ([`CommitMode::AtStates`]).
//!
//! Limits and timers do not commit here: they make a commit due, and the next STATE brings it.

use std::sync::Arc;
use std::time::Instant;

use super::router::Router;
use super::stream::OpenUnit;
use super::teller::is_empty;
use super::writer::Call;
use crate::error::{Error, Result};
use crate::sink::{CommitMode, Destination};

/// What is known between two such commits.
pub(super) struct Together {
    /// The next STATE brings a commit.
    pub(super) due: bool,
    committed_at: Instant,
    /// The last STATE of the input.
    pub(super) last: Option<Arc<str>>,
    /// Records before it, without those refused.
    covered: u64,
}

impl Together {
    pub(super) fn new() -> Self {
        Self {
            due: false,
            committed_at: Instant::now(),
            last: None,
            covered: 0,
        }
    }
}

impl<D: Destination> Router<'_, D> {
    /// A STATE: commits all rows with it when a commit is due. One without rows since the last commit needs none.
    pub(super) fn state_of_all(&mut self, seq: u64, value: &str) -> Result<()> {
        if is_empty(value) {
            // It is not stored in the place of an older STATE that is good, as everywhere. But it covers the records
            // before it: at the end of the input they are committed with the STATE that there is, if there is one.
            self.together.covered = self.accepted();
            return Ok(());
        }
        let options = self.shared.options;
        let waited = self.now.saturating_duration_since(self.together.committed_at);
        let due = self.together.due
            || waited >= options.state_interval
            || self.shared.teller.pending_bytes() > options.memory_budget / 8;
        self.shared.teller.state(seq, value, self.now)?;
        let state: Arc<str> = value.into();
        self.together.last = Some(Arc::clone(&state));
        self.together.covered = self.accepted();
        if !due {
            return Ok(());
        }
        for (id, unit) in self.seal_all()? {
            if let Some(unit) = unit {
                self.call(id, Call::Commit(unit, Some(Arc::clone(&state))))?;
            }
        }
        self.together.due = false;
        self.together.committed_at = self.now;
        Ok(())
    }

    /// Whether the input may end here. Rows that no STATE covers are not committed with one that came before them: it
    /// would start a tap, or one that was only cut short, in front of rows that are there already.
    pub(super) fn check_end(&self) -> Result<()> {
        let options = self.shared.options;
        let behind = self.accepted() - self.together.covered;
        if behind == 0 || options.commit != CommitMode::AtStates {
            return Ok(());
        }
        Err(Error::input(format!(
            "expected a STATE behind the last RECORD, found the end of the input: rows are committed together with the \
             STATE that covers them (state_in_target), so the {behind} record{} behind the last one are not committed; a \
             tap that sends no STATE needs another way of loading",
            if behind == 1 { "" } else { "s" }
        )))
    }

    fn accepted(&self) -> u64 {
        self.summary.records - self.summary.refused
    }

    /// Sees to it that something of the stream holds the watermark.
    pub(super) fn hold(&mut self, seq: u64, id: usize) {
        if let Some(stream) = self.streams.get_mut(id).and_then(Option::as_mut)
            && stream.unit.is_none()
        {
            let ticket = self.shared.teller.open(seq, id);
            stream.unit = Some(OpenUnit::new(ticket, self.now, &self.received_at));
        }
    }
}
