//! The encoder that keeps rows as cells: the simplest one for the author of a target.

use std::sync::Arc;

use crate::cell::{Cell, Row, Text};
use crate::encode::Encoder;
use crate::error::{Error, Result};
use crate::schema::{Column, StreamSchema};

/// Keeps rows as one text and compact references into it; nothing is allocated for a row or a cell.
/// ```
/// use std::sync::Arc;
///
/// use melisma_engine::cell::{Cell, Row};
/// use melisma_engine::encode::Encoder;
/// use melisma_engine::rows::Rows;
/// use melisma_engine::schema::StreamSchema;
///
/// let schema = r#"{"properties": {"id": {"type": "integer"}, "price": {"type": "number"}}}"#;
/// let mut rows = Rows::new(&Arc::new(StreamSchema::compile("orders", schema, &["id"], &[])?));
/// let record = r#"{"id": 7}"#;
/// rows.push(&Row { cells: vec![Cell::Int(7), Cell::Absent], record, ..Row::default() })?;
///
/// let batch = rows.finish()?;
/// let row = batch.rows().next().expect("a row");
/// assert_eq!((row.get("id"), row.get("price"), row.record()), (Cell::Int(7), Cell::Absent, record));
/// let present: Vec<_> = row.present().map(|(column, cell)| format!("{}={cell}", column.name)).collect();
/// assert_eq!(present, ["id=7"]);
/// # Ok::<(), melisma_engine::Error>(())
/// ```
#[derive(Debug)]
pub struct Rows {
    batch: RowBatch,
}

/// Rows of one stream.
#[derive(Debug)]
pub struct RowBatch {
    schema: Arc<StreamSchema>,
    /// The records one after another, each followed by the texts of cells that are not part of its record.
    text: String,
    rows: Vec<RowRef>,
    /// `columns` of them for each row.
    cells: Vec<CellRef>,
}

#[derive(Clone, Copy, Debug)]
struct RowRef {
    /// Where the record starts in the text.
    at: usize,
    record: u32,
    /// The length of `time_extracted`, which stands behind the record; `None` when the line has none.
    time_extracted: Option<u32>,
    version: Option<i64>,
    untouched: bool,
}

/// A cell whose text is a place relative to its row.
#[derive(Clone, Copy, Debug)]
enum CellRef {
    Absent,
    Null,
    Bool(bool),
    Int(i64),
    Number(u32, u32),
    Text(u32, u32),
    EscapedText(u32, u32),
    Json(u32, u32),
}

impl Rows {
    /// An encoder for rows of this schema.
    pub fn new(schema: &Arc<StreamSchema>) -> Self {
        Self {
            batch: RowBatch::new(Arc::clone(schema)),
        }
    }
}

impl Encoder for Rows {
    type Batch = RowBatch;

    fn push(&mut self, row: &Row<'_>) -> Result<()> {
        let batch = &mut self.batch;
        debug_assert_eq!(row.cells.len(), batch.schema.columns.len());
        let (text, cells) = (batch.text.len(), batch.cells.len());
        batch.add(row).inspect_err(|_| {
            batch.text.truncate(text);
            batch.cells.truncate(cells);
        })
    }

    fn rows(&self) -> usize {
        self.batch.rows.len()
    }

    fn bytes(&self) -> usize {
        let RowBatch {
            text, rows, cells, ..
        } = &self.batch;
        text.len() + size_of_val(rows.as_slice()) + size_of_val(cells.as_slice())
    }

    fn finish(&mut self) -> Result<RowBatch> {
        let mut next = RowBatch::new(Arc::clone(&self.batch.schema));
        // The next batch will be about as large: one allocation each instead of a dozen.
        next.text.reserve(self.batch.text.len());
        next.rows.reserve(self.batch.rows.len());
        next.cells.reserve(self.batch.cells.len());
        Ok(std::mem::replace(&mut self.batch, next))
    }
}

