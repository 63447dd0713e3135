//! The builder of one Arrow column.

mod nested;

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBufferBuilder, ScalarBuffer};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use serde_json::Value;

use super::nulls::Nulls;
use super::refused::{Refused, Replaced, refuse};
use super::texts::Texts;
use super::{ColumnOptions, Integers, InvalidValues, NestedValues, Numbers, float, room_for_next};
use crate::cell::{Cell, Row};
use crate::copied::Kind;
use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::schema::DataType;
use crate::schema::types::is_beyond_64_bits;
use crate::time;

use nested::Nested;

/// The digits of a decimal that has as many as 128 bits can hold.
const MAX_PRECISION: u8 = 38;

/// The values so far, and which of them are null.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) values: Values,
    pub(super) nulls: Nulls,
    /// The values that became null because the column cannot hold them; `None` where such a value is refused.
    replaced: Option<Box<Replaced>>,
}

/// With a tag of its own (`repr`): one that the compiler hides in the capacity of a vector takes longer to read.
#[derive(Debug)]
#[repr(u8)]
pub(super) enum Values {
    Boolean(BooleanBufferBuilder),
    Integer(Vec<i64>),
    Float(Vec<f64>),
    Decimal {
        values: Vec<i128>,
        precision: u8,
        scale: i8,
    },
    Date(Vec<i32>),
    Time(Vec<i64>),
    Timestamp(Vec<i64>),
    Text(Texts),
    /// The JSON text of each value: strings have their quotes.
    Json(Texts),
    Nested(Box<Nested>),
}

impl Column {
    /// A column of this type; `schema` is looked into where nested values become structs and lists.
    pub(super) fn new(data_type: DataType, schema: &Value, options: ColumnOptions) -> Self {
        let nested = (data_type == DataType::Json && options.nested == NestedValues::Structs)
            .then(|| Nested::of(schema, options))
            .flatten();
        let values = match data_type {
            DataType::Json if let Some(nested) = nested => Values::Nested(Box::new(nested)),
            DataType::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            DataType::Integer { .. } => match options.integers {
                Integers::Digits => Values::Text(Texts::default()),
                Integers::Int64 if !is_beyond_64_bits(schema) => Values::Integer(Vec::new()),
                Integers::Int64 | Integers::Decimal => Values::Decimal {
                    values: Vec::new(),
                    precision: MAX_PRECISION,
                    scale: 0,
                },
            },
            DataType::Number if options.numbers == Numbers::Float => Values::Float(Vec::new()),
            DataType::Decimal {
                precision: Some(precision @ 1..=38),
                scale,
            } => {
                // At most 38, so both fit.
                let scale = scale.unwrap_or(0).min(precision);
                Values::Decimal {
                    values: Vec::new(),
                    precision: precision as u8,
                    scale: scale as i8,
                }
            }
            DataType::Date => Values::Date(Vec::new()),
            DataType::Time => Values::Time(Vec::new()),
            DataType::DateTime => Values::Timestamp(Vec::new()),
            DataType::Number | DataType::Decimal { .. } | DataType::Text { .. } | DataType::Uuid => {
                Values::Text(Texts::default())
            }
            DataType::Json => Values::Json(Texts::default()),
        };
        // Text holds everything; what it refuses is a batch that is too large, not a value.
        let holds_all = matches!(values, Values::Text(_) | Values::Json(_));
        let replaces = options.invalid_values == InvalidValues::Null && !holds_all;
        Self {
            values,
            nulls: Nulls::default(),
            replaced: replaces.then(Box::default),
        }
    }

    /// Refuses values that it cannot hold, whatever the options say: a key is not null.
    pub(super) fn refuse_invalid(&mut self) {
        self.replaced = None;
    }

    pub(super) fn data_type(&self) -> ArrowType {
        match self.values {
            Values::Boolean(_) => ArrowType::Boolean,
            Values::Integer(_) => ArrowType::Int64,
            Values::Float(_) => ArrowType::Float64,
            Values::Decimal { precision, scale, .. } => ArrowType::Decimal128(precision, scale),
            Values::Date(_) => ArrowType::Date32,
            Values::Time(_) => ArrowType::Time64(TimeUnit::Microsecond),
            Values::Timestamp(_) => ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Values::Text(_) | Values::Json(_) => ArrowType::Utf8,
            Values::Nested(ref nested) => nested.data_type(),
        }
    }

    /// Adds a value, or says why it cannot be one of this column. `row` is the one that the cell is of.
    ///
    /// The usual value of each type comes first; all others are left to [`push_other`](Self::push_other).
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called in one loop, for each cell")]
    pub(super) fn push(&mut self, cell: &Cell<'_>, row: &Row<'_>) -> Result<(), Refused> {
        if self.nulls.pending() == 0 {
            match (&mut self.values, cell) {
                (Values::Integer(values), Cell::Int(value)) => {
                    values.push(*value);
                    return Ok(());
                }
                (Values::Text(texts), Cell::Text(text)) => return texts.push(text, row),
                (Values::Float(values), Cell::Number(digits)) if let Some(number) = float::parse(digits) => {
                    values.push(number);
                    return Ok(());
                }
                (Values::Float(values), Cell::Int(value)) => {
                    values.push(nearest(*value));
                    return Ok(());
                }
                (Values::Date(values), Cell::Text(text)) if let Some(days) = time::parse_date(text.raw) => {
                    values.push(days);
                    return Ok(());
                }
                (Values::Timestamp(values), Cell::Text(text))
                    if let Some(micros) = time::parse_date_time(text.raw) =>
                {
                    values.push(micros);
                    return Ok(());
                }
                _ => {}
            }
        }
        if let Cell::Null | Cell::Absent = cell {
            self.nulls.add();
            return Ok(());
        }
        self.push_other(cell, row)
    }

