//! The selected columns of a table, and the values of a batch as records have them.

use melisma_sdk::arrow::array::cast::AsArray as _;
use melisma_sdk::arrow::array::types::Int64Type;
use melisma_sdk::arrow::array::{Array, RecordBatch};
use melisma_sdk::arrow::schema::{DataType, Field};
use melisma_sdk::arrow::{Cells, InvalidDates, ValueOptions, json_schema};
use melisma_sdk::internal::write_string;
use melisma_sdk::{Error, Kind as ErrorKind, Output, Result, RowWriter, show};

use crate::declared::Declared;
use crate::kind::Kind;
use crate::table::{Column, Table};

/// The columns that records are made of.
#[derive(Debug)]
pub(crate) struct Columns<'t> {
    /// For each property of the stream, in its order, its place among the selected ones.
    slots: Vec<Option<usize>>,
    selected: Vec<Selected<'t>>,
    options: ValueOptions,
}

#[derive(Debug)]
struct Selected<'t> {
    column: &'t Column,
    /// What the values of a batch stand for.
    field: Field,
}

/// A batch, column by column.
pub(crate) struct Rows<'b> {
    pub(crate) columns: Vec<Values<'b>>,
    slots: &'b [Option<usize>],
}

/// The values of one column of a batch.
pub(crate) struct Values<'b> {
    cells: Cells<'b>,
    column: &'b Column,
    options: ValueOptions,
}

impl<'t> Columns<'t> {
    /// Those that the catalog selects.
    pub(crate) fn new(table: &'t Table, output: &Output<'_>, options: ValueOptions) -> Self {
        let mut selected: Vec<Selected<'t>> = Vec::new();
        let slots = table
            .columns
            .iter()
            .zip(output.columns())
            .map(|(column, property)| {
                let is_read = property.selected && !matches!(column.kind, Kind::Unsupported);
                is_read.then(|| {
                    selected.push(Selected {
                        field: field(column),
                        column,
                    });
                    selected.len() - 1
                })
            });
        Self {
            slots: slots.collect(),
            selected,
            options,
        }
    }

    /// The selected columns.
    pub(crate) fn selected(&self) -> Vec<&'t Column> {
        self.selected.iter().map(|selected| selected.column).collect()
    }

    /// Where a column is among the selected ones.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.selected
            .iter()
            .position(|selected| selected.column.name == name)
    }

    /// The values of a batch, which has `extra` columns before those that are selected.
    pub(crate) fn of<'b>(&'b self, batch: &'b RecordBatch, extra: usize) -> Result<Rows<'b>> {
        let columns = self.selected.iter().enumerate().map(|(place, selected)| {
            let column = batch.columns().get(place + extra);
            let column = column.ok_or_else(|| {
                Error::new(
                    ErrorKind::Io,
                    "expected a column for each one that was asked for, found fewer",
                )
            })?;
            selected.values(column, self.options)
        });
        Ok(Rows {
            columns: columns.collect::<Result<_>>()?,
            slots: &self.slots,
        })
    }

    /// The values of one of the selected columns, with dates that are out of range as null.
    pub(crate) fn of_key<'b>(
        &'b self,
        batch: &'b RecordBatch,
        place: usize,
        extra: usize,
    ) -> Result<Values<'b>> {
        let options = ValueOptions {
            dates_as_strings: false,
            invalid_dates: InvalidDates::Null,
            ..self.options
        };
        self.selected[place].values(batch.column(place + extra), options)
    }
}

/// The field of a column's values as they come.
fn field(column: &Column) -> Field {
    let of = |data_type| Field::new(&column.name, data_type, true);
    match &column.kind {
        Kind::Arrow(field) => field.clone(),
        Kind::Declared(Declared::Integer) => of(DataType::Int64),
        Kind::Declared(Declared::Real) => of(DataType::Float64),
        Kind::Declared(Declared::Bytes) => of(DataType::Binary),
        _ => of(DataType::Utf8),
    }
}

impl Selected<'_> {
    fn values<'b>(&'b self, column: &'b dyn Array, options: ValueOptions) -> Result<Values<'b>> {
        let found = Field::new(self.field.name(), column.data_type().clone(), true)
            .with_metadata(self.field.metadata().clone());
        if found.data_type() != self.field.data_type() && !is_alike(&found, &self.field) {
            return Err(self.other_type(column));
        }
        Ok(Values {
            cells: Cells::new(column, &self.field, options)?,
            column: self.column,
            options,
        })
    }

    /// The error of a column whose values are not those that it should have.
    #[cold]
    fn other_type(&self, column: &dyn Array) -> Error {
        let (name, found) = (show(&self.column.name), column.data_type());
        let Kind::Declared(declared) = &self.column.kind else {
            let expected = self.field.data_type();
            return Error::new(
                ErrorKind::Io,
                format!(
                    "column {name}: expected values of the type {expected}, found {found}: the table was changed during the run"
                ),
            );
        };
        let is_number = |text: &str| match declared {
            Declared::Integer => text.parse::<i64>().is_ok(),
            _ => text.parse::<f64>().is_ok(),
        };
        let other = column.as_string_opt::<i32>().and_then(|texts| {
            let mut texts = texts.iter().flatten();
            texts.find(|text| !is_number(text)).map(show)
        });
        Error::input(format!(
            "column {name}: expected values as it is declared ({}), found {}: read it through a view with a CAST",
            show(&self.column.sql_type),
            other.unwrap_or_else(|| format!("others ({found})"))
        ))
    }
}

