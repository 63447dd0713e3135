//! How far a stream is: from the replication keys of its records to bookmarks in the state (singer.md section 8).

use std::cmp::Ordering;

use melisma_engine::error::show;
use melisma_engine::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::comparison::{self, KeyType};
use super::portable::{self, portable};
use super::state::{Fields, Place, State};

/// What records say about the bookmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tap) enum Order {
    /// They come in order: the bookmark moves with them.
    Sorted {
        /// Whether a record out of order is an error.
        check: bool,
    },
    /// They come in any order: only the end of the stream, or of the partition, moves the bookmark.
    Unsorted,
    /// Nothing: the tap sets it.
    Manual,
}

/// The progress of one INCREMENTAL stream, or of the partition of it that is being read.
#[derive(Debug)]
pub(in crate::tap) struct Progress {
    key: Box<str>,
    kind: KeyType,
    order: Order,
    /// When the run began, as JSON: no bookmark of an unsorted stream goes beyond.
    signpost: Option<Box<str>>,
    /// The setting `start_date`, as JSON.
    start_date: Option<Box<str>>,
    place: Option<Place>,
    start: Option<Box<str>>,
    /// Sorted: the last value. Unsorted: the largest. As JSON; empty before the first.
    seen: Vec<u8>,
    /// Whether `seen` has reached the bookmark that the run began with.
    passed: bool,
    warned: bool,
}

impl Progress {
    /// `now` and `start_date` are times as JSON texts.
    pub(in crate::tap) fn new(
        key: &str,
        kind: KeyType,
        order: Order,
        now: &str,
        start_date: Option<&str>,
    ) -> Self {
        let signpost =
            (kind == KeyType::Time { timestamp: true } && order != Order::Manual).then(|| now.into());
        // Texts may be dates, which their values tell; the bookmark of a tap that sets it itself is in the source's order.
        let dated = match kind {
            KeyType::Time { .. } => true,
            KeyType::Text => order != Order::Manual,
            KeyType::Number => false,
        };
        let start_date = start_date.filter(|_| dated).map(Into::into);
        Self {
            key: key.into(),
            kind,
            order,
            signpost,
            start_date,
            place: None,
            start: None,
            seen: Vec::new(),
            passed: false,
            warned: false,
        }
    }

    /// Begins the stream, or a partition of it: finds where it starts and says so in the state.
    pub(in crate::tap) fn begin(&mut self, state: &mut State, stream: &str, context: Option<&Value>) {
        let place = state.place(stream, context);
        let fields = state.fields(place);
        for name in [
            "progress_markers",
            "replication_key_signpost",
            "starting_replication_value",
        ] {
            fields.remove(name);
        }
        let bookmark = self.bookmark_in(fields).map(str::to_owned);
        self.start = self.later(bookmark.as_deref());
        if let Some(start) = &self.start {
            fields.set("starting_replication_value", &portable(start));
        }
        if let Some(signpost) = &self.signpost {
            fields.set("replication_key_signpost", signpost);
        }
        self.place = Some(place);
        self.seen.clear();
        self.passed = bookmark.is_none();
    }

    /// Where a partition would start that has these fields in the state.
    pub(in crate::tap) fn start_of(&self, fields: Option<&Fields>) -> Option<Box<str>> {
        self.later(fields.and_then(|fields| self.bookmark_in(fields)))
    }

