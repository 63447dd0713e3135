//! The ledger: tracks what is durable, and so decides which STATE may be emitted.
//!
//! A pure state machine: no I/O, no clock. Every input line has a sequence number. What is not durable yet, a unit of
//! records, a change of schema, an ACTIVATE_VERSION, holds a [`Ticket`] with the number of its first line. The smallest
//! number that is held is the watermark, [`Ledger::low`]: everything below it is durable. A STATE read at line `s`
//! covers all lines before it, so it may be emitted when `s < low`; only the newest such STATE is worth emitting.
//!
//! A ticket that is dropped, neither committed nor abandoned, is lost: some path through the program forgot its
//! records. That poisons the ledger, which then tells no more STATE. A bug must never look like success.
//!
//! A changed SCHEMA and an ACTIVATE_VERSION hold tickets like units, until the sink has followed them. Where all streams are
//! committed in one transaction, their tickets are given back one after another once it is durable, and the STATE is free with
//! the last of them:
//!
//! ```text
//! line                            held           low   the STATE of line 8
//! 2   RECORD of a                 a:2            2
//! 5   SCHEMA of a, changed        a:2 a:5        2
//! 6   RECORD of b                 a:2 a:5 b:6    2
//! 8   STATE                       a:2 a:5 b:6    2     waits
//!     the row of a is durable     a:5 b:6        5     waits
//!     the sink has new columns    b:6            6     waits
//!     the row of b is durable                    9     may be emitted
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

#[cfg(any(test, feature = "fuzzing"))]
pub mod model;
#[cfg(test)]
mod tests;

/// The right to say that a unit is durable. Not to be dropped: see [`Ledger::commit`] and [`Ledger::abandon`].
#[derive(Debug)]
#[must_use]
pub struct Ticket {
    seq: u64,
    stream: usize,
    lost: Option<Arc<AtomicBool>>,
}

impl Ticket {
    /// The sequence number of the unit's first line.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The stream it was opened for.
    pub fn stream(&self) -> usize {
        self.stream
    }

    /// Settled: no longer lost when it is dropped.
    fn close(mut self) -> (u64, usize) {
        self.lost = None;
        (self.seq, self.stream)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(lost) = self.lost.take() {
            lost.store(true, Ordering::Release);
        }
    }
}

/// What became of records: every one that came in was written or refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// RECORD lines read.
    pub received: u64,
    /// Rows that the sink has made durable.
    pub written: u64,
    /// Records that were dropped or written to the dead-letter file, as the user asked.
    pub refused: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.received += other.received;
        self.written += other.written;
        self.refused += other.refused;
    }
}

/// A STATE as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The sequence number of its line.
    pub seq: u64,
    /// The bytes of its value.
    pub value: String,
}

/// See the [module](self).
/// Two streams, of which one is committed later than a STATE comes:
///
/// ```
/// use melisma_engine::ledger::{Ledger, Tally};
///
/// let mut ledger = Ledger::new();
/// let orders = ledger.open(3, 0); // a unit of stream 0 begins at line 3
/// let people = ledger.open(5, 1); // one of stream 1 at line 5
/// ledger.state(8, r#"{"orders": 2, "people": 3}"#);
/// ledger.commit(orders, Tally::default())?;
/// assert_eq!(ledger.low(), 5); // all lines below 5 are durable
/// assert_eq!(ledger.take()?, None); // the STATE of line 8 covers people's rows as well
///
/// ledger.commit(people, Tally::default())?;
/// assert_eq!(ledger.take()?.map(|state| state.seq), Some(8));
///
/// drop(ledger.open(9, 0)); // neither committed nor abandoned: a bug, after which no STATE is emitted
/// assert!(ledger.check().is_err());
/// # Ok::<(), melisma_engine::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Ledger {
    /// First sequence number of each unit that is not durable, and its stream.
    in_flight: BTreeMap<u64, usize>,
    /// The states that were not emitted, in their order. Never two with no unit between them, so there is at most one
    /// more than units in flight.
    pending: VecDeque<State>,
    pending_bytes: usize,
    next: u64,
    /// By stream: all units that were committed.
    tallies: Vec<Tally>,
    lost: Arc<AtomicBool>,
    poison: Option<String>,
}

impl Ledger {
    /// A ledger with nothing in it; the first line has any number.
    pub fn new() -> Self {
        Self::default()
    }

