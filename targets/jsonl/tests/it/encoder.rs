//! Rows to lines.

use std::sync::Arc;

use melisma_sdk::files::Pool;
use melisma_sdk::schema::{Column, DataType};
use melisma_sdk::{Cell, Encoder, Row, StreamSchema, Text};
use target_jsonl::JsonlEncoder;

fn schema(names: &[&str]) -> Arc<StreamSchema> {
    let columns = names
        .iter()
        .map(|&name| Column {
            name: name.into(),
            data_type: DataType::Json,
            nullable: true,
            required: false,
            metadata: None,
            schema: Arc::new(serde_json::json!({})),
        })
        .collect();
    Arc::new(StreamSchema {
        stream: "s".into(),
        columns,
        key: Vec::new(),
        bookmark_properties: Vec::new(),
        schema: serde_json::json!({}),
        closed: false,
        open: false,
    })
}

fn lines(schema: &Arc<StreamSchema>, rows: &[Row<'_>]) -> String {
    let pool = Arc::new(Pool::default());
    let mut encoder = JsonlEncoder::new(schema, &pool);
    for row in rows {
        encoder.push(row).expect("taken");
    }
    assert_eq!(encoder.rows(), rows.len());
    let lines = encoder.finish().expect("lines");
    assert_eq!((encoder.rows(), encoder.bytes()), (0, 0));
    String::from_utf8(lines.bytes().to_vec()).expect("UTF-8")
}

fn row<'a>(record: &'a str, untouched: bool, cells: &[Cell<'a>]) -> Row<'a> {
    Row {
        cells: cells.to_vec(),
        record,
        untouched,
        ..Row::default()
    }
}

#[test]
fn an_untouched_record_keeps_its_bytes() {
    let record = r#"{"b": 1.50 , "a":"\u00e9\/" }"#;
    let cells = [Cell::Text(Text::new(r"\u00e9\/", true)), Cell::Number("1.50")];
    assert_eq!(
        lines(&schema(&["a", "b"]), &[row(record, true, &cells)]),
        format!("{record}\n")
    );
}

#[test]
fn a_touched_record_is_written_from_its_values() {
    let cells = [
        Cell::Text(Text::new(r"\u00e9\/ \ud83d\ude00", true)),
        Cell::Absent,
        Cell::Null,
        Cell::Bool(true),
        Cell::Int(i64::MIN),
        Cell::Number("12345678901234567890.10"),
        Cell::Json(r#"{"x": [1]}"#),
    ];
    let schema = schema(&["a", "b", "c", "d\"", "e", "f", "g"]);
    assert_eq!(
        lines(
            &schema,
            &[row("{}", false, &cells), row("{}", false, &[Cell::Absent; 7])]
        ),
        concat!(
            r#"{"a":"\u00e9\/ \ud83d\ude00","c":null,"d\"":true,"e":-9223372036854775808,"#,
            r#""f":12345678901234567890.10,"g":{"x": [1]}}"#,
            "\n{}\n"
        )
    );
}

#[test]
fn metadata_comes_before_the_last_brace() {
    let schema = Arc::new(Arc::unwrap_or_clone(schema(&["a"])).with_metadata());
    let mut cells = vec![Cell::Int(1)];
    cells.extend([
        Cell::Text(Text::plain("2026-01-01T00:00:00Z")),
        Cell::Text(Text::plain("2026-01-02T00:00:00Z")),
        Cell::Text(Text::plain("2026-01-03T00:00:00Z")),
        Cell::Null,
        Cell::Int(5),
        Cell::Absent,
        Cell::Int(7),
    ]);
    let added = concat!(
        r#""_sdc_extracted_at":"2026-01-01T00:00:00Z","_sdc_received_at":"2026-01-02T00:00:00Z","#,
        r#""_sdc_batched_at":"2026-01-03T00:00:00Z","_sdc_deleted_at":null,"_sdc_sequence":5,"#,
        r#""_sdc_sync_started_at":7}"#
    );
    assert_eq!(
        lines(
            &schema,
            &[
                row(r#"{"a": 1}"#, true, &cells),
                row("{ }", true, &cells),
                row("{}", false, &cells)
            ]
        ),
        format!("{{\"a\": 1,{added}\n{{ {added}\n{{\"a\":1,{added}\n")
    );
}
