//! How the cells of a column become fields, chosen once when the table is planned.

mod array;
mod fields;
mod misfit;

use melisma_sdk::files::write_int;
use melisma_sdk::internal::decimal::Decimal;
use melisma_sdk::{Cell, Error, Result, Text, show};

use super::limits;
use super::moment::{InvalidDates, Moment};
use super::number::{Digits, special};
use super::text::{Nul, write_text};
use super::walk::cell_of;
use array::{json_of_literal, write_array};
use fields::{
    as_text, boolean, bytea, characters, decimal, float, integer, is_number, is_special, json, numeric,
    plain, uuid,
};

pub use misfit::InvalidValues;
pub(crate) use misfit::Wider;

/// How the values of a column are written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Form {
    Boolean,
    /// smallint, integer or bigint, by its size.
    Integer {
        bytes: u8,
    },
    Numeric,
    /// numeric with precision and scale, for numbers that it does not round.
    Decimal {
        precision: u16,
        scale: i16,
    },
    /// The same, which rounds digits beyond its scale: the schema says that there are none.
    Rounded {
        precision: u16,
        scale: i16,
    },
    Real,
    /// double precision
    Float,
    /// text and similar types: any value.
    Text,
    /// varchar(n), char(n): text of at most `most` characters.
    Characters {
        most: u32,
    },
    Moment(Moment),
    Uuid,
    /// json, jsonb
    Json,
    /// bytea, from base16.
    Bytea,
    /// An array of such elements; a single value becomes an array of one.
    Array(Box<Form>),
    /// Any other type: its text, as the server reads it.
    Other,
}

/// A column of the COPY: the cell it is written from, and how.
#[derive(Clone, Debug)]
pub(crate) struct CopyColumn {
    /// The index of its cell in a row.
    pub(crate) cell: usize,
    pub(crate) form: Form,
    /// Equal keys must be equal bytes, and none may be null.
    pub(crate) key: bool,
    /// The digits behind the point that the column of a key keeps; the server rounds more.
    pub(crate) scale: Option<u16>,
    /// What the column becomes for a value that does not fit it.
    pub(crate) wider: Wider,
}

/// What happens to values that PostgreSQL cannot store: the settings that say so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InvalidValuePolicy {
    pub(crate) nul: Nul,
    pub(crate) dates: InvalidDates,
    pub(crate) values: InvalidValues,
}

/// Why a cell is not a valid value of the column.
pub(crate) enum Refused {
    Expected(&'static str),
    /// A key with more digits behind the point than its column keeps.
    Scale(u16),
    /// More digits than the precision and scale of the column.
    Digits {
        precision: u16,
        scale: i16,
    },
    /// More characters than the column holds.
    Characters {
        most: u32,
    },
    Nul,
}

impl From<super::text::HasNul> for Refused {
    fn from(_: super::text::HasNul) -> Self {
        Self::Nul
    }
}

const NULL: &[u8] = b"\\N";

impl CopyColumn {
    /// Appends the field.
    #[inline]
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        cell: &Cell<'_>,
        policy: InvalidValuePolicy,
    ) -> Result<(), Refused> {
        match (&self.form, cell) {
            (_, Cell::Null | Cell::Absent) if self.key => {
                return Err(Refused::Expected("a value for the key"));
            }
            (_, Cell::Null | Cell::Absent) => out.extend_from_slice(NULL),
            // The most frequent ones.
            (Form::Text, Cell::Text(text)) => write_text(out, *text, policy.nul)?,
            (Form::Numeric, Cell::Number(digits)) if !self.key && !limits::may_be_huge(digits) => {
                out.extend_from_slice(digits.as_bytes());
            }
            (Form::Moment(moment), Cell::Text(text)) => self.write_moment(out, *moment, *text, policy)?,
            (Form::Numeric | Form::Decimal { .. } | Form::Rounded { .. }, cell) if self.key => {
                self.fitting_key_number(out, cell)?;
            }
            (form, cell) => form.write(out, cell, policy.nul, self.key)?,
        }
        Ok(())
    }

    /// A number as part of a key, when the column holds it.
    fn fitting_key_number(&self, out: &mut Vec<u8>, cell: &Cell<'_>) -> Result<(), Refused> {
        let start = out.len();
        self.key_number(out, cell)?;
        match self.form {
            Form::Decimal { precision, scale } | Form::Rounded { precision, scale }
                if !limits::fits_decimal(&out[start..], precision, scale) =>
            {
                Err(Refused::Digits { precision, scale })
            }
            Form::Numeric if !limits::fits_numeric(&out[start..]) => {
                Err(Refused::Expected("a number that fits numeric"))
            }
            _ => Ok(()),
        }
    }

    /// A number as part of a key.
    ///
    /// Digits beyond the column's scale mean different things in JSON's two spellings. A number may be a binary
    /// float, whose last digits are noise: it is rounded as the column rounds it. A text has the digits that the
    /// source has, so that `"1.001"` and `"1.002"` are two rows of the source: one that would be rounded is refused,
    /// because the other row would be lost.
    fn key_number(&self, out: &mut Vec<u8>, cell: &Cell<'_>) -> Result<(), Refused> {
        let text = match cell {
            Cell::Int(value) => {
                write_int(out, *value);
                return Ok(());
            }
            Cell::Number(digits) => digits,
            cell => plain(cell).ok_or(Refused::Expected("a number"))?,
        };
        if let Some(value) = Decimal::parse(text).and_then(Decimal::to_i64) {
            write_int(out, value);
            return Ok(());
        }
        match Digits::parse(text) {
            Some(number) => {
                let number = match self.scale {
                    Some(scale) if number.scale() > i64::from(scale) => {
                        if matches!(cell, Cell::Text(_)) {
                            return Err(Refused::Scale(scale));
                        }
                        number.round(scale)
                    }
                    _ => number,
                };
                number.write(out);
            }
            None if is_number(text) => out.extend_from_slice(text.as_bytes()),
            None if is_special(text) => out.extend_from_slice(special(text).as_bytes()),
            None => return Err(Refused::Expected("a number")),
        }
        Ok(())
    }

