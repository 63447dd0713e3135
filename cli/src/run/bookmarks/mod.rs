//! Changing what a tap resumes from: streams that start from their beginning, and streams that start from a given value.
//!
//! A state is the tap's own, so there is no one shape of it. Those that occur:
//!
//! - singer-sdk: `{"bookmarks": {"orders": {"replication_key": "id", "replication_key_value": 5}}}`, where a stream may have
//!   `partitions`, a list of such bookmarks with their `context`. The taps of melisma and of pipelinewise are alike.
//! - singer-python: `{"bookmarks": {"orders": {"id": 5}}}`, named by the replication key.
//! - older taps: `{"orders": 5}`.
//!
//! Of a bookmark that is replaced only its version stays. The rest says how far an interrupted run had come, which would make the
//! tap skip records.

mod fields;
mod streams;
#[cfg(test)]
mod tests;

use melisma_sdk::{Error, Result, show};
use serde_json::{Number, Value};

use self::fields::Fields;
use self::streams::Streams;
use crate::catalog::glob;
use crate::extent_args::{ExtentArgs, From};
use crate::suggestion::suggestion;

/// What stays of a bookmark that is replaced.
const KEPT: [&str; 2] = ["version", "last_replication_method"];

/// Whether the state is changed before the tap gets it.
pub(super) fn is_changed(extent: &ExtentArgs) -> bool {
    !extent.full_refresh_stream.is_empty() || !extent.from.is_empty()
}

/// The names of the streams that are selected in a catalog; `None` when there is no catalog.
pub(super) fn selected(catalog: Option<&Value>) -> Option<Vec<String>> {
    catalog?;
    Some(Streams::of(catalog).selected().map(str::to_owned).collect())
}

/// The state for the tap; `None` when there is none. `tap` is its name, for messages.
///
/// # Errors
/// A pattern matches no stream; a stream has no replication key; a value is not of the key's type; the state is not an object.
pub(super) fn change(
    state: Option<&str>,
    extent: &ExtentArgs,
    catalog: Option<&Value>,
    tap: &str,
) -> Result<Option<String>> {
    let text = state.unwrap_or("{}");
    let fields = Fields::parse(text).ok_or_else(|| {
        Error::input("the stored state is not a JSON object, so no bookmark in it can be changed")
    })?;
    let mut changed = Change {
        state: fields,
        streams: Streams::of(catalog),
        tap,
    };
    for pattern in &extent.full_refresh_stream {
        for id in changed.matching("--full-refresh-stream", pattern)? {
            changed.forget(&id);
        }
    }
    for from in &extent.from {
        for id in changed.matching("--from", &from.stream)? {
            changed.start_from(&id, from)?;
        }
    }
    let nothing = state.is_none() && extent.from.is_empty();
    Ok((!nothing).then(|| changed.state.to_json()))
}

struct Change<'a> {
    state: Fields,
    streams: Streams<'a>,
    tap: &'a str,
}

