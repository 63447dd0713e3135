//! Dates and times in columns, and what becomes of those that no column can hold.

use serde_json::{Value, json};

use super::{BAD_INPUT, feed, written};
use crate::harness::{Kind, Target, record, schema};

fn format(name: &str) -> Value {
    json!({"type": ["string", "null"], "format": name})
}

/// Microseconds of 2024-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_704_067_200_000_000;

#[test]
fn time_with_a_zone_is_a_time_in_utc() {
    let values = [
        r#""08:30:06Z""#,
        r#""20:20:39+00:00""#,
        r#""20:20:39.5-05:00""#,
        r#""01:00:00+0200""#,
        r#""08:30""#,
        r#""23:59:60Z""#,
    ];
    assert_eq!(
        written(Kind::Parquet, &format("time"), values),
        [
            json!(30_606_000_000_i64),
            json!(73_239_000_000_i64),
            json!(4_839_500_000_i64),
            json!(82_800_000_000_i64),
            json!(30_600_000_000_i64),
            json!(0),
        ]
    );
    for kind in [Kind::Jsonl, Kind::Csv] {
        let texts: Vec<Value> = values
            .iter()
            .map(|value| serde_json::from_str(value).expect("JSON"))
            .collect();
        assert_eq!(written(kind, &format("time"), values), texts, "text stays text");
    }
    feed(&Target::parquet(), &format("time"), [r#""08:30 o'clock""#])
        .fails(BAD_INPUT, &["line 2", "v", "a time of day"]);
}

#[test]
fn date_time_of_the_last_moment_is_the_next_one() {
    for spelling in [
        "2023-12-31T23:59:60Z",
        "2023-12-31T24:00:00Z",
        "2023-12-31 24:00",
        "2024-01-01T05:30:00,0+0530",
        "2024-01-01 01:00:00 +01",
        "2023-12-31t23:59:59.9999999z",
    ] {
        let value = format!("{spelling:?}");
        assert_eq!(
            written(Kind::Parquet, &format("date-time"), [value.as_str()]),
            [json!(NEW_YEAR)],
            "{spelling}"
        );
    }
}

#[test]
fn fractions_beyond_microseconds_are_rounded() {
    let moments = [
        (r#""2024-01-01T00:00:00.1234567Z""#, 123_457),
        (r#""2024-01-01T00:00:00.1234564Z""#, 123_456),
        (r#""2024-01-01T00:00:00.1234565Z""#, 123_456),
        (r#""2024-01-01T00:00:00.1234575Z""#, 123_458),
        (r#""2024-01-01T00:00:00.123456789012Z""#, 123_457),
    ];
    let found = written(Kind::Parquet, &format("date-time"), moments.map(|(text, _)| text));
    assert_eq!(found, moments.map(|(_, micros)| json!(NEW_YEAR + micros)));
    let times = written(
        Kind::Parquet,
        &format("time"),
        [r#""00:00:00.9999995""#, r#""23:59:59.9999999""#],
    );
    assert_eq!(times, [json!(1_000_000), json!(0)]);
}

/// Values that columns of this type cannot hold.
const MISFITS: [(&str, &str); 6] = [
    ("date", r#""0000-01-01""#),
    ("date", r#""tomorrow""#),
    ("date-time", r#""0000-01-01T00:00:00Z""#),
    ("date-time", r#""""#),
    ("time", r#""25:00""#),
    ("time", r#""noon""#),
];

#[test]
fn a_value_that_no_column_can_hold_fails_or_becomes_null() {
    let misfits = MISFITS.map(|(name, value)| (format(name), value));
    let numbers = [
        (json!({"type": ["integer", "null"]}), "18446744073709551615"),
        (json!({"type": ["number", "null"]}), "12e4567"),
        (
            json!({"type": ["string", "null"], "format": "singer.decimal", "precision": 3, "scale": 0}),
            r#""1000""#,
        ),
    ];
    for (v, value) in misfits.into_iter().chain(numbers) {
        feed(&Target::parquet(), &v, [value]).fails(BAD_INPUT, &["line 2", "stream s: v: expected"]);
        let target = Target::parquet().with("invalid_values", "null");
        feed(&target, &v, [value, "null", value])
            .ok()
            .says(&["stream s: v: 2 values that the column cannot hold became null; the first: expected"]);
        assert_eq!(target.rows("s").len(), 3);
        assert!(
            target.rows("s").iter().all(|row| row["v"].is_null()),
            "{v} {value}"
        );
        // A record that is refused is none of them.
        let target = Target::parquet().with("on_invalid", "skip");
        feed(&target, &v, [value, "null"]).ok();
        assert_eq!(target.rows("s").len(), 1);
    }
}

#[test]
fn a_key_that_its_column_cannot_hold_is_never_null() {
    let lines = [
        schema("s", &json!({"id": {"type": "integer"}}), &["id"]),
        record("s", r#"{"id":18446744073709551615}"#),
    ];
    let target = Target::parquet().with("invalid_values", "null");
    target
        .feed(&lines)
        .fails(BAD_INPUT, &["line 2", "id", "18446744073709551615"]);
    let target = Target::parquet().with("integers", "decimal");
    target.feed(&lines).ok();
    assert_eq!(target.rows("s").len(), 1);
}
