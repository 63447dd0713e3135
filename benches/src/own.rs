//! melisma's own way from RECORD lines to columns and rows, on one thread.

use std::sync::Arc;

use arrow_array::RecordBatch;
use melisma_engine::cell::Row;
use melisma_engine::columns::{ColumnOptions, Columns};
use melisma_engine::decode::{DecodeOptions, Decoder};
use melisma_engine::encode::Encoder;
use melisma_engine::line::{Lines, START};
use melisma_engine::message::{Message, MessageReader};
use melisma_engine::schema::StreamSchema;

use crate::corpus::Corpus;

/// Rows a batch.
pub const ROWS: usize = 8192;

/// melisma's own way, validation off: rivals do not validate either.
pub fn melisma(corpus: &Corpus, take: &mut dyn FnMut(RecordBatch)) {
    let schema = schema(corpus);
    let options = DecodeOptions {
        unescape: true,
        ..DecodeOptions::default()
    };
    let mut decoder = Decoder::new(&schema, options).expect("a decoder");
    let mut columns = Columns::new(&schema, ColumnOptions::default());
    let mut reader = MessageReader::new(false);
    let mut row = Row::default();
    for part in parts(&corpus.lines) {
        let mut borrowed = std::mem::take(&mut row).recycle();
        for line in Lines::new(part.as_bytes(), START) {
            let line = line.expect("UTF-8");
            let Message::Record(record) = reader.read(&line).expect("a message") else {
                continue;
            };
            let end = decoder
                .decode_into(line.text, record.body, &mut borrowed, &mut columns)
                .expect("a record");
            record.tail(&line, end).expect("a tail");
            columns.push(&borrowed).expect("a valid record");
            if columns.rows() == ROWS {
                take(columns.finish().expect("a batch"));
            }
        }
        row = borrowed.recycle();
    }
    take(columns.finish().expect("a batch"));
}

/// Each record as a row of cells.
pub fn rows(corpus: &Corpus, options: DecodeOptions, mut take: impl FnMut(&Row<'_>, &Decoder)) {
    let mut decoder = Decoder::new(&schema(corpus), options).expect("a decoder");
    let mut reader = MessageReader::new(false);
    let mut row = Row::default();
    for part in parts(&corpus.lines) {
        let mut borrowed = std::mem::take(&mut row).recycle();
        for line in Lines::new(part.as_bytes(), START) {
            let line = line.expect("UTF-8");
            let Message::Record(record) = reader.read(&line).expect("a message") else {
                continue;
            };
            let end = decoder
                .decode(line.text, record.body, &mut borrowed)
                .expect("a record");
            record.tail(&line, end).expect("a tail");
            take(&borrowed, &decoder);
        }
        row = borrowed.recycle();
    }
}

fn schema(corpus: &Corpus) -> Arc<StreamSchema> {
    let text = corpus.schema.to_string();
    Arc::new(StreamSchema::compile("s", &text, &[""; 0], &[]).expect("a schema"))
}

/// Whole lines, about 256 KiB at a time.
fn parts(mut lines: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if lines.is_empty() {
            return None;
        }
        let from = lines.len().min(256 * 1024);
        let end = memchr_newline(&lines.as_bytes()[from..]).map_or(lines.len(), |at| from + at + 1);
        let (part, rest) = lines.split_at(end);
        lines = rest;
        Some(part)
    })
}

fn memchr_newline(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}