impl Change<'_> {
    /// The ids of the streams that match a pattern, by their id or their name.
    fn matching(&self, option: &str, pattern: &str) -> Result<Vec<String>> {
        let bookmarks = self.state.object("bookmarks");
        let of_state = bookmarks.as_ref().unwrap_or(&self.state).names();
        let mut known: Vec<(&str, &str)> = self.streams.names().collect();
        known.extend(of_state.map(|id| (id, id)));
        let mut ids: Vec<String> = Vec::new();
        for (id, name) in &known {
            if (glob::matches(pattern, id) || glob::matches(pattern, name))
                && !ids.iter().any(|other| other == id)
            {
                ids.push((*id).to_owned());
            }
        }
        if ids.is_empty() {
            let mut names: Vec<&str> = Vec::new();
            for name in known.iter().flat_map(|(id, name)| [*id, *name]) {
                if names.len() < 20 && !names.contains(&name) {
                    names.push(name);
                }
            }
            return Err(Error::config(format!(
                "{option}: {} has no stream {}{}",
                self.tap,
                show(pattern),
                suggestion(pattern, names)
            )));
        }
        Ok(ids)
    }

    /// Removes the bookmark of a stream.
    fn forget(&mut self, id: &str) {
        self.end_current(id);
        match self.state.object("bookmarks") {
            Some(mut bookmarks) => {
                bookmarks.remove(id);
                self.state.set("bookmarks", bookmarks.to_json());
            }
            None => self.state.remove(id),
        }
    }

    /// Taps of singer-python begin with the stream that an earlier run did not finish.
    fn end_current(&mut self, id: &str) {
        if self.state.text("currently_syncing").as_deref() == Some(id) {
            self.state.remove("currently_syncing");
        }
    }

    /// Replaces the bookmark of a stream.
    fn start_from(&mut self, id: &str, from: &From) -> Result<()> {
        let bookmarks = self.state.object("bookmarks");
        let old = bookmarks
            .as_ref()
            .and_then(|bookmarks| bookmarks.object(id))
            .unwrap_or_default();
        let (key, value) = self.key_and_value(id, &old, from)?;
        self.end_current(id);
        // A state of an older tap: the value alone.
        if bookmarks.is_none() && self.state.get(id).is_some_and(is_scalar) {
            self.state.set(id, value);
            return Ok(());
        }
        let mut bookmarks = bookmarks.unwrap_or_default();
        let others_are_of_the_sdk = bookmarks
            .values()
            .filter_map(Fields::parse)
            .any(|other| is_of_the_sdk(&other));
        let new = replaced(&old, &key, &value, others_are_of_the_sdk);
        bookmarks.set(id, new.to_json());
        self.state.set("bookmarks", bookmarks.to_json());
        Ok(())
    }

    /// The replication key of a stream, and the value as JSON.
    fn key_and_value(&self, id: &str, old: &Fields, from: &From) -> Result<(String, String)> {
        let stream = self.streams.stream(id);
        if stream.is_some_and(streams::Stream::is_full_table) {
            return Err(Error::config(format!(
                "--from: {} is replicated by FULL_TABLE, so it has no place to start from; --full-refresh-stream starts it again",
                show(id)
            )));
        }
        let key = stream
            .and_then(|stream| stream.replication_key().map(str::to_owned))
            .or_else(|| old.text("replication_key"))
            .ok_or_else(|| {
                Error::config(format!(
                    "--from: {} has no replication key, neither in the catalog nor in its bookmark; \
                     --full-refresh-stream starts it again",
                    show(id)
                ))
            })?;
        let is_number = stream
            .and_then(|stream| stream.is_number(&key))
            .unwrap_or_else(|| {
                let value = old.get("replication_key_value").or_else(|| old.get(&key));
                value.is_some_and(|value| value.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
            });
        if !is_number {
            return Ok((key, Value::from(from.value.as_str()).to_string()));
        }
        if serde_json::from_str::<Number>(&from.value).is_err() {
            return Err(Error::config(format!(
                "--from: expected a number for {key}, the replication key of {}, found {}",
                show(id),
                show(&from.value)
            )));
        }
        Ok((key, from.value.clone()))
    }
}

/// A bookmark with another value.
fn replaced(old: &Fields, key: &str, value: &str, others_are_of_the_sdk: bool) -> Fields {
    let of_the_sdk = is_of_the_sdk(old);
    let of_singer_python = old.has(key);
    let mut new = old.clone();
    new.keep(&KEPT);
    if let Some(partitions) = old.get("partitions") {
        let list: Vec<Box<serde_json::value::RawValue>> =
            serde_json::from_str(partitions).unwrap_or_default();
        let list: Vec<String> = list
            .iter()
            .map(|partition| moved(partition.get(), key, value))
            .collect();
        new.set("partitions", format!("[{}]", list.join(", ")));
    }
    if of_the_sdk || !of_singer_python {
        new.set("replication_key", Value::from(key).to_string());
        new.set("replication_key_value", value.to_owned());
    }
    // Nothing shows what a tap without a bookmark reads; each kind ignores the other's member.
    if of_singer_python || !(of_the_sdk || others_are_of_the_sdk) {
        new.set(key, value.to_owned());
    }
    new
}

/// A partition of a stream with another value.
fn moved(partition: &str, key: &str, value: &str) -> String {
    let mut fields = Fields::parse(partition).unwrap_or_default();
    fields.keep(&["context"]);
    fields.set("replication_key", Value::from(key).to_string());
    fields.set("replication_key_value", value.to_owned());
    fields.to_json()
}

fn is_of_the_sdk(bookmark: &Fields) -> bool {
    [
        "replication_key_value",
        "replication_key",
        "partitions",
        "progress_markers",
    ]
    .iter()
    .any(|key| bookmark.has(key))
}

fn is_scalar(json: &str) -> bool {
    !json.starts_with(['{', '['])
}
