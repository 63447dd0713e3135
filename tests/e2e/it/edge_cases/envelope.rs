//! Envelope and keys.

use serde_json::json;

use super::{BAD_INPUT, records, stream};
use crate::harness::{Kind, Target, jsonl_rows, record, schema};

fn text() -> serde_json::Value {
    json!({"type": ["string", "null"]})
}

fn keyed() -> String {
    schema(
        "s",
        &json!({"id": {"type": ["integer", "null"]}, "v": text()}),
        &["id"],
    )
}

#[test]
fn missing_type_or_stream_fails_and_names_the_field() {
    for (line, field) in [
        (r#"{"stream":"s","record":{"id":1}}"#, "type"),
        (r#"{"type":"RECORD","record":{"id":1}}"#, "stream"),
        (r#"{"type":"RECORD","stream":"s"}"#, "record"),
        (r#"{"type":"SCHEMA","stream":"s","key_properties":[]}"#, "schema"),
        (r#"{"type":"STATE"}"#, "value"),
        (r#"{"type":"ACTIVATE_VERSION","stream":"s"}"#, "version"),
    ] {
        Target::jsonl()
            .feed([stream(&text()).as_str(), line])
            .fails(BAD_INPUT, &["line 2", field]);
    }
}

#[test]
fn unknown_or_lower_case_type_fails_when_strict_and_warns_when_lenient() {
    for line in [
        r#"{"type":"record","stream":"s","record":{"id":1}}"#,
        r#"{"type":"LOG","message":"x"}"#,
    ] {
        let lines = [stream(&text()), line.to_owned(), records([r#""a""#]).remove(0)];
        Target::jsonl().feed(&lines).fails(BAD_INPUT, &["line 2", "type"]);
        let target = Target::jsonl().with("lenient", true);
        target.feed(&lines).ok().says(&["line 2"]);
        assert_eq!(target.rows("s"), [json!({"id": 1, "v": "a"})]);
    }
}

#[test]
fn record_before_schema_fails() {
    for kind in Kind::ALL {
        let lines = [records([r#""a""#]).remove(0), stream(&text())];
        Target::new(kind)
            .feed(&lines)
            .fails(BAD_INPUT, &["line 1", "stream s", "SCHEMA"]);
    }
}

#[test]
fn key_property_missing_fails() {
    for kind in Kind::ALL {
        let lines = [keyed(), record("s", r#"{"v":"a"}"#)];
        Target::new(kind)
            .feed(&lines)
            .fails(BAD_INPUT, &["line 2", "stream s", "id"]);
        let unchecked = Target::new(kind).with("validate_records", false);
        unchecked.feed(&lines).fails(BAD_INPUT, &["line 2", "id"]);
    }
}

#[test]
fn key_property_null_is_allowed_when_appending() {
    for kind in Kind::ALL {
        let target = Target::new(kind);
        target.feed([keyed(), record("s", r#"{"id":null,"v":"a"}"#)]).ok();
        assert_eq!(target.rows("s").len(), 1, "{kind:?}");
    }
}

#[test]
fn upsert_is_refused_by_files() {
    for kind in Kind::ALL {
        let target = Target::new(kind).with("load_method", "upsert");
        target.feed([keyed()]).fails(78, &["load_method", "upsert"]);
    }
}

#[test]
fn required_property_missing_fails_is_set_aside_or_is_ignored() {
    let required = json!({
        "type": "SCHEMA", "stream": "s", "key_properties": [],
        "schema": {"type": "object", "required": ["v"], "properties": {"id": {"type": "integer"}, "v": text()}},
    });
    let bad = record("s", r#"{"id":1}"#);
    let lines = [
        required.to_string(),
        bad.clone(),
        record("s", r#"{"id":2,"v":"b"}"#),
    ];
    Target::jsonl()
        .feed(&lines)
        .fails(BAD_INPUT, &["line 2", "stream s", "v", "required"]);

    let skipping = Target::jsonl().with("on_invalid", "skip");
    skipping.feed(&lines).ok();
    assert_eq!(skipping.rows("s"), [json!({"id": 2, "v": "b"})]);

    let aside = Target::jsonl();
    let letters = aside.path("refused.jsonl");
    let aside = aside
        .with("on_invalid", "dead_letter")
        .with("dead_letter_path", letters.to_string_lossy().as_ref());
    aside.feed(&lines).ok();
    assert_eq!(aside.rows("s"), [json!({"id": 2, "v": "b"})]);
    let letters = jsonl_rows(&letters);
    assert_eq!(
        (letters.len(), &letters[0]["line"]),
        (1, &json!(2)),
        "{letters:?}"
    );
    assert!(
        letters[0].to_string().contains("required"),
        "the reason: {letters:?}"
    );
    let holds = letters[0]
        .as_object()
        .expect("an object")
        .values()
        .any(|value| value.as_str() == Some(&bad));
    assert!(holds, "the original bytes: {letters:?}");

    let ignoring = Target::jsonl().with("validate_records", false);
    ignoring.feed(&lines).ok();
    assert_eq!(ignoring.rows("s").len(), 2);
}

#[test]
fn extra_property_is_dropped_with_one_warning() {
    let extra = |id: u32| record("s", &format!(r#"{{"id":{id},"surplus":{{"a":[1]}},"v":"a"}}"#));
    for kind in Kind::ALL {
        let target = Target::new(kind);
        let outcome = target.feed([stream(&text()), extra(1), extra(2), extra(3)]).ok();
        assert!(
            target
                .rows("s")
                .iter()
                .all(|row| row.get("surplus").is_none() && row["v"] == "a"),
            "{kind:?}"
        );
        assert_eq!(target.rows("s").len(), 3, "{kind:?}");
        assert_eq!(
            outcome.stderr.matches("surplus").count(),
            1,
            "{kind:?}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn extra_property_fails_where_the_schema_forbids_it() {
    let closed = json!({
        "type": "SCHEMA", "stream": "s", "key_properties": [],
        "schema": {"type": "object", "additionalProperties": false, "properties": {"id": {"type": "integer"}}},
    });
    let lines = [closed.to_string(), record("s", r#"{"id":1,"surplus":2}"#)];
    Target::jsonl()
        .feed(&lines)
        .fails(BAD_INPUT, &["line 2", "surplus"]);
}

#[test]
fn duplicate_keys_of_a_record_last_wins() {
    for kind in Kind::ALL {
        let target = Target::new(kind);
        target
            .feed([stream(&text()), record("s", r#"{"v":"first","id":1,"v":"last"}"#)])
            .ok();
        assert_eq!(target.rows("s")[0]["v"], "last", "{kind:?}");
        assert!(
            kind != Kind::Jsonl || !target.text("s").contains("first"),
            "one of two goes out"
        );
    }
}

#[test]
fn duplicate_keys_of_the_envelope_fail() {
    let line = r#"{"type":"RECORD","stream":"s","record":{"id":1},"record":{"id":2}}"#;
    Target::jsonl()
        .feed([stream(&text()).as_str(), line])
        .fails(BAD_INPUT, &["line 2", "record"]);
}

#[test]
fn key_properties_missing_null_or_within_the_schema() {
    for keys in ["", r#""key_properties":null,"#] {
        let schema = format!(
            r#"{{"type":"SCHEMA",{keys}"stream":"s","schema":{{"type":"object","properties":{{"id":{{"type":"integer"}}}}}}}}"#
        );
        let target = Target::jsonl();
        target.feed([schema, record("s", r#"{"id":1}"#)]).ok();
        assert_eq!(target.rows("s").len(), 1);
    }
}