    /// The bookmark, unless it is one of another key.
    fn bookmark_in<'f>(&self, fields: &'f Fields) -> Option<&'f str> {
        let bookmark = fields.get("replication_key_value");
        bookmark.filter(|_| fields.get("replication_key").is_some_and(|key| self.is_key(key)))
    }

    /// Whether a stream or partition has begun.
    pub(in crate::tap) fn has_begun(&self) -> bool {
        self.place.is_some()
    }

    /// Where to start reading, as JSON.
    pub(in crate::tap) fn start(&self) -> Option<&str> {
        self.start.as_deref()
    }

    /// A bookmark as what the tap reads it as; where the key is a number, it may be a string in the state.
    pub(in crate::tap) fn read<T: DeserializeOwned>(&self, start: &str) -> Result<T> {
        let number = portable::number(start).filter(|_| self.kind != KeyType::Text);
        if let Some(number) = number.and_then(|number| serde_json::from_str(number).ok()) {
            return Ok(number);
        }
        serde_json::from_str(start).map_err(|error| {
            let message = format!("the bookmark of {} is not what the tap can read", self.key);
            Error::config(message).with_source(error)
        })
    }

    /// The replication key.
    pub(in crate::tap) fn key(&self) -> &str {
        &self.key
    }

    /// Whether the values in records count.
    pub(in crate::tap) fn watches(&self) -> bool {
        self.order != Order::Manual
    }

    /// A record has this value, as JSON.
    #[inline]
    pub(in crate::tap) fn see(&mut self, value: &[u8]) -> Result<()> {
        if value == self.seen {
            Ok(())
        } else {
            self.see_other(value)
        }
    }

    fn see_other(&mut self, value: &[u8]) -> Result<()> {
        if value == b"null" {
            if !self.warned {
                self.warned = true;
                log::warn!(
                    "a record has no {}; such records do not move the bookmark",
                    self.key
                );
            }
            return Ok(());
        }
        let order = if self.seen.is_empty() {
            self.check_text(value)?;
            Ordering::Greater
        } else {
            self.kind.compare(value, &self.seen)
        };
        match (order, self.order) {
            (Ordering::Less, Order::Sorted { check: true }) => return Err(self.unsorted(value)),
            (Ordering::Less, _) => return Ok(()),
            _ => {}
        }
        self.seen.clear();
        self.seen.extend_from_slice(value);
        Ok(())
    }

    /// The first value of a text key shows what its values are: dates in a form whose order is not that of its text would
    /// make a bookmark that skips records, and `start_date` means nothing to texts that are no dates.
    #[cold]
    fn check_text(&self, value: &[u8]) -> Result<()> {
        if self.kind != KeyType::Text {
            return Ok(());
        }
        let text = String::from_utf8_lossy(value);
        let text = text.trim_matches('"');
        let (key, shown) = (&self.key, show(text));
        if comparison::is_unsortable_date(text) {
            return Err(Error::input(format!(
                "{key}: the replication key is a date that does not sort, {shown}; write it as ISO 8601 has it, \
                 such as 2026-01-31T12:00:00Z"
            )));
        }
        if self.start_date.is_some() && comparison::time(text).is_none() {
            return Err(Error::config(format!(
                "start_date does not apply: the replication key {key} is not a date, but {shown}; take start_date out of \
                 the config"
            )));
        }
        Ok(())
    }

    #[cold]
    fn unsorted(&self, value: &[u8]) -> Error {
        let text = |value: &[u8]| show(&String::from_utf8_lossy(value));
        Error::input(format!(
            "{}: the stream is said to be sorted, but {} comes after {}",
            self.key,
            text(value),
            text(&self.seen)
        ))
    }

    /// Sets the bookmark from outside.
    pub(in crate::tap) fn set(&mut self, state: &mut State, value: &str) -> Result<()> {
        if self.order != Order::Manual {
            return self.see(value.as_bytes());
        }
        self.promote(state, value);
        Ok(())
    }

    /// Puts what was seen into the state, as far as it is safe: the bookmark of a sorted stream, the progress
    /// markers of an unsorted one.
    pub(in crate::tap) fn store(&mut self, state: &mut State) {
        let Some(place) = self.place else { return };
        if self.seen.is_empty() {
            return;
        }
        let value = String::from_utf8_lossy(&self.seen).into_owned();
        match self.order {
            Order::Sorted { .. } => self.advance(state, &value),
            Order::Unsorted => {
                let key = Value::from(&*self.key);
                let value = portable(&value);
                let markers = format!(
                    r#"{{"Note":"Progress is not resumable if interrupted.","replication_key":{key},"replication_key_value":{value}}}"#
                );
                state.fields(place).set("progress_markers", &markers);
            }
            Order::Manual => {}
        }
    }

    /// All records before `end` were read: the bookmark of an unsorted stream moves as far as records were seen, and no further
    /// than that.
    pub(in crate::tap) fn complete_until(&mut self, state: &mut State, end: &str) {
        if self.order != Order::Unsorted || self.seen.is_empty() {
            return;
        }
        let seen = String::from_utf8_lossy(&self.seen).into_owned();
        let reached = if self.is_less(end, &seen) { end } else { &*seen };
        self.advance(state, reached);
    }

    /// The stream, or the partition, was read to its end.
    pub(in crate::tap) fn finish(&mut self, state: &mut State) {
        let Some(place) = self.place else { return };
        self.store(state);
        if self.order == Order::Unsorted && !self.seen.is_empty() {
            let seen = String::from_utf8_lossy(&self.seen).into_owned();
            let signpost = self
                .signpost
                .clone()
                .filter(|signpost| self.is_less(signpost, &seen));
            self.advance(state, signpost.as_deref().unwrap_or(&seen));
        }
        let fields = state.fields(place);
        for name in [
            "progress_markers",
            "replication_key_signpost",
            "starting_replication_value",
        ] {
            fields.remove(name);
        }
        self.place = None;
        self.seen.clear();
    }

    /// Moves the bookmark to `value`, never back.
    fn advance(&mut self, state: &mut State, value: &str) {
        let Some(place) = self.place else { return };
        if !self.passed {
            let bookmark = state
                .fields(place)
                .get("replication_key_value")
                .unwrap_or_default();
            if self.is_less(value, bookmark) {
                return;
            }
            self.passed = true;
        }
        self.promote(state, value);
    }

    fn promote(&self, state: &mut State, value: &str) {
        let Some(place) = self.place else { return };
        let fields = state.fields(place);
        fields.set("replication_key", &Value::from(&*self.key).to_string());
        fields.set("replication_key_value", &portable(value));
    }

    fn is_less(&self, a: &str, b: &str) -> bool {
        self.kind.compare(a.as_bytes(), b.as_bytes()) == Ordering::Less
    }

    fn is_key(&self, json: &str) -> bool {
        serde_json::from_str::<String>(json).is_ok_and(|key| *key == *self.key)
    }

    /// The bookmark, or `start_date` when that is later.
    fn later(&self, bookmark: Option<&str>) -> Option<Box<str>> {
        let start_date = self.start_date.as_deref();
        let is_dated = |bookmark: &str| {
            self.kind != KeyType::Text || comparison::time(bookmark.trim_matches('"')).is_some()
        };
        match (bookmark, start_date) {
            (Some(bookmark), Some(date)) if is_dated(bookmark) && self.is_less(bookmark, date) => {
                Some(date.into())
            }
            (Some(bookmark), _) => Some(bookmark.into()),
            (None, date) => date.map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests;
