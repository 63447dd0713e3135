//! The cells of a column of a batch, as values of records.

mod nested;
mod time;

use std::io::Write as _;

use arrow_array::cast::AsArray as _;
use arrow_array::types as of;
use arrow_array::{
    Array, BinaryArray, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, LargeBinaryArray, PrimitiveArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field};
use melisma_engine::error::show;
use melisma_engine::json::write_string;
use melisma_engine::{Error, Result};

use self::nested::Nested;
use self::time::Moments;
use super::digits;
use super::moments::{Done, Wrong};
use super::options::ValueOptions;
use super::property::{is_json, is_uuid, unsupported};
use super::texts::Texts;
use crate::tap::RowWriter;

/// The cells of a column of a batch, to be written as values of records.
///
/// Floats that are NaN or infinite are null, bytes are lower-case hexadecimal digits. Texts are checked to be UTF-8: drivers of
/// databases hand over what is stored.
pub struct Cells<'b> {
    name: &'b str,
    nulls: Option<NullBuffer>,
    values: Values<'b>,
}

/// The values of a column by their type.
enum Values<'b> {
    Null,
    Boolean(&'b BooleanArray),
    Int8(&'b PrimitiveArray<of::Int8Type>),
    Int16(&'b PrimitiveArray<of::Int16Type>),
    Int32(&'b PrimitiveArray<of::Int32Type>),
    Int64(&'b PrimitiveArray<of::Int64Type>),
    UInt8(&'b PrimitiveArray<of::UInt8Type>),
    UInt16(&'b PrimitiveArray<of::UInt16Type>),
    UInt32(&'b PrimitiveArray<of::UInt32Type>),
    UInt64(&'b PrimitiveArray<of::UInt64Type>),
    Float16(&'b PrimitiveArray<of::Float16Type>),
    Float32(&'b PrimitiveArray<of::Float32Type>),
    Float64(&'b PrimitiveArray<of::Float64Type>),
    Decimal(Decimals<'b>, Point),
    Text(Texts<'b>),
    Json(Texts<'b>),
    Binary(&'b BinaryArray),
    LargeBinary(&'b LargeBinaryArray),
    BinaryView(&'b BinaryViewArray),
    FixedBinary(&'b FixedSizeBinaryArray),
    Uuid(&'b FixedSizeBinaryArray),
    Moment(Moments<'b>, ValueOptions),
    Nested(Nested<'b>),
}

enum Decimals<'b> {
    Of32(&'b PrimitiveArray<of::Decimal32Type>),
    Of64(&'b PrimitiveArray<of::Decimal64Type>),
    Of128(&'b PrimitiveArray<of::Decimal128Type>),
    Of256(&'b PrimitiveArray<of::Decimal256Type>),
}

/// Where the point of a decimal is, and whether it stands in quotes.
#[derive(Clone, Copy)]
struct Point {
    scale: i8,
    quoted: bool,
}

impl<'b> Cells<'b> {
    /// The cells of this column; `field` says what its values stand for.
    ///
    /// # Errors
    /// A type that [`json_schema`](super::json_schema) refuses.
    pub fn new(column: &'b dyn Array, field: &'b Field, options: ValueOptions) -> Result<Self> {
        Ok(Self {
            name: field.name(),
            nulls: column.logical_nulls(),
            values: Values::of(column, field, options)?,
        })
    }

    /// Whether a cell is null.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        matches!(self.values, Values::Null) || self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Writes a cell as the next one of a record.
    ///
    /// # Errors
    /// Text that is not UTF-8, and dates that the options refuse.
    #[inline]
    pub fn write(&self, row: usize, record: &mut RowWriter<'_, '_>) -> Result<()> {
        if self.is_null(row) {
            record.null();
            return Ok(());
        }
        match &self.values {
            Values::Boolean(values) => record.bool(values.value(row)),
            Values::Int8(values) => record.int(values.value(row).into()),
            Values::Int16(values) => record.int(values.value(row).into()),
            Values::Int32(values) => record.int(values.value(row).into()),
            Values::Int64(values) => record.int(values.value(row)),
            Values::UInt8(values) => record.int(values.value(row).into()),
            Values::UInt16(values) => record.int(values.value(row).into()),
            Values::UInt32(values) => record.int(values.value(row).into()),
            Values::Float64(values) => record.float(values.value(row)),
            Values::Text(values) => match values.get(row) {
                Ok(text) => record.text(text),
                Err(wrong) => return Err(self.wrong(&wrong)),
            },
            values => {
                let mut done = Ok(());
                record.write(|out| done = values.append(row, out));
                return done.map_err(|wrong| self.wrong(&wrong));
            }
        }
        Ok(())
    }

    /// Appends a cell as JSON.
    ///
    /// # Errors
    /// The same as of [`write`](Self::write).
    pub fn append(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        self.append_value(row, out).map_err(|wrong| self.wrong(&wrong))
    }

    /// The text of a cell, `None` for null.
    ///
    /// # Errors
    /// A column of another type, and text that is not UTF-8.
    pub fn text(&self, row: usize) -> Result<Option<&str>> {
        match &self.values {
            _ if self.is_null(row) => Ok(None),
            Values::Text(values) | Values::Json(values) => match values.get(row) {
                Ok(text) => Ok(Some(text)),
                Err(wrong) => Err(self.wrong(&wrong)),
            },
            _ => Err(self.wrong(&"expected a column of texts".into())),
        }
    }

    fn append_value(&self, row: usize, out: &mut Vec<u8>) -> Done {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        self.values.append(row, out)
    }

    #[cold]
    fn wrong(&self, wrong: &Wrong) -> Error {
        Error::input(format!("column {}: {wrong}", show(self.name)))
    }
}

impl<'b> Values<'b> {
    fn of(column: &'b dyn Array, field: &'b Field, options: ValueOptions) -> Result<Self> {
        Ok(match column.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean(column.as_boolean()),
            DataType::Int8 => Self::Int8(column.as_primitive()),
            DataType::Int16 => Self::Int16(column.as_primitive()),
            DataType::Int32 => Self::Int32(column.as_primitive()),
            DataType::Int64 => Self::Int64(column.as_primitive()),
            DataType::UInt8 => Self::UInt8(column.as_primitive()),
            DataType::UInt16 => Self::UInt16(column.as_primitive()),
            DataType::UInt32 => Self::UInt32(column.as_primitive()),
            DataType::UInt64 => Self::UInt64(column.as_primitive()),
            DataType::Float16 => Self::Float16(column.as_primitive()),
            DataType::Float32 => Self::Float32(column.as_primitive()),
            DataType::Float64 => Self::Float64(column.as_primitive()),
            DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => Self::decimals(column, options),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let texts = match column.data_type() {
                    DataType::Utf8 => Texts::small(column.as_string()),
                    DataType::LargeUtf8 => Texts::large(column.as_string()),
                    _ => Texts::view(column.as_string_view()),
                };
                if is_json(field) {
                    Self::Json(texts)
                } else {
                    Self::Text(texts)
                }
            }
            DataType::Binary => Self::Binary(column.as_binary()),
            DataType::LargeBinary => Self::LargeBinary(column.as_binary()),
            DataType::BinaryView => Self::BinaryView(column.as_binary_view()),
            DataType::FixedSizeBinary(_) if is_uuid(field) => Self::Uuid(column.as_fixed_size_binary()),
            DataType::FixedSizeBinary(_) => Self::FixedBinary(column.as_fixed_size_binary()),
            DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Timestamp(..)
            | DataType::Duration(_)
            | DataType::Interval(_) => Self::Moment(Moments::of(column), options),
            DataType::Union(..) => return Err(unsupported(field)),
            DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::ListView(_)
            | DataType::LargeListView(_)
            | DataType::Struct(_)
            | DataType::Map(..)
            | DataType::Dictionary(..)
            | DataType::RunEndEncoded(..) => Self::Nested(Nested::of(column, options)?),
        })
    }

    fn decimals(column: &'b dyn Array, options: ValueOptions) -> Self {
        let quoted = options.decimals_as_strings;
        let (decimals, scale) = match column.data_type() {
            DataType::Decimal32(_, scale) => (Decimals::Of32(column.as_primitive()), *scale),
            DataType::Decimal64(_, scale) => (Decimals::Of64(column.as_primitive()), *scale),
            DataType::Decimal256(_, scale) => (Decimals::Of256(column.as_primitive()), *scale),
            DataType::Decimal128(_, scale) => (Decimals::Of128(column.as_primitive()), *scale),
            _ => return Self::Null,
        };
        Self::Decimal(decimals, Point { scale, quoted })
    }

    /// Appends a value that is not null.
    fn append(&self, row: usize, out: &mut Vec<u8>) -> Done {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Boolean(values) => {
                out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
            }
            Self::Int8(values) => integer(values.value(row), out),
            Self::Int16(values) => integer(values.value(row), out),
            Self::Int32(values) => integer(values.value(row), out),
            Self::Int64(values) => integer(values.value(row), out),
            Self::UInt8(values) => integer(values.value(row), out),
            Self::UInt16(values) => integer(values.value(row), out),
            Self::UInt32(values) => integer(values.value(row), out),
            Self::UInt64(values) => integer(values.value(row), out),
            // Its digits are those of the same value in 32 bits.
            Self::Float16(values) => float(values.value(row).to_f32(), out),
            Self::Float32(values) => float(values.value(row), out),
            Self::Float64(values) => float(values.value(row), out),
            Self::Decimal(values, point) => values.append(row, *point, out),
            Self::Text(values) => write_string(out, values.get(row)?),
            Self::Json(values) => json(values.get(row)?, out)?,
            Self::Binary(values) => hex(values.value(row), out),
            Self::LargeBinary(values) => hex(values.value(row), out),
            Self::BinaryView(values) => hex(values.value(row), out),
            Self::FixedBinary(values) => hex(values.value(row), out),
            Self::Uuid(values) => uuid(values.value(row), out),
            Self::Moment(values, options) => values.append(row, *options, out)?,
            Self::Nested(values) => values.append(row, out)?,
        }
        Ok(())
    }
}

impl Decimals<'_> {
    fn append(&self, row: usize, point: Point, out: &mut Vec<u8>) {
        if point.quoted {
            out.push(b'"');
        }
        match self {
            Self::Of32(values) => decimal(values.value(row), point.scale, out),
            Self::Of64(values) => decimal(values.value(row), point.scale, out),
            Self::Of128(values) => decimal(values.value(row), point.scale, out),
            Self::Of256(values) => digits::decimal(&values.value(row).to_string(), point.scale, out),
        }
        if point.quoted {
            out.push(b'"');
        }
    }
}

#[inline]
fn integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn decimal(value: impl itoa::Integer, scale: i8, out: &mut Vec<u8>) {
    digits::decimal(itoa::Buffer::new().format(value), scale, out);
}

/// The shortest digits that give the same value again; null for NaN and the infinities.
fn float(value: impl zmij::Float, out: &mut Vec<u8>) {
    match zmij::Buffer::new().format(value) {
        "NaN" | "inf" | "-inf" => out.extend_from_slice(b"null"),
        digits => out.extend_from_slice(digits.as_bytes()),
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn push_hex(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(2 * bytes.len() + 2);
    out.push(b'"');
    for &byte in bytes {
        push_hex(byte, out);
    }
    out.push(b'"');
}

fn uuid(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for (i, &byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        push_hex(byte, out);
    }
    out.push(b'"');
}

/// JSON as it is, on one line.
fn json(text: &str, out: &mut Vec<u8>) -> Done {
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return Err(format!("expected JSON, found {}", show(text)).into());
    }
    if text.contains(['\n', '\r']) {
        // Inside a string they are escaped, so these stand between tokens.
        let _ = write!(out, "{}", text.replace(['\n', '\r'], " "));
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
