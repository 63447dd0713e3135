//! Schemas and dates.

use serde_json::{Value, json};

use super::{BAD_INPUT, feed, written};
use crate::harness::{Kind, Target, files, parquet_schema, record};

fn date_time() -> Value {
    json!({"type": ["string", "null"], "format": "date-time"})
}

/// Microseconds of 2018-11-02T12:30:00Z.
const MOMENT: i64 = 1_541_161_800_000_000;

#[test]
fn date_time_of_every_spelling_is_read() {
    for spelling in [
        "2018-11-02T12:30:00Z",
        "2018-11-02T12:30:00.000000+00:00",
        "2018-11-02t12:30:00z",
        "2018-11-02 12:30:00",
        "2018-11-02T14:30:00+02:00",
        "2018-11-02T12:30:00+0000",
        "2018-11-02T12:30:00.0000000004Z",
    ] {
        let value = format!("{spelling:?}");
        assert_eq!(
            written(Kind::Parquet, &date_time(), [value.as_str()]),
            [json!(MOMENT)],
            "{spelling}"
        );
        assert_eq!(
            written(Kind::Jsonl, &date_time(), [value.as_str()]),
            [json!(spelling)],
            "text stays text"
        );
        assert_eq!(
            written(Kind::Csv, &date_time(), [value.as_str()]),
            [json!(spelling)],
            "text stays text"
        );
    }
}

#[test]
fn date_time_that_is_none_fails_where_a_time_is_needed() {
    for value in [
        r#""""#,
        r#""tomorrow""#,
        r#""2018-13-02T00:00:00Z""#,
        r#""2018-11-02T25:00:00Z""#,
    ] {
        feed(&Target::parquet(), &date_time(), [value])
            .fails(BAD_INPUT, &["line 2", "stream s", "v", "date-time"]);
    }
}

