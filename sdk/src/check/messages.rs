//! The rules of what a tap writes, line by line.

use std::cmp::Ordering;
use std::collections::HashMap;

use jsonschema::Validator;
use melisma_engine::error::show;
use serde_json::Value;

use super::catalog::Listed;
use super::report::{Broken, Report};
use super::rule::Rule;
use super::schema;
use crate::names::show_name;
use crate::tap::KeyType;

/// What a run is held against.
pub(super) struct Run<'r> {
    /// `first run`
    pub(super) name: &'static str,
    pub(super) streams: &'r [Listed],
    /// The state that the run resumes from; null for none.
    pub(super) from: &'r Value,
    /// Streams whose bookmark the tap moves by itself.
    pub(super) own_bookmark: &'r [String],
    /// Streams that are read again from the beginning, or from before the bookmark.
    pub(super) reads_again: &'r [String],
}

/// A stream whose SCHEMA has come.
struct Open {
    validator: Option<Validator>,
    keys: Vec<String>,
    replication_key: Option<(String, KeyType)>,
    /// Its records so far.
    records: Vec<Value>,
}

/// Checks the messages of a run that succeeded, as text, and returns them.
pub(super) fn check(text: &str, run: &Run<'_>, report: &mut Report) -> Vec<Value> {
    let (messages, mut judge) = read(text, run, report);
    judge.end(messages.last());
    messages
}

/// Checks those of a run that failed.
pub(super) fn check_open_end(text: &str, run: &Run<'_>, report: &mut Report) -> Vec<Value> {
    read(text, run, report).0
}

fn read<'j>(text: &str, run: &'j Run<'j>, report: &'j mut Report) -> (Vec<Value>, Judge<'j>) {
    let mut judge = Judge {
        run,
        report,
        open: HashMap::new(),
        line: 0,
    };
    let mut messages = Vec::new();
    for line in text.lines() {
        judge.line += 1;
        match serde_json::from_str::<Value>(line) {
            Ok(message) => {
                judge.message(&message);
                messages.push(message);
            }
            Err(_) => judge.broken(
                Rule::LineIsMessage,
                None,
                format!("expected a message, found {}", show(line)),
            ),
        }
    }
    (messages, judge)
}

struct Judge<'j> {
    run: &'j Run<'j>,
    report: &'j mut Report,
    open: HashMap<String, Open>,
    line: usize,
}

impl Judge<'_> {
    fn broken(&mut self, rule: Rule, stream: Option<&str>, message: String) {
        self.report.add(Broken {
            rule,
            run: self.run.name,
            line: Some(self.line),
            stream: stream.map(str::to_owned),
            message,
            more: 0,
        });
    }

    fn message(&mut self, message: &Value) {
        let stream = message["stream"].as_str().unwrap_or_default();
        match message["type"].as_str() {
            Some("SCHEMA") => self.schema(stream, message),
            Some("RECORD") => self.record(stream, &message["record"]),
            Some("STATE") => self.state(&message["value"]),
            Some("ACTIVATE_VERSION" | "BATCH") => {}
            _ => {
                let found = show(&message.to_string());
                self.broken(
                    Rule::LineIsMessage,
                    None,
                    format!("expected a type of Singer's, found {found}"),
                );
            }
        }
    }

    fn schema(&mut self, stream: &str, message: &Value) {
        let schema = &message["schema"];
        let validator = match schema::compile(schema) {
            Ok(validator) => Some(validator),
            Err(why) => {
                self.broken(Rule::LineIsMessage, Some(stream), why);
                None
            }
        };
        let keys = message["key_properties"].as_array().into_iter().flatten();
        let listed = self.run.streams.iter().find(|listed| listed.name == stream);
        let key = listed.and_then(|listed| listed.replication_key.clone());
        let before = self.open.remove(stream);
        let open = Open {
            validator,
            keys: keys.filter_map(Value::as_str).map(str::to_owned).collect(),
            replication_key: key.map(|key| {
                let kind = KeyType::of(&schema["properties"][&key]);
                (key, kind)
            }),
            records: before.map_or_else(Vec::new, |before| before.records),
        };
        self.open.insert(stream.to_owned(), open);
    }

    fn record(&mut self, stream: &str, record: &Value) {
        let Some(open) = self.open.get_mut(stream) else {
            let message = "a record comes before the SCHEMA of its stream".to_owned();
            return self.broken(Rule::SchemaBeforeRecord, Some(stream), message);
        };
        let misfit = open
            .validator
            .as_ref()
            .and_then(|validator| schema::misfit(validator, record));
        let keys = open
            .keys
            .iter()
            .filter(|key| record.get(key.as_str()).is_none_or(Value::is_null));
        let missing: Vec<String> = keys.map(|key| show_name(key)).collect();
        let older = self.run.older(stream, open, record);
        open.records.push(record.clone());
        if let Some(misfit) = misfit {
            self.broken(Rule::RecordFitsSchema, Some(stream), misfit);
        }
        if !missing.is_empty() {
            let message = format!(
                "the record has no value of the key property {}",
                missing.join(", ")
            );
            self.broken(Rule::KeyIsPresent, Some(stream), message);
        }
        if let Some(message) = older {
            self.broken(Rule::ReadsNothingOlder, Some(stream), message);
        }
    }

    fn state(&mut self, value: &Value) {
        for (stream, bookmark) in value["bookmarks"].as_object().into_iter().flatten() {
            if self.run.own_bookmark.contains(stream) {
                continue;
            }
            let ahead = parts(bookmark)
                .into_iter()
                .find_map(|part| self.ahead(stream, part));
            if let Some(message) = ahead {
                self.broken(Rule::StateAfterRecords, Some(stream), message);
            }
        }
    }

    /// Whether a bookmark is ahead of the records before it.
    fn ahead(&self, stream: &str, part: &Value) -> Option<String> {
        let open = self.open.get(stream);
        let (key, kind) = open.and_then(|open| open.replication_key.as_ref())?;
        let value = part
            .get("replication_key_value")
            .filter(|value| !value.is_null())?;
        let from = self
            .run
            .bookmarks(stream)
            .into_iter()
            .filter(|start| start["context"] == part["context"]);
        let from = from.filter_map(|start| start.get("replication_key_value"));
        let latest = open
            .iter()
            .flat_map(|open| &open.records)
            .filter(|record| belongs(record, &part["context"]));
        let latest = latest.filter_map(|record| record.get(key));
        let most = from.chain(latest).max_by(|a, b| order(*kind, a, b));
        let Some(most) = most else {
            return Some(format!("the bookmark is {value}, and no record came before it"));
        };
        (order(*kind, value, most) == Ordering::Greater)
            .then(|| format!("the bookmark is {value}, and the latest record before it has {most}"))
    }

    /// The rules of the run as a whole.
    fn end(&mut self, last: Option<&Value>) {
        let value = last
            .filter(|last| last["type"] == "STATE")
            .map(|last| &last["value"]);
        let Some(value) = value else {
            let message = "expected a STATE as the last message".to_owned();
            return self.broken(Rule::StateIsLast, None, message);
        };
        if !value["currently_syncing"].is_null() {
            let message = "the last STATE names a stream as currently_syncing".to_owned();
            self.broken(Rule::StateIsLast, None, message);
        }
        for (stream, bookmark) in value["bookmarks"].as_object().into_iter().flatten() {
            if parts(bookmark)
                .iter()
                .any(|part| !part["progress_markers"].is_null())
            {
                let message =
                    "the last STATE has progress_markers, as that of a run that was cut short".to_owned();
                self.broken(Rule::StateIsLast, Some(stream), message);
            }
            for part in parts(bookmark) {
                if let Some(message) = self.run.backward(stream, self.open.get(stream), part) {
                    self.broken(Rule::StateMovesForward, Some(stream), message);
                }
            }
        }
    }
}

