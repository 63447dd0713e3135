//! Records from Rust values.

use melisma_engine::{Error, Result};
use serde::Serialize;

use super::Output;
use super::stream_state::StreamState;

impl Output<'_> {
    /// Writes one record: what is not selected is left out, a number that JSON does not have becomes null.
    ///
    /// It must serialize as an object. [`row`](Self::row) is faster where a source has columns.
    pub fn record(&mut self, record: &impl Serialize) -> Result<()> {
        self.begin();
        if self.current.silent {
            return self.skip_record();
        }
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

    #[cold]
    fn warn_unknown(&mut self) {
        self.current.warned_unknown = true;
        let name = self.current.cutter.unknown.as_deref().unwrap_or_default();
        let stream = &*self.current.name;
        log::warn!(stream_name = stream; "stream {stream}: property {name} is not in the schema and is left out");
    }
}