    /// Adds a field that is its text, where the column takes it as it is: a cell would be written first and then read again.
    /// `false` when it is to come as one.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called in one loop, for each field")]
    pub(super) fn push_field(&mut self, kind: Kind, text: &str) -> bool {
        if self.nulls.pending() > 0 {
            return false;
        }
        match (&mut self.values, kind) {
            (Values::Integer(values), Kind::Int2 | Kind::Int4 | Kind::Int8)
                if let Ok(value) = text.parse() =>
            {
                values.push(value);
            }
            (Values::Float(values), Kind::Numeric { .. }) if let Some(number) = float::parse(text) => {
                values.push(number);
            }
            (Values::Date(values), Kind::Date) if let Some(days) = time::parse_date(text) => {
                values.push(days);
            }
            (Values::Text(texts), Kind::Text { .. } | Kind::Decimal { .. } | Kind::Uuid | Kind::Date) => {
                return texts.push_plain(text).is_some();
            }
            _ => return false,
        }
        true
    }

    /// Adds null in the place of a value that was refused, if that is what is wanted of this column.
    #[cold]
    pub(super) fn replace(&mut self, refused: &Refused) -> bool {
        let rows = self.len();
        let Some(replaced) = &mut self.replaced else {
            return false;
        };
        replaced.count += 1;
        if replaced.count == 1 {
            replaced.first.clone_from(refused);
        }
        // A nested value may have left some of its parts.
        self.truncate(rows);
        self.push_null();
        true
    }

    /// Takes note of the values that became null since this was last asked, of nested ones as well.
    pub(super) fn take_replaced(&mut self, all: &mut Replaced) {
        if let Some(replaced) = self.replaced.as_deref_mut().map(std::mem::take) {
            if all.count == 0 {
                all.first = replaced.first;
            }
            all.count += replaced.count;
        }
        if let Values::Nested(nested) = &mut self.values {
            nested.take_replaced(all);
        }
    }

    /// A value after nulls, types that are rare, values in a rare spelling, and values that do not belong here.
    #[inline(never)]
    fn push_other(&mut self, cell: &Cell<'_>, row: &Row<'_>) -> Result<(), Refused> {
        if self.nulls.pending() > 0 {
            self.settle();
        }
        let refused = match (&mut self.values, cell) {
            (Values::Boolean(values), Cell::Bool(value)) => {
                values.append(*value);
                None
            }
            (Values::Boolean(_), _) => Some("a boolean"),
            (Values::Integer(values), Cell::Int(value)) => {
                values.push(*value);
                None
            }
            (Values::Integer(_), Cell::Number(_)) => Some("an integer of 64 bits"),
            (Values::Integer(_), _) => Some("an integer"),
            (Values::Float(values), Cell::Int(value)) => {
                values.push(nearest(*value));
                None
            }
            (Values::Float(values), Cell::Number(digits)) if let Some(number) = float::parse(digits) => {
                values.push(number);
                None
            }
            (Values::Float(_), Cell::Number(_)) => Some("a number in the range of 64-bit floats"),
            (Values::Float(_), _) => Some("a number"),
            (
                Values::Decimal {
                    values,
                    precision,
                    scale,
                },
                _,
            ) => {
                values.push(decimal(cell, *precision, *scale)?);
                None
            }
            (Values::Date(values), _) => add(values, cell, time::parse_date, "a date, YYYY-MM-DD"),
            (Values::Time(values), _) => add(values, cell, time::parse_time_utc, "a time of day, HH:MM:SS"),
            (Values::Timestamp(values), _) => {
                add(values, cell, time::parse_date_time, "a date-time as in RFC 3339")
            }
            (Values::Text(texts), _) => {
                texts.push_scalar(cell, row)?;
                None
            }
            (Values::Json(texts), _) => {
                texts.push_json(cell, row)?;
                None
            }
            (Values::Nested(nested), _) => {
                nested.push(cell, row)?;
                None
            }
        };
        match refused {
            Some(expected) => Err(refuse(expected, cell)),
            None => Ok(()),
        }
    }

    pub(super) fn push_null(&mut self) {
        self.nulls.add();
    }

