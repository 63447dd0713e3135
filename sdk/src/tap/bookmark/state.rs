//! The state: bookmarks of streams and partitions in the Meltano SDK's shape, all else kept as it came.

use std::collections::{HashMap, HashSet};
use std::fmt;

use melisma_engine::json;
use melisma_engine::{Error, Result};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of a JSON object in their order, each value as the text that it came as, so that no number changes.
#[derive(Clone, Debug, Default)]
pub(in crate::tap) struct Fields(Vec<(Box<str>, Box<str>)>);

/// The whole state.
#[derive(Debug, Default)]
pub(in crate::tap) struct State {
    bookmarks: Vec<(Box<str>, Bookmark)>,
    rest: Fields,
}

/// What is known of one stream.
#[derive(Debug, Default)]
struct Bookmark {
    fields: Fields,
    partitions: Vec<Fields>,
    /// Where the partition of a context is: by its canonical text.
    places: HashMap<Box<str>, usize>,
    /// The partitions that this run has begun.
    begun: HashSet<usize>,
    /// Read to its end in this run: emitted even if there is nothing more to say of it.
    complete: bool,
}

/// Where a bookmark stands: a stream's own, or that of one of its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tap) struct Place {
    stream: usize,
    partition: Option<usize>,
}

impl Fields {
    /// The JSON text of a member that is not null.
    pub(in crate::tap) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| &**known == name)?;
        (&**value != "null").then_some(value)
    }

    /// Sets a member to a JSON text.
    pub(in crate::tap) fn set(&mut self, name: &str, text: &str) {
        match self.0.iter_mut().find(|(known, _)| &**known == name) {
            Some((_, value)) if **value == *text => {}
            Some((_, value)) => *value = text.into(),
            None => self.0.push((name.into(), text.into())),
        }
    }

    pub(in crate::tap) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| &**known != name);
    }

    fn take(&mut self, name: &str) -> Option<Box<str>> {
        let at = self.0.iter().position(|(known, _)| &**known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Writes the members, without braces.
    fn write(&self, out: &mut Vec<u8>) {
        for (i, (name, value)) in self.0.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            json::write_string(out, name);
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
        }
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Fields::default();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    // Pretty-printed state has line breaks, which a message must not have.
                    fields.set(&name, &one_line(value.get()));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// JSON text without line breaks, which can only stand between its tokens.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect()
}

impl State {
    /// Reads a state. What an interrupted run left in `progress_markers` is dropped, as its records may be read again, and
    /// so is `currently_syncing`, which is about that run.
    pub(in crate::tap) fn read(text: &[u8]) -> Result<Self> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii();
        if text.is_empty() || text == b"null" {
            return Ok(Self::default());
        }
        let wrong = |error| Error::config("the state is not what a tap wrote").with_source(error);
        let mut rest: Fields = serde_json::from_slice(text).map_err(wrong)?;
        let mut state = Self::default();
        rest.remove("currently_syncing");
        if let Some(text) = rest.take("bookmarks").filter(|text| &**text != "null") {
            let bookmarks: Fields = serde_json::from_str(&text).map_err(wrong)?;
            for (stream, text) in bookmarks.0 {
                let bookmark = Bookmark::read(&text).map_err(|error| wrong(error).in_stream(&stream))?;
                state.bookmarks.push((stream, bookmark));
            }
        }
        state.rest = rest;
        Ok(state)
    }

    /// Writes the state on one line; nothing when there is nothing to tell.
    pub(in crate::tap) fn write(&self, out: &mut Vec<u8>) {
        let emitted: Vec<_> = self
            .bookmarks
            .iter()
            .filter(|(_, bookmark)| !bookmark.is_empty())
            .collect();
        if emitted.is_empty() && self.rest.0.is_empty() {
            return;
        }
        out.extend_from_slice(b"{\"bookmarks\":{");
        for (i, (stream, bookmark)) in emitted.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            json::write_string(out, stream);
            out.push(b':');
            bookmark.write(out);
        }
        out.push(b'}');
        if !self.rest.0.is_empty() {
            out.push(b',');
            self.rest.write(out);
        }
        out.push(b'}');
    }

    /// A stream without a bookmark was read to its end.
    pub(in crate::tap) fn complete(&mut self, stream: &str) {
        let place = self.place(stream, None);
        self.bookmarks[place.stream].1.complete = true;
    }

    /// The place of a stream, or of a partition of it; made when it is new.
    pub(in crate::tap) fn place(&mut self, stream: &str, context: Option<&Value>) -> Place {
        let known = self.bookmarks.iter().position(|(name, _)| &**name == stream);
        let at = known.unwrap_or_else(|| {
            self.bookmarks.push((stream.into(), Bookmark::default()));
            self.bookmarks.len() - 1
        });
        let partition = context.map(|context| self.bookmarks[at].1.partition(context));
        Place {
            stream: at,
            partition,
        }
    }

    pub(in crate::tap) fn fields(&mut self, place: Place) -> &mut Fields {
        let bookmark = &mut self.bookmarks[place.stream].1;
        match place.partition {
            Some(partition) => &mut bookmark.partitions[partition],
            None => &mut bookmark.fields,
        }
    }

    /// What is known of a stream, or of a partition of it, unless nothing is.
    pub(in crate::tap) fn find(&self, stream: &str, context: Option<&Value>) -> Option<&Fields> {
        let (_, bookmark) = self.bookmarks.iter().find(|(name, _)| &**name == stream)?;
        match context {
            Some(context) => bookmark
                .partitions
                .get(*bookmark.places.get(&canonical(context))?),
            None => Some(&bookmark.fields),
        }
    }

    /// Drops partitions of a stream that this run has not begun, the oldest first, until there are at most `keep`; places of
    /// partitions are void afterwards.
    pub(in crate::tap) fn limit_partitions(&mut self, stream: &str, keep: usize) {
        let Some((_, bookmark)) = self.bookmarks.iter_mut().find(|(name, _)| &**name == stream) else {
            return;
        };
        let mut surplus = bookmark.partitions.len().saturating_sub(keep);
        let mut position = 0;
        let begun = std::mem::take(&mut bookmark.begun);
        bookmark.partitions.retain(|_| {
            let drops = surplus > 0 && !begun.contains(&position);
            surplus -= usize::from(drops);
            position += 1;
            !drops
        });
        bookmark.index();
    }

    /// Drops the partitions of a stream that `keep` does not want; places of partitions are void afterwards.
    pub(in crate::tap) fn retain_partitions(&mut self, stream: &str, mut keep: impl FnMut(&Value) -> bool) {
        let Some((_, bookmark)) = self.bookmarks.iter_mut().find(|(name, _)| &**name == stream) else {
            return;
        };
        bookmark.partitions.retain(|fields| {
            let context = fields
                .get("context")
                .and_then(|text| serde_json::from_str(text).ok());
            keep(&context.unwrap_or(Value::Null))
        });
        bookmark.begun.clear();
        bookmark.index();
    }
}

