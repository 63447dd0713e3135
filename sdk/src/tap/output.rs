//! What a tap writes to: the stream being read, its bookmark and its records.

mod kept;

use std::time::{Duration, Instant};

use melisma_engine::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::current::Current;
use super::emitter::Emitter;
use super::key::KeyType;
use super::opening::{self, Opening};
use super::plan::Column;
use super::progress::Progress;
use super::row::RowWriter;
use super::state::State;
use super::stream::Method;
use crate::metrics::Counter;
use crate::signals::Stop;

/// A STATE goes out at a checkpoint after this many records, or this long after the one before.
const STATE_RECORDS: u64 = 10_000;
const STATE_AGE: Duration = Duration::from_secs(5);

/// Where [`Tap::sync`](super::Tap::sync) writes one stream to.
pub struct Output<'a> {
    pub(super) emitter: Emitter<'a>,
    pub(super) state: State,
    pub(super) stop: Stop,
    pub(super) current: Current,
    /// At most this many records of a stream (`--test`).
    pub(super) limit: Option<u64>,
    /// An error was handed to the tap, which must not write on.
    pub(super) failed: bool,
    /// The stream is not read to its end.
    syncing: bool,
    /// A SCHEMA went out, and no STATE after it.
    uncovered: bool,
    /// What is selected and is not read.
    pub(super) left_out: Vec<String>,
    scratch: Vec<u8>,
    state_told: Instant,
    start_date: Option<Box<str>>,
    now: Box<str>,
}

impl<'a> Output<'a> {
    pub(super) fn new(emitter: Emitter<'a>, state: State, stop: Stop, start_date: Option<&str>) -> Self {
        Self {
            emitter,
            state,
            stop,
            current: Current::none(),
            limit: None,
            failed: false,
            syncing: false,
            uncovered: false,
            left_out: Vec::new(),
            scratch: Vec::new(),
            state_told: Instant::now(),
            start_date: start_date.map(Into::into),
            now: Value::from(super::emitter::now_text()).to_string().into(),
        }
    }

    /// The stream to read.
    pub fn stream(&self) -> &str {
        &self.current.name
    }

    /// The schema that records follow, as SCHEMA tells it: without what is not selected.
    pub fn schema(&self) -> &Value {
        &self.current.plan.schema
    }

    /// The properties of the stream's own schema, in its order: the positions of a row's cells.
    pub fn columns(&self) -> &[Column] {
        &self.current.plan.columns
    }

    /// Whether a top-level property goes into records.
    pub fn is_selected(&self, property: &str) -> bool {
        self.columns()
            .iter()
            .any(|column| column.selected && &*column.name == property)
    }

    /// How the stream is to be read.
    pub fn replication_method(&self) -> Method {
        self.current.method
    }

    /// The property that bookmarks are about. `None` for FULL_TABLE without one.
    pub fn replication_key(&self) -> Option<&str> {
        self.current.replication_key.as_deref()
    }

    /// The key properties.
    pub fn key_properties(&self) -> &[Box<str>] {
        &self.current.key
    }

