//! From rows to lines.

use std::sync::Arc;

use melisma_sdk::files::{Lines, Pool, write_int};
use melisma_sdk::internal::copied::{Column, Records};
use melisma_sdk::internal::write_string;
use melisma_sdk::{Cell, Encoder, Result, Row, StreamSchema};

/// Writes records as JSON lines, without touching those that may stay as they are.
#[derive(Debug)]
pub struct JsonlEncoder {
    out: Vec<u8>,
    rows: usize,
    columns: Vec<Name>,
    /// Whether some column is filled in by the target.
    metadata: bool,
    schema: Arc<StreamSchema>,
    /// Makes the records of rows that come as lines of COPY.
    copied: Option<Records>,
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Name {
    /// `"name":`
    key: Vec<u8>,
    /// Whether the target fills it in, so that it is not in the record that came.
    metadata: bool,
}

impl JsonlEncoder {
    /// The encoder of a stream.
    pub fn new(schema: &Arc<StreamSchema>, pool: &Arc<Pool>) -> Self {
        let columns: Vec<Name> = schema
            .columns
            .iter()
            .map(|column| {
                let mut key = Vec::with_capacity(column.name.len() + 3);
                write_string(&mut key, &column.name);
                key.push(b':');
                Name {
                    key,
                    metadata: column.metadata.is_some(),
                }
            })
            .collect();
        let metadata = columns.iter().any(|column| column.metadata);
        Self {
            out: pool.take(),
            rows: 0,
            columns,
            metadata,
            schema: Arc::clone(schema),
            copied: None,
            pool: Arc::clone(pool),
        }
    }

    /// The record as it came, with the target's own columns before its last brace.
    fn splice(&mut self, row: &Row<'_>) {
        let open = row.record.strip_suffix('}').unwrap_or(row.record);
        self.out.extend_from_slice(open.as_bytes());
        self.close(row, open.trim_ascii_end().ends_with('{'));
    }

    /// The target's own columns, and the end of a record; `first` says whether it has no members yet.
    fn close(&mut self, row: &Row<'_>, mut first: bool) {
        for (name, cell) in self.columns.iter().zip(&row.cells) {
            if name.metadata {
                member(&mut self.out, &mut first, name, cell);
            }
        }
        self.out.extend_from_slice(b"}\n");
    }

    /// The record anew, from its values.
    fn render(&mut self, row: &Row<'_>) {
        self.out.push(b'{');
        let mut first = true;
        for (name, cell) in self.columns.iter().zip(&row.cells) {
            member(&mut self.out, &mut first, name, cell);
        }
        for member in &row.undeclared {
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            self.out.extend_from_slice(member.as_bytes());
        }
        self.out.extend_from_slice(b"}\n");
    }
}

fn member(out: &mut Vec<u8>, first: &mut bool, name: &Name, cell: &Cell<'_>) {
    if matches!(cell, Cell::Absent) {
        return;
    }
    if !std::mem::take(first) {
        out.push(b',');
    }
    out.extend_from_slice(&name.key);
    match cell {
        Cell::Absent | Cell::Null => out.extend_from_slice(b"null"),
        Cell::Bool(true) => out.extend_from_slice(b"true"),
        Cell::Bool(false) => out.extend_from_slice(b"false"),
        Cell::Int(value) => write_int(out, *value),
        Cell::Number(digits) => out.extend_from_slice(digits.as_bytes()),
        Cell::Text(text) => {
            out.push(b'"');
            out.extend_from_slice(text.raw.as_bytes());
            out.push(b'"');
        }
        Cell::Json(json) => out.extend_from_slice(json.as_bytes()),
    }
}

impl Encoder for JsonlEncoder {
    type Batch = Lines;

    const READS_CELLS: bool = false;

    fn push(&mut self, row: &Row<'_>) -> Result<()> {
        if !row.untouched {
            self.render(row);
        } else if self.metadata {
            self.splice(row);
        } else {
            self.out.extend_from_slice(row.record.as_bytes());
            self.out.push(b'\n');
        }
        self.rows += 1;
        Ok(())
    }

    fn takes_copied(&mut self, columns: &[Column]) -> bool {
        let is_property = |field: &Column| {
            let mut columns = self.schema.columns.iter();
            columns.any(|column| column.name == field.name && column.metadata.is_none())
        };
        let key: Vec<&str> = self.schema.key_names().collect();
        self.copied = columns
            .iter()
            .all(is_property)
            .then(|| Records::new(columns, &key));
        self.copied.is_some()
    }

    fn push_copied(&mut self, fields: &str, row: &Row<'_>) -> Result<bool> {
        let start = self.out.len();
        let records = self.copied.as_ref();
        let written = records.and_then(|records| records.write(fields, &mut self.out));
        if written.is_none() {
            self.out.truncate(start);
            return Ok(false);
        }
        if self.metadata {
            // Its last brace.
            self.out.pop();
            self.close(row, false);
        } else {
            self.out.push(b'\n');
        }
        self.rows += 1;
        Ok(true)
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