impl Run<'_> {
    /// The bookmark of a stream in the state that the run resumes from, and those of its partitions.
    fn bookmarks(&self, stream: &str) -> Vec<&Value> {
        self.from
            .get("bookmarks")
            .and_then(|all| all.get(stream))
            .map_or_else(Vec::new, parts)
    }

    /// What is wrong with a record that comes before the bookmark.
    fn older(&self, stream: &str, open: &Open, record: &Value) -> Option<String> {
        if self.reads_again.iter().any(|name| name == stream) {
            return None;
        }
        let (key, kind) = open.replication_key.as_ref()?;
        let value = record.get(key).filter(|value| !value.is_null())?;
        let parts = self.bookmarks(stream).into_iter();
        let own = parts.filter(|part| part.get("context").is_none_or(|context| belongs(record, context)));
        let bookmarks = own.filter_map(|part| part.get("replication_key_value"));
        let bookmark = bookmarks.min_by(|a, b| order(*kind, a, b))?;
        (order(*kind, value, bookmark) == Ordering::Less)
            .then(|| format!("the record has {key} {value}, and the bookmark was {bookmark}"))
    }

    /// What is wrong with a bookmark that is behind that of the state before.
    fn backward(&self, stream: &str, open: Option<&Open>, part: &Value) -> Option<String> {
        let kind = open?.replication_key.as_ref()?.1;
        let value = part.get("replication_key_value")?;
        let before = self
            .bookmarks(stream)
            .into_iter()
            .find(|before| before["context"] == part["context"])?;
        let before = before.get("replication_key_value")?;
        (order(kind, value, before) == Ordering::Less)
            .then(|| format!("the bookmark was {before} before the run, and is {value} after it"))
    }
}

/// The bookmark of a stream itself, and those of its partitions.
fn parts(bookmark: &Value) -> Vec<&Value> {
    let partitions = bookmark["partitions"].as_array().into_iter().flatten();
    std::iter::once(bookmark).chain(partitions).collect()
}

/// Whether a record may be of the partition with this context: nothing in it says otherwise.
fn belongs(record: &Value, context: &Value) -> bool {
    let mut members = context.as_object().into_iter().flatten();
    members.all(|(name, value)| record.get(name).is_none_or(|found| found == value))
}

fn order(kind: KeyType, a: &Value, b: &Value) -> Ordering {
    kind.compare(a.to_string().as_bytes(), b.to_string().as_bytes())
}
