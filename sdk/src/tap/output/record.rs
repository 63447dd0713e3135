//! Whole records, from Rust values and from JSON texts, without what is not selected.

use melisma_engine::{Error, Result};
use serde::ser::Serialize;

use super::Output;
use super::record_writer::{End, RecordWriter};
use super::stream_state::StreamState;
use super::value::Failure;

impl Output<'_> {
    /// Writes one record: what is not selected is left out, a number that JSON does not have becomes null.
    ///
    /// It must serialize as an object: a struct, a map, a [`serde_json::Value`] that is one.
    /// [`row`](Self::row) is for a source that has columns and no structs.
    ///
    /// ```
    /// use melisma_sdk::{Record, Stream, json, tap};
    ///
    /// #[derive(Record)]
    /// struct Point {
    ///     x: f64,
    ///     y: f64,
    /// }
    ///
    /// let points = Stream::of::<Point>("points").sync(|output| {
    ///     output.record(&Point { x: 0.5, y: f64::NAN })?;
    ///     output.record(&json!({"x": 1, "y": 2}))
    /// });
    /// let messages = tap::test_stream(points, "")?;
    /// assert_eq!(messages[1]["record"], json!({"x": 0.5, "y": null}));
    /// assert_eq!(messages[2]["record"], json!({"x": 1, "y": 2}));
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    pub fn record(&mut self, record: &(impl Serialize + ?Sized)) -> Result<()> {
        self.begin();
        if self.current.silent {
            return self.skip_record();
        }
        let written = self.check_failed().and_then(|()| self.try_record(record));
        self.failed |= written.is_err();
        written.map_err(|error| error.in_stream(&self.current.name))
    }

    /// Writes one record that is JSON already, a text of one line; what is not selected is left out.
    ///
    /// ```
    /// use melisma_sdk::{Stream, json, tap};
    ///
    /// let file = "{\"id\": 1}\n{\"id\": 2, \"more\": true}\n";
    /// let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    /// let lines = Stream::new("lines", schema);
    /// let messages = tap::test_stream(lines.sync(|output| file.lines().try_for_each(|line| output.json(line))), "")?;
    /// assert_eq!(messages[2]["record"], json!({"id": 2}));
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    ///
    /// With the feature `simd-json`, JSON of any shape is parsed fast and written as it is: a value of
    #[cfg_attr(feature = "simd-json", doc = "[`simd_json`](crate::simd_json)")]
    #[cfg_attr(not(feature = "simd-json"), doc = "`simd_json`")]
    /// is a [`record`](Self::record).
    pub fn json(&mut self, record: &str) -> Result<()> {
        self.begin();
        if self.current.silent {
            return self.skip_record();
        }
        let written = self.check_failed().and_then(|()| self.cut(record.as_bytes()));
        self.failed |= written.is_err();
        written.map_err(|error| error.in_stream(&self.current.name))
    }

    #[inline]
    fn try_record(&mut self, record: &(impl Serialize + ?Sized)) -> Result<()> {
        let at = self.emitter.begin_row(&self.current.head);
        let writer = RecordWriter::new(self, at);
        match record.serialize(writer) {
            Ok(End { at, watched }) => self.end_record(at, watched),
            Err(Failure::Said(why)) => Err(unwritable(why)),
            Err(Failure::Detour) => {
                let text = serde_json::to_vec(record).map_err(unwritable)?;
                self.cut(&text)
            }
        }
    }

    /// Writes a record from its JSON text.
    fn cut(&mut self, text: &[u8]) -> Result<()> {
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(Error::bug("a record must be an object"));
        }
        let start = self.emitter.buffer.len();
        self.emitter.begin_record(&self.current.head);
        let StreamState {
            plan,
            cutter,
            progress,
            ..
        } = &mut self.current;
        cutter.found = None;
        let copied = self
            .emitter
            .buffer
            .append(|out| cutter.copy(text, &plan.node, out));
        let seen = copied.and_then(|()| match (progress, cutter.found) {
            (Some(progress), Some((from, to))) => progress.see(self.emitter.buffer.written(from, to)),
            _ => Ok(()),
        });
        if seen.is_err() {
            self.emitter.buffer.truncate(start);
            return seen;
        }
        self.emitter.end_record();
        if !self.current.warned_unknown
            && let Some(name) = self.current.cutter.unknown.take()
        {
            self.warn_unknown(&name);
        }
        self.after_record()
    }

    /// Ends the record whose members end at `at`, each with a comma; `watched` is where the replication key's value stands.
    #[inline]
    pub(super) fn end_record(&mut self, mut at: usize, watched: Option<(usize, usize)>) -> Result<()> {
        let buffer = &mut self.emitter.buffer;
        // The last member's comma becomes the closing brace.
        at -= usize::from(buffer.written(at - 1, at) == b",");
        buffer.put(at, b"}");
        if let (Some((from, to)), Some(progress)) = (watched, &mut self.current.progress) {
            progress.see(buffer.written(from, to))?;
        }
        self.emitter.end_row(at + 1);
        self.after_record()
    }

    #[cold]
    pub(super) fn warn_unknown(&mut self, name: &str) {
        self.current.warned_unknown = true;
        let stream = &*self.current.name;
        log::warn!(stream_name = stream; "stream {stream}: property {name} is not in the schema and is left out");
    }
}

#[cold]
fn unwritable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::input("a record cannot be written as JSON").with_source(why)
}