#[test]
fn date_in_parquet_is_a_date() {
    let date = json!({"type": ["string", "null"], "format": "date"});
    assert_eq!(
        written(Kind::Parquet, &date, [r#""1970-01-02""#, "null"]),
        [json!(1), Value::Null]
    );
}

#[test]
fn any_of_and_one_of_are_resolved() {
    for keyword in ["anyOf", "oneOf"] {
        let moment = json!({keyword: [{"type": "string", "format": "date-time"}, {"type": "null"}]});
        let rows = written(Kind::Parquet, &moment, [r#""2018-11-02T12:30:00Z""#, "null"]);
        assert_eq!(rows, [json!(MOMENT), Value::Null], "{keyword}");

        let widened = json!({keyword: [{"type": "integer"}, {"type": "number"}, {"type": "null"}]});
        let target = Target::parquet();
        feed(&target, &widened, ["1", "null"]).ok();
        assert!(
            parquet_schema(&files(&target.out(), "s")[0]).contains("DOUBLE v"),
            "{keyword}: integer or number"
        );
    }
    let salesforce =
        json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]});
    for kind in Kind::ALL {
        let rows = written(
            kind,
            &salesforce,
            [r#""2018-11-02T12:30:00Z""#, r#""not a time""#],
        );
        assert_eq!(rows.len(), 2, "{kind:?}: a union with free text takes free text");
    }
}

#[test]
fn a_property_without_a_type_takes_anything() {
    let all = ["1", r#""a""#, "true", "null", r#"{"x":[1]}"#, "[]"];
    let expected: Vec<Value> = all
        .iter()
        .map(|text| serde_json::from_str(text).expect("JSON"))
        .collect();
    for any in [
        json!({}),
        json!({"type": ["string", "integer", "boolean", "object", "array", "null"]}),
    ] {
        assert_eq!(written(Kind::Jsonl, &any, all), expected);
        assert_eq!(written(Kind::Parquet, &any, all).len(), all.len());
        assert_eq!(written(Kind::Csv, &any, all).len(), all.len());
    }
}

#[test]
fn local_ref_is_inlined() {
    let schema = |reference: &str| {
        json!({
            "type": "SCHEMA", "stream": "s", "key_properties": [],
            "schema": {
                "type": "object",
                "definitions": {"money": {"type": ["number", "null"], "minimum": 0}},
                "properties": {"id": {"type": "integer"}, "v": {"$ref": reference}},
            },
        })
        .to_string()
    };
    let local = schema("#/definitions/money");
    let target = Target::parquet();
    target.feed([&local, &record("s", r#"{"id":1,"v":1.5}"#)]).ok();
    assert_eq!(target.rows("s"), [json!({"id": 1, "v": 1.5})]);
    Target::jsonl()
        .feed([&local, &record("s", r#"{"id":1,"v":-1}"#)])
        .fails(BAD_INPUT, &["line 2", "v"]);
    Target::jsonl()
        .feed([schema("#/definitions/nothing")])
        .fails(BAD_INPUT, &["line 1", "#/definitions/nothing"]);
}

#[test]
fn remote_ref_is_an_error() {
    let remote = json!({"$ref": "https://schemas.invalid/money.json"});
    feed(&Target::jsonl(), &remote, []).fails(BAD_INPUT, &["line 1", "https://schemas.invalid/money.json"]);
}

#[test]
fn a_circular_ref_ends() {
    let tree = json!({
        "type": "SCHEMA", "stream": "s", "key_properties": [],
        "schema": {
            "type": "object",
            "definitions": {"node": {"type": "object", "properties": {"child": {"$ref": "#/definitions/node"}}}},
            "properties": {"id": {"type": "integer"}, "v": {"$ref": "#/definitions/node"}},
        },
    });
    let target = Target::jsonl();
    let deep = r#"{"id":1,"v":{"child":{"child":{"child":"below the turn anything may be"}}}}"#;
    target.feed([tree.to_string(), record("s", deep)]).ok();
    assert_eq!(target.text("s"), format!("{deep}\n"));
    // Above the turn the schema holds.
    let wrong = record("s", r#"{"id":2,"v":"x"}"#);
    target
        .feed([tree.to_string(), wrong])
        .fails(BAD_INPUT, &["stream s: v: expected an object"]);
}

#[test]
fn drafts_4_to_2020_are_understood() {
    for draft in [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2020-12/schema",
    ] {
        let schema = json!({
            "type": "SCHEMA", "stream": "s", "key_properties": [],
            "schema": {"$schema": draft, "type": "object", "properties": {
                "id": {"type": "integer"}, "v": {"type": ["string", "null"], "maxLength": 3},
            }},
        })
        .to_string();
        let target = Target::jsonl();
        target.feed([&schema, &record("s", r#"{"id":1,"v":"äöü"}"#)]).ok();
        Target::jsonl()
            .feed([&schema, &record("s", r#"{"id":1,"v":"abcd"}"#)])
            .fails(BAD_INPUT, &["line 2", "v"]);
    }
}

#[test]
fn enum_and_const_are_checked() {
    let choice = json!({"type": ["string", "null"], "enum": ["red", "green", null]});
    assert_eq!(
        written(Kind::Jsonl, &choice, [r#""red""#, "null"]),
        [json!("red"), Value::Null]
    );
    super::refused(&choice, r#""blue""#);
}

/// Draft 4 and what taps of its time write, below other keywords as well: eleven streams of tap-xero were refused.
#[test]
fn older_drafts_are_understood_below_other_keywords() {
    let positive = json!({"type": "number", "minimum": 0, "exclusiveMinimum": true});
    let moments = json!({"type": "array", "minItems": 0, "items": {"type": ["date-time", "null"]}});
    for (v, right, wrong) in [
        (json!({"anyOf": [positive, {"type": "null"}]}), "1", "0"),
        (json!({"allOf": [positive]}), "1", "0"),
        (
            json!({"type": "array", "items": positive, "minItems": 1}),
            "[1]",
            "[0]",
        ),
        (
            json!({"type": "array", "items": positive, "uniqueItems": true}),
            "[1]",
            "[0]",
        ),
        (
            json!({"type": "object", "patternProperties": {"^a": positive}}),
            r#"{"a":1}"#,
            r#"{"a":0}"#,
        ),
        (
            json!({"type": "object", "additionalProperties": positive}),
            r#"{"b":1}"#,
            r#"{"b":0}"#,
        ),
        (json!({"not": {"not": positive}}), "1", "0"),
        (
            json!({"anyOf": [{"type": "string", "required": true}, {"type": "null"}]}),
            r#""a""#,
            "1",
        ),
        (
            json!({"anyOf": [{"type": "string", "maxLength": null}, {"type": "null"}]}),
            r#""a""#,
            "1",
        ),
        (moments, r#"["2024-01-01T00:00:00Z",null]"#, "[1]"),
        (json!({"type": "array", "items": []}), "[1]", "1"),
        (
            json!({"type": "string", "pattern": "\\Aa\\Z"}),
            r#""a""#,
            r#""ab""#,
        ),
        (
            json!({"type": "string", "pattern": "(?i)^A$"}),
            r#""a""#,
            r#""b""#,
        ),
    ] {
        assert_eq!(written(Kind::Jsonl, &v, [right]).len(), 1, "{v}");
        super::refused(&v, wrong);
    }
}

#[test]
fn a_pattern_that_cannot_be_checked_is_ignored_by_name() {
    let v = json!({"type": "object", "properties": {"code": {"type": "string", "pattern": "(a)?(?(1)b|c)"}}});
    let target = Target::jsonl();
    feed(&target, &v, [r#"{"code":"zzz"}"#, r#"{"code":"ab"}"#])
        .ok()
        .says(&["stream s: the pattern of v.code: \"(a)?(?(1)b|c)\" cannot be checked, and is ignored"]);
    super::refused(&v, r#"{"code":1}"#);
}

#[test]
fn json_text_of_any_type_parses_as_json() {
    let values = [r#""[1]""#, "[1]", r#""x""#, "1", "true"];
    for any in [
        json!({}),
        json!({"type": ["string", "array", "number", "boolean", "null"]}),
    ] {
        assert_eq!(
            written(Kind::Parquet, &any, values),
            values.map(|value| json!(value)),
            "{any}"
        );
    }
}

#[test]
fn invalid_schema_fails_at_schema() {
    let odd = json!({"type": "text"});
    feed(&Target::jsonl(), &odd, []).fails(BAD_INPUT, &["line 1", "stream s", "v", "invalid_schema: any"]);
    let deep = json!({"type": "object", "properties": {"a": {"type": "array", "items": {"minItems": "x"}}}});
    feed(&Target::jsonl(), &deep, []).fails(
        BAD_INPUT,
        &["line 1", "stream s: v: a: []: ", "invalid_schema: any"],
    );
    feed(&Target::jsonl(), &json!({"type": "string", "pattern": "("}), [])
        .fails(BAD_INPUT, &["line 1", "stream s"]);
}

#[test]
fn invalid_schema_becomes_any_on_request() {
    let target = Target::jsonl().with("invalid_schema", "any");
    feed(&target, &json!({"type": "text"}), [r#""x""#, "1"])
        .ok()
        .says(&["stream s: anything is allowed in v"]);
    assert_eq!(target.rows("s").len(), 2);
}

#[test]
fn a_changed_schema_applies_to_later_records() {
    let [narrow, wide] =
        [json!({"type": "integer"}), json!({"type": ["integer", "string"]})].map(|v| super::stream(&v));
    let lines = [
        narrow.clone(),
        record("s", r#"{"id":1,"v":1}"#),
        wide,
        record("s", r#"{"id":2,"v":"b"}"#),
    ];
    for kind in Kind::ALL {
        let target = Target::new(kind);
        target.feed(&lines).ok();
        assert_eq!(target.rows("s").len(), 2, "{kind:?}");
    }
    let early = [narrow, record("s", r#"{"id":2,"v":"b"}"#)];
    Target::jsonl().feed(&early).fails(BAD_INPUT, &["line 2", "v"]);
}
