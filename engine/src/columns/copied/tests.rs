//! What the fields of a row make of the columns is what its record makes of them.

use std::sync::Arc;

use arrow_array::RecordBatch;
use proptest::prelude::*;
use serde_json::json;

use crate::cell::Row;
use crate::columns::{ColumnOptions, Columns, Integers, InvalidValues, Numbers};
use crate::copied::{Column, Kind, Records};
use crate::decode::{DecodeOptions, Decoder};
use crate::encode::Encoder;
use crate::schema::StreamSchema;

/// A column of each kind, with the schema that tap-postgres has for it.
fn kinds() -> Vec<(Kind, serde_json::Value)> {
    let of = |name: &str| json!({"type": [name, "null"]});
    let text = |format: &str| json!({"type": ["string", "null"], "format": format});
    let limits = Some((12, 2));
    vec![
        (Kind::Int8, json!({"type": "integer"})),
        (Kind::Bool, of("boolean")),
        (Kind::Int2, of("integer")),
        (Kind::Int4, of("integer")),
        (Kind::Numeric { limits: None }, of("number")),
        (
            Kind::Decimal { limits },
            json!({"type": ["string", "null"], "format": "singer.decimal", "precision": 12, "scale": 2}),
        ),
        (Kind::Decimal { limits: None }, text("singer.decimal")),
        (Kind::Float4, of("number")),
        (Kind::Float8, of("number")),
        (Kind::Text { length: None }, of("string")),
        (Kind::Text { length: Some(40) }, text("date-time")),
        (Kind::Json, json!({})),
        (Kind::Uuid, text("uuid")),
        (Kind::Date, text("date")),
        (Kind::Timestamp, text("date-time")),
        (Kind::TimestampTz, text("date-time")),
    ]
}

/// A value of the kind, as the server writes it.
fn field(kind: Kind) -> BoxedStrategy<String> {
    let day = (1_i32..10_000, 1_u32..13, 1_u32..29);
    let date = day.prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
    let clock = (0_u32..24, 0_u32..60, 0_u32..60, r"(\.[0-9]{0,5}[1-9])?")
        .prop_map(|(hour, minute, second, fraction)| format!("{hour:02}:{minute:02}:{second:02}{fraction}"));
    match kind {
        Kind::Bool => "[tf]".boxed(),
        Kind::Int2 => any::<i16>().prop_map(|value| value.to_string()).boxed(),
        Kind::Int4 => any::<i32>().prop_map(|value| value.to_string()).boxed(),
        Kind::Int8 => any::<i64>().prop_map(|value| value.to_string()).boxed(),
        Kind::Numeric { .. } => r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?".boxed(),
        Kind::Decimal { limits: None } => r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?".boxed(),
        Kind::Decimal { .. } => r"-?(0|[1-9][0-9]{0,9})\.[0-9]{2}".boxed(),
        Kind::Float4 => any::<f32>()
            .prop_filter("a number", |value| value.is_finite())
            .prop_map(|value| value.to_string())
            .boxed(),
        Kind::Float8 => any::<f64>()
            .prop_filter("a number", |value| value.is_finite())
            .prop_map(|value| value.to_string())
            .boxed(),
        // As tap-csv has them.
        Kind::Text { length: Some(_) } => (date, clock)
            .prop_map(|(date, clock)| format!("{date}T{clock}Z"))
            .boxed(),
        Kind::Text { length: None } => r#"([a-zé漢 "/]|\\\\|\\t|\\n|\\N|\x01){0,70}"#
            .prop_filter("a text, not null", |text| text != "\\N")
            .boxed(),
        Kind::Json => r#"(true|1\.50|"[a-zé ]*"|\{"a": \[null, "\\\\n\\\\"b"\]\}|\[\])"#.boxed(),
        Kind::Uuid => "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".boxed(),
        Kind::Date => date.boxed(),
        Kind::Timestamp => (date, clock)
            .prop_map(|(date, clock)| format!("{date} {clock}"))
            .boxed(),
        Kind::TimestampTz => (date, clock)
            .prop_map(|(date, clock)| format!("{date} {clock}+00"))
            .boxed(),
    }
}

/// A row: a value of each kind, all but the key null now and then.
fn row() -> impl Strategy<Value = String> {
    let fields = kinds().into_iter().enumerate().map(|(place, (kind, _))| {
        if place == 0 {
            return field(kind);
        }
        prop_oneof![1 => Just("\\N".to_owned()), 5 => field(kind)].boxed()
    });
    fields.collect::<Vec<_>>().prop_map(|fields| fields.join("\t"))
}

