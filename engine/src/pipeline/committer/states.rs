//! STATE, and what commits because of it: by itself for each stream, or for all streams together.
//!
//! Where streams are committed by themselves, a STATE that has waited for `state_interval` commits the units that it waits
//! for. Where they are committed together ([`CommitMode::AtStates`]), limits and timers only make a commit due: the next
//! STATE brings it, and covers exactly the rows of that commit.

use std::sync::Arc;
use std::time::Instant;

use super::Committer;
use crate::error::{Error, Result};
use crate::fault;
use crate::pipeline::options::FinalState;
use crate::pipeline::state_emitter::is_empty;
use crate::pipeline::stream::{OpenUnit, Stream};
use crate::pipeline::writer::Call;
use crate::sink::{CommitMode, Destination};

/// Records of the input so far.
#[derive(Clone, Copy)]
pub(in crate::pipeline) struct Received {
    /// All of them.
    pub(in crate::pipeline) records: u64,
    /// Those of them that were refused.
    pub(in crate::pipeline) refused: u64,
}

impl Received {
    fn accepted(self) -> u64 {
        self.records - self.refused
    }
}

/// The first and the newest STATE that may wait for open units.
#[derive(Clone, Copy)]
pub(super) struct Waiting {
    first: (u64, Instant),
    newest: (u64, Instant),
}

/// What is known between two commits of all streams together.
pub(super) struct Together {
    /// The next STATE brings a commit.
    pub(super) due: bool,
    committed_at: Instant,
    /// The last STATE of the input.
    last: Option<Arc<str>>,
    /// Records before it, without those refused.
    covered: u64,
}

impl Together {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            due: false,
            committed_at: now,
            last: None,
            covered: 0,
        }
    }
}

impl<D: Destination> Committer<'_, D> {
    /// A STATE: emitted when everything before it is durable.
    pub(in crate::pipeline) fn state(&mut self, seq: u64, value: &str, received: Received) -> Result<()> {
        fault!(DECODE_STATE);
        match self.shared.options.commit {
            CommitMode::PerStream => {}
            CommitMode::AtStates => return self.state_of_all(seq, value, received),
            CommitMode::AtEnd => self.note_state(value, received),
        }
        let now = self.clock.now;
        self.shared.emitter.state(seq, value, now)?;
        let newest = (seq, now);
        let first = self.waiting.map_or(newest, |waiting| waiting.first);
        self.waiting = Some(Waiting { first, newest });
        if self.shared.options.state_interval.is_zero() {
            self.close_for_state()
        } else {
            Ok(())
        }
    }

    /// Looks at the clock: units that are old, and units that an old STATE waits for.
    pub(in crate::pipeline) fn timers(&mut self) -> Result<()> {
        let (wait, now) = (self.shared.options.limits.wait, self.clock.now);
        self.shared.emitter.tick(now)?;
        self.commit_where(|unit| now.saturating_duration_since(unit.since) >= wait)?;
        self.close_for_state()
    }

    /// Commits what the newest STATE waits for when the oldest has waited long enough, or STATEs pile up.
    fn close_for_state(&mut self) -> Result<()> {
        let Some(waiting) = &mut self.waiting else {
            return Ok(());
        };
        let low = self.shared.emitter.low();
        if low > waiting.newest.0 {
            self.waiting = None;
            return Ok(());
        }
        if low > waiting.first.0 {
            waiting.first = waiting.newest;
        }
        let Waiting { first, newest } = *waiting;
        if self.has_waited(first.1) || self.are_states_piling_up() {
            self.waiting = None;
            self.commit_where(|unit| unit.ticket.seq() < newest.0)?;
        }
        Ok(())
    }

    fn has_waited(&self, since: Instant) -> bool {
        self.clock.now.saturating_duration_since(since) >= self.shared.options.state_interval
    }

    fn are_states_piling_up(&self) -> bool {
        self.shared.emitter.pending_bytes() > self.shared.options.memory_budget / 8
    }

    fn commit_where(&mut self, due: impl Fn(&OpenUnit) -> bool) -> Result<()> {
        if self.shared.options.commit.is_of_all_streams() {
            return Ok(());
        }
        for id in 0..self.streams.len() {
            let unit = self.streams[id].as_ref().and_then(|stream| stream.unit.as_ref());
            if unit.is_some_and(&due) {
                self.commit(id)?;
            }
        }
        Ok(())
    }

    /// A STATE where all streams are committed together: commits all rows with it when a commit is due. One without rows
    /// since the last commit needs none.
    fn state_of_all(&mut self, seq: u64, value: &str, received: Received) -> Result<()> {
        self.together.covered = received.accepted();
        if is_empty(value) {
            // It does not replace an older STATE that is good, as everywhere. But it covers the records before it: at the
            // end of the input they are committed with the STATE that there is, if there is one.
            return Ok(());
        }
        let due =
            self.together.due || self.has_waited(self.together.committed_at) || self.are_states_piling_up();
        self.shared.emitter.state(seq, value, self.clock.now)?;
        let state: Arc<str> = value.into();
        self.together.last = Some(Arc::clone(&state));
        if !due {
            return Ok(());
        }
        for (id, unit) in self.seal_all()? {
            if let Some(unit) = unit {
                self.call(id, Call::Commit(unit, Some(Arc::clone(&state))))?;
            }
        }
        self.together.due = false;
        self.together.committed_at = self.clock.now;
        Ok(())
    }

    /// Takes note of a STATE where only the end of the input publishes.
    fn note_state(&mut self, value: &str, received: Received) {
        if self.shared.options.final_state == FinalState::Ignored {
            return;
        }
        let streams = &self.streams;
        let records = |name: &str| {
            let stream = streams.iter().flatten().find(|stream| stream.name() == name);
            stream.map_or(0, |stream| stream.summary.records)
        };
        self.ending.state(value, received.records, records);
    }

    /// A line came that may be a part of a message: the STATE before it does not cover what the message was about.
    pub(in crate::pipeline) fn uncover(&mut self) {
        self.ending.uncover();
    }

    /// A clean end: everything is committed and every sink finished.
    pub(in crate::pipeline) fn finish(&mut self, received: Received) -> Result<()> {
        match self.shared.options.commit {
            CommitMode::PerStream => {}
            CommitMode::AtStates => self.check_covered(received)?,
            CommitMode::AtEnd => {
                let streams = self.streams.iter().flatten().map(Stream::name);
                self.ending
                    .check(self.shared.options.final_state, received.records, streams)?;
            }
        }
        for (id, unit) in self.seal_all()? {
            self.call(id, Call::Finish(unit, self.together.last.clone()))?;
        }
        Ok(())
    }

    /// Rows that no STATE covers are not committed with one that came before them: it would start a tap, or one that was
    /// only cut short, in front of rows that are there already.
    fn check_covered(&self, received: Received) -> Result<()> {
        let behind = received.accepted() - self.together.covered;
        if behind == 0 {
            return Ok(());
        }
        Err(Error::input(format!(
            "expected a STATE behind the last RECORD, found the end of the input: rows are committed together with the \
             STATE that covers them (state_in_target), so the {behind} record{} behind the last one are not committed; a \
             tap that sends no STATE needs another way of loading",
            if behind == 1 { "" } else { "s" }
        )))
    }
}
