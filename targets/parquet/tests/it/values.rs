//! Values at their limits, read back by another reader.

use melisma_sdk::arrow::array::Array;
use melisma_sdk::arrow::array::cast::AsArray as _;
use melisma_sdk::arrow::array::types::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use melisma_sdk::arrow::schema::{DataType, TimeUnit};
use melisma_sdk::{Cell, Destination as _, Encoder as _, Kind, Row, Text};
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;

use crate::driver::{files, open, read, run, schema};

fn text(raw: &str) -> Cell<'_> {
    Cell::Text(Text::new(raw, raw.contains('\\')))
}

/// Writes one column and reads it back.
fn column(property: &Value, settings: &Value, cells: &[Cell<'_>]) -> Arc<dyn Array> {
    let folder = TempDir::new().expect("a folder");
    let target = open(folder.path(), settings).expect("opens");
    let rows: Vec<&[Cell<'_>]> = cells.iter().map(std::slice::from_ref).collect();
    run(&target, &[(json!({"v": property}), &rows)]).expect("runs");
    let (batch, _) = read(&files(folder.path())[0]);
    assert_eq!(batch.num_rows(), cells.len());
    Arc::clone(batch.column(0))
}

#[test]
fn numbers() {
    let cells = [Cell::Int(i64::MIN), Cell::Int(i64::MAX), Cell::Int(0), Cell::Null];
    let found = column(&json!({"type": "integer"}), &json!({}), &cells);
    assert_eq!(
        found.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(),
        [Some(i64::MIN), Some(i64::MAX), Some(0), None]
    );

    let cells = [
        Cell::Number("-0.0"),
        Cell::Number("1.7976931348623157e308"),
        Cell::Number("5e-324"),
        Cell::Int(3),
    ];
    let found = column(&json!({"type": "number"}), &json!({}), &cells);
    let found: Vec<u64> = found
        .as_primitive::<Float64Type>()
        .values()
        .iter()
        .map(|f| f.to_bits())
        .collect();
    assert_eq!(
        found,
        [(-0.0_f64).to_bits(), f64::MAX.to_bits(), 1, 3.0_f64.to_bits()]
    );

    let cells = [Cell::Number("12345678901234567890.10"), Cell::Int(3)];
    let found = column(&json!({"type": "number"}), &json!({"numbers": "text"}), &cells);
    assert_eq!(
        found.as_string::<i32>().iter().flatten().collect::<Vec<_>>(),
        ["12345678901234567890.10", "3"]
    );
}

#[test]
fn decimals_are_exact() {
    let property =
        json!({"type": ["string", "null"], "format": "singer.decimal", "precision": 38, "scale": 2});
    let cells = [
        text("999999999999999999999999999999999999.99"),
        text("-999999999999999999999999999999999999.99"),
        text("0.1"),
        Cell::Number("1e2"),
        Cell::Int(-7),
        Cell::Null,
    ];
    let found = column(&property, &json!({}), &cells);
    assert_eq!(found.data_type(), &DataType::Decimal128(38, 2));
    let most = 10_i128.pow(38) - 1;
    assert_eq!(
        found.as_primitive::<Decimal128Type>().iter().collect::<Vec<_>>(),
        [Some(most), Some(-most), Some(10), Some(10_000), Some(-700), None]
    );
}

#[test]
fn dates_and_times() {
    let days = column(
        &json!({"type": "string", "format": "date"}),
        &json!({}),
        &[text("0001-01-01"), text("1970-01-01"), text("9999-12-31")],
    );
    assert_eq!(
        days.as_primitive::<Date32Type>().values(),
        &[-719_162, 0, 2_932_896]
    );

    let moments = column(
        &json!({"type": "string", "format": "date-time"}),
        &json!({}),
        &[
            text("0001-01-01T00:00:00Z"),
            text("9999-12-31T23:59:59.999999Z"),
            text("2026-01-01T01:00:00+01:00"),
            text("2026-01-01 00:00:00"),
        ],
    );
    assert_eq!(
        moments.data_type(),
        &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    );
    assert_eq!(
        moments.as_primitive::<TimestampMicrosecondType>().values(),
        &[
            -62_135_596_800_000_000,
            253_402_300_799_999_999,
            1_767_225_600_000_000,
            1_767_225_600_000_000
        ]
    );

    let times = column(
        &json!({"type": "string", "format": "time"}),
        &json!({}),
        &[text("00:00:00"), text("23:59:59.999999")],
    );
    assert_eq!(
        times.as_primitive::<Time64MicrosecondType>().values(),
        &[0, 86_399_999_999]
    );
}

#[test]
fn texts_and_json() {
    let long = "é".repeat(100_000);
    let cells = [
        text(""),
        text(r#"\u0000\u00e9\ud83d\ude00\n\"\\"#),
        text("漢字 😀"),
        text(&long),
        Cell::Null,
    ];
    let found = column(&json!({"type": ["string", "null"]}), &json!({}), &cells);
    assert_eq!(
        found.as_string::<i32>().iter().collect::<Vec<_>>(),
        [
            Some(""),
            Some("\u{0}é😀\n\"\\"),
            Some("漢字 😀"),
            Some(long.as_str()),
            None
        ]
    );

    let found = column(
        &json!({"type": "object"}),
        &json!({}),
        &[Cell::Json(r#"{"a": [1.50]}"#)],
    );
    assert_eq!(found.as_string::<i32>().value(0), r#"{"a": [1.50]}"#);

    let found = column(
        &json!({"type": "boolean"}),
        &json!({}),
        &[Cell::Bool(true), Cell::Null, Cell::Bool(false)],
    );
    assert_eq!(
        found.as_boolean().iter().collect::<Vec<_>>(),
        [Some(true), None, Some(false)]
    );
}

#[test]
fn a_value_that_does_not_fit_is_refused_and_leaves_nothing() {
    let folder = TempDir::new().expect("a folder");
    let target = open(folder.path(), &json!({})).expect("opens");
    let schema = schema(&json!({"id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}}));
    let mut encoder = target.encoder(&schema).expect("an encoder");
    for (at, fits) in [
        ("2026-01-01T00:00:00Z", true),
        ("tomorrow", false),
        ("", false),
        ("2026-01-02T00:00:00Z", true),
    ] {
        let row = Row {
            cells: vec![Cell::Int(1), text(at)],
            ..Row::default()
        };
        match encoder.push(&row) {
            Ok(()) => assert!(fits),
            Err(error) => {
                assert!(!fits);
                assert_eq!(error.kind(), Kind::Input);
                assert_eq!(
                    error.to_string(),
                    format!("stream s: at: expected a date-time as in RFC 3339, found \"{at}\"")
                );
            }
        }
    }
    assert_eq!(encoder.finish().expect("a batch").num_rows(), 2);
}

#[test]
fn nested_values_as_structs_and_lists() {
    let property = json!({"type": "array", "items": {"type": "object", "properties": {
        "n": {"type": "integer"}, "t": {"type": ["string", "null"]}}}});
    let cells = [
        Cell::Json(r#"[{"n": 1, "t": "x"}, {"t": null, "n": 2}]"#),
        Cell::Null,
        Cell::Json("[]"),
    ];
    let found = column(&property, &json!({"nested": "struct"}), &cells);
    let lists = found.as_list::<i32>();
    assert_eq!(
        (lists.value_length(0), lists.is_null(1), lists.value_length(2)),
        (2, true, 0)
    );
    let items = lists.values().as_struct();
    let numbers: Vec<_> = items.column(0).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(numbers, [Some(1), Some(2)]);
    let texts: Vec<_> = items.column(1).as_string::<i32>().iter().collect();
    assert_eq!(texts, [Some("x"), None]);

    let found = column(&property, &json!({}), &cells);
    assert_eq!(
        found.as_string::<i32>().value(0),
        r#"[{"n": 1, "t": "x"}, {"t": null, "n": 2}]"#
    );
}
