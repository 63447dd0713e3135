//! What a tap writes to: the stream being read, its bookmark and its records.

pub(super) mod buffer;
mod checkpoint;
mod copied;
pub(super) mod emitter;
mod family;
pub(super) mod part;
mod record;
mod record_writer;
pub(super) mod row_writer;
pub(super) mod stream_state;
mod value;

use std::time::Instant;

use melisma_engine::{Error, Result};
use serde_json::Value;

use self::emitter::Emitter;
use self::record_writer::Nested;
use self::row_writer::RowWriter;
use self::stream_state::StreamState;
use crate::signals::Stop;
use crate::tap::bookmark::state::State;
use crate::tap::catalog::left_out;
use crate::tap::catalog::method::Method;
use crate::tap::projection::schema::Column;

/// Where a tap writes the records of a stream to: what [`Stream::sync`](super::Stream::sync) reads with.
pub struct Output<'a> {
    pub(in crate::tap) emitter: Emitter<'a>,
    pub(in crate::tap) state: State,
    pub(in crate::tap) stop: Stop,
    /// The stream that all calls are about.
    pub(in crate::tap) current: StreamState,
    /// The other streams of its family; its parent, while a child is read, stands in the child's place.
    relatives: Vec<StreamState>,
    /// One record of each stream is enough (`--test`).
    pub(in crate::tap) test: Test,
    /// An error was handed to the tap, which must not write on.
    pub(in crate::tap) failed: bool,
    /// Records since the last STATE.
    state_records: u64,
    /// The stream is not read to its end.
    syncing: bool,
    /// A SCHEMA went out, and no STATE after it.
    uncovered: bool,
    /// What is selected and is not read.
    pub(in crate::tap) left_out: Vec<String>,
    scratch: Vec<u8>,
    nested: Nested,
    state_emitted: Instant,
    start_date: Option<Box<str>>,
    now: Box<str>,
}

/// Whether a run is a test, and how far it has come with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tap) enum Test {
    /// It is none.
    Off,
    /// A record is awaited.
    Running,
    /// It has what it wanted, and has stopped the tap.
    Done,
}

impl<'a> Output<'a> {
    pub(in crate::tap) fn new(
        emitter: Emitter<'a>,
        state: State,
        stop: Stop,
        start_date: Option<&str>,
    ) -> Self {
        Self {
            emitter,
            state,
            stop,
            current: StreamState::none(),
            relatives: Vec::new(),
            state_records: 0,
            test: Test::Off,
            failed: false,
            syncing: false,
            uncovered: false,
            left_out: Vec::new(),
            scratch: Vec::new(),
            nested: Nested::default(),
            state_emitted: Instant::now(),
            start_date: start_date.map(Into::into),
            now: Value::from(emitter::now_text()).to_string().into(),
        }
    }

    /// The stream to read, or the child that is being read.
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

    /// The setting `start_date`.
    #[cfg(feature = "http")]
    pub(crate) fn start_date(&self) -> Option<Value> {
        serde_json::from_str(self.start_date.as_deref()?).ok()
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

    /// Says that the source does not have a selected property after all: the run reads everything else, and then ends
    /// with an error that names it.
    pub fn leave_out(&mut self, property: &str) {
        let stream = &*self.current.name;
        let what = left_out::property_of(property, stream);
        log::warn!(stream_name = stream; "{}", left_out::warning(&what));
        self.left_out.push(what);
    }

    /// Starts one record, cell by cell in the order of [`columns`](Self::columns).
    ///
    /// ```
    /// use melisma_sdk::{Stream, json, tap};
    ///
    /// let schema = json!({"type": "object", "properties": {
    ///     "id": {"type": "integer"}, "name": {"type": ["string", "null"]}, "price": {"type": "number"}}});
    /// let items = Stream::new("items", schema).key(["id"]).sync(|output| {
    ///     let mut row = output.row();
    ///     row.int(1);
    ///     row.null();
    ///     row.number("12.50");
    ///     row.end()
    /// });
    /// let messages = tap::test_stream(items, "")?;
    /// assert_eq!(messages[1]["record"], json!({"id": 1, "name": null, "price": 12.50}));
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    #[inline]
    pub fn row(&mut self) -> RowWriter<'_, 'a> {
        self.begin();
        RowWriter::new(self)
    }

    /// Later records carry this version, which [`activate_version`](Self::activate_version) makes the only one.
    pub fn set_version(&mut self, version: i64) {
        self.current.version = Some(version);
        self.emitter.set_version(Some(version));
    }

    /// Writes ACTIVATE_VERSION: rows of the stream with a lower version go.
    pub fn activate_version(&mut self, version: i64) -> Result<()> {
        if self.current.silent {
            return Ok(());
        }
        self.emitter.activate_version(&self.current.name, version)
    }

    /// The stream's schema changed: selection is applied to it, and SCHEMA is written again when it differs.
    ///
    /// ```
    /// use melisma_sdk::{Stream, json, tap};
    ///
    /// let schema = |kind: &str| json!({"type": "object", "properties": {"a": {"type": kind}}});
    /// let stream = Stream::new("s", schema("integer")).sync(|output| {
    ///     output.record(&json!({"a": 1}))?;
    ///     output.change_schema(schema("string"))?;
    ///     output.record(&json!({"a": "x"}))
    /// });
    /// let messages = tap::test_stream(stream, "")?;
    /// assert_eq!(messages[2]["schema"], schema("string"));
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    pub fn change_schema(&mut self, schema: Value) -> Result<()> {
        let before = std::mem::take(&mut self.current.plan.schema);
        self.current.own_schema = schema;
        let own = self.current.own_schema.clone();
        self.current.plan(&own);
        if self.current.silent || self.current.plan.schema == before {
            Ok(())
        } else {
            self.write_schema()
        }
    }

    /// An error when the tap goes on after one.
    #[inline]
    pub(in crate::tap) fn check_failed(&self) -> Result<()> {
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
    pub(in crate::tap) fn after_record(&mut self) -> Result<()> {
        self.current.records += 1;
        self.state_records += 1;
        if self.emitter.is_due() || self.test != Test::Off || self.stop.is_requested() {
            return self.look_around();
        }
        Ok(())
    }

    fn look_around(&mut self) -> Result<()> {
        let now = self.emitter.settle()?;
        self.count(now);
        if self.test != Test::Off {
            return self.after_test_record();
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
}

#[cfg(test)]
mod tests;
