//! Lines of COPY's text format as tuples of its binary one, which the server reads in two thirds of the time.
//!
//! Batches are kept as lines, which can be merged, compared and looked at whatever the types are. The writing thread makes
//! tuples of them while it sends them. The server checks less of a tuple than of a text: so a tuple is only made where the
//! type of the column is known, and of a text whose value is beyond doubt. Of all others (`infinity`, a date BC, an exponent
//! of thousands) there is none, and the rows go as lines.

mod numeric;

use melisma_sdk::internal::copied::{Tabs, unescape};
use melisma_sdk::internal::time::{date, parse_date_time, parse_time};

/// What a stream of tuples begins with: the signature, no flags, no extension.
pub(crate) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
pub(crate) const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// From 1970-01-01 to 2000-01-01, which the server counts from.
const EPOCH_DAYS: i32 = 10_957;
const DAY: i64 = 86_400_000_000;

/// A type whose values have a binary form here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Boolean,
    Int2,
    Int4,
    Int8,
    Numeric,
    Float4,
    Float8,
    /// text, varchar and char
    Text,
    Bytea,
    Uuid,
    Json,
    Jsonb,
    Date,
    Time,
    Timestamp,
    TimestampTz,
}

/// Appends the tuple of a line, which has no line end. `None` when one of its fields has no binary form; what was appended
/// by then is no tuple.
#[inline]
pub(crate) fn write_tuple(out: &mut Vec<u8>, line: &[u8], columns: &[Binary]) -> Option<()> {
    out.extend_from_slice(&u16::try_from(columns.len()).ok()?.to_be_bytes());
    // Most lines have no null and no escape, so their fields need not be looked at for that.
    if memchr::memchr(b'\\', line).is_none() {
        return write_fields::<false>(out, line, columns);
    }
    write_fields::<true>(out, line, columns)
}

#[inline]
fn write_fields<const ESCAPED: bool>(out: &mut Vec<u8>, line: &[u8], columns: &[Binary]) -> Option<()> {
    let mut tabs = Tabs::of(line);
    let mut start = 0;
    for column in columns {
        let end = tabs.next().unwrap_or(line.len());
        let field = line.get(start..end)?;
        if ESCAPED && field == b"\\N" {
            out.extend_from_slice(&NULL);
        } else {
            column.write::<ESCAPED>(out, field)?;
        }
        start = end + 1;
    }
    (start == line.len() + 1).then_some(())
}