impl Bookmark {
    fn read(text: &str) -> Result<Self, serde_json::Error> {
        let mut fields: Fields = serde_json::from_str(text)?;
        fields.remove("progress_markers");
        let partitions = fields.take("partitions").filter(|text| &**text != "null");
        let mut partitions: Vec<Fields> = partitions
            .map(|text| serde_json::from_str(&text))
            .transpose()?
            .unwrap_or_default();
        for partition in &mut partitions {
            partition.remove("progress_markers");
        }
        let mut bookmark = Self {
            fields,
            partitions,
            places: HashMap::new(),
            begun: HashSet::new(),
            complete: false,
        };
        bookmark.index();
        Ok(bookmark)
    }

    fn index(&mut self) {
        let contexts = self.partitions.iter().enumerate().filter_map(|(i, partition)| {
            let context: Value = serde_json::from_str(partition.get("context")?).ok()?;
            Some((canonical(&context), i))
        });
        self.places = contexts.collect();
    }

    fn partition(&mut self, context: &Value) -> usize {
        let partitions = &mut self.partitions;
        let place = *self.places.entry(canonical(context)).or_insert_with(|| {
            let mut fields = Fields::default();
            fields.set("context", &context.to_string());
            partitions.push(fields);
            partitions.len() - 1
        });
        self.begun.insert(place);
        place
    }

    fn is_empty(&self) -> bool {
        !self.complete && self.fields.0.is_empty() && self.partitions.is_empty()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        self.fields.write(out);
        if !self.partitions.is_empty() {
            if !self.fields.0.is_empty() {
                out.push(b',');
            }
            out.extend_from_slice(b"\"partitions\":[");
            for (i, partition) in self.partitions.iter().enumerate() {
                out.extend_from_slice(if i > 0 { b",{" } else { b"{" });
                partition.write(out);
                out.push(b'}');
            }
            out.push(b']');
        }
        out.push(b'}');
    }
}

