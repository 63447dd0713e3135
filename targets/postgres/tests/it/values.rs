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

/// Loads values into one column, a row each, `skip`ping what does not fit.
fn taken(data_type: &Value, column: &str, values: &[Value]) -> String {
    let target = Target::new(json!({"on_invalid": "skip"}));
    target.sql(&format!("create table s (id bigint, x {column})"));
    let mut lines = vec![schema(
        "s",
        json!({"id": {"type": "integer"}, "x": data_type}),
        &[],
    )];
    for (id, value) in values.iter().enumerate() {
        lines.push(record("s", json!({"id": id, "x": value})));
    }
    target.load(&lines);
    target.sql("set timezone = 'UTC'; select id, x from s order by id")
}

#[test]
fn one_instant_is_one_value_however_it_is_spelled() {
    let date_time = json!({"type": "string", "format": "date-time"});
    for (spellings, expected) in [
        (
            [
                "2024-01-01T00:00:00.1234567Z",
                "2024-01-01T01:00:00.1234567+01:00",
                "2024-01-01 00:00:00,1234567",
            ],
            "2024-01-01 00:00:00.123457",
        ),
        (
            [
                "2024-01-01T00:00:00.9999999Z",
                "2024-01-01T01:00:00.9999999+01:00",
                "2024-01-01T00:00:00,9999999-00:00",
            ],
            "2024-01-01 00:00:01",
        ),
        // Half a microsecond goes to the even one.
        (
            [
                "2024-01-01T00:00:00.0000005Z",
                "2024-01-01T01:00:00.0000005+01:00",
                "2024-01-01T00:00:00,0000005",
            ],
            "2024-01-01 00:00:00",
        ),
        (
            [
                "2024-01-01T00:00:00.0000015Z",
                "2024-01-01T01:00:00.0000015+01:00",
                "2024-01-01T00:00:00,0000015",
            ],
            "2024-01-01 00:00:00.000002",
        ),
        (
            [
                "2016-12-31T23:59:60Z",
                "2017-01-01T00:59:60+01:00",
                "2016-12-31T24:00:00Z",
            ],
            "2017-01-01 00:00:00",
        ),
    ] {
        for key in [&["x"][..], &[]] {
            let target = Target::new(json!({}));
            let mut lines = vec![schema(
                "s",
                json!({"x": date_time, "v": date_time, "z": {"type": "string", "x-sql-datatype": "timestamptz"}}),
                key,
            )];
            for text in spellings {
                lines.push(record("s", json!({"x": text, "v": text, "z": text})));
            }
            target.load(&lines);
            let all = target.sql("set timezone = 'UTC'; select distinct x, v, z from s");
            assert_eq!(
                all,
                format!("{expected}|{expected}|{expected}+00"),
                "{spellings:?} {key:?}"
            );
        }
    }
}

#[test]
fn times_with_an_offset_are_what_the_clock_says() {
    let time = json!({"type": "string", "format": "time"});
    let values: Vec<Value> = [
        "08:30:06+02:00",
        "08:30:06Z",
        "08:30:06-00:00",
        "08:30:06+00",
        "08:30:06+0530",
        "23:59:60Z",
        "08:30:06,5",
        "noon",
        "25:00:00",
        "08:30:06+99:00",
    ]
    .map(Value::from)
    .into();
    assert_eq!(
        taken(&time, "time", &values),
        "0|08:30:06\n1|08:30:06\n2|08:30:06\n3|08:30:06\n4|08:30:06\n5|24:00:00\n6|08:30:06.5"
    );
    assert_eq!(
        taken(&time, "time with time zone", &values),
        "0|08:30:06+02\n1|08:30:06+00\n2|08:30:06+00\n3|08:30:06+00\n4|08:30:06+05:30\n5|24:00:00+00\n6|08:30:06.5+00"
    );
}

