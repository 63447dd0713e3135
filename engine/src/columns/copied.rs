//! Rows that come as lines of COPY: their fields go into the columns, with no record in between.

use std::str::FromStr;

use serde::Serialize;

use super::Columns;
use super::column::{Column, Values};
use crate::cell::{Cell, Row, Text};
use crate::copied::{self, Field, Fields, Kind};
use crate::decode::WriteValue;
use crate::error::Result;

/// How such rows are read.
#[derive(Debug)]
pub(super) struct CopiedFields {
    /// What each field is, and its column.
    places: Vec<Place>,
    /// The columns without a field: our own, and those that the rows lack.
    others: Vec<usize>,
    /// The text of a value that is not as its field has it.
    text: String,
}

#[derive(Debug)]
struct Place {
    column: usize,
    kind: Kind,
    is_key: bool,
    /// The column keeps the digits of the float.
    keeps_digits: bool,
}

impl CopiedFields {
    /// `None` when a field has no column, or one whose values are made of what a record would say.
    pub(super) fn of(columns: &Columns, fields: &[copied::Column]) -> Option<Self> {
        let source = &columns.source;
        let place = |field: &copied::Column| {
            let named =
                |column: &crate::schema::Column| column.name == field.name && column.metadata.is_none();
            let column = source.columns.iter().position(named)?;
            holds(&columns.columns[column], field.kind).then(|| Place {
                column,
                kind: field.kind,
                is_key: source.key.contains(&column),
                keeps_digits: matches!(columns.columns[column].values, Values::Text(_)),
            })
        };
        let places: Vec<Place> = fields.iter().map(place).collect::<Option<_>>()?;
        let lacks = |column: &usize| places.iter().all(|place| place.column != *column);
        let others: Vec<usize> = (0..source.columns.len()).filter(lacks).collect();
        // Without its key a record is refused.
        let lacks_key = source.key.iter().any(|key| others.contains(key));
        (!lacks_key).then(|| Self {
            places,
            others,
            text: String::new(),
        })
    }

    /// Adds a row; `row` has the cells of our own columns, if there are any.
    pub(super) fn push(&mut self, columns: &mut Columns, fields: &str, row: &Row<'_>) -> Result<bool> {
        let mut fields = Fields::of(fields);
        for place in &self.places {
            let column = &mut columns.columns[place.column];
            let cell = match fields.next() {
                Some(Field::Null) if !place.is_key => {
                    column.push_null();
                    continue;
                }
                Some(Field::Plain(text)) if column.push_field(place.kind, text) => continue,
                Some(Field::Plain(text)) => plain(place, text, &mut self.text),
                Some(Field::Special(text)) => special(place.kind, text, &mut self.text),
                _ => None,
            };
            let Some(cell) = cell else {
                columns.roll_back();
                return Ok(false);
            };
            if let Err(refused) = column.push(&cell, row)
                && !column.replace(&refused)
            {
                return Err(columns.refuse(place.column, &refused));
            }
        }
        if fields.next().is_some() {
            columns.roll_back();
            return Ok(false);
        }
        for &at in &self.others {
            let cell = row.cells.get(at).unwrap_or(&Cell::Absent);
            if let Err(refused) = columns.columns[at].push(cell, row) {
                return Err(columns.refuse(at, &refused));
            }
        }
        let others = self.others.iter();
        columns.note_absent(others.map(|&at| (at, row.cells.get(at).unwrap_or(&Cell::Absent))))?;
        columns.rows += 1;
        Ok(true)
    }
}

/// Whether values of the kind are in the column what those of a record would be.
fn holds(column: &Column, kind: Kind) -> bool {
    matches!(
        (&column.values, kind),
        (Values::Boolean(_), Kind::Bool)
            | (Values::Integer(_), Kind::Int2 | Kind::Int4 | Kind::Int8)
            | (
                Values::Float(_) | Values::Decimal { .. } | Values::Text(_),
                Kind::Int2 | Kind::Int4 | Kind::Int8 | Kind::Numeric { .. },
            )
            | (Values::Float(_) | Values::Text(_), Kind::Float4 | Kind::Float8,)
            | (Values::Json(_), Kind::Json)
            // As a string of a record is read.
            | (Values::Date(_) | Values::Time(_) | Values::Timestamp(_), Kind::Text { .. })
            | (Values::Decimal { .. }, Kind::Decimal { .. })
            | (Values::Date(_), Kind::Date)
            | (Values::Timestamp(_), Kind::Timestamp | Kind::TimestampTz)
            | (
                Values::Text(_),
                Kind::Decimal { .. } | Kind::Date | Kind::Uuid | Kind::Text { .. },
            )
    )
}

/// The cell of a field that is its text; `None` for a text that is no value of its kind.
#[inline]
fn plain<'a>(place: &Place, text: &'a str, spelled: &'a mut String) -> Option<Cell<'a>> {
    Some(match place.kind {
        Kind::Bool => Cell::Bool(text == "t"),
        Kind::Int2 | Kind::Int4 | Kind::Int8 => Cell::Int(text.parse().ok()?),
        Kind::Numeric { .. } => Cell::Number(text),
        Kind::Float8 if !place.keeps_digits => Cell::Number(text),
        // As records spell them: of 32 bits the digits are others, and make another number of 64 bits.
        Kind::Float4 => {
            spell::<f32>(text, spelled)?;
            Cell::Number(spelled)
        }
        Kind::Float8 => {
            spell::<f64>(text, spelled)?;
            Cell::Number(spelled)
        }
        Kind::Json => Cell::Json(text.trim_ascii()),
        Kind::Decimal { .. }
        | Kind::Text { .. }
        | Kind::Uuid
        | Kind::Date
        | Kind::Timestamp
        | Kind::TimestampTz => Cell::Text(Text::plain(text)),
    })
}

/// Spells a float as records do.
fn spell<F: FromStr + Serialize>(text: &str, spelled: &mut String) -> Option<()> {
    let mut digits = std::mem::take(spelled).into_bytes();
    digits.clear();
    copied::write_float::<F>(text, &mut digits);
    *spelled = String::from_utf8(digits).ok()?;
    Some(())
}

/// The cell of a field with escapes, or with what JSON escapes.
fn special<'a>(kind: Kind, text: &str, spelled: &'a mut String) -> Option<Cell<'a>> {
    spelled.clear();
    copied::unescape(text, |part| spelled.push_str(part));
    match kind {
        Kind::Text { .. } => Some(Cell::Text(Text::plain(spelled))),
        Kind::Json => Some(Cell::Json(spelled.trim_ascii())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