/// The text of a context with its keys in order, so that equal contexts have equal texts.
fn canonical(context: &Value) -> Box<str> {
    let mut sorted = context.clone();
    sorted.sort_all_objects();
    sorted.to_string().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(state: &State) -> String {
        let mut out = Vec::new();
        state.write(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    fn read(text: &str) -> State {
        State::read(text.as_bytes()).expect("reads")
    }

    #[test]
    fn what_it_does_not_know_stays_to_the_letter() {
        let text = r#"{"bookmarks":{"a":{"lsn":1.10,"xmin":12345678901234567890123}},"x":[1,{"y":2e5}]}"#;
        assert_eq!(written(&read(text)), text);
        let interrupted = text.replace("},\"x\"", "},\"currently_syncing\":\"a\",\"x\"");
        assert_eq!(written(&read(&interrupted)), text);
        assert_eq!(
            written(&read("{\n \"bookmarks\": {\n  \"a\": {\"b\": [1,\n 2]}}}")),
            r#"{"bookmarks":{"a":{"b":[1, 2]}}}"#
        );
    }

    #[test]
    fn progress_markers_go_and_an_empty_state_writes_nothing() {
        let text = r#"{"bookmarks":{"a":{"progress_markers":{"replication_key":"x"}},
            "b":{"partitions":[{"context":{"o":1},"progress_markers":{},"replication_key_value":3}]}}}"#;
        let expected =
            r#"{"bookmarks":{"b":{"partitions":[{"context":{"o":1},"replication_key_value":3}]}}}"#;
        assert_eq!(written(&read(text)), expected);
        for text in [
            "",
            "{}",
            "null",
            r#"{"bookmarks":{}}"#,
            r#"{"bookmarks":{"a":{}}}"#,
        ] {
            assert_eq!(written(&read(text)), "", "{text}");
        }
    }

    #[test]
    fn partitions_are_found_whatever_the_order_of_their_context() {
        let mut state = read(
            r#"{"bookmarks":{"s":{"partitions":[{"context":{"a":1,"b":"x"},"replication_key_value":7}]}}}"#,
        );
        let place = state.place("s", Some(&json!({"b": "x", "a": 1})));
        assert_eq!(state.fields(place).get("replication_key_value"), Some("7"));
        let place = state.place("s", Some(&json!({"a": 2})));
        state.fields(place).set("replication_key_value", "8");
        state.retain_partitions("s", |context| context["a"] == 2);
        assert_eq!(
            written(&state),
            r#"{"bookmarks":{"s":{"partitions":[{"context":{"a":2},"replication_key_value":8}]}}}"#
        );
        let place = state.place("s", Some(&json!({"a": 2})));
        assert_eq!(state.fields(place).get("replication_key_value"), Some("8"));
    }

    #[test]
    fn partitions_that_were_not_begun_go_when_there_are_too_many() {
        let partition = |n: u32| format!(r#"{{"context":{{"o":{n}}}}}"#);
        let text = |all: &[u32]| {
            let all: Vec<String> = all.iter().map(|n| partition(*n)).collect();
            format!(r#"{{"bookmarks":{{"s":{{"partitions":[{}]}}}}}}"#, all.join(","))
        };
        let mut state = read(&text(&[1, 2, 3, 4]));
        state.place("s", Some(&json!({"o": 1})));
        state.place("s", Some(&json!({"o": 5})));
        assert!(state.find("s", Some(&json!({"o": 6}))).is_none());
        state.limit_partitions("s", 3);
        assert_eq!(written(&state), text(&[1, 4, 5]));
        state.place("s", Some(&json!({"o": 5})));
        state.limit_partitions("s", 0);
        assert_eq!(written(&state), text(&[5]));
        assert!(state.find("s", Some(&json!({"o": 5}))).is_some());
    }

    #[test]
    fn a_state_of_another_shape_is_refused() {
        for text in [
            "[1]",
            "\"x\"",
            "{",
            r#"{"bookmarks":[]}"#,
            r#"{"bookmarks":{"s":"2020"}}"#,
        ] {
            assert!(State::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
