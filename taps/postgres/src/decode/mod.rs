//! Decodes a value's binary form, as the server's send function writes it, into JSON.
//!
//! A decoder is chosen once a column; it writes into the record's buffer and allocates nothing. The binary forms are
//! those of PostgreSQL's `src/backend/utils/adt`; they are the same in all versions since 11.

mod array;
mod bytes;
mod number;
#[cfg(test)]
mod tests;
mod text;
mod time;

use crate::config::{InvalidDates, Values};
use crate::kind::Kind;

/// How the values of a column are written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decoder {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    /// A numeric in quotes.
    Decimal,
    Text,
    Bytes,
    Uuid,
    Date(Dates),
    Time,
    TimeTz,
    Timestamp(Dates),
    TimestampTz(Dates),
    Interval,
    Json,
    Jsonb,
    Network,
    Mac,
    Bits,
    Hstore,
    Array(Box<Decoder>),
}

/// The form of dates and timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dates {
    /// ISO 8601, or what the setting says of those that it has no form for.
    Iso(InvalidDates),
    /// PostgreSQL's own.
    Postgres,
}

/// A value that cannot be written: what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong(pub(crate) Box<str>);

pub(crate) type Result<T = ()> = std::result::Result<T, Wrong>;

impl Decoder {
    /// The decoder of a column.
    pub(crate) fn of(kind: &Kind, values: &Values) -> Self {
        let dates = if values.dates_as_string {
            Dates::Postgres
        } else {
            Dates::Iso(values.invalid_date_handling)
        };
        match kind {
            Kind::Bool => Self::Bool,
            Kind::Int2 => Self::Int2,
            Kind::Int4 => Self::Int4,
            Kind::Int8 => Self::Int8,
            Kind::Oid => Self::Oid,
            Kind::Float4 => Self::Float4,
            Kind::Float8 => Self::Float8,
            Kind::Numeric { .. } if values.use_singer_decimal => Self::Decimal,
            Kind::Numeric { .. } => Self::Numeric,
            Kind::Text { .. } | Kind::Other => Self::Text,
            Kind::Bytes => Self::Bytes,
            Kind::Uuid => Self::Uuid,
            Kind::Date => Self::Date(dates),
            Kind::Time => Self::Time,
            Kind::TimeTz => Self::TimeTz,
            Kind::Timestamp => Self::Timestamp(dates),
            Kind::TimestampTz => Self::TimestampTz(dates),
            Kind::Interval => Self::Interval,
            Kind::Json => Self::Json,
            Kind::Jsonb => Self::Jsonb,
            Kind::Network => Self::Network,
            Kind::Mac => Self::Mac,
            Kind::Bits => Self::Bits,
            Kind::Hstore => Self::Hstore,
            Kind::Array(item, _) => Self::Array(Box::new(Self::of(item, values))),
        }
    }

    /// Appends the value as JSON.
    #[inline]
    pub(crate) fn write(&self, value: &[u8], out: &mut Vec<u8>) -> Result {
        match self {
            Self::Bool => number::boolean(value, out),
            Self::Int2 => number::int2(value, out),
            Self::Int4 => number::int4(value, out),
            Self::Int8 => number::int8(value, out),
            Self::Oid => number::oid(value, out),
            Self::Float4 => number::float4(value, out),
            Self::Float8 => number::float8(value, out),
            Self::Numeric => number::numeric(value, out),
            Self::Decimal => number::decimal(value, out),
            Self::Text => text::text(value, out),
            Self::Bytes => {
                bytes::hex(value, out);
                Ok(())
            }
            Self::Uuid => bytes::uuid(value, out),
            Self::Date(dates) => time::date(value, *dates, out),
            Self::Time => time::time(value, out),
            Self::TimeTz => time::time_with_zone(value, out),
            Self::Timestamp(dates) => time::timestamp(value, *dates, false, out),
            Self::TimestampTz(dates) => time::timestamp(value, *dates, true, out),
            Self::Interval => time::interval(value, out),
            Self::Json => text::json(value, out),
            Self::Jsonb => text::jsonb(value, out),
            Self::Network => bytes::network(value, out),
            Self::Mac => bytes::mac(value, out),
            Self::Bits => bytes::bits(value, out),
            Self::Hstore => text::hstore(value, out),
            Self::Array(item) => array::write(value, item, out),
        }
    }
}

impl Wrong {
    #[cold]
    fn new(message: impl Into<String>) -> Self {
        Self(message.into().into_boxed_str())
    }

    /// The server sent something else than the type's binary form.
    #[cold]
    fn form(value: &[u8], expected: &str) -> Self {
        let length = value.len();
        Self::new(format!(
            "expected the binary form of {expected}, found {length} bytes"
        ))
    }
}

/// A value of a fixed length.
#[inline]
fn fixed<const N: usize>(value: &[u8], name: &str) -> Result<[u8; N]> {
    match value.try_into() {
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(Wrong::form(value, name)),
    }
}

/// Takes the first `N` bytes.
#[inline]
fn take<const N: usize>(rest: &mut &[u8], name: &str) -> Result<[u8; N]> {
    match rest.split_first_chunk() {
        Some((first, after)) => {
            *rest = after;
            Ok(*first)
        }
        None => Err(Wrong::form(rest, name)),
    }
}

/// Takes a value with its length before it; `None` is null.
#[inline]
fn take_value<'a>(rest: &mut &'a [u8], name: &str) -> Result<Option<&'a [u8]>> {
    let Ok(length) = usize::try_from(i32::from_be_bytes(take(rest, name)?)) else {
        return Ok(None);
    };
    match rest.split_at_checked(length) {
        Some((value, after)) => {
            *rest = after;
            Ok(Some(value))
        }
        None => Err(Wrong::form(rest, name)),
    }
}
