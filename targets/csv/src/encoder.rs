//! From rows to lines.

use std::sync::Arc;

use melisma_sdk::files::{Lines, Pool, write_int};
use melisma_sdk::{Cell, Encoder, Error, Result, Row, StreamSchema, show};

use crate::Form;
use crate::header::Header;

/// Writes rows as CSV lines, their fields in the order of the file's header.
#[derive(Debug)]
pub struct CsvEncoder {
    out: Vec<u8>,
    rows: usize,
    /// For each field the cell it comes from.
    places: Vec<Option<usize>>,
    header: Arc<Header>,
    form: Arc<Form>,
    pool: Arc<Pool>,
    unescaped: String,
    encoded: Vec<u8>,
}

/// Lines for a file with a certain header.
#[derive(Debug)]
pub struct CsvBatch {
    pub(crate) lines: Lines,
    pub(crate) header: Arc<Header>,
}

impl CsvEncoder {
    pub(crate) fn new(
        schema: &StreamSchema,
        header: &Arc<Header>,
        form: &Arc<Form>,
        pool: &Arc<Pool>,
    ) -> Self {
        Self {
            out: pool.take(),
            rows: 0,
            places: header.places(schema),
            header: Arc::clone(header),
            form: Arc::clone(form),
            pool: Arc::clone(pool),
            unescaped: String::new(),
            encoded: Vec::new(),
        }
    }

    fn write_row(&mut self, row: &Row<'_>) -> Result<()> {
        let dialect = &self.form.dialect;
        for (at, place) in self.places.iter().enumerate() {
            if at > 0 {
                self.out.push(dialect.delimiter);
            }
            let cell = place
                .and_then(|place| row.cells.get(place))
                .unwrap_or(&Cell::Absent);
            let text = match cell {
                Cell::Absent | Cell::Null => {
                    dialect.write_null(&mut self.out);
                    continue;
                }
                Cell::Bool(true) => "true",
                Cell::Bool(false) => "false",
                Cell::Int(value) => {
                    write_int(&mut self.out, *value);
                    continue;
                }
                Cell::Number(digits) => digits,
                Cell::Text(text) => row
                    .text(text)
                    .unwrap_or_else(|| text.unescape(&mut self.unescaped)),
                Cell::Json(json) => json,
            };
            if let Some(bytes) = self.form.encoding.encode(text, &mut self.encoded) {
                dialect.write_text(&mut self.out, bytes);
            } else {
                return Err(Error::input(format!(
                    "{}: expected text that {} can hold, found \"{}\"",
                    self.header.names()[at],
                    self.form.encoding.name(),
                    show(text)
                )));
            }
        }
        Ok(())
    }
}

impl Encoder for CsvEncoder {
    type Batch = CsvBatch;

    const READS_TEXT: bool = true;

    fn push(&mut self, row: &Row<'_>) -> Result<()> {
        let start = self.out.len();
        if let Err(error) = self.write_row(row) {
            self.out.truncate(start);
            return Err(error);
        }
        self.form.dialect.end_line(&mut self.out, start);
        self.rows += 1;
        Ok(())
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        self.out.len()
    }

    fn finish(&mut self) -> Result<CsvBatch> {
        self.rows = 0;
        Ok(CsvBatch {
            lines: Lines::take(&mut self.out, &self.pool),
            header: Arc::clone(&self.header),
        })
    }
}