fn options() -> impl Strategy<Value = ColumnOptions> {
    let numbers = prop_oneof![Just(Numbers::Float), Just(Numbers::Digits)];
    let integers = prop_oneof![
        Just(Integers::Int64),
        Just(Integers::Decimal),
        Just(Integers::Digits)
    ];
    let invalid_values = prop_oneof![Just(InvalidValues::Refuse), Just(InvalidValues::Null)];
    (numbers, integers, invalid_values, any::<bool>()).prop_map(
        |(numbers, integers, invalid_values, absent)| ColumnOptions {
            numbers,
            integers,
            invalid_values,
            absent,
            ..ColumnOptions::default()
        },
    )
}

struct Both {
    fields: Vec<Column>,
    schema: Arc<StreamSchema>,
    options: ColumnOptions,
}

impl Both {
    fn new(options: ColumnOptions) -> Self {
        let name = |place: usize| format!("c{place}");
        let fields = kinds().into_iter().enumerate().map(|(place, (kind, _))| Column {
            name: name(place).into(),
            kind,
        });
        let properties = kinds()
            .into_iter()
            .enumerate()
            .map(|(place, (_, schema))| (name(place), schema));
        // One more than the rows have.
        let more = ("lacking".to_owned(), json!({"type": ["string", "null"]}));
        let properties: serde_json::Map<_, _> = properties.chain([more]).collect();
        let schema = json!({ "properties": properties }).to_string();
        Self {
            fields: fields.collect(),
            schema: Arc::new(StreamSchema::compile("s", &schema, &["c0"], &[]).expect("a schema")),
            options,
        }
    }

    fn records(&self, rows: &[String]) -> RecordBatch {
        let mut columns = Columns::new(&self.schema, self.options);
        let records = Records::new(&self.fields, &["c0"]);
        let options = DecodeOptions {
            validate: true,
            unescape: true,
            ..DecodeOptions::default()
        };
        let mut decoder = Decoder::new(&self.schema, options).expect("a decoder");
        for fields in rows {
            let mut text = Vec::new();
            records.write(fields, &mut text).expect("a row");
            let text = String::from_utf8(text).expect("UTF-8");
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
            let mut row = Row::default();
            decoder.decode(&text, 0, &mut row).expect("JSON");
            assert_eq!(
                decoder.violations().len(),
                0,
                "{text}: {:?}",
                decoder.violations()
            );
            columns.push(&row).expect("taken");
        }
        columns.finish().expect("a batch")
    }

    fn copied(&self, rows: &[String]) -> RecordBatch {
        let mut columns = Columns::new(&self.schema, self.options);
        assert!(columns.takes_copied(&self.fields));
        for fields in rows {
            assert!(
                columns.push_copied(fields, &Row::default()).expect("taken"),
                "{fields}"
            );
        }
        columns.finish().expect("a batch")
    }
}

proptest! {
    #[test]
    fn fields_become_what_the_record_becomes(rows in prop::collection::vec(row(), 1..6), options in options()) {
        let both = Both::new(options);
        prop_assert_eq!(both.records(&rows), both.copied(&rows));
    }
}

#[test]
fn a_row_that_is_none_is_left_to_records_and_leaves_nothing() {
    let both = Both::new(ColumnOptions::default());
    let mut columns = Columns::new(&both.schema, both.options);
    assert!(columns.takes_copied(&both.fields));
    let nulls = |count: usize| vec!["\\N"; count].join("\t");
    let whole = format!("7\t{}", nulls(both.fields.len() - 1));
    for fields in [
        nulls(both.fields.len()),
        format!("7\t{}", nulls(both.fields.len() - 2)),
        format!("{whole}\t1"),
        whole.replacen('7', "x", 1),
    ] {
        assert!(
            !columns.push_copied(&fields, &Row::default()).expect("no error"),
            "{fields}"
        );
    }
    assert!(columns.push_copied(&whole, &Row::default()).expect("taken"));
    assert_eq!(columns.finish().expect("a batch").num_rows(), 1);
}

#[test]
fn rows_with_a_field_that_no_column_holds_are_left_to_records() {
    let both = Both::new(ColumnOptions::default());
    let mut columns = Columns::new(&both.schema, both.options);
    for (place, kind) in [
        (0, Kind::Text { length: None }),
        (12, Kind::Timestamp),
        (10, Kind::Bool),
    ] {
        let mut fields = both.fields.clone();
        fields[place].kind = kind;
        assert!(!columns.takes_copied(&fields), "{kind:?}");
    }
    assert!(!columns.takes_copied(&both.fields[1..]), "without its key");
    let mut fields = both.fields.clone();
    fields[1].name = "other".into();
    assert!(!columns.takes_copied(&fields), "no such column");
}