    fn write_moment(
        &self,
        out: &mut Vec<u8>,
        moment: Moment,
        text: Text<'_>,
        policy: InvalidValuePolicy,
    ) -> Result<(), Refused> {
        // No escape is part of a date: what has one is not valid.
        let start = out.len();
        if !text.escaped && moment.write(out, text.raw, self.key).is_ok() {
            return Ok(());
        }
        out.truncate(start);
        match policy.dates {
            InvalidDates::Null if !self.key => out.extend_from_slice(NULL),
            // Spelled as the same moment is when the tap sends it.
            InvalidDates::Max if self.key && moment.write(out, moment.maximum(), true).is_ok() => {}
            InvalidDates::Max => out.extend_from_slice(moment.maximum().as_bytes()),
            InvalidDates::Error | InvalidDates::Null => return Err(Refused::Expected(moment.expected())),
        }
        Ok(())
    }
}

impl Form {
    /// The form for values whose schema has the limits of the column.
    pub(crate) fn rounding(self) -> Self {
        match self {
            Self::Decimal { precision, scale } => Self::Rounded { precision, scale },
            Self::Array(element) => Self::Array(Box::new(element.rounding())),
            other => other,
        }
    }

    /// Appends a value that is not null.
    fn write(&self, out: &mut Vec<u8>, cell: &Cell<'_>, nul: Nul, canonical: bool) -> Result<(), Refused> {
        match self {
            Self::Text | Self::Other => as_text(out, cell, nul),
            Self::Boolean => boolean(out, cell),
            Self::Integer { bytes } => integer(out, cell, *bytes),
            Self::Numeric => numeric(out, cell),
            Self::Decimal { precision, scale } => {
                decimal(out, cell, (*precision, *scale), limits::fits_decimal)
            }
            Self::Rounded { precision, scale } => {
                decimal(out, cell, (*precision, *scale), limits::fits_rounded)
            }
            Self::Real => float(out, cell, canonical, limits::fits_real),
            Self::Float => float(out, cell, canonical, limits::fits_double),
            Self::Characters { most } => characters(out, cell, nul, *most),
            Self::Moment(moment) => match plain(cell) {
                Some(text) => moment
                    .write(out, text, canonical)
                    .map_err(|_| Refused::Expected(moment.expected())),
                None => Err(Refused::Expected(moment.expected())),
            },
            Self::Uuid => uuid(out, cell),
            Self::Json => json(out, cell, nul),
            Self::Bytea => bytea(out, cell, canonical),
            Self::Array(element) => self.array(out, cell, element, nul),
        }
    }

    fn array(&self, out: &mut Vec<u8>, cell: &Cell<'_>, element: &Self, nul: Nul) -> Result<(), Refused> {
        debug_assert!(matches!(self, Self::Array(_)));
        match cell {
            Cell::Json(json) if json.starts_with('[') => {
                write_array(out, json, element, nul).map_err(|trouble| match trouble {
                    array::Trouble::Nul => Refused::Nul,
                    array::Trouble::Element => Refused::Expected("an array whose elements fit the column"),
                })
            }
            // A literal of PostgreSQL's own.
            Cell::Text(text) if text.raw.starts_with('{') => {
                let json = json_of_literal(&text.to_text(), element);
                self.array(
                    out,
                    &Cell::Json(&json.ok_or(Refused::Expected("an array"))?),
                    element,
                    nul,
                )
            }
            _ => Err(Refused::Expected("an array")),
        }
    }

    /// Appends a JSON value, its syntax checked, that is not null: an element of an array.
    pub(crate) fn write_json_value(
        &self,
        out: &mut Vec<u8>,
        value: &str,
        nul: Nul,
    ) -> Result<(), array::Trouble> {
        let cell = cell_of(value);
        self.write(out, &cell, nul, false)
            .map_err(|refused| match refused {
                Refused::Nul => array::Trouble::Nul,
                _ => array::Trouble::Element,
            })
    }
}

/// The error of a record whose `name` is refused.
#[cold]
pub(crate) fn refuse(refused: &Refused, name: &str, cell: &Cell<'_>, why: Option<&str>) -> Error {
    let found = match cell {
        Cell::Absent => "nothing".to_owned(),
        Cell::Null => "null".to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(value) => value.to_string(),
        Cell::Number(digits) => show(digits),
        Cell::Text(text) => format!("\"{}\"", show(text.raw)),
        Cell::Json(json) => show(json),
    };
    let name = show(name);
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    Error::input(match refused {
        Refused::Expected(what) => format!("{name}: expected {what}, found {found}{why}"),
        Refused::Scale(scale) => format!(
            "{name}: expected a key with at most {scale} digits behind the point, which its column keeps: rounded it \
             could replace another row, found {found}{why}"
        ),
        Refused::Digits { precision, scale } => {
            format!("{name}: expected a number that fits numeric({precision},{scale}), found {found}{why}")
        }
        Refused::Characters { most } => {
            format!("{name}: expected at most {most} characters, found {found}{why}")
        }
        Refused::Nul => format!(
            "{name}: expected text without U+0000, which PostgreSQL cannot store \
             (sanitize_null_text_characters puts U+FFFD in its place), found {found}"
        ),
    })
}

#[cfg(test)]
mod tests;