    /// A unit of `stream` begins at line `seq`, which is higher than every number seen before.
    pub fn open(&mut self, seq: u64, stream: usize) -> Ticket {
        self.advance(seq);
        self.in_flight.insert(seq, stream);
        Ticket {
            seq,
            stream,
            lost: Some(Arc::clone(&self.lost)),
        }
    }

    /// A STATE came at line `seq`, which is higher than every number seen before.
    pub fn state(&mut self, seq: u64, value: &str) {
        self.advance(seq);
        self.pending_bytes += value.len();
        match self.pending.back_mut() {
            // No unit since the last one: both would be permitted at the same moment.
            Some(last)
                if self
                    .in_flight
                    .last_key_value()
                    .is_none_or(|(&unit, _)| unit < last.seq) =>
            {
                self.pending_bytes -= last.value.len();
                last.seq = seq;
                last.value.clear();
                last.value.push_str(value);
            }
            _ => self.pending.push_back(State {
                seq,
                value: value.to_owned(),
            }),
        }
    }

    /// The unit is durable. Fails, and poisons the ledger, when its records do not add up.
    pub fn commit(&mut self, ticket: Ticket, tally: Tally) -> Result<()> {
        let (seq, stream) = ticket.close();
        if self.in_flight.remove(&seq) != Some(stream) {
            return Err(self.poison(format!("the unit of line {seq} is not this ledger's")));
        }
        if tally.received != tally.written + tally.refused {
            let Tally {
                received,
                written,
                refused,
            } = tally;
            return Err(self.poison(format!(
                "of {received} records since line {seq}, {written} were written and {refused} refused"
            )));
        }
        if self.tallies.len() <= stream {
            self.tallies.resize(stream + 1, Tally::default());
        }
        self.tallies[stream].add(tally);
        self.merge_pending_at(seq);
        Ok(())
    }

    /// The unit failed and the run knows it: it stays in flight for ever, and holds the watermark.
    pub fn abandon(&mut self, ticket: Ticket) {
        ticket.close();
    }

    /// Everything below is durable.
    pub fn low(&self) -> u64 {
        self.in_flight
            .first_key_value()
            .map_or(self.next, |(&seq, _)| seq)
    }

    /// Takes the newest STATE that may be emitted, and forgets the older ones.
    pub fn take(&mut self) -> Result<Option<State>> {
        self.check()?;
        let low = self.low();
        let mut newest = None;
        while self.pending.front().is_some_and(|state| state.seq < low) {
            newest = self.pending.pop_front();
            self.pending_bytes -= newest.as_ref().map_or(0, |state| state.value.len());
        }
        Ok(newest)
    }

    /// Fails when a ticket was lost or records did not add up.
    pub fn check(&mut self) -> Result<()> {
        if self.poison.is_none() && self.lost.load(Ordering::Acquire) {
            self.poison = Some("records were lost between reading and writing".into());
        }
        match &self.poison {
            Some(reason) => Err(Error::bug(reason.clone())),
            None => Ok(()),
        }
    }

    /// No more STATE may be emitted. Returns the error with the reason; the first reason stays.
    pub fn poison(&mut self, reason: impl Into<String>) -> Error {
        let reason = self.poison.get_or_insert_with(|| reason.into());
        Error::bug(reason.clone())
    }

    /// Bytes of the states that wait.
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Units that are neither committed nor lost sight of.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// What was committed, by stream; streams at the end that never committed are missing.
    pub fn tallies(&self) -> &[Tally] {
        &self.tallies
    }

    fn advance(&mut self, seq: u64) {
        if seq < self.next {
            let next = self.next;
            self.poison(format!("line {seq} came after line {next} was expected"));
        }
        self.next = self.next.max(seq + 1);
    }

    /// With the unit at `seq` gone, the states on its two sides may have no unit between them any more: the older
    /// would be permitted with the newer, so it goes. Keeps what waits within what is in flight.
    fn merge_pending_at(&mut self, seq: u64) {
        let newer = self.pending.partition_point(|state| state.seq < seq);
        if newer == 0 || newer == self.pending.len() {
            return;
        }
        let between = self.pending[newer - 1].seq..self.pending[newer].seq;
        if self.in_flight.range(between).next().is_none()
            && let Some(older) = self.pending.remove(newer - 1)
        {
            self.pending_bytes -= older.value.len();
        }
    }
}
