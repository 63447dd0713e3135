//! From rows to lines.

use std::sync::Arc;

use melisma_sdk::files::{Lines, Pool, write_int};
use melisma_sdk::{Cell, Encoder, Error, Result, Row, show};

use crate::Form;
use crate::plan::Plan;

/// Writes rows as CSV lines, their fields in the order of the file's header.
#[derive(Debug)]
pub struct CsvEncoder {
    out: Vec<u8>,
    rows: usize,
    plan: Arc<Plan>,
    pool: Arc<Pool>,
    unescaped: String,
    encoded: Vec<u8>,
}

impl CsvEncoder {
    pub(crate) fn new(plan: &Arc<Plan>, pool: &Arc<Pool>) -> Self {
        Self {
            out: pool.take(),
            rows: 0,
            plan: Arc::clone(plan),
            pool: Arc::clone(pool),
            unescaped: String::new(),
            encoded: Vec::new(),
        }
    }

    fn write_row(&mut self, row: &Row<'_>) -> Result<()> {
        let Form { dialect, encoding } = &*self.plan.form;
        for (at, place) in self.plan.places.iter().enumerate() {
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
            if let Some(bytes) = encoding.encode(text, &mut self.encoded) {
                dialect.write_text(&mut self.out, bytes);
            } else {
                return Err(Error::input(format!(
                    "{}: expected text that {} can hold, found \"{}\"",
                    self.plan.header.names()[at],
                    encoding.name(),
                    show(text)
                )));
            }
        }
        Ok(())
    }
}

impl Encoder for CsvEncoder {
    type Batch = Lines;

    const READS_TEXT: bool = true;

    fn push(&mut self, row: &Row<'_>) -> Result<()> {
        let start = self.out.len();
        if let Err(error) = self.write_row(row) {
            self.out.truncate(start);
            return Err(error);
        }
        self.plan.form.dialect.end_line(&mut self.out, start);
        self.rows += 1;
        Ok(())
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        self.out.len()
    }

    fn finish(&mut self) -> Result<Lines> {
        self.rows = 0;
        Ok(Lines::take(&mut self.out, &self.pool))
    }
}