    /// Whether the run is asked to end. Loops that wait for a source look at it; the others get an error from the
    /// next record or checkpoint.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Where to start reading: the replication key's value of the last run, or the setting `start_date` when that
    /// is later. Values equal to it were read already and are to be read again.
    ///
    /// `None` for the first run, for FULL_TABLE, and for a bookmark of another key.
    pub fn bookmark<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        self.begin();
        let Some(progress) = &self.current.progress else {
            return Ok(None);
        };
        let Some(start) = progress.start() else {
            return Ok(None);
        };
        if let Some(number) = progress.start_number()
            && let Ok(number) = serde_json::from_str(number)
        {
            return Ok(Some(number));
        }
        serde_json::from_str(start).map(Some).map_err(|error| {
            let message = format!("the bookmark of {} is not what the tap can read", progress.key());
            Error::config(message)
                .with_source(error)
                .in_stream(&self.current.name)
        })
    }

    /// Sets the bookmark: everything up to this value was written.
    ///
    /// For streams with [`manual_bookmark`](super::Stream::manual_bookmark); for others it counts as if a record
    /// had this value. FULL_TABLE has no bookmark and ignores it.
    pub fn set_bookmark(&mut self, value: &impl Serialize) -> Result<()> {
        self.begin();
        let text = serde_json::to_string(value)
            .map_err(|error| Error::bug("cannot write a bookmark").with_source(error))?;
        let Some(progress) = &mut self.current.progress else {
            return Ok(());
        };
        let set = progress.set(&mut self.state, &text);
        set.map_err(|error| error.in_stream(&self.current.name))
    }

    /// The records that follow belong to this partition of the stream, which has a bookmark of its own; the
    /// partition before is complete. `context` is what names it, such as `{"file": "a.csv"}`.
    pub fn partition(&mut self, context: &impl Serialize) -> Result<()> {
        let context = serde_json::to_value(context)
            .map_err(|error| Error::bug("cannot write the context of a partition").with_source(error))?;
        if let Some(progress) = &mut self.current.progress {
            progress.finish(&mut self.state);
            progress.begin(&mut self.state, &self.current.name, Some(&context));
        }
        Ok(())
    }

    /// Forgets the bookmarks of partitions that are gone. Between partitions only: the one being read ends here.
    pub fn retain_partitions(&mut self, keep: impl FnMut(&Value) -> bool) {
        if let Some(progress) = &mut self.current.progress {
            progress.finish(&mut self.state);
            self.state.retain_partitions(&self.current.name, keep);
        }
    }

    /// Says that the source does not have a selected property after all: the run reads everything else, and then ends
    /// with an error that names it.
    pub fn leave_out(&mut self, property: &str) {
        let stream = &*self.current.name;
        let what = opening::property_of(property, stream);
        log::warn!(stream_name = stream; "{}", opening::warning(&what));
        self.left_out.push(what);
    }

    /// A safe point: what was written so far is complete up to the bookmark. A STATE goes out when one is due.
    pub fn checkpoint(&mut self) -> Result<()> {
        let row_by_row = self.current.records - self.current.checkpointed <= 1;
        self.current.checkpointed = self.current.records;
        let many = self.current.state_records >= STATE_RECORDS;
        if row_by_row && !many && self.emitter.is_between_looks() && !self.stop.is_requested() {
            // A checkpoint after each of many fast records: the clock would cost more than the record.
            return Ok(());
        }
        let due = many || self.state_told.elapsed() >= STATE_AGE;
        let told = if due {
            self.tell_state()
        } else {
            self.emitter.flush_if_older(Duration::from_millis(20))
        };
        let stopped = told.and_then(|()| self.stop.check());
        self.failed |= stopped.is_err();
        stopped
    }

    /// Writes a STATE now, the same as the last one if nothing in it has changed. For a stream that is read from its start
    /// although the STATE of an earlier run said how far that one had come: call it after
    /// [`forget`](Self::forget), before the first record, so that a target that replaces what was there knows that these are
    /// all rows.
    pub fn emit_state(&mut self) -> Result<()> {
        self.emitter.forget_state();
        self.tell_state()
    }

    /// Writes one record: what is not selected is left out, a number that JSON does not have becomes null.
    ///
    /// It must serialize as an object. [`row`](Self::row) is faster where a source has columns.
    pub fn record(&mut self, record: &impl Serialize) -> Result<()> {
        self.begin();
        let written = self.try_record(record);
        self.failed |= written.is_err();
        written.map_err(|error| error.in_stream(&self.current.name))
    }

    fn try_record(&mut self, record: &impl Serialize) -> Result<()> {
        self.check_failed()?;
        self.scratch.clear();
        serde_json::to_writer(&mut self.scratch, record)
            .map_err(|error| Error::input("a record cannot be written as JSON").with_source(error))?;
        if self.scratch.first() != Some(&b'{') {
            return Err(Error::bug("a record must be an object"));
        }
        let start = self.emitter.buffer.len();
        self.emitter.begin_record(&self.current.head);
        let Current {
            plan,
            cutter,
            progress,
            ..
        } = &mut self.current;
        cutter.found = None;
        let copied = self
            .emitter
            .buffer
            .append(|out| cutter.copy(&self.scratch, &plan.node, out));
        let seen = copied.and_then(|()| match (progress, cutter.found) {
            (Some(progress), Some((from, to))) => progress.see(self.emitter.buffer.written(from, to)),
            _ => Ok(()),
        });
        if seen.is_err() {
            self.emitter.buffer.truncate(start);
            return seen;
        }
        self.emitter.end_record();
        if !self.current.warned_unknown && self.current.cutter.unknown.is_some() {
            self.warn_unknown();
        }
        self.after_record()
    }

    /// Starts one record, cell by cell in the order of [`columns`](Self::columns).
    #[inline]
    pub fn row(&mut self) -> RowWriter<'_, 'a> {
        self.begin();
        RowWriter::new(self)
    }

    /// Later records carry this version, which [`activate_version`](Self::activate_version) makes the only one.
    pub fn set_version(&mut self, version: i64) {
        self.emitter.set_version(Some(version));
    }

    /// Writes ACTIVATE_VERSION: rows of the stream with a lower version go.
    pub fn activate_version(&mut self, version: i64) -> Result<()> {
        self.emitter.activate_version(&self.current.name, version)
    }

    /// The stream's schema changed: selection is applied to it, and SCHEMA is written again when it differs.
    pub fn change_schema(&mut self, schema: Value) -> Result<()> {
        let before = std::mem::take(&mut self.current.plan.schema);
        self.current.own_schema = schema;
        let own = self.current.own_schema.clone();
        self.current.plan(&own);
        if self.current.plan.schema == before {
            Ok(())
        } else {
            self.tell_schema()
        }
    }

    /// An error when the tap goes on after one.
    #[inline]
    pub(super) fn check_failed(&self) -> Result<()> {
        if self.failed { Err(self.went_on()) } else { Ok(()) }
    }

    #[cold]
    fn went_on(&self) -> Error {
        self.stop
            .check()
            .err()
            .unwrap_or_else(|| Error::bug("the tap went on after an error"))
    }

    /// Counts a written record and looks after the buffer.
    #[inline]
    pub(super) fn after_record(&mut self) -> Result<()> {
        self.current.records += 1;
        self.current.state_records += 1;
        if self.emitter.is_due() || self.limit.is_some() || self.stop.is_requested() {
            return self.look_around();
        }
        Ok(())
    }

    fn look_around(&mut self) -> Result<()> {
        let now = self.emitter.settle()?;
        self.count(now);
        if self.limit.is_some_and(|limit| self.current.records >= limit) {
            return Err(Error::bug("read on after the test's record"));
        }
        self.stop.check()
    }

    fn count(&mut self, now: Instant) {
        if let Some(counter) = &mut self.current.counter {
            counter.add(self.current.records - self.current.counted);
            self.current.counted = self.current.records;
            counter.tick(now);
        }
    }

    #[inline]
    fn begin(&mut self) {
        if let Some(progress) = &self.current.progress
            && !progress.has_begun()
        {
            self.begin_stream();
        }
    }

    #[cold]
    fn begin_stream(&mut self) {
        if let Some(progress) = &mut self.current.progress {
            progress.begin(&mut self.state, &self.current.name, None);
        }
    }

    #[cold]
    fn warn_unknown(&mut self) {
        self.current.warned_unknown = true;
        let name = self.current.cutter.unknown.as_deref().unwrap_or_default();
        let stream = &*self.current.name;
        log::warn!(stream_name = stream; "stream {stream}: property {name} is not in the schema and is left out");
    }

    /// Begins a stream: SCHEMA goes out.
    pub(super) fn open(&mut self, opening: Opening, counting: bool) -> Result<()> {
        let progress = match (opening.method, opening.replication_key.as_deref()) {
            (Method::Incremental, Some(key)) => {
                let property = opening
                    .schema
                    .get("properties")
                    .and_then(|properties| properties.get(key));
                let kind = property.map_or(KeyType::Text, KeyType::of);
                Some(Progress::new(
                    key,
                    kind,
                    opening.order,
                    &self.now,
                    self.start_date.as_deref(),
                ))
            }
            _ => None,
        };
        self.current = Current::new(opening, progress);
        self.current.counter = counting.then(|| Counter::new("record_count", Some(&self.current.name)));
        self.failed = false;
        self.syncing = true;
        self.emitter.set_version(None);
        self.tell_schema()
    }

    /// Ends a stream: its bookmark is final when it was `complete`, and STATE goes out.
    pub(super) fn close(&mut self, complete: bool) -> Result<()> {
        self.begin();
        self.count(Instant::now());
        self.current.counter = None;
        if complete {
            self.syncing = false;
            if let Some(progress) = &mut self.current.progress {
                progress.finish(&mut self.state);
            }
            // Without a bookmark it has a place all the same, as the Meltano SDK's taps give it: so a STATE covers its
            // records, and whoever reads it can tell that the stream is complete.
            self.state.complete(&self.current.name);
        }
        if self.emitter.is_dead() {
            return Ok(());
        }
        if self.limit.is_some() {
            return self.emitter.flush();
        }
        if complete && self.current.records > 0 {
            // The same STATE as before covers more now.
            self.emitter.forget_state();
        }
        self.tell_state()
    }

    /// Writes the state as it is now.
    pub(super) fn tell_state(&mut self) -> Result<()> {
        if let Some(progress) = &mut self.current.progress {
            progress.store(&mut self.state);
        }
        self.scratch.clear();
        self.state.write(&mut self.scratch);
        self.current.state_records = 0;
        self.state_told = Instant::now();
        let syncing = self.syncing.then_some(&*self.current.name);
        let written = self.emitter.state(&self.scratch, syncing)?;
        self.uncovered &= !written;
        Ok(())
    }

    /// All streams were read to their end: the last message is a STATE.
    ///
    /// A stream without new records writes none of its own, since thousands of such streams would write the same STATE
    /// thousands of times.
    pub(super) fn finish(&mut self) -> Result<()> {
        if self.uncovered { self.emit_state() } else { Ok(()) }
    }

    fn tell_schema(&mut self) -> Result<()> {
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

#[cfg(test)]
mod tests;
