//! What the hot path allocates for a record: nothing.

use std::fmt::Write;
use std::sync::Arc;

use allocation_counter::measure;
use melisma_engine::cell::Row;
use melisma_engine::columns::{ColumnOptions, Columns};
use melisma_engine::decode::{DecodeOptions, Decoder};
use melisma_engine::encode::Encoder;
use melisma_engine::line::{Lines, START};
use melisma_engine::message::{Message, MessageReader};
use melisma_engine::rows::Rows;
use melisma_engine::schema::StreamSchema;

const SCHEMA: &str = r#"{"properties": {
    "id": {"type": "integer", "minimum": 0}, "name": {"type": "string", "maxLength": 40},
    "price": {"type": "number", "multipleOf": 0.01}, "day": {"type": ["string", "null"], "format": "date"},
    "state": {"enum": ["new", "old"]},
    "lines": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}
}, "required": ["name"]}"#;

/// Records that take every way through the decoder: in order, shuffled, with escapes, nulls, missing and extra keys.
fn lines(records: usize) -> String {
    let bodies = [
        r#"{"id": 1, "name": "a", "price": 1.25, "day": "2026-01-02", "state": "new", "lines": [{"n": 1}]}"#,
        r#"{"name": "\u00e9\n", "id": 2, "state": "old", "day": null, "price": 17, "lines": []}"#,
        r#"{"id": 3, "name": "long enough to be looked at", "extra": {"a": [1, 2]}}"#,
    ];
    let mut lines = String::new();
    for i in 0..records {
        let body = bodies[i % bodies.len()];
        let head = r#"{"type": "RECORD", "stream": "s", "record": "#;
        writeln!(
            lines,
            r#"{head}{body}, "time_extracted": "2026-01-01T00:00:00Z"}}"#
        )
        .unwrap();
    }
    lines
}

/// Decodes and encodes all lines; asserts that every record was valid.
fn run<E: Encoder>(
    text: &str,
    reader: &mut MessageReader,
    decoder: &mut Decoder,
    encoder: &mut E,
    row: &mut Row<'static>,
) {
    let mut borrowed = std::mem::take(row).recycle();
    for line in Lines::new(text.as_bytes(), START) {
        let line = line.unwrap();
        let Message::Record(record) = reader.read(&line).unwrap() else {
            panic!("no RECORD")
        };
        let end = match encoder.columns() {
            Some(columns) => decoder.decode_into(line.text, record.body, &mut borrowed, columns),
            None => decoder.decode(line.text, record.body, &mut borrowed),
        };
        let end = end.unwrap();
        assert_eq!(decoder.violations(), []);
        borrowed.time_extracted = record.tail(&line, end).unwrap().time_extracted;
        encoder.push(&borrowed).unwrap();
    }
    *row = borrowed.recycle();
}

fn allocations<E: Encoder>(encoder: impl Fn(&Arc<StreamSchema>) -> E) -> u64 {
    let schema = Arc::new(StreamSchema::compile("s", SCHEMA, &["id"], &[]).unwrap());
    let mut encoder = encoder(&schema);
    let options = DecodeOptions {
        validate: true,
        unescape: E::READS_TEXT,
        record_only: !E::READS_CELLS,
        ..DecodeOptions::default()
    };
    let mut decoder = Decoder::new(&schema, options).unwrap();
    let (mut reader, mut row) = (MessageReader::new(false), Row::default());
    let text = lines(3000);
    // Two batches, so that buffers have their size and the shapes are known.
    for _ in 0..2 {
        run(&text, &mut reader, &mut decoder, &mut encoder, &mut row);
        encoder.finish().unwrap();
    }
    measure(|| run(&text, &mut reader, &mut decoder, &mut encoder, &mut row)).count_total
}

#[test]
fn a_record_into_columns_allocates_nothing() {
    // One bitmap of nulls for each column that has any, begun anew in each batch, grows a few times.
    let found = allocations(|schema| Columns::new(schema, ColumnOptions::default()));
    assert!(found < 60, "{found} allocations for 3000 records");
}

#[test]
fn a_record_into_rows_allocates_nothing() {
    let found = allocations(Rows::new);
    assert!(found < 60, "{found} allocations for 3000 records");
}