    /// Adds placeholder values for the pending nulls; the validity bitmap hides them.
    #[inline(never)]
    pub(super) fn settle(&mut self) {
        let (rows, nulls) = (self.settled(), self.nulls.pending());
        self.nulls.settle(rows);
        match &mut self.values {
            Values::Boolean(values) => values.append_n(nulls, false),
            Values::Integer(values) | Values::Time(values) | Values::Timestamp(values) => {
                values.resize(rows + nulls, 0);
            }
            Values::Float(values) => values.resize(rows + nulls, 0.0),
            Values::Decimal { values, .. } => values.resize(rows + nulls, 0),
            Values::Date(values) => values.resize(rows + nulls, 0),
            Values::Text(texts) | Values::Json(texts) => texts.push_nulls(nulls),
            Values::Nested(nested) => nested.push_nulls(nulls),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.settled() + self.nulls.pending()
    }

    /// Rows without the nulls that are pending.
    fn settled(&self) -> usize {
        match &self.values {
            Values::Boolean(values) => values.len(),
            Values::Integer(values) | Values::Time(values) | Values::Timestamp(values) => values.len(),
            Values::Float(values) => values.len(),
            Values::Decimal { values, .. } => values.len(),
            Values::Date(values) => values.len(),
            Values::Text(texts) | Values::Json(texts) => texts.len(),
            Values::Nested(nested) => nested.len(),
        }
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.nulls.truncate(rows, self.settled());
        match &mut self.values {
            Values::Boolean(values) => values.truncate(rows.min(values.len())),
            Values::Integer(values) | Values::Time(values) | Values::Timestamp(values) => {
                values.truncate(rows);
            }
            Values::Float(values) => values.truncate(rows),
            Values::Decimal { values, .. } => values.truncate(rows),
            Values::Date(values) => values.truncate(rows),
            Values::Text(texts) | Values::Json(texts) => texts.truncate(rows),
            Values::Nested(nested) => nested.truncate(rows),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match &self.values {
            Values::Boolean(values) => values.len() / 8,
            Values::Integer(values) | Values::Time(values) | Values::Timestamp(values) => values.len() * 8,
            Values::Float(values) => values.len() * 8,
            Values::Decimal { values, .. } => values.len() * 16,
            Values::Date(values) => values.len() * 4,
            Values::Text(texts) | Values::Json(texts) => texts.size(),
            Values::Nested(nested) => nested.bytes(),
        }
    }

    /// Takes the values out as an array. The next batch starts with as much room as this one took.
    pub(super) fn finish(&mut self) -> Result<ArrayRef> {
        if self.nulls.pending() > 0 {
            self.settle();
        }
        let nulls = self.nulls.finish(self.settled());
        Ok(match &mut self.values {
            Values::Boolean(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Integer(values) => Arc::new(Int64Array::new(take(values), nulls)),
            Values::Float(values) => Arc::new(Float64Array::new(take(values), nulls)),
            Values::Decimal {
                values,
                precision,
                scale,
            } => Arc::new(
                Decimal128Array::new(take(values), nulls)
                    .with_precision_and_scale(*precision, *scale)
                    .map_err(|error| Error::bug("a decimal column").with_source(error))?,
            ),
            Values::Date(values) => Arc::new(Date32Array::new(take(values), nulls)),
            Values::Time(values) => Arc::new(Time64MicrosecondArray::new(take(values), nulls)),
            Values::Timestamp(values) => {
                Arc::new(TimestampMicrosecondArray::new(take(values), nulls).with_timezone("UTC"))
            }
            Values::Text(texts) | Values::Json(texts) => Arc::new(texts.finish()?),
            Values::Nested(nested) => nested.finish(nulls)?,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "the nearest float, as documented")]
fn nearest(value: i64) -> f64 {
    value as f64
}

fn take<T: arrow_buffer::ArrowNativeType>(values: &mut Vec<T>) -> ScalarBuffer<T> {
    let room = room_for_next(values.len());
    ScalarBuffer::from(std::mem::replace(values, Vec::with_capacity(room)))
}

/// Adds what `parse` makes of a text, or says what was expected.
fn add<T>(
    values: &mut Vec<T>,
    cell: &Cell<'_>,
    parse: impl Fn(&str) -> Option<T>,
    expected: &'static str,
) -> Option<&'static str> {
    let Cell::Text(text) = cell else {
        return Some(expected);
    };
    match parse(&text.to_text()) {
        Some(value) => {
            values.push(value);
            None
        }
        None => Some(expected),
    }
}

fn decimal(cell: &Cell<'_>, precision: u8, scale: i8) -> Result<i128, Refused> {
    let number = match cell {
        Cell::Int(value) => Decimal::parse(itoa::Buffer::new().format(*value)),
        Cell::Number(digits) => Decimal::parse(digits),
        Cell::Text(text) => Decimal::parse(&text.to_text()),
        _ => None,
    };
    let scaled = number.and_then(|number| number.to_scaled(i32::from(scale)));
    match scaled {
        Some(value) if value.unsigned_abs() < 10_u128.pow(u32::from(precision)) => Ok(value),
        _ if scale == 0 => Err(refuse(&format!("an integer of at most {precision} digits"), cell)),
        _ => Err(refuse(
            &format!("a decimal of {precision} digits, {scale} of them after the point"),
            cell,
        )),
    }
}
