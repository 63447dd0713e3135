//! Streams that are read together: a stream, its children and theirs.
//!
//! One stream is the current one, and all calls of [`Output`] are about it; the others wait in `relatives`. A child changes
//! places with its parent for as long as its records are read, so that writing a record costs the same with children as
//! without.
//!
//! Suppose that projects have issues, that the records of projects 1 and 2 were written, and that a signal comes while the
//! issues of 2 are read. The STATE says that the issues of 1 are complete, and how far those of 2 are when they come in order;
//! but of the projects it says what it said at the last [`Output::checkpoint`], so the next run reads 2 again, and its issues
//! from where they stopped.

use std::time::Instant;

use melisma_engine::{Error, Result};
use serde::Serialize;

use super::stream_state::StreamState;
use super::{Output, Test};
use crate::metrics::Counter;
use crate::names::near;
use crate::tap::bookmark::progress::Progress;
use crate::tap::catalog::method::Method;
use crate::tap::catalog::opening::Opening;

/// A test reads at most this many records of a stream in the hope that one of them has children.
const TEST_PARENTS: u64 = 100;

impl Output<'_> {
    /// Reads the records of a child stream that belong to one record of this stream: calls `read` with the child as the
    /// stream that is written to, unless the catalog does not select it.
    ///
    /// `context` names what they belong to, such as `{"project_id": 7}`. Like a [`partition`](Self::partition) it has a
    /// bookmark of its own, which is final once `read` has returned.
    ///
    /// ```
    /// use melisma_sdk::{Output, Result, Stream, json, tap};
    ///
    /// # let schema = || json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    /// fn projects(output: &mut Output<'_>) -> Result<()> {
    ///     for project in [1, 2] {
    ///         output.record(&json!({"id": project}))?;
    ///         output.child("issues", &json!({"project_id": project}), |issues| {
    ///             let since: Option<i64> = issues.bookmark()?;
    ///             (since.unwrap_or(1)..=3).try_for_each(|id| issues.record(&json!({"id": id})))
    ///         })?;
    ///         output.checkpoint()?; // this project and its issues are complete
    ///     }
    ///     Ok(())
    /// }
    ///
    /// let issues = Stream::new("issues", schema()).key(["id"]).replication_key("id").sorted();
    /// let projects = Stream::new("projects", schema()).key(["id"]).child(issues).sync(projects);
    /// let messages = tap::test_stream(projects, "")?;
    /// let bookmarks = &messages.last().expect("a STATE")["value"]["bookmarks"];
    /// assert_eq!(bookmarks["issues"]["partitions"][1]["replication_key_value"], 3);
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    pub fn child(
        &mut self,
        name: &str,
        context: &impl Serialize,
        read: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.of_child(name, |output| output.read_partition(context, read))
    }

    /// Like [`child`](Self::child), with one bookmark for the children of all records, which moves when all are read: for
    /// parents so many that the state would have no room for a bookmark each. The child must not be
    /// [`sorted`](crate::Stream::sorted).
    pub fn child_with_one_bookmark(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.of_child(name, |output| {
            output.begin();
            let done = read(output).and_then(|()| output.check_failed());
            output.failed |= done.is_err();
            done.map_err(|error| error.in_stream(&output.current.name))
        })
    }

    /// Whether the records of a child are asked for: the catalog selects it, or a child of its own.
    pub fn reads_child(&self, name: &str) -> bool {
        self.relative(name).is_some()
    }

    /// A stream of the family, other than the current one.
    pub(in crate::tap) fn relative(&self, name: &str) -> Option<&StreamState> {
        self.relatives.iter().find(|stream| *stream.name == *name)
    }

    /// Does something with a child as the current stream, unless the catalog does not select it.
    fn of_child(&mut self, name: &str, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.check_failed()?;
        self.begin();
        if !self.current.children.iter().any(|child| **child == *name) {
            return Err(self.no_child(name));
        }
        let Some(place) = self.relatives.iter().position(|stream| *stream.name == *name) else {
            return Ok(());
        };
        self.change_places(place);
        let done = work(self);
        self.change_places(place);
        done
    }

    fn read_partition(
        &mut self,
        context: &impl Serialize,
        read: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.partition(context)?;
        let done = read(self).and_then(|()| self.check_failed());
        if let Some(progress) = &mut self.current.progress {
            match done {
                Ok(()) => progress.finish(&mut self.state),
                Err(_) => progress.store(&mut self.state),
            }
        }
        // Were the error ignored, the parent's bookmark would pass records whose children were not read.
        self.failed |= done.is_err();
        done.map_err(|error| error.in_stream(&self.current.name))
    }

    fn change_places(&mut self, place: usize) {
        let version = self.current.version;
        std::mem::swap(&mut self.current, &mut self.relatives[place]);
        if self.current.version != version {
            self.emitter.set_version(self.current.version);
        }
    }

    #[cold]
    fn no_child(&self, name: &str) -> Error {
        let known = self.current.children.iter().map(|child| &**child);
        let hint = near(known, name).map(|near| format!("; did you mean {near}?"));
        let message = format!("the stream has no child {name}{}", hint.unwrap_or_default());
        Error::bug(message).in_stream(&self.current.name)
    }

    /// Begins a stream and its relatives: their SCHEMAs go out.
    pub(in crate::tap) fn open(&mut self, members: Vec<Opening>, counting: bool) -> Result<()> {
        let streams = members
            .into_iter()
            .map(|opening| self.stream_state(opening, counting));
        let mut streams = streams.collect::<Vec<_>>().into_iter();
        self.current = streams.next().unwrap_or_else(StreamState::none);
        self.relatives = streams.collect();
        self.failed = false;
        self.syncing = true;
        self.emitter.set_version(None);
        self.of_each(|output| {
            if output.current.silent {
                Ok(())
            } else {
                output.write_schema()
            }
        })
    }

    fn stream_state(&self, opening: Opening, counting: bool) -> StreamState {
        let progress = match (opening.method, opening.replication_key.as_deref()) {
            (Method::Incremental, Some(key)) => Some(Progress::new(
                key,
                opening.key_type(),
                opening.order,
                &self.now,
                self.start_date.as_deref(),
            )),
            _ => None,
        };
        let mut stream = StreamState::new(opening, progress);
        let counting = counting && !stream.silent;
        stream.counter = counting.then(|| Counter::new("record_count", Some(&stream.name)));
        stream
    }

    /// Does something with each stream as the current one: the first, then its relatives.
    fn of_each(&mut self, mut work: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        work(self)?;
        for place in 0..self.relatives.len() {
            self.change_places(place);
            let done = work(self);
            self.change_places(place);
            done?;
        }
        Ok(())
    }

    /// Ends a stream and its relatives: their bookmarks are final when they were read to the end (`complete`), and STATE goes
    /// out.
    pub(in crate::tap) fn close(&mut self, complete: bool) -> Result<()> {
        self.begin();
        let mut records = 0;
        self.of_each(|output| {
            records += output.current.records;
            output.end_stream(complete);
            Ok(())
        })?;
        self.syncing &= !complete;
        if self.emitter.is_dead() {
            return Ok(());
        }
        if self.test != Test::Off {
            return self.emitter.flush();
        }
        if complete && records > 0 {
            // The same STATE as before covers more now.
            self.emitter.forget_state();
        }
        self.write_state()
    }

    fn end_stream(&mut self, complete: bool) {
        self.count(Instant::now());
        self.current.counter = None;
        if complete && !self.current.silent {
            if let Some(progress) = &mut self.current.progress {
                progress.finish(&mut self.state);
            }
            // Without a bookmark it has a place all the same, as the Meltano SDK's taps give it: so a STATE covers its
            // records, and whoever reads it can tell that the stream is complete.
            self.state.complete(&self.current.name);
        }
    }

    /// Passes over a record of a stream that is read for the sake of its children.
    #[cold]
    pub(in crate::tap) fn skip_record(&mut self) -> Result<()> {
        self.check_failed()?;
        self.current.skipped += 1;
        let checked = if self.test != Test::Off && self.current.skipped >= TEST_PARENTS {
            Err(self.end_test())
        } else {
            self.stop.check()
        };
        self.failed |= checked.is_err();
        checked
    }

    /// A test has its record of the current stream: the tap is stopped unless children may still come.
    pub(super) fn after_test_record(&mut self) -> Result<()> {
        self.current.silent = true;
        if self.relatives.iter().all(|stream| stream.silent) {
            return Err(self.end_test());
        }
        Ok(())
    }

    fn end_test(&mut self) -> Error {
        self.test = Test::Done;
        Error::bug("read on after the test's record")
    }
}
