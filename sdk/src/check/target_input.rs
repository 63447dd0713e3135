//! The messages that a target is checked with.

use serde_json::{Value, json};

/// A stream of its own for each check, so that none finds the rows of another.
pub(super) const ORDERS: &str = "check_orders";
pub(super) const ITEMS: &str = "check_items";
pub(super) const EMPTY: &str = "check_empty";
pub(super) const CHANGED: &str = "check_changed";
pub(super) const REPLACED: &str = "check_replaced";
const INVALID: &str = "check_invalid";
const UNKNOWN: &str = "check_unknown";
/// Quotes, a path, a space, other scripts.
const ODD: &str = "check/Odd \"name\" é.x";

/// How many records the first check has of each of its two streams.
pub(super) const RECORDS: i64 = 20;

/// Messages, one a line.
#[derive(Default)]
pub(super) struct Input {
    pub(super) lines: Vec<Value>,
}

impl Input {
    fn schema(mut self, stream: &str, more: &[(&str, Value)]) -> Self {
        let mut schema = json!({"type": "object", "properties": {
            "id": {"type": "integer"}, "name": {"type": ["string", "null"]}}});
        for (name, property) in more {
            schema["properties"][*name] = property.clone();
        }
        self.lines
            .push(json!({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": ["id"]}));
        self
    }

    fn record(mut self, stream: &str, record: &Value) -> Self {
        self.lines
            .push(json!({"type": "RECORD", "stream": stream, "record": record}));
        self
    }

    fn state(mut self, number: i64) -> Self {
        self.lines
            .push(json!({"type": "STATE", "value": {"bookmarks": {"check": number}}}));
        self
    }

    pub(super) fn text(&self) -> String {
        self.lines
            .iter()
            .flat_map(|line| [line.to_string(), "\n".to_owned()])
            .collect()
    }

    /// The values of the STATEs, with the number of the line that each is on, from 0.
    pub(super) fn states(&self) -> Vec<(usize, &Value)> {
        let lines = self
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line["type"] == "STATE");
        lines.map(|(at, line)| (at, &line["value"])).collect()
    }

    /// The records of a stream before a line.
    pub(super) fn records_before<'i>(
        &'i self,
        stream: &'i str,
        line: usize,
    ) -> impl Iterator<Item = &'i Value> {
        let lines = self.lines.iter().take(line);
        let records = lines.filter(move |line| line["type"] == "RECORD" && line["stream"] == stream);
        records.map(|line| &line["record"])
    }

    /// The streams with records.
    pub(super) fn streams(&self) -> Vec<&str> {
        let names = self.lines.iter().filter(|line| line["type"] == "RECORD");
        let mut names: Vec<&str> = names.filter_map(|line| line["stream"].as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Two streams whose records alternate, with a STATE after every few of them.
pub(super) fn plain() -> Input {
    let mut input = Input::default().schema(ORDERS, &[]).schema(ITEMS, &[]);
    for id in 1..=RECORDS {
        let order = match id % 4 {
            0 => json!({"id": id}),
            1 => json!({"id": id, "name": null}),
            2 => json!({"id": id, "name": format!("order {id}")}),
            _ => json!({"id": id, "name": format!("Größe, \"{id}\" 茶 \u{1f375}")}),
        };
        input = input
            .record(ORDERS, &order)
            .record(ITEMS, &json!({"id": id, "name": "tea"}));
        if id % 5 == 0 {
            input = input.state(id);
        }
    }
    input
}

pub(super) fn empty() -> Input {
    Input::default().schema(EMPTY, &[]).state(1)
}

/// A property is added, and another one is left out.
pub(super) fn changed() -> Input {
    Input::default()
        .schema(CHANGED, &[])
        .record(CHANGED, &json!({"id": 1, "name": "before"}))
        .schema(CHANGED, &[("amount", json!({"type": ["number", "null"]}))])
        .record(CHANGED, &json!({"id": 2, "name": "after", "amount": 1.5}))
        .record(CHANGED, &json!({"id": 3, "amount": null}))
        .state(1)
}

pub(super) fn odd_names() -> Input {
    let text = json!({"type": ["string", "null"]});
    let more = [
        ("Odd \"name\"", text.clone()),
        ("a.b", text.clone()),
        ("select", text.clone()),
        ("größe", text),
    ];
    let record = json!({"id": 1, "name": "x", "Odd \"name\"": "1", "a.b": "2", "select": "3", "größe": "4"});
    Input::default().schema(ODD, &more).record(ODD, &record).state(1)
}

/// A record of a stream without SCHEMA, before the second STATE.
pub(super) fn unknown_stream() -> Input {
    let known = Input::default()
        .schema(INVALID, &[])
        .record(INVALID, &json!({"id": 1}))
        .state(1);
    known.record(UNKNOWN, &json!({"id": 1})).state(2)
}

/// A record whose id is a text, before the second STATE.
pub(super) fn invalid_record() -> Input {
    let known = Input::default()
        .schema(INVALID, &[])
        .record(INVALID, &json!({"id": 1}))
        .state(1);
    known.record(INVALID, &json!({"id": "one"})).state(2)
}

/// One record, under the same key each time.
pub(super) fn replaced(name: &str) -> Input {
    Input::default()
        .schema(REPLACED, &[])
        .record(REPLACED, &json!({"id": 1, "name": name}))
        .state(1)
}
