use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::tap::bookmark::progress::Order;
use crate::tap::catalog::opening::Opening;
use crate::tap::catalog::selection::Selection;
use crate::tap::output::part::{Form, Part};

/// A writer that remembers how the bytes came in pieces.
#[derive(Clone, Default)]
struct Pieces(Arc<Mutex<Vec<Vec<u8>>>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Pieces {
    fn text(&self) -> String {
        let pieces = self.0.lock().expect("not poisoned");
        String::from_utf8(pieces.concat()).expect("UTF-8")
    }

    /// The records, without their times.
    fn records(&self) -> Vec<String> {
        let text = self.text();
        let records = text
            .lines()
            .filter(|line| line.starts_with("{\"type\":\"RECORD\""));
        records
            .filter_map(|line| Some(line.split_once(",\"time_extracted\"")?.0.to_owned()))
            .collect()
    }
}

fn opening(schema: &Value, order: Order) -> Opening {
    Opening {
        name: "s".into(),
        own_schema: schema.clone(),
        schema: schema.clone(),
        selection: Selection::default(),
        key: vec!["a".into()],
        method: Method::Incremental,
        replication_key: Some("a".into()),
        order,
        own_start_date: false,
        silent: false,
        children: Vec::new(),
    }
}

fn open(schema: &Value, order: Order) -> (Output<'static>, Pieces) {
    let pieces = Pieces::default();
    let mut output = Output::new(
        Emitter::new(Box::new(pieces.clone())),
        State::default(),
        Stop::default(),
        None,
    );
    output.open(vec![opening(schema, order)], false).expect("opens");
    (output, pieces)
}

fn two() -> Value {
    json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}})
}

const SORTED: Order = Order::Sorted { check: true };

#[test]
fn a_row_with_too_few_or_too_many_cells_is_a_bug_and_leaves_nothing() {
    for cells in [0, 1, 3] {
        let (mut output, pieces) = open(&two(), SORTED);
        let mut row = output.row();
        for _ in 0..cells {
            row.null();
        }
        let error = row.end().expect_err("wrong");
        assert_eq!(
            error.to_string(),
            format!("stream s: a row has {cells} cells, its schema 2 properties")
        );
        output.close(false).expect("closes");
        assert!(pieces.records().is_empty());
    }
}

