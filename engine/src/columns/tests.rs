use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use proptest::prelude::*;

use super::*;
use crate::Result;
use crate::cell::Row;
use crate::decode::{DecodeOptions, Decoder};
use crate::encode::Encoder;

const SCHEMA: &str = r#"{"properties": {
    "id": {"type": "integer"}, "name": {"type": ["string", "null"]}, "price": {"type": "number"},
    "exact": {"type": "string", "format": "x-singer.decimal", "precision": 10, "scale": 2},
    "day": {"type": "string", "format": "date"}, "at": {"type": "string", "format": "date-time"},
    "ok": {"type": "boolean"}, "any": {}
}}"#;

fn schema() -> Arc<StreamSchema> {
    Arc::new(StreamSchema::compile("s", SCHEMA, &["id"], &[]).expect("a schema"))
}

fn push(columns: &mut Columns, record: &str) -> Result<()> {
    let mut decoder = Decoder::new(
        &schema(),
        DecodeOptions {
            validate: false,
            ..DecodeOptions::default()
        },
    )
    .expect("a decoder");
    let mut row = Row::default();
    decoder.decode(record, 0, &mut row).expect("JSON");
    columns.push(&row)
}

#[test]
fn values_keep_their_value_in_every_type() {
    let mut columns = Columns::new(&schema(), ColumnOptions::default());
    for record in [
        r#"{"id": 1, "name": "a\u00e9\n", "price": 0.1, "exact": "-12.50", "day": "1970-01-02", "at": "1970-01-01T00:00:01Z", "ok": true, "any": {"a": [1]}}"#,
        r#"{"id": 2, "name": null}"#,
        r#"{"id": 9223372036854775807, "name": "", "price": 3, "exact": 7, "any": 1.50, "ok": false}"#,
    ] {
        push(&mut columns, record).expect("valid");
    }
    assert_eq!(columns.rows(), 3);
    let batch = columns.finish().expect("a batch");
    assert_eq!(columns.rows(), 0);
    assert_eq!(
        batch.column(0).as_primitive::<Int64Type>().values(),
        &[1, 2, i64::MAX]
    );
    let names: Vec<_> = batch.column(1).as_string::<i32>().iter().collect();
    assert_eq!(names, [Some("aé\n"), None, Some("")]);
    let prices: Vec<_> = batch.column(2).as_primitive::<Float64Type>().iter().collect();
    assert_eq!(prices, [Some(0.1), None, Some(3.0)]);
    let exact: Vec<_> = batch.column(3).as_primitive::<Decimal128Type>().iter().collect();
    assert_eq!(exact, [Some(-1250), None, Some(700)]);
    assert_eq!(batch.column(4).as_primitive::<Date32Type>().value(0), 1);
    assert_eq!(
        batch
            .column(5)
            .as_primitive::<TimestampMicrosecondType>()
            .value(0),
        1_000_000
    );
    let ok: Vec<_> = batch.column(6).as_boolean().iter().collect();
    assert_eq!(ok, [Some(true), None, Some(false)]);
    let any: Vec<_> = batch.column(7).as_string::<i32>().iter().collect();
    assert_eq!(any, [Some(r#"{"a": [1]}"#), None, Some("1.50")]);
    assert_eq!(columns.finish().expect("an empty batch").num_rows(), 0);
}

#[test]
fn a_refused_record_leaves_no_trace() {
    let mut columns = Columns::new(&schema(), ColumnOptions::default());
    push(&mut columns, r#"{"id": 1, "name": "kept"}"#).expect("valid");
    for (record, message) in [
        (
            r#"{"id": 2, "name": "x", "price": 1, "exact": "1.005"}"#,
            r#"stream s: exact: expected a decimal of 10 digits, 2 of them after the point, found "1.005""#,
        ),
        (
            r#"{"id": 2, "name": "gone", "any": [], "day": "tomorrow"}"#,
            r#"stream s: day: expected a date, YYYY-MM-DD, found "tomorrow""#,
        ),
        (
            r#"{"id": 99999999999999999999}"#,
            "stream s: id: expected an integer of 64 bits, found 99999999999999999999",
        ),
        (
            r#"{"id": "x"}"#,
            r#"stream s: id: expected an integer, found "x""#,
        ),
        (
            r#"{"id": 1, "price": 1e999}"#,
            "stream s: price: expected a number in the range of 64-bit floats, found 1e999",
        ),
        (
            r#"{"id": 1, "at": ""}"#,
            r#"stream s: at: expected a date-time as in RFC 3339, found """#,
        ),
        (
            r#"{"id": 1, "ok": 1}"#,
            "stream s: ok: expected a boolean, found 1",
        ),
    ] {
        assert_eq!(push(&mut columns, record).expect_err(record).to_string(), message);
    }
    push(&mut columns, r#"{"id": 3}"#).expect("valid");
    let batch = columns.finish().expect("a batch");
    assert_eq!(batch.num_rows(), 2);
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[1, 3]);
    assert!(batch.column(1).is_null(1));
}

/// The columns of these records under one schema; those that are refused are not among them.
fn batch(properties: &str, options: ColumnOptions, records: &[&str]) -> (RecordBatch, usize) {
    let text = format!("{{\"properties\": {{{properties}}}}}");
    let schema = Arc::new(StreamSchema::compile("s", &text, &[""; 0], &[]).expect("a schema"));
    let mut columns = Columns::new(&schema, options);
    let mut decoder = Decoder::new(&schema, DecodeOptions::default()).expect("a decoder");
    let mut refused = 0;
    for record in records {
        // Long enough for the way without a row, on which the next ones go.
        let line = format!("{record}{}", " ".repeat(64));
        let mut row = Row::default();
        decoder
            .decode_into(&line, 0, &mut row, &mut columns)
            .expect("JSON");
        refused += usize::from(columns.push(&row).is_err());
    }
    (columns.finish().expect("a batch"), refused)
}

#[test]
fn json_text_is_json_whatever_it_holds() {
    for schema in [
        "{}",
        r#"{"type": ["string", "object", "null"]}"#,
        r#"{"type": ["array", "string", "number", "boolean", "null"]}"#,
        r#"{"anyOf": [{"type": "number"}, {}]}"#,
    ] {
        let values = [
            r#""[1]""#,
            "[1]",
            r#""x""#,
            r#""""#,
            r#""é\u00e9\n\"""#,
            "null",
            r#""last""#,
        ];
        let records: Vec<String> = values.iter().map(|value| format!("{{\"z\": {value}}}")).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let (batch, refused) = batch(&format!("\"z\": {schema}"), ColumnOptions::default(), &records);
        let found: Vec<&str> = batch.column(0).as_string::<i32>().iter().flatten().collect();
        assert_eq!(
            (found, refused),
            (
                values.iter().copied().filter(|value| *value != "null").collect(),
                0
            ),
            "{schema}"
        );
    }
    // A string and other scalars are text.
    let (batch, _) = batch(
        r#""z": {"type": ["string", "integer", "boolean"]}"#,
        ColumnOptions::default(),
        &[r#"{"z": "x"}"#, r#"{"z": 1}"#, r#"{"z": true}"#],
    );
    let found: Vec<_> = batch.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(found, ["x", "1", "true"]);
}

#[test]
fn integers_beyond_64_bits_have_a_column_that_holds_them() {
    let unsigned = r#""n": {"type": ["null", "integer"], "minimum": 0, "maximum": 18446744073709551615}"#;
    let branches =
        r#""n": {"anyOf": [{"type": "integer", "minimum": -9223372036854775809}, {"type": "null"}]}"#;
    let plain = r#""n": {"type": "integer"}"#;
    let records = [r#"{"n": 18446744073709551615}"#, r#"{"n": -7}"#, r#"{"n": 1e3}"#];
    let wide = ColumnOptions {
        integers: Integers::Decimal,
        ..ColumnOptions::default()
    };
    for (schema, options) in [
        (unsigned, ColumnOptions::default()),
        (branches, ColumnOptions::default()),
        (plain, wide),
    ] {
        let (batch, refused) = batch(schema, options, &records);
        let found = batch.column(0).as_primitive::<Decimal128Type>().values().to_vec();
        assert_eq!(
            (found, refused),
            (vec![18_446_744_073_709_551_615, -7, 1000], 0),
            "{schema}"
        );
    }
    let digits = ColumnOptions {
        integers: Integers::Digits,
        ..ColumnOptions::default()
    };
    let (batch, _) = batch(plain, digits, &records);
    assert_eq!(
        batch.column(0).as_string::<i32>().value(0),
        "18446744073709551615"
    );
    let bounded =
        r#""n": {"type": "integer", "maximum": 9223372036854775807, "minimum": -9223372036854775808}"#;
    assert_eq!(self::batch(bounded, ColumnOptions::default(), &records).1, 1);
}

#[test]
fn a_value_that_does_not_fit_is_null_on_request() {
    let options = ColumnOptions {
        invalid_values: InvalidValues::Null,
        nested: NestedValues::Structs,
        ..ColumnOptions::default()
    };
    let properties = r#""id": {"type": "integer"}, "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"}, "t": {"type": "string", "format": "time"},
        "n": {"type": "number"}, "d": {"type": "string", "format": "singer.decimal", "precision": 3, "scale": 1},
        "o": {"type": "object", "properties": {"day": {"type": "string", "format": "date"}, "k": {"type": "integer"}}},
        "l": {"type": "array", "items": {"type": "integer"}}"#;
    let records = [
        r#"{"id": 1, "day": "2024-01-01", "at": "2024-01-01", "t": "08:00Z", "n": 1, "d": "1.5", "o": {"day": "2024-01-01", "k": 1}, "l": [1]}"#,
        r#"{"id": 99999999999999999999, "day": "0000-01-01", "at": "now", "t": "25:00", "n": 1e999, "d": "1.55", "o": {"day": "x", "k": 2}, "l": [1, 99999999999999999999, 3]}"#,
        r#"{"id": 3, "day": "2024-01-03", "at": "2024-01-03", "t": "08:00Z", "n": 3, "d": "3.5", "o": {"day": "2024-01-03", "k": 3}, "l": []}"#,
    ];
    let (batch, refused) = batch(properties, options, &records);
    assert_eq!((batch.num_rows(), refused), (3, 0));
    for column in 0..6 {
        let column = batch.column(column);
        let valid: Vec<bool> = (0..3).map(|row| column.is_valid(row)).collect();
        assert_eq!(valid, [true, false, true], "{column:?}");
    }
    // Of a nested value only what does not fit is null.
    let object = batch.column(6).as_struct();
    assert!(object.is_valid(1) && object.column(0).is_null(1));
    assert_eq!(object.column(1).as_primitive::<Int64Type>().values(), &[1, 2, 3]);
    let list = batch.column(7).as_list::<i32>();
    let items: Vec<_> = list.value(1).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(items, [Some(1), None, Some(3)]);
}

#[test]
fn a_key_is_never_null() {
    let options = ColumnOptions {
        invalid_values: InvalidValues::Null,
        ..ColumnOptions::default()
    };
    let mut columns = Columns::new(&schema(), options);
    push(&mut columns, r#"{"id": 99999999999999999999}"#).expect_err("a key");
    push(&mut columns, r#"{"id": 1, "price": 1e999}"#).expect("null");
    assert_eq!(columns.finish().expect("a batch").num_rows(), 1);
}

#[test]
fn what_a_record_lacks_differs_from_null_on_request() {
    let options = ColumnOptions {
        absent: true,
        ..ColumnOptions::default()
    };
    let properties =
        r#""a": {"type": "integer"}, "b": {"type": ["integer", "null"]}, "c": {"type": "string"}"#;
    let records = [
        r#"{"a": 1, "b": 1, "c": "x"}"#,
        r#"{"a": 2, "b": null, "c": "y"}"#,
        r#"{"a": 3, "b": 3}"#,
        r#"{"a": "not a number"}"#,
        r#"{"a": 4, "c": "z"}"#,
        r#"{"b": 5}"#,
        r#"{"a": 6, "b": 6, "c": null}"#,
    ];
    let (batch, refused) = batch(properties, options, &records);
    assert_eq!((batch.num_columns(), batch.num_rows(), refused), (4, 6, 1));
    assert_eq!(batch.schema().field(3).name(), ABSENT);
    let lacks: Vec<_> = batch.column(3).as_string::<i32>().iter().collect();
    assert_eq!(lacks, [None, None, Some("001"), Some("01"), Some("101"), None]);
}

#[test]
fn numbers_may_keep_their_digits() {
    let options = ColumnOptions {
        numbers: Numbers::Digits,
        ..ColumnOptions::default()
    };
    let mut columns = Columns::new(&schema(), options);
    push(&mut columns, r#"{"id": 1, "price": 0.10000000000000000000001}"#).expect("valid");
    let batch = columns.finish().expect("a batch");
    assert_eq!(
        batch.column(2).as_string::<i32>().value(0),
        "0.10000000000000000000001"
    );
}

proptest! {
    /// Values, nulls, missing properties and refused records in any order give the columns that they should.
    #[test]
    fn rows_become_columns(rows in prop::collection::vec((0_u8..4, 0_u8..4, 0_u8..12, "[a-zé\"\n]{0,40}"), 0..80)) {
        let mut columns = Columns::new(&schema(), ColumnOptions::default());
        let mut decoder = Decoder::new(&schema(), DecodeOptions { validate: false, ..DecodeOptions::default() }).expect("a decoder");
        let mut expected = Vec::new();
        for (id, name, price, text) in rows {
            let mut members = Vec::new();
            match id {
                0 => members.push("\"id\": null".to_owned()),
                1 => {}
                _ => members.push(format!("\"id\": {id}")),
            }
            match name {
                0 => members.push("\"name\": null".to_owned()),
                1 => {}
                _ => members.push(format!("\"name\": {}", serde_json::Value::from(text.as_str()))),
            }
            match price {
                0 => members.push("\"price\": \"none\"".to_owned()),
                1..6 => {}
                _ => members.push(format!("\"price\": {price}.25")),
            }
            let record = format!("{{{}}}", members.join(", "));
            let mut row = Row::default();
            decoder.decode(&record, 0, &mut row).expect("JSON");
            prop_assert_eq!(columns.push(&row).is_err(), price == 0);
            if price != 0 {
                let (id, name) = ((id > 1).then_some(i64::from(id)), (name > 1).then_some(text));
                expected.push((id, name, (price > 5).then_some(f64::from(price) + 0.25)));
            }
        }
        let batch = columns.finish().expect("a batch");
        let ids = batch.column(0).as_primitive::<Int64Type>().iter();
        let names = batch.column(1).as_string::<i32>().iter().map(|name| name.map(str::to_owned));
        let prices = batch.column(2).as_primitive::<Float64Type>().iter();
        let found: Vec<_> = ids.zip(names).zip(prices).map(|((id, name), price)| (id, name, price)).collect();
        prop_assert_eq!(found, expected);
    }
}

const NESTED: &str = r#"{"properties": {"id": {"type": "integer"}, "address": {"type": ["object", "null"], "properties": {
    "city": {"type": "string"}, "geo": {"type": "object", "properties": {"lat": {"type": "number"}}}}},
    "tags": {"type": "array", "items": {"type": ["string", "null"]}}, "free": {"type": "object"}
}}"#;

#[test]
fn nested_values_may_be_structs_and_lists() {
    let schema = Arc::new(StreamSchema::compile("s", NESTED, &["id"], &[]).expect("a schema"));
    let options = ColumnOptions {
        nested: NestedValues::Structs,
        ..ColumnOptions::default()
    };
    let mut columns = Columns::new(&schema, options);
    let mut decoder = Decoder::new(
        &schema,
        DecodeOptions {
            validate: false,
            ..DecodeOptions::default()
        },
    )
    .expect("a decoder");
    let mut push = |record: &str| {
        let mut row = Row::default();
        decoder.decode(record, 0, &mut row).expect("JSON");
        columns.push(&row).map_err(|error| error.to_string())
    };
    push(r#"{"id": 1, "address": {"geo": {"lat": 1.5}, "city": "a\u00e9"}, "tags": ["x", null], "free": {"k": 1}}"#).expect("valid");
    assert_eq!(
        push(r#"{"id": 2, "address": {"city": "b", "geo": {"lat": "x"}}, "tags": ["y"]}"#),
        Err(r#"stream s: address: geo: lat: expected a number, found "x""#.to_owned())
    );
    assert_eq!(
        push(r#"{"id": 2, "tags": ["y", 1, {}], "address": {"zip": 1}}"#),
        Err("stream s: address: expected only properties that the schema names (nested: struct), found \"zip\"".to_owned())
    );
    push(r#"{"id": 3, "address": null, "tags": []}"#).expect("valid");
    push(r#"{"id": 4, "address": {}}"#).expect("valid");
    let batch = columns.finish().expect("a batch");
    assert_eq!(batch.num_rows(), 3);
    let address = batch.column(1).as_struct();
    assert_eq!(
        address.nulls().map(|nulls| nulls.iter().collect::<Vec<_>>()),
        Some(vec![true, false, true])
    );
    let cities: Vec<_> = address.column(0).as_string::<i32>().iter().collect();
    assert_eq!(cities, [Some("aé"), None, None]);
    let lat = address
        .column(1)
        .as_struct()
        .column(0)
        .as_primitive::<Float64Type>();
    assert_eq!(lat.iter().collect::<Vec<_>>(), [Some(1.5), None, None]);
    let tags: Vec<_> = batch
        .column(2)
        .as_list::<i32>()
        .iter()
        .map(|tags| tags.map(|tags| tags.len()))
        .collect();
    assert_eq!(tags, [Some(2), Some(0), None]);
    assert_eq!(batch.column(3).as_string::<i32>().value(0), r#"{"k": 1}"#);
}
