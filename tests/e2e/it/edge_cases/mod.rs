//! The matrix of what real taps send, row by row, with the outcome that melisma chose. A test is named after its row.

mod bytes;
mod envelope;
mod numbers;
mod schemas;
mod states;
mod times;
mod undeclared;

use serde_json::{Value, json};

use crate::harness::{Kind, Outcome, Target, record, schema};

/// The exit code of bad input.
const BAD_INPUT: i32 = 65;

/// A stream `s` with the properties `id` (integer) and `v` (this schema), keyed by nothing.
fn stream(v: &Value) -> String {
    schema("s", &json!({"id": {"type": ["integer", "null"]}, "v": v}), &[])
}

/// Records of `s`, from 1, whose `v` is this JSON text.
fn records<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let one = |(id, value)| record("s", &format!(r#"{{"id":{id},"v":{value}}}"#));
    (1..).zip(values).map(one).collect()
}

/// Feeds SCHEMA and records to a target.
fn feed<'a>(target: &Target, v: &Value, values: impl IntoIterator<Item = &'a str>) -> Outcome {
    target.feed(std::iter::once(stream(v)).chain(records(values)))
}

/// The `v` of each row that a target of this kind writes for these values.
#[track_caller]
fn written<'a>(kind: Kind, v: &Value, values: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    let target = Target::new(kind);
    feed(&target, v, values).ok();
    target.rows("s").iter().map(|row| row["v"].clone()).collect()
}

/// Checks that a value is refused by every target, with its line and column named.
#[track_caller]
fn refused(v: &Value, value: &str) {
    for kind in Kind::ALL {
        feed(&Target::new(kind), v, [value]).fails(BAD_INPUT, &["line 2, byte ", "stream s", "v"]);
    }
}