#[test]
fn what_a_type_does_not_hold_is_refused_and_the_rest_arrives() {
    let text = json!({"type": "string"});
    let decimal = |precision: u8, scale: u8| json!({"type": "number", "x-sql-datatype": format!("numeric({precision},{scale})")});
    for (data_type, column, values, expected) in [
        (
            json!({"type": "integer", "x-sql-datatype": "smallint"}),
            "smallint",
            json!([1, 40000, 2]),
            "0|1\n2|2",
        ),
        (
            json!({"type": "integer", "x-sql-datatype": "bigint"}),
            "bigint",
            json!([1, 1e30, 2]),
            "0|1\n2|2",
        ),
        (
            decimal(5, 2),
            "numeric(5,2)",
            json!([1.25, 1234.5, 1.255, 2.5]),
            "0|1.25\n2|1.26\n3|2.50",
        ),
        (
            json!({"type": "number", "x-sql-datatype": "double precision"}),
            "double precision",
            json!([1.5, "1e400", "1e-400", 2]),
            "0|1.5\n3|2",
        ),
        (
            json!({"type": "number", "x-sql-datatype": "real"}),
            "real",
            json!([1.5, 1e39, 1e-60, 2]),
            "0|1.5\n3|2",
        ),
        (
            json!({"type": "string", "x-sql-datatype": "varchar(3)"}),
            "varchar(3)",
            json!(["abc", "abcd", "é漢😀"]),
            "0|abc\n2|é漢😀",
        ),
        (
            json!({"type": "string", "x-sql-datatype": "char(3)"}),
            "char(3)",
            json!(["a", "abcd", "abc"]),
            "0|a  \n2|abc",
        ),
        (
            json!({"type": "string", "format": "uuid"}),
            "uuid",
            json!(["6f1f7a0e-7c5c-4c0b-9f59-0c1f4ee6e0a1", "6f1f"]),
            "0|6f1f7a0e-7c5c-4c0b-9f59-0c1f4ee6e0a1",
        ),
        (
            json!({"type": "string", "format": "date-time"}),
            "timestamp",
            json!(["294276-12-31", "294277-01-01", "4714-01-01 BC"]),
            "0|294276-12-31 00:00:00",
        ),
        (
            json!({"type": "string", "format": "date"}),
            "date",
            json!(["5874897-12-31", "5874898-01-01", "2020-01-01T10:00:00Z"]),
            "0|5874897-12-31",
        ),
        (
            json!({"x-sql-datatype": "bigint[]"}),
            "bigint[]",
            json!([[1], [[1], [2, 3]], [[1], 2], "{1,2}", "{1", [["a"]], [[], []]]),
            "0|{1}\n3|{1,2}\n6|{}",
        ),
        (
            json!({"type": "string", "contentEncoding": "base16", "x-sql-datatype": "bytea"}),
            "bytea",
            json!(["ab", "xyz"]),
            "0|\\xab",
        ),
        (
            json!({"type": "boolean"}),
            "boolean",
            json!([true, "maybe"]),
            "0|t",
        ),
        (text, "text", json!(["a", "a\u{0}"]), "0|a"),
    ] {
        let values = values.as_array().expect("values").clone();
        assert_eq!(taken(&data_type, column, &values), expected, "{column}");
    }
}

#[test]
fn a_value_that_does_not_fit_may_become_null_but_never_in_a_key() {
    let target =
        Target::new(json!({"invalid_values": "null", "on_invalid": "skip", "validate_records": false}));
    target.sql("create table s (id smallint primary key, x smallint, at date, u uuid)");
    let properties = json!({
        "id": {"type": "integer", "minimum": 0, "maximum": 9}, "x": {"type": "integer", "minimum": 0, "maximum": 9},
        "at": {"type": "string", "format": "date"}, "u": {"type": "string", "format": "uuid"},
    });
    target.load(&[
        schema("s", properties, &["id"]),
        record("s", json!({"id": 1, "x": 40000, "at": "never", "u": "none"})),
        record("s", json!({"id": 40000, "x": 1})),
        record("s", json!({"id": 2, "x": 2, "at": "2020-01-01"})),
    ]);
    assert_eq!(target.sql("select * from s order by id"), "1|||\n2|2|2020-01-01|");
}
