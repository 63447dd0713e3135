//! Arrow columns from rows: the batch format that sinks get by default.
//!
//! | column type | Arrow type |
//! |---|---|
//! | boolean | `Boolean` |
//! | integer | `Int64`, into which an integer beyond 64 bits does not fit; `Decimal128(38, 0)` where the bounds of the |
//! | | schema are beyond 64 bits; or either this or its digits as `Utf8` for all ([`Integers`]) |
//! | number | `Float64`, the nearest one; or its own digits as `Utf8` ([`Numbers::Digits`]) |
//! | decimal of at most 38 digits | `Decimal128(precision, scale)`, into which a value with more digits does not fit |
//! | decimal without precision, or above 38 | its own digits as `Utf8` |
//! | text, uuid | `Utf8`; where the schema allows other scalars as well, their JSON text |
//! | date | `Date32` |
//! | time | `Time64` in microseconds, UTC ([`time::parse_time_utc`](crate::time::parse_time_utc)) |
//! | date-time | `Timestamp` in microseconds, UTC ([`time::parse_date_time`](crate::time::parse_date_time)) |
//! | objects, arrays, mixtures with them, | their JSON text as `Utf8`, as it came, a string with its quotes; or, where the |
//! | no type | schema says what is inside, `Struct` and `List` of the types above ([`NestedValues::Structs`]) |
//!
//! A value that does not fit its column is refused, or null in its place ([`InvalidValues`]). A property that a record lacks
//! is null, too; [`ColumnOptions::absent`] tells the two apart.

mod absent;
mod column;
mod copied;
mod encoder;
mod fast_path;
mod float;
mod nulls;
mod refused;
mod texts;

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::cell::Cell;
use crate::decode::WriteValue;
use crate::error::{Error, Result, show};
use crate::schema::StreamSchema;
pub use absent::ABSENT;
use absent::Absent;
use column::Column;
use copied::CopiedFields;
use fast_path::OpenRow;
use refused::Replaced;
use texts::full;

/// What a `number` becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// The nearest 64-bit float.
    #[default]
    Float,
    /// Text: the digits as they came.
    Digits,
}

/// What an `integer` becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Integers {
    /// 64 bits; a decimal of 38 digits where the bounds of the schema are beyond them.
    #[default]
    Int64,
    /// A decimal of 38 digits.
    Decimal,
    /// Text: the digits as they came.
    Digits,
}

/// What becomes of a value that its column cannot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvalidValues {
    /// Its record is refused.
    #[default]
    Refuse,
    /// Null takes its place, with a warning that counts them; not in a key, where it is refused.
    Null,
}

/// What objects and arrays become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NestedValues {
    /// Their JSON text, as it came.
    #[default]
    Json,
    /// Structs of the properties, and lists of the items, that the schema names; JSON text where it names none. An
    /// object with another property is refused: there is no place for it.
    Structs,
}

/// How [`Columns`] are made.
#[derive(Clone, Copy, Debug, Default)]
pub struct ColumnOptions {
    /// What a `number` becomes.
    pub numbers: Numbers,
    /// What an `integer` becomes.
    pub integers: Integers,
    /// What becomes of a value that its column cannot hold.
    pub invalid_values: InvalidValues,
    /// What objects and arrays become.
    pub nested: NestedValues,
    /// Whether a last column, [`ABSENT`], says which properties a record lacks. Its text has a `1` at the place of each such
    /// column and `0` at others, up to the last that is lacking; it is null for records that lack nothing.
    pub absent: bool,
}

/// Encodes rows as Arrow columns.
/// ```
/// use std::sync::Arc;
///
/// use melisma_engine::cell::{Cell, Row};
/// use melisma_engine::columns::{ColumnOptions, Columns};
/// use melisma_engine::encode::Encoder;
/// use melisma_engine::schema::StreamSchema;
///
/// let schema = r#"{"properties": {"id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}}}"#;
/// let schema = Arc::new(StreamSchema::compile("orders", schema, &["id"], &[])?);
/// let mut columns = Columns::new(&schema, ColumnOptions::default());
/// columns.push(&Row { cells: vec![Cell::Int(7), Cell::Null], ..Row::default() })?;
///
/// let batch = columns.finish()?;
/// assert_eq!((batch.num_rows(), batch.column(1).null_count()), (1, 1));
/// assert_eq!(batch.schema().field(0).data_type().to_string(), "Int64");
/// # Ok::<(), melisma_engine::Error>(())
/// ```
#[derive(Debug)]
pub struct Columns {
    source: Arc<StreamSchema>,
    schema: SchemaRef,
    columns: Vec<Column>,
    absent: Option<Absent>,
    rows: usize,
    open: OpenRow,
    /// How rows that come as lines of COPY are read, once they were announced.
    copied: Option<CopiedFields>,
}

impl Columns {
    /// An encoder for rows of this schema.
    pub fn new(source: &Arc<StreamSchema>, options: ColumnOptions) -> Self {
        let mut columns: Vec<Column> = source
            .columns
            .iter()
            .map(|column| Column::new(column.data_type, &column.schema, options))
            .collect();
        for &at in &source.key {
            columns[at].refuse_invalid();
        }
        let fields: Vec<Field> = source
            .columns
            .iter()
            .zip(&columns)
            // Nullable in any case: a property that is not required may be left out of a record.
            .map(|(column, values)| Field::new(&*column.name, values.data_type(), true))
            .chain(options.absent.then(|| Field::new(ABSENT, DataType::Utf8, true)))
            .collect();
        Self {
            source: Arc::clone(source),
            schema: Arc::new(Schema::new(fields)),
            columns,
            absent: options.absent.then(Absent::default),
            rows: 0,
            open: OpenRow::default(),
            copied: None,
        }
    }

    /// The Arrow schema of every batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Warns of the values that became null.
    fn warn_replaced(&mut self) {
        for (column, source) in self.columns.iter_mut().zip(&self.source.columns) {
            let mut replaced = Replaced::default();
            column.take_replaced(&mut replaced);
            if replaced.count > 0 {
                let Replaced { count, first } = replaced;
                let (stream, name) = (show(&self.source.stream), show(&source.name));
                log::warn!(
                    "stream {stream}: {name}: {count} values that the column cannot hold became null; the first: {first}"
                );
            }
        }
    }

    /// Notes which of these cells of a row, the last that was added, are absent.
    #[inline]
    fn note_absent<'a>(&mut self, cells: impl Iterator<Item = (usize, &'a Cell<'a>)>) -> Result<()> {
        let Some(absent) = &mut self.absent else {
            return Ok(());
        };
        let lacks = cells.filter(|(_, cell)| matches!(cell, Cell::Absent));
        if absent.push(lacks.map(|(at, _)| at)).is_none() {
            self.roll_back();
            return Err(Error::input(full()).in_stream(&self.source.stream));
        }
        Ok(())
    }

    /// Takes the row that was refused at a column out of the others; says why.
    #[cold]
    fn refuse(&mut self, at: usize, refused: &str) -> Error {
        self.roll_back();
        let name = &self.source.columns[at].name;
        Error::input(format!("{}: {refused}", show(name))).in_stream(&self.source.stream)
    }
}

/// The next batch is about as large as this one. With room for exactly as much, one that is a little larger would take twice
/// as much memory until its rows are written.
fn room_for_next(length: usize) -> usize {
    length + length / 16
}

#[cfg(test)]
mod tests;