impl Binary {
    /// The OIDs of the types that have this form.
    pub(crate) fn oids(self) -> &'static [u32] {
        match self {
            Self::Boolean => &[16],
            Self::Int2 => &[21],
            Self::Int4 => &[23],
            Self::Int8 => &[20],
            Self::Numeric => &[1700],
            Self::Float4 => &[700],
            Self::Float8 => &[701],
            Self::Text => &[25, 1042, 1043],
            Self::Bytea => &[17],
            Self::Uuid => &[2950],
            Self::Json => &[114],
            Self::Jsonb => &[3802],
            Self::Date => &[1082],
            Self::Time => &[1083],
            Self::Timestamp => &[1114],
            Self::TimestampTz => &[1184],
        }
    }

    /// Appends a field, which may be null.
    pub(super) fn write_field(self, out: &mut Vec<u8>, field: &[u8]) -> Option<()> {
        if field == b"\\N" {
            out.extend_from_slice(&NULL);
            return Some(());
        }
        self.write::<true>(out, field)
    }

    /// Appends a field that is not null: the number of its bytes, and these. Only a field that may have escapes is looked at
    /// for them.
    #[inline]
    fn write<const ESCAPED: bool>(self, out: &mut Vec<u8>, field: &[u8]) -> Option<()> {
        match self {
            Self::Int8 => sized8(out, integer(field)?),
            Self::Int4 => sized4(out, i32::try_from(integer(field)?).ok()?),
            Self::Numeric => return numeric::write(out, field),
            Self::Text | Self::Json => {
                if ESCAPED && memchr::memchr(b'\\', field).is_some() {
                    return measured(out, |out| unescaped(out, field));
                }
                out.extend_from_slice(&i32::try_from(field.len()).ok()?.to_be_bytes());
                out.extend_from_slice(field);
            }
            Self::Date => sized4(out, date(field.try_into().ok()?)? - EPOCH_DAYS),
            Self::Timestamp | Self::TimestampTz => {
                let micros = parse_date_time(std::str::from_utf8(field).ok()?)?;
                sized8(out, micros - i64::from(EPOCH_DAYS) * DAY);
            }
            _ => return self.write_rare(out, field),
        }
        Some(())
    }

    fn write_rare(self, out: &mut Vec<u8>, field: &[u8]) -> Option<()> {
        let text = || std::str::from_utf8(field).ok();
        match self {
            Self::Boolean => {
                let value = [b"f", b"t"].iter().position(|value| value.as_slice() == field)?;
                out.extend_from_slice(&[0, 0, 0, 1, u8::from(value == 1)]);
            }
            Self::Int2 => {
                out.extend_from_slice(&2_u32.to_be_bytes());
                out.extend_from_slice(&i16::try_from(integer(field)?).ok()?.to_be_bytes());
            }
            Self::Float4 => sized4(out, text()?.parse::<f32>().ok()?.to_bits().cast_signed()),
            Self::Float8 => sized8(out, text()?.parse::<f64>().ok()?.to_bits().cast_signed()),
            Self::Time => sized8(out, time_of_day(text()?)?),
            Self::Uuid => {
                let digits = field.iter().filter(|byte| **byte != b'-');
                return measured(out, |out| base16(out, digits, 16));
            }
            Self::Bytea => {
                let digits = field.strip_prefix(b"\\\\x")?;
                return measured(out, |out| base16(out, digits.iter(), digits.len() / 2));
            }
            // The version of the form stands before the text.
            _ => {
                return measured(out, |out| {
                    out.push(1);
                    unescaped(out, field)
                });
            }
        }
        Some(())
    }
}

#[inline]
fn sized4(out: &mut Vec<u8>, value: i32) {
    out.extend_from_slice(&(4_u64 << 32 | u64::from(value.cast_unsigned())).to_be_bytes());
}

#[inline]
fn sized8(out: &mut Vec<u8>, value: i64) {
    let both = 8_u128 << 64 | u128::from(value.cast_unsigned());
    out.extend_from_slice(&both.to_be_bytes()[4..]);
}

/// Writes what has another number of bytes each time.
fn measured(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<()> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out)?;
    let bytes = i32::try_from(out.len() - start - 4).ok()?;
    out[start..start + 4].copy_from_slice(&bytes.to_be_bytes());
    Some(())
}

#[inline]
fn integer(field: &[u8]) -> Option<i64> {
    let (negative, digits) = match field {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // Eighteen digits are within any range.
    if digits.is_empty() || digits.len() > 18 {
        return std::str::from_utf8(field).ok()?.parse().ok();
    }
    let mut value = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

fn unescaped(out: &mut Vec<u8>, field: &[u8]) -> Option<()> {
    unescape(std::str::from_utf8(field).ok()?, |part| {
        out.extend_from_slice(part.as_bytes());
    });
    Some(())
}

/// Microseconds since midnight; the end of the day is a time of it.
fn time_of_day(text: &str) -> Option<i64> {
    if text == "24:00:00" {
        Some(DAY)
    } else {
        parse_time(text)
    }
}

fn base16<'a>(out: &mut Vec<u8>, mut digits: impl Iterator<Item = &'a u8>, bytes: usize) -> Option<()> {
    let mut digit = || char::from(*digits.next()?).to_digit(16);
    for _ in 0..bytes {
        let (high, low) = (digit()?, digit()?);
        out.push((high << 4 | low) as u8);
    }
    digits.next().is_none().then_some(())
}

#[cfg(test)]
mod tests;
