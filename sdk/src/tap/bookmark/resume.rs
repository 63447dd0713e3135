//! Where a stream is resumed, as its tap sees it: bookmarks, partitions and what else is kept in the state.

use melisma_engine::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::tap::output::Output;

impl Output<'_> {
    /// Where to start reading: the replication key's value of the last run, or the setting `start_date` when that
    /// is later. Values equal to it were read already and are to be read again.
    ///
    /// `None` for the first run, for FULL_TABLE, and for a bookmark of another key.
    ///
    /// ```
    /// use melisma_sdk::{Output, Result, Stream, json, tap};
    ///
    /// fn read(output: &mut Output<'_>) -> Result<()> {
    ///     let since: Option<String> = output.bookmark()?;
    ///     assert_eq!(since.as_deref(), Some("2026-01-31"));
    ///     output.record(&json!({"day": "2026-02-01"}))
    /// }
    ///
    /// let schema = json!({"type": "object", "properties": {"day": {"type": "string", "format": "date"}}});
    /// let days = Stream::new("days", schema).replication_key("day").sorted().sync(read);
    /// let state = r#"{"bookmarks": {"days": {"replication_key": "day", "replication_key_value": "2026-01-31"}}}"#;
    /// let messages = tap::test_stream(days, state)?;
    /// let state = &messages.last().expect("a STATE")["value"];
    /// assert_eq!(state["bookmarks"]["days"]["replication_key_value"], "2026-02-01");
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    pub fn bookmark<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        self.begin();
        let Some(progress) = &self.current.progress else {
            return Ok(None);
        };
        let read = progress.start().map(|start| progress.read(start)).transpose();
        read.map_err(|error| error.in_stream(&self.current.name))
    }

    /// Where a [`child`](Self::child) of this context will start, without starting it: for a tap that asks for the next
    /// children while it writes others. `None` as the context is the bookmark that all children share.
    pub fn child_bookmark<T: DeserializeOwned>(
        &self,
        name: &str,
        context: Option<&impl Serialize>,
    ) -> Result<Option<T>> {
        let child = self.relative(name);
        let Some(progress) = child.and_then(|child| child.progress.as_ref()) else {
            return Ok(None);
        };
        let context = context.map(serde_json::to_value).transpose();
        let context = context
            .map_err(|error| Error::bug("cannot write the context of a partition").with_source(error))?;
        let start = match context {
            None if progress.has_begun() => progress.start().map(Into::into),
            context => progress.start_of(self.state.find(name, context.as_ref())),
        };
        let read = start.map(|start| progress.read(&start)).transpose();
        read.map_err(|error| error.in_stream(name))
    }

    /// Forgets bookmarks of a child's partitions that this run has not begun, the oldest first, until there are at most
    /// `keep`. Between two of its partitions only.
    pub fn limit_child_partitions(&mut self, name: &str, keep: usize) {
        if self.relative(name).is_some() {
            self.state.limit_partitions(name, keep);
        }
    }

    /// Sets the bookmark: everything up to this value was written.
    ///
    /// For streams with [`manual_bookmark`](crate::Stream::manual_bookmark); for others it counts as if a record
    /// had this value. FULL_TABLE has no bookmark and ignores it.
    ///
    /// ```
    /// use melisma_sdk::{Stream, json, tap};
    ///
    /// let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    /// let stream = Stream::new("changes", schema).replication_key("id").manual_bookmark();
    /// let stream = stream.sync(|output| {
    ///     output.record(&json!({"id": 8}))?;
    ///     output.set_bookmark(&7) // record 8 may still change
    /// });
    /// let messages = tap::test_stream(stream, "")?;
    /// let state = &messages.last().expect("a STATE")["value"];
    /// assert_eq!(state["bookmarks"]["changes"]["replication_key_value"], 7);
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
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

    /// All records were read whose replication key is below `end`, for a source that is read in windows of time: the bookmark
    /// of a stream whose records come in any order moves to its largest value so far, and no further than to `end`. The end
    /// of the stream, or of the partition, moves it as always.
    ///
    /// ```
    /// use melisma_sdk::{Stream, json, tap};
    ///
    /// let schema = json!({"type": "object", "properties": {"day": {"type": "string", "format": "date"}}});
    /// let stream = Stream::new("days", schema).replication_key("day").sync(|output| {
    ///     output.record(&json!({"day": "2026-01-20"}))?;
    ///     output.record(&json!({"day": "2026-01-03"}))?;
    ///     output.complete_until(&"2026-02-01")?;
    ///     output.emit_state()
    /// });
    /// let messages = tap::test_stream(stream, "")?;
    /// let bookmark = &messages[3]["value"]["bookmarks"]["days"]["replication_key_value"];
    /// assert_eq!(bookmark, "2026-01-20");
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    pub fn complete_until(&mut self, end: &impl Serialize) -> Result<()> {
        self.begin();
        let end = serde_json::to_string(end)
            .map_err(|error| Error::bug("cannot write a bookmark").with_source(error))?;
        if let Some(progress) = &mut self.current.progress {
            progress.complete_until(&mut self.state, &end);
        }
        Ok(())
    }

    /// The records that follow belong to this partition of the stream, which has a bookmark of its own; the
    /// partition before is complete. `context` is what names it, such as `{"file": "a.csv"}`.
    ///
    /// ```
    /// use melisma_sdk::{Stream, json, tap};
    ///
    /// let schema = json!({"type": "object", "properties": {"line": {"type": "integer"}}});
    /// let stream = Stream::new("lines", schema).replication_key("line").sorted().sync(|output| {
    ///     ["a.txt", "b.txt"].iter().try_for_each(|file| {
    ///         output.partition(&json!({"file": file}))?;
    ///         output.record(&json!({"line": 1}))
    ///     })
    /// });
    /// let messages = tap::test_stream(stream, "")?;
    /// let partitions = &messages.last().expect("a STATE")["value"]["bookmarks"]["lines"]["partitions"];
    /// assert_eq!(partitions[1]["context"], json!({"file": "b.txt"}));
    /// assert_eq!(partitions[1]["replication_key_value"], 1);
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    pub fn partition(&mut self, context: &impl Serialize) -> Result<()> {
        if self.current.progress.is_none() {
            return Ok(());
        }
        let context = serde_json::to_value(context)
            .map_err(|error| Error::bug("cannot write the context of a partition").with_source(error))?;
        if let Some(progress) = &mut self.current.progress {
            progress.finish(&mut self.state);
            progress.begin(&mut self.state, &self.current.name, Some(&context));
        }
        Ok(())
    }

    /// Where a [`partition`](Self::partition) of this stream will start, without starting it: for a tap that asks for the next
    /// partitions while it writes one.
    pub fn partition_bookmark<T: DeserializeOwned>(&self, context: &impl Serialize) -> Result<Option<T>> {
        let Some(progress) = &self.current.progress else {
            return Ok(None);
        };
        let context = serde_json::to_value(context)
            .map_err(|error| Error::bug("cannot write the context of a partition").with_source(error))?;
        let start = progress.start_of(self.state.find(&self.current.name, Some(&context)));
        let read = start.map(|start| progress.read(&start)).transpose();
        read.map_err(|error| error.in_stream(&self.current.name))
    }

    /// Forgets the bookmarks of partitions that are gone. Between partitions only: the one being read ends here.
    pub fn retain_partitions(&mut self, keep: impl FnMut(&Value) -> bool) {
        if let Some(progress) = &mut self.current.progress {
            progress.finish(&mut self.state);
            self.state.retain_partitions(&self.current.name, keep);
        }
    }

    /// What an earlier run, interrupted, kept under `name` for this stream.
    pub fn kept<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>> {
        let place = self.state.place(&self.current.name, None);
        let text = self.state.fields(place).get(name);
        text.map(serde_json::from_str).transpose().map_err(|error| {
            Error::config(format!("{name} in the state is not what the tap wrote"))
                .with_source(error)
                .in_stream(&self.current.name)
        })
    }

    /// Keeps a value under `name` in the stream's state, beside the bookmark: how far a FULL_TABLE sync has come. It
    /// goes out with the next STATE, and so must not be ahead of the records that were written.
    ///
    /// ```
    /// use melisma_sdk::{Stream, json, tap};
    ///
    /// let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    /// let stream = Stream::new("pages", schema).sync(|output| {
    ///     let first: u32 = output.kept("page")?.unwrap_or(1);
    ///     assert_eq!(first, 3);
    ///     output.record(&json!({"id": first}))?;
    ///     output.keep("page", &(first + 1))
    /// });
    /// let messages = tap::test_stream(stream, r#"{"bookmarks": {"pages": {"page": 3}}}"#)?;
    /// assert_eq!(messages.last().expect("a STATE")["value"]["bookmarks"]["pages"]["page"], 4);
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    pub fn keep(&mut self, name: &str, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value)
            .map_err(|error| Error::bug("cannot write what is kept in the state").with_source(error))?;
        let place = self.state.place(&self.current.name, None);
        self.state.fields(place).set(name, &text);
        Ok(())
    }

    /// Forgets what was kept under `name`. Null takes its place, because runners merge a new state into an old one.
    pub fn forget(&mut self, name: &str) {
        let place = self.state.place(&self.current.name, None);
        if self.state.fields(place).get(name).is_some() {
            self.state.fields(place).set(name, "null");
        }
    }

    #[inline]
    pub(in crate::tap) fn begin(&mut self) {
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
}