#[test]
fn cells_of_every_kind() {
    let properties: serde_json::Map<_, _> = "abcdefghi"
        .chars()
        .map(|name| (name.to_string(), json!({})))
        .collect();
    let (mut output, pieces) = open(&json!({"properties": properties}), SORTED);
    let mut row = output.row();
    row.number("12345678901234567890.10");
    row.text("a\"\\\n\u{1}é");
    row.plain("plain");
    row.json("[1, {\"x\":null}]");
    row.float(1.5);
    row.float(f64::INFINITY);
    row.bool(true);
    row.int(i64::MIN);
    row.absent();
    row.end().expect("writes");
    output.close(true).expect("closes");
    let record = r#"{"a":12345678901234567890.10,"b":"a\"\\\n\u0001é","c":"plain","d":[1, {"x":null}],"e":1.5,"f":null,"g":true,"h":-9223372036854775808}"#;
    assert_eq!(
        pieces.records(),
        [format!(r#"{{"type":"RECORD","stream":"s","record":{record}"#)]
    );
    let last = pieces.text().lines().last().unwrap_or_default().to_owned();
    assert!(
        last.contains("12345678901234567890.10"),
        "the digits of the bookmark are those of the record: {last}"
    );
}

/// Also those that are not as most are: long ones, those at the end of the text, those of a column with a long name, of
/// the replication key, and of one that is left out.
#[test]
fn parts_are_written_as_cells_are() {
    let long_name = "n".repeat(40);
    let schema = json!({"properties": {"a": {}, "left out": {}, "b": {}, long_name: {}, "c": {}}});
    let mut opening = opening(&schema, SORTED);
    let metadata = json!({"metadata": [
        {"breadcrumb": ["properties", "left out"], "metadata": {"selected": false}},
    ]});
    opening.selection = Selection::of(metadata.as_object().expect("an object"));
    let (mut output, pieces) = open(&schema, SORTED);
    output.open(vec![opening], false).expect("opens");
    let (mut text, mut expected) = (String::new(), Vec::new());
    for length in 0..100 {
        text = format!(
            "12345678.90,\té{},{}",
            "x".repeat(length),
            "y".repeat(300 - 3 * length)
        );
        let part = |start, end, form| Part { start, end, form };
        let x = 12..15 + length;
        let y = x.end + 1..text.len();
        for (form, plain) in [
            (Form::Text, x.start),
            (Form::Plain, x.start + 1),
            (Form::Null, 0),
            (Form::True, 0),
        ] {
            let parts = [
                part(0, 11, Form::Number),
                part(0, 1, Form::Number),
                part(plain, x.end, form),
                part(y.start, y.end, Form::Plain),
                part(
                    0,
                    8,
                    if length % 2 == 0 {
                        Form::Absent
                    } else {
                        Form::Number
                    },
                ),
            ];
            let mut row = output.row();
            row.parts(&text, &parts[..2]);
            row.parts(&text, &parts[2..]);
            row.end().expect("writes");
            let mut row = output.row();
            row.number("12345678.90");
            row.number("1");
            match form {
                Form::Text => row.text(&text[plain..x.end]),
                Form::Plain => row.plain(&text[plain..x.end]),
                Form::Null => row.null(),
                _ => row.bool(true),
            }
            row.plain(&text[y.clone()]);
            if length % 2 == 0 {
                row.absent();
            } else {
                row.number("12345678");
            }
            row.end().expect("writes");
            expected.push((form, length));
        }
    }
    let mut row = output.row();
    row.parts(&text, &[Part::NULL; 6]);
    assert!(row.end().is_err(), "a part too many");
    output.close(false).expect("closes");
    let records = pieces.records();
    assert_eq!(records.len(), 2 * expected.len());
    for (pair, which) in records.chunks(2).zip(expected) {
        assert_eq!(pair[0], pair[1], "{which:?}");
    }
}

#[test]
fn a_row_of_absent_cells_is_an_empty_object() {
    let (mut output, pieces) = open(&two(), SORTED);
    let mut row = output.row();
    row.absent();
    row.absent();
    row.end().expect("writes");
    output.close(true).expect("closes");
    assert_eq!(pieces.records(), [r#"{"type":"RECORD","stream":"s","record":{}"#]);
}

#[test]
fn many_small_records_go_out_in_large_pieces() {
    let (mut output, pieces) = open(&two(), SORTED);
    for i in 0..20_000 {
        let mut row = output.row();
        row.int(i);
        row.text("twenty bytes of text");
        row.end().expect("writes");
    }
    output.close(true).expect("closes");
    let lines = pieces.text().lines().count();
    let pieces = pieces.0.lock().expect("not poisoned");
    assert_eq!(lines, 20_000 + 2);
    assert!(
        pieces.iter().all(|piece| piece.ends_with(b"\n")),
        "pieces end with a line"
    );
    assert!(pieces.iter().any(|piece| piece.len() >= 256 * 1024));
    assert!(pieces.len() < 1000, "{}", pieces.len());
}

#[test]
fn states_go_out_at_checkpoints_but_not_at_each() {
    let (mut output, pieces) = open(&two(), SORTED);
    for i in 0..25_000 {
        output.record(&json!({"a": i, "b": "x"})).expect("writes");
        output.checkpoint().expect("goes on");
    }
    output.close(true).expect("closes");
    let states = pieces
        .text()
        .lines()
        .filter(|line| line.starts_with("{\"type\":\"STATE\""))
        .count();
    assert!((3..100).contains(&states), "{states}");
}

/// A target that replaces what was there must not take one of them for the last.
#[test]
fn a_state_in_the_middle_of_a_stream_says_so() {
    let syncing = |pieces: &Pieces| -> Vec<Value> {
        let text = pieces.text();
        let states = text.lines().filter(|line| line.contains("\"STATE\""));
        let value =
            |line| serde_json::from_str::<Value>(line).expect("JSON")["value"]["currently_syncing"].clone();
        states.map(value).collect()
    };
    let (mut output, pieces) = open(&two(), SORTED);
    output.record(&json!({"a": 1})).expect("writes");
    output.emit_state().expect("writes");
    output.close(true).expect("closes");
    assert_eq!(syncing(&pieces), [json!("s"), Value::Null], "{}", pieces.text());

    let (mut output, pieces) = open(&two(), SORTED);
    output.record(&json!({"a": 1})).expect("writes");
    output.close(false).expect("closes");
    assert_eq!(syncing(&pieces), [json!("s")], "it was not read to its end");
}

#[test]
fn the_last_message_of_a_run_is_a_state() {
    let (mut output, pieces) = open(&two(), SORTED);
    output.close(true).expect("closes");
    // A stream without records: the same STATE as before.
    output.open(vec![opening(&two(), SORTED)], false).expect("opens");
    output.close(true).expect("closes");
    let last = |pieces: &Pieces| pieces.text().lines().last().unwrap_or_default().to_owned();
    assert!(last(&pieces).contains("SCHEMA"));
    output.finish().expect("writes");
    assert_eq!(
        last(&pieces),
        r#"{"type":"STATE","value":{"bookmarks":{"s":{}}}}"#
    );
    let length = pieces.text().len();
    output.finish().expect("nothing is left to say");
    assert_eq!(pieces.text().len(), length);
}

#[test]
fn a_changed_schema_is_told_and_gives_new_positions() {
    let (mut output, pieces) = open(&two(), SORTED);
    output.change_schema(two()).expect("the same");
    let mut changed = two();
    changed["properties"]["a"] = json!({"type": "string"});
    changed["properties"]["c"] = json!({"type": "boolean"});
    output.change_schema(changed.clone()).expect("changes");
    let mut row = output.row();
    row.text("1");
    row.null();
    row.bool(true);
    row.end().expect("writes");
    output.close(true).expect("closes");
    let schemas: Vec<Value> = pieces
        .text()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(schemas[1]["schema"], changed);
    assert_eq!(schemas[2]["record"], json!({"a": "1", "b": null, "c": true}));
}

#[test]
fn records_carry_the_version_that_is_activated() {
    let (mut output, pieces) = open(&two(), SORTED);
    output.set_version(1700);
    output.record(&json!({"a": 1})).expect("writes");
    output.activate_version(1700).expect("writes");
    output.close(true).expect("closes");
    assert!(
        pieces
            .text()
            .contains(r#""record":{"a":1},"version":1700,"time_extracted":"20"#)
    );
    assert!(
        pieces
            .text()
            .contains("{\"type\":\"ACTIVATE_VERSION\",\"stream\":\"s\",\"version\":1700}\n")
    );
}

#[test]
fn bookmarks_by_hand_and_partitions_that_are_gone() {
    let (mut output, pieces) = open(&two(), Order::Manual);
    for file in ["x", "y"] {
        output.partition(&json!({"file": file})).expect("begins");
        assert_eq!(output.bookmark::<i64>().expect("reads"), None);
        output.record(&json!({"a": 99})).expect("writes");
        output.set_bookmark(&7).expect("sets");
    }
    output.retain_partitions(|context| context["file"] == "y");
    output.partition(&json!({"file": "y"})).expect("begins");
    assert_eq!(output.bookmark::<i64>().expect("reads"), Some(7));
    output.close(true).expect("closes");
    let state = r#"{"bookmarks":{"s":{"partitions":[{"context":{"file":"y"},"replication_key":"a","replication_key_value":7}]}}}"#;
    assert!(
        pieces
            .text()
            .ends_with(&format!("{{\"type\":\"STATE\",\"value\":{state}}}\n")),
        "{}",
        pieces.text()
    );
}

#[test]
fn a_record_outside_the_schema_loses_what_is_unknown() {
    let (mut output, pieces) = open(&two(), SORTED);
    output.record(&json!({"x": 1, "b": "y", "a": 2})).expect("writes");
    assert!(output.record(&json!([1])).is_err());
    output.close(false).expect("closes");
    assert_eq!(
        pieces.records(),
        [r#"{"type":"RECORD","stream":"s","record":{"b":"y","a":2}"#]
    );
}

#[test]
fn nothing_is_written_after_an_error() {
    let (mut output, pieces) = open(&two(), SORTED);
    output.record(&json!({"a": 2})).expect("writes");
    assert!(output.record(&json!({"a": 1})).is_err());
    assert!(output.record(&json!({"a": 3})).is_err());
    assert!(output.check_failed().is_err());
    output.close(false).expect("closes");
    assert_eq!(pieces.records().len(), 1);
}

#[test]
fn a_value_written_in_place_is_cut_to_what_is_selected() {
    let schema = json!({"properties": {"a": {}, "b": {"properties": {"x": {}, "y": {}}}}});
    let mut opening = opening(&schema, SORTED);
    let metadata = json!({"metadata": [
        {"breadcrumb": [], "metadata": {"selected": true}},
        {"breadcrumb": ["properties", "b", "properties", "x"], "metadata": {"selected": false}},
    ]});
    opening.selection = Selection::of(metadata.as_object().expect("an object"));
    let (mut output, pieces) = open(&schema, SORTED);
    output.open(vec![opening], false).expect("opens");
    let mut row = output.row();
    row.write(|out| out.extend_from_slice(b"[1,2]"));
    row.write(|out| out.extend_from_slice(br#"{"x":1,"y":[{"x":2}]}"#));
    row.end().expect("writes");
    let mut row = output.row();
    row.null();
    row.write(|out| out.extend_from_slice(b"{not JSON"));
    assert!(row.end().is_err());
    output.close(false).expect("closes");
    assert_eq!(
        pieces.records(),
        [r#"{"type":"RECORD","stream":"s","record":{"a":[1,2],"b":{"y":[{"x":2}]}}"#]
    );
}

#[test]
fn what_is_kept_is_in_the_state_until_null_takes_its_place() {
    let (mut output, pieces) = open(&two(), Order::Manual);
    assert_eq!(output.kept::<Vec<u32>>("done").expect("reads"), None);
    output.forget("done");
    output.keep("done", &[1, 2]).expect("keeps");
    assert_eq!(output.kept::<Vec<u32>>("done").expect("reads"), Some(vec![1, 2]));
    assert!(output.kept::<String>("done").is_err());
    output.write_state().expect("writes");
    output.forget("done");
    output.close(true).expect("closes");
    let states: Vec<_> = pieces
        .text()
        .lines()
        .filter(|line| line.contains("STATE"))
        .map(str::to_owned)
        .collect();
    assert_eq!(
        states,
        [
            r#"{"type":"STATE","value":{"bookmarks":{"s":{"done":[1,2]}},"currently_syncing":"s"}}"#,
            r#"{"type":"STATE","value":{"bookmarks":{"s":{"done":null}}}}"#
        ]
    );
}
