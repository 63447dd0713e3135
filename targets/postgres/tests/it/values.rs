//! What values become.

use serde_json::{Value, json};

use crate::driver::{Target, record, schema};

/// Loads one value into a column of its own.
fn loaded(settings: Value, data_type: &Value, value: &Value) -> String {
    let target = Target::new(settings);
    target.load(&[
        schema("s", json!({"x": data_type}), &[]),
        record("s", json!({"x": value})),
    ]);
    target.sql("select x from s")
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn values_of_every_type() {
    let target = Target::new(json!({"interpret_content_encoding": true}));
    let date_time = json!({"type": "string", "format": "date-time"});
    let cases = [
        (json!({"type": "boolean"}), json!(true), "true"),
        (
            json!({"type": "integer"}),
            json!(-9_223_372_036_854_775_808_i64),
            "-9223372036854775808",
        ),
        (json!({"type": "number"}), json!(0.1), "0.1"),
        (json!({"type": "number"}), json!(-1.5e-7), "-0.00000015"),
        (
            json!({"type": "string", "format": "x-singer.decimal", "precision": 38, "scale": 9}),
            json!("12345678901234567890123456789.123456789"),
            "12345678901234567890123456789.123456789",
        ),
        (json!({"type": "string"}), json!(""), ""),
        (
            json!({"type": "string"}),
            json!("a\\b\"c\u{1}\u{7f} é 漢 😀 \\N \\."),
            "a\\b\"c\u{1}\u{7f} é 漢 😀 \\N \\.",
        ),
        (
            date_time.clone(),
            json!("2020-02-29T12:00:00.123456Z"),
            "2020-02-29 12:00:00.123456",
        ),
        (
            date_time.clone(),
            json!("2020-02-29T12:00:00+05:30"),
            "2020-02-29 06:30:00",
        ),
        (
            date_time.clone(),
            json!("2020-02-29 12:00"),
            "2020-02-29 12:00:00",
        ),
        (date_time.clone(), json!("infinity"), "infinity"),
        (
            date_time,
            json!("0044-03-15 12:00:00 BC"),
            "0044-03-15 12:00:00 BC",
        ),
        (
            json!({"type": "string", "format": "date"}),
            json!("0001-01-01"),
            "0001-01-01",
        ),
        (
            json!({"type": "string", "format": "date"}),
            json!("123456-01-01"),
            "123456-01-01",
        ),
        (
            json!({"type": "string", "format": "time"}),
            json!("23:59:59.999999"),
            "23:59:59.999999",
        ),
        (
            json!({"type": "string", "format": "uuid"}),
            json!("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ),
        (
            json!({"type": "object"}),
            json!({"b": [1, null, "x\n\"\\"], "a": 1.50}),
            "{\"a\": 1.5, \"b\": [1, null, \"x\\n\\\"\\\\\"]}",
        ),
        (
            json!({"type": ["object", "string"]}),
            json!("x\"\ty"),
            "\"x\\\"\\ty\"",
        ),
        (
            json!({"type": "array", "items": {"type": ["string", "null"]}}),
            json!(["a,b", "", null, "{\"\\", "NULL"]),
            "{\"a,b\",\"\",NULL,\"{\\\"\\\\\",\"NULL\"}",
        ),
        (
            json!({"type": "array", "items": {"type": "object"}}),
            json!([{"a": "\"x\""}, {}]),
            r#"{"{\"a\": \"\\\"x\\\"\"}","{}"}"#,
        ),
        (
            json!({"type": "array", "items": {"type": "integer"}, "x-sql-datatype": "integer[]"}),
            json!([]),
            "{}",
        ),
        (
            json!({"type": "array", "x-sql-datatype": "integer[]"}),
            json!([[1, 2], [3, 4]]),
            "{{1,2},{3,4}}",
        ),
        (
            json!({"type": "string", "contentEncoding": "base16"}),
            json!("0xDEADBEEF"),
            "\\xdeadbeef",
        ),
        (
            json!({"type": "string", "x-sql-datatype": "inet"}),
            json!("10.0.0.1/8"),
            "10.0.0.1/8",
        ),
        (
            json!({"type": "string", "x-sql-datatype": "interval"}),
            json!("1 day 02:00:00"),
            "1 day 02:00:00",
        ),
        (
            json!({"type": "string", "x-sql-datatype": "timetz"}),
            json!("08:30:00+02"),
            "08:30:00+02",
        ),
        (
            json!({"type": "string", "x-sql-datatype": "timestamptz"}),
            json!("2020-02-29T12:00:00+05:30"),
            "2020-02-29 06:30:00+00",
        ),
        (
            json!({"type": "string", "x-sql-datatype": "bit(3)"}),
            json!("101"),
            "101",
        ),
        (
            json!({"type": "number", "x-sql-datatype": "double precision"}),
            json!(1e300),
            "1e+300",
        ),
        (json!({}), json!({"a": 1}), "{\"a\":1}"),
        (json!({}), json!("text"), "text"),
        (json!({}), json!(1.5), "1.5"),
    ];
    let properties: serde_json::Map<String, Value> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| (format!("c{at}"), case.0.clone()))
        .collect();
    let values: serde_json::Map<String, Value> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| (format!("c{at}"), case.1.clone()))
        .collect();
    let lines = [
        schema("s", Value::Object(properties), &[]),
        record("s", Value::Object(values)),
    ];
    target.load(&lines);
    // Into the table as it is then, which the catalog describes in its own words.
    target.load(&lines);
    for (at, (data_type, value, expected)) in cases.iter().enumerate() {
        let both = target.sql(&format!(
            "set timezone = 'UTC'; select string_agg(c{at}::text, '|') from s"
        ));
        assert_eq!(both, format!("{expected}|{expected}"), "{data_type} {value}");
    }
}

#[test]
fn u0000_is_refused_or_replaced_at_any_depth() {
    let text = json!({"type": "string"});
    let object = json!({"type": "object"});
    let target = Target::new(json!({}));
    let lines = [
        schema("s", json!({"x": object}), &[]),
        record("s", json!({"x": {"a": ["\0"]}})),
    ];
    target.fail(
        &lines,
        65,
        &["x: expected text without U+0000", "sanitize_null_text_characters"],
    );
    let settings = json!({"sanitize_null_text_characters": true});
    assert_eq!(loaded(settings.clone(), &text, &json!("a\0b")), "a\u{FFFD}b");
    assert_eq!(
        loaded(settings, &object, &json!({"a": ["\0"]})),
        "{\"a\": [\"\u{FFFD}\"]}"
    );
}

#[test]
fn what_is_no_date_follows_the_setting() {
    let date_time = json!({"type": "string", "format": "date-time"});
    for (handling, expected) in [("null", ""), ("max", "9999-12-31 23:59:59.999999")] {
        let settings = json!({"invalid_date_handling": handling});
        assert_eq!(
            loaded(settings, &date_time, &json!("0000-00-00 00:00:00")),
            expected
        );
    }
    let target = Target::new(json!({"on_invalid": "skip"}));
    target.load(&[
        schema("s", json!({"x": date_time}), &[]),
        record("s", json!({"x": ""})),
        record("s", json!({"x": "2020-01-01"})),
    ]);
    assert_eq!(target.sql("select x from s"), "2020-01-01 00:00:00");
}

#[test]
fn the_seven_metadata_columns() {
    let target = Target::new(json!({"add_record_metadata": true}));
    let mut line = record("s", json!({"id": 1}));
    line["time_extracted"] = json!("2026-01-02T03:04:05+01:00");
    line["version"] = json!(7);
    target.load(&[schema("s", json!({"id": {"type": "integer"}}), &["id"]), line]);
    assert_eq!(
        target.columns("s"),
        "id bigint not null, _sdc_extracted_at timestamp without time zone, _sdc_received_at timestamp without time zone, \
         _sdc_batched_at timestamp without time zone, _sdc_deleted_at timestamp without time zone, _sdc_sequence bigint, \
         _sdc_table_version bigint, _sdc_sync_started_at bigint"
    );
    assert_eq!(
        target.sql(
            "select _sdc_extracted_at, _sdc_table_version, _sdc_deleted_at is null, now() at time zone 'UTC' - _sdc_received_at \
             between '0' and '1 hour', to_timestamp(_sdc_sequence / 1000.0) between now() - interval '1 hour' and now() from s"
        ),
        "2026-01-02 02:04:05|7|t|t|t"
    );
}

#[test]
fn columns_of_somebody_elses_table_get_what_they_can_hold() {
    let target = Target::new(json!({}));
    target.sql(
        "create type mood as enum ('glad', 'sad'); create domain word as text check (value ~ '^[a-z]+$'); \
         create table s (n double precision, m mood, w word, j json, at timestamptz, d numeric(9,2), extra serial, v varchar(5))",
    );
    let properties = json!({
        "n": {"type": "integer"}, "m": {"type": "string"}, "w": {"type": "string"}, "j": {"type": "string"},
        "at": {"type": "string", "format": "date-time"}, "d": {"type": "integer", "minimum": 0, "maximum": 9}, "v": {"type": "string"}
    });
    target.load(&[
        schema("s", properties, &[]),
        record("s", json!({"n": 5, "m": "sad", "w": "abc", "j": "a\"b", "at": "2020-01-01T00:00:00+01:00", "d": 7, "v": "12345"})),
    ]);
    assert_eq!(
        target.sql("set timezone = 'UTC'; select * from s"),
        "5|sad|abc|\"a\\\"b\"|2019-12-31 23:00:00+00|7.00|1|12345"
    );
    assert_eq!(
        target.columns("s"),
        "n double precision, m mood, w word, j json, at timestamp with time zone, d numeric(9,2), extra integer not null, \
         v character varying(5)"
    );
}