/// Whether two types have values of the same form.
fn is_alike(one: &Field, other: &Field) -> bool {
    let schema =
        |field: &Field| json_schema(&field.clone().with_nullable(true), ValueOptions::default()).ok();
    let same = schema(one).is_some() && schema(one) == schema(other);
    same && one.data_type().is_nested() == other.data_type().is_nested()
}

impl Rows<'_> {
    /// Writes the record of a row.
    #[inline]
    pub(crate) fn write(&self, row: usize, output: &mut Output<'_>) -> Result<()> {
        let mut record = output.row();
        for slot in self.slots {
            match slot {
                Some(place) => self.columns[*place].write(row, &mut record)?,
                None => record.absent(),
            }
        }
        record.end()
    }
}

impl Values<'_> {
    #[inline]
    fn write(&self, row: usize, record: &mut RowWriter<'_, '_>) -> Result<()> {
        match self.column.kind {
            Kind::Arrow(_) => self.cells.write(row, record),
            Kind::Declared(declared) if !declared.is_checked_text() => self.cells.write(row, record),
            _ if self.cells.is_null(row) => {
                record.null();
                Ok(())
            }
            _ => {
                let mut done = Ok(());
                record.write(|out| done = self.append(row, out));
                done
            }
        }
    }

    /// Appends a value as the record has it.
    pub(crate) fn append(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        let text = match &self.column.kind {
            Kind::Declared(declared) if !declared.is_checked_text() => None,
            Kind::Arrow(_) => None,
            _ => self.cells.text(row)?,
        };
        match (&self.column.kind, text) {
            (Kind::Declared(declared), Some(text)) => declared
                .append(text, self.options, out)
                .map_err(|wrong| self.wrong(&wrong)),
            // NaN and the infinities, as of floats.
            (Kind::Numeric(_), Some(text)) if !text.ends_with(|c: char| c.is_ascii_digit()) => {
                out.extend_from_slice(b"null");
                Ok(())
            }
            (Kind::Numeric(_), Some(text)) if !self.options.decimals_as_strings => {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            (Kind::Numeric(_), Some(text)) => {
                write_string(out, text);
                Ok(())
            }
            (Kind::Decimal, Some(text)) if self.options.decimals_as_strings => {
                out.push(b'"');
                out.extend_from_slice(digits(text).map_err(|wrong| self.wrong(&wrong))?);
                out.push(b'"');
                Ok(())
            }
            (Kind::Integer { .. } | Kind::Decimal, Some(text)) => {
                out.extend_from_slice(digits(text).map_err(|wrong| self.wrong(&wrong))?);
                Ok(())
            }
            _ => self.cells.append(row, out),
        }
    }

    /// The text of a value as the database has it.
    pub(crate) fn text(&self, row: usize) -> Result<Option<&str>> {
        self.cells.text(row)
    }

    #[cold]
    fn wrong(&self, wrong: &str) -> Error {
        Error::input(format!("column {}: {wrong}", show(&self.column.name)))
    }
}

/// The digits of an integer or a decimal, which must be valid JSON.
fn digits(text: &str) -> std::result::Result<&[u8], String> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let is_number = !unsigned.is_empty()
        && unsigned.bytes().all(|byte| byte.is_ascii_digit())
        && (unsigned.len() == 1 || !unsigned.starts_with('0'));
    if is_number {
        Ok(text.as_bytes())
    } else {
        Err(format!("expected an integer, found {}", show(text)))
    }
}

/// The first row of a batch that is one of the table.
pub(crate) fn first_row(batch: &RecordBatch, extra: usize) -> Result<usize> {
    if extra == 0 || batch.num_rows() == 0 {
        return Ok(0);
    }
    let marks = batch.column(0).as_primitive_opt::<Int64Type>();
    let marks = marks.ok_or_else(|| Error::bug("a batch whose first column is not the mark of its rows"))?;
    let samples = marks.iter().filter(|mark| *mark == Some(0)).count();
    if samples > 1 || samples == 1 && marks.value(0) != 0 || marks.null_count() > 0 {
        return Err(Error::bug("the row that says the types is not the first one"));
    }
    Ok(samples)
}