impl RowBatch {
    fn new(schema: Arc<StreamSchema>) -> Self {
        Self {
            schema,
            text: String::new(),
            rows: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// The schema of all its rows.
    pub fn schema(&self) -> &Arc<StreamSchema> {
        &self.schema
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows in their order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = RowView<'_>> + Clone {
        (0..self.rows.len()).map(|index| RowView { batch: self, index })
    }

    fn add(&mut self, row: &Row<'_>) -> Result<()> {
        let at = self.text.len();
        self.text.push_str(row.record);
        let time_extracted = match row.time_extracted {
            Some(text) => Some(self.append(at, text)?.1),
            None => None,
        };
        for cell in &row.cells {
            let cell = match *cell {
                Cell::Absent => CellRef::Absent,
                Cell::Null => CellRef::Null,
                Cell::Bool(value) => CellRef::Bool(value),
                Cell::Int(value) => CellRef::Int(value),
                Cell::Number(digits) => {
                    let (start, length) = self.place(at, row.record, digits)?;
                    CellRef::Number(start, length)
                }
                Cell::Text(Text { raw, escaped, .. }) => {
                    let (start, length) = self.place(at, row.record, raw)?;
                    if escaped {
                        CellRef::EscapedText(start, length)
                    } else {
                        CellRef::Text(start, length)
                    }
                }
                Cell::Json(json) => {
                    let (start, length) = self.place(at, row.record, json)?;
                    CellRef::Json(start, length)
                }
            };
            self.cells.push(cell);
        }
        let record = small(row.record.len())?;
        let (version, untouched) = (row.version, row.untouched);
        self.rows.push(RowRef {
            at,
            record,
            time_extracted,
            version,
            untouched,
        });
        Ok(())
    }

    /// Where `part` stands relative to the row at `at`: inside its record, or else behind it, copied.
    fn place(&mut self, at: usize, record: &str, part: &str) -> Result<(u32, u32)> {
        let offset = (part.as_ptr() as usize).wrapping_sub(record.as_ptr() as usize);
        let end = offset.checked_add(part.len());
        if end.is_some_and(|end| end <= record.len()) {
            return Ok((small(offset)?, small(part.len())?));
        }
        self.append(at, part)
    }

    fn append(&mut self, at: usize, part: &str) -> Result<(u32, u32)> {
        let offset = self.text.len() - at;
        self.text.push_str(part);
        Ok((small(offset)?, small(part.len())?))
    }
}

fn small(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| Error::input("expected a record below 4 GiB"))
}

/// One row of a [`RowBatch`].
#[derive(Clone, Copy, Debug)]
pub struct RowView<'b> {
    batch: &'b RowBatch,
    index: usize,
}

