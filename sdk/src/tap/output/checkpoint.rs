//! STATE messages: when they are due, and what they say.

use std::time::{Duration, Instant};

use melisma_engine::Result;
use serde_json::json;

use super::Output;

/// A STATE goes out at a checkpoint after this many records, or this long after the one before.
const STATE_RECORDS: u64 = 10_000;
const STATE_AGE: Duration = Duration::from_secs(5);

impl Output<'_> {
    /// A safe point: what was written so far is complete up to the bookmark. A STATE goes out when one is due.
    ///
    /// Of a stream with children it says, too, that the children of all records so far are complete: the bookmark of such a
    /// stream moves here alone, and not with its records.
    pub fn checkpoint(&mut self) -> Result<()> {
        if self.current.has_children() {
            self.current.store(&mut self.state);
        }
        let row_by_row = self.current.records - self.current.checkpointed <= 1;
        self.current.checkpointed = self.current.records;
        let many = self.state_records >= STATE_RECORDS;
        if row_by_row && !many && self.emitter.is_between_looks() && !self.stop.is_requested() {
            // A checkpoint after each of many fast records: the clock would cost more than the record.
            return Ok(());
        }
        let due = many || self.state_emitted.elapsed() >= STATE_AGE;
        let written = if due {
            self.write_state()
        } else {
            self.emitter.flush_if_older(Duration::from_millis(20))
        };
        let stopped = written.and_then(|()| self.stop.check());
        self.failed |= stopped.is_err();
        stopped
    }

    /// Writes a STATE now, the same as the last one if nothing in it has changed. For a stream that is read from its start
    /// although the STATE of an earlier run said how far that one had come: call it after
    /// [`forget`](Self::forget), before the first record, so that a target that replaces what was there knows that these are
    /// all rows.
    pub fn emit_state(&mut self) -> Result<()> {
        self.emitter.forget_state();
        self.write_state()
    }

    /// Writes the state as it is now.
    pub(in crate::tap) fn write_state(&mut self) -> Result<()> {
        if !self.current.has_children() {
            self.current.store(&mut self.state);
        }
        self.scratch.clear();
        self.state.write(&mut self.scratch);
        self.state_records = 0;
        self.state_emitted = Instant::now();
        let syncing = self.syncing.then_some(&*self.current.name);
        let written = self.emitter.state(&self.scratch, syncing)?;
        self.uncovered &= !written;
        Ok(())
    }

    /// All streams were read to their end: the last message is a STATE.
    ///
    /// A stream without new records writes none of its own, since thousands of such streams would write the same STATE
    /// thousands of times.
    pub(in crate::tap) fn finish(&mut self) -> Result<()> {
        if self.uncovered { self.emit_state() } else { Ok(()) }
    }

    pub(super) fn write_schema(&mut self) -> Result<()> {
        let current = &self.current;
        let mut message = json!({
            "type": "SCHEMA",
            "stream": current.name,
            "schema": current.plan.schema,
            "key_properties": current.key,
        });
        let properties = current.plan.schema.get("properties");
        let key = current.replication_key.as_deref();
        if let Some(key) =
            key.filter(|key| properties.is_some_and(|properties| properties.get(key).is_some()))
        {
            message["bookmark_properties"] = json!([key]);
        }
        self.uncovered = true;
        self.emitter.message(&message)
    }
}