impl<'b> RowView<'b> {
    /// The cells, one per column of the schema, in its order.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = Cell<'b>> + Clone + use<'b> {
        let view = *self;
        let columns = view.batch.schema.columns.len();
        let first = view.index * columns;
        view.batch.cells[first..first + columns]
            .iter()
            .map(move |&cell| view.resolve(cell))
    }

    /// The cell of one column, by its place in the schema.
    ///
    /// # Panics
    /// When the schema has no such column.
    pub fn cell(&self, column: usize) -> Cell<'b> {
        let columns = self.batch.schema.columns.len();
        assert!(column < columns, "column {column} of {columns}");
        self.resolve(self.batch.cells[self.index * columns + column])
    }

    /// The columns of the schema, each with the row's cell.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&'b Column, Cell<'b>)> + Clone + use<'b> {
        self.batch.schema.columns.iter().zip(self.cells())
    }

    /// The columns that the record has: an upsert leaves the others as they are.
    pub fn present(&self) -> impl Iterator<Item = (&'b Column, Cell<'b>)> + Clone + use<'b> {
        self.columns().filter(|(_, cell)| *cell != Cell::Absent)
    }

    /// The cell of the column with this name; [`Cell::Absent`] when the schema has no such column.
    pub fn get(&self, name: &str) -> Cell<'b> {
        let column = self.batch.schema.column(name);
        column.map_or(Cell::Absent, |column| self.cell(column))
    }

    /// The record's JSON object as it came.
    pub fn record(&self) -> &'b str {
        self.text(0, self.row().record)
    }

    /// Whether [`record`](RowView::record) may be passed on as it is: no property outside the schema, none twice.
    pub fn is_untouched(&self) -> bool {
        self.row().untouched
    }

    /// The envelope's `version`.
    pub fn version(&self) -> Option<i64> {
        self.row().version
    }

    /// The envelope's `time_extracted`, as it came, without quotes.
    pub fn time_extracted(&self) -> Option<&'b str> {
        let row = self.row();
        row.time_extracted.map(|length| self.text(row.record, length))
    }

    fn row(&self) -> RowRef {
        self.batch.rows[self.index]
    }

    fn text(&self, start: u32, length: u32) -> &'b str {
        let start = self.row().at + start as usize;
        &self.batch.text[start..start + length as usize]
    }

    fn resolve(&self, cell: CellRef) -> Cell<'b> {
        match cell {
            CellRef::Absent => Cell::Absent,
            CellRef::Null => Cell::Null,
            CellRef::Bool(value) => Cell::Bool(value),
            CellRef::Int(value) => Cell::Int(value),
            CellRef::Number(start, length) => Cell::Number(self.text(start, length)),
            CellRef::Text(start, length) => Cell::Text(Text::plain(self.text(start, length))),
            CellRef::EscapedText(start, length) => Cell::Text(Text::new(self.text(start, length), true)),
            CellRef::Json(start, length) => Cell::Json(self.text(start, length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::DataType;

    fn schema(columns: usize) -> Arc<StreamSchema> {
        let column = |n: usize| Column {
            name: n.to_string().into(),
            data_type: DataType::Json,
            nullable: true,
            required: false,
            metadata: None,
            schema: Arc::new(serde_json::json!({})),
        };
        Arc::new(StreamSchema {
            stream: "s".into(),
            columns: (0..columns).map(column).collect(),
            key: Vec::new(),
            bookmark_properties: Vec::new(),
            schema: serde_json::json!({}),
            closed: false,
            open: false,
        })
    }

    #[test]
    fn gives_back_what_was_pushed() {
        let record = r#"{"a":"x\n","b":1.50,"c":[1],"d":"é"}"#.to_owned();
        let part = |text: &str| {
            let at = record.find(text).unwrap();
            &record[at..at + text.len()]
        };
        let cells = vec![
            Cell::Text(Text::new(part("x\\n"), true)),
            Cell::Number(part("1.50")),
            Cell::Json(part("[1]")),
            Cell::Text(Text::plain(part("é"))),
            Cell::Absent,
            Cell::Null,
            Cell::Bool(true),
            Cell::Int(-7),
            Cell::Text(Text::plain("from elsewhere")),
        ];
        let mut rows = Rows::new(&schema(cells.len()));
        let first = Row {
            cells: cells.clone(),
            record: &record,
            untouched: true,
            version: Some(3),
            time_extracted: Some("2026-01-01T00:00:00Z"),
            ..Row::default()
        };
        rows.push(&first).unwrap();
        let second = Row {
            cells: vec![Cell::Null; cells.len()],
            record: "{}",
            ..Row::default()
        };
        rows.push(&second).unwrap();
        assert_eq!(rows.rows(), 2);
        assert!(rows.bytes() > record.len());

        let batch = rows.finish().unwrap();
        assert_eq!((rows.rows(), rows.bytes()), (0, 0));
        let views: Vec<_> = batch.rows().collect();
        assert_eq!(views[0].cells().collect::<Vec<_>>(), cells);
        assert_eq!(views[0].cell(8), cells[8]);
        let names: Vec<_> = views[0]
            .columns()
            .map(|(column, cell)| (&*column.name, cell))
            .collect();
        assert_eq!(views[0].present().count(), cells.len() - 1);
        assert_eq!(names[8], ("8", cells[8]));
        assert_eq!(
            (views[0].get("7"), views[0].get("x")),
            (Cell::Int(-7), Cell::Absent)
        );
        assert_eq!(
            (views[0].record(), views[0].is_untouched()),
            (record.as_str(), true)
        );
        assert_eq!(
            (views[0].version(), views[0].time_extracted()),
            (Some(3), Some("2026-01-01T00:00:00Z"))
        );
        assert_eq!(views[1].cells().collect::<Vec<_>>(), second.cells);
        assert_eq!((views[1].record(), views[1].time_extracted()), ("{}", None));
    }
}
