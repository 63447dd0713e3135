//! Rows as tuples of COPY's binary format (PostgreSQL manual, COPY, "Binary Format"): what a target for PostgreSQL can pass on
//! without a look at the digits.
//!
//! A tuple is here the values alone, each with its length before it, or -1 for null. On its way it is a line like every
//! other, so counts, positions and limits mean the same: no byte of it may be a line end.

use super::{Column, Kind, Numeric, escape};
use crate::time::{write_clock, write_date};

/// The first byte of a tuple's line.
pub const TUPLE: u8 = 3;

/// What each byte is combined with, so that a line end and the escape stand for what is rare: two bytes that are in no
/// UTF-8 and no length, while 10 is the length of most short numbers.
const MASK: u8 = 0xF2;
const ESCAPE: u8 = 0x0B;
/// What would be a line end, and what would be the escape.
const RARE: [u8; 2] = [b'\n' ^ MASK, ESCAPE ^ MASK];

/// From 1970-01-01 to 2000-01-01, which the server counts from.
const EPOCH_DAYS: i64 = 10_957;
const DAY: i64 = 86_400_000_000;

/// Appends a tuple in a form without line ends.
/// ```
/// use melisma_engine::copied::{seal, unseal};
///
/// let tuple = [0, 0, 0, 1, b'\n', 0xFF, 0xF8, 0xF9];
/// let (mut line, mut again) = (Vec::new(), Vec::new());
/// seal(&tuple, &mut line);
/// assert!(!line.contains(&b'\n'));
/// assert_eq!(unseal(&line, &mut again), Some(()));
/// assert_eq!(again, tuple);
/// ```
#[inline]
pub fn seal(tuple: &[u8], out: &mut Vec<u8>) {
    let mut rest = tuple;
    while let Some(at) = memchr::memchr2(RARE[0], RARE[1], rest) {
        mask(&rest[..at], out);
        out.extend_from_slice(&[ESCAPE, rest[at]]);
        rest = &rest[at + 1..];
    }
    mask(rest, out);
}

/// Appends the tuple that [`seal`] was given; `None` for what it has not made.
#[inline]
pub fn unseal(line: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = line;
    while let Some(at) = memchr::memchr(ESCAPE, rest) {
        mask(&rest[..at], out);
        let byte = *rest.get(at + 1)?;
        if !RARE.contains(&byte) {
            return None;
        }
        out.push(byte);
        rest = &rest[at + 2..];
    }
    mask(rest, out);
    Some(())
}

#[inline]
fn mask(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(bytes.iter().map(|byte| byte ^ MASK));
}

/// The values of a tuple, one by one.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a>(&'a [u8]);

/// A value of a tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// null
    Null,
    /// What the type's send function has written.
    Bytes(&'a [u8]),
}

impl<'a> Values<'a> {
    /// Those of a tuple.
    #[inline]
    pub fn of(tuple: &'a [u8]) -> Self {
        Self(tuple)
    }

    /// The bytes of those that were not taken.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Whether all were taken.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next one; `None` after the last, or where the bytes are no tuple.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would have to end where bytes are no tuple"
    )]
    pub fn next(&mut self) -> Option<Value<'a>> {
        let (length, rest) = self.0.split_first_chunk()?;
        let length = i32::from_be_bytes(*length);
        if length == -1 {
            self.0 = rest;
            return Some(Value::Null);
        }
        let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(Value::Bytes(value))
    }
}

/// Appends the line of COPY's text format that stands for a tuple with these columns. `None` when it has other values than
/// the columns; what was appended by then is no row.
pub fn write_fields(columns: &[Column], tuple: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut values = Values::of(tuple);
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            out.push(b'\t');
        }
        match values.next()? {
            Value::Null => out.extend_from_slice(b"\\N"),
            Value::Bytes(value) => column.kind.write_field(value, out)?,
        }
    }
    values.is_empty().then_some(())
}

impl Kind {
    /// Appends the field of COPY's text format for a value that is not null.
    pub fn write_field(self, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Bool => out.push(if *value == [0] { b'f' } else { b't' }),
            Self::Int2 => write_int(i16::from_be_bytes(value.try_into().ok()?).into(), out),
            Self::Int4 => write_int(i32::from_be_bytes(value.try_into().ok()?).into(), out),
            Self::Int8 => write_int(i64::from_be_bytes(value.try_into().ok()?), out),
            Self::Numeric { .. } | Self::Decimal { .. } => match Numeric::read(value)? {
                Numeric::Number(number) => number.write(out),
                Numeric::Special => return None,
            },
            // Writing to memory does not fail.
            Self::Float4 => {
                let _ = serde_json::to_writer(out, &f32::from_be_bytes(value.try_into().ok()?));
            }
            Self::Float8 => {
                let _ = serde_json::to_writer(out, &f64::from_be_bytes(value.try_into().ok()?));
            }
            Self::Text { .. } | Self::Json => escape(std::str::from_utf8(value).ok()?.as_bytes(), out),
            Self::Uuid => write_uuid(value.try_into().ok()?, out),
            Self::Date => {
                let days = i32::from_be_bytes(value.try_into().ok()?);
                write_date(i64::from(days) + EPOCH_DAYS, out)?;
            }
            Self::Timestamp | Self::TimestampTz => {
                let count = i64::from_be_bytes(value.try_into().ok()?);
                write_date(count.div_euclid(DAY) + EPOCH_DAYS, out)?;
                out.push(b' ');
                write_clock(count.rem_euclid(DAY), out);
                if self == Self::TimestampTz {
                    out.extend_from_slice(b"+00");
                }
            }
        }
        Some(())
    }
}

fn write_int(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn write_uuid(value: &[u8; 16], out: &mut Vec<u8>) {
    for (place, byte) in value.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend([byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tuple(values: &[Option<&[u8]>]) -> Vec<u8> {
        let mut tuple = Vec::new();
        for value in values {
            let length = value.map_or(-1, |value| i32::try_from(value.len()).expect("short"));
            tuple.extend_from_slice(&length.to_be_bytes());
            tuple.extend_from_slice(value.unwrap_or_default());
        }
        tuple
    }

    proptest! {
        #[test]
        fn a_sealed_tuple_is_one_line_and_the_same_again(tuple: Vec<u8>, rare in prop::collection::vec(0..4_usize, 0..40)) {
            let rare = rare.into_iter().map(|at| [b'\n', ESCAPE, RARE[0], RARE[1]][at]);
            let tuple: Vec<u8> = tuple.into_iter().chain(rare).collect();
            let (mut line, mut again) = (Vec::new(), Vec::new());
            seal(&tuple, &mut line);
            prop_assert!(!line.contains(&b'\n'));
            prop_assert_eq!(unseal(&line, &mut again), Some(()));
            prop_assert_eq!(again, tuple);
        }

        #[test]
        fn texts_are_read_as_they_were(text in "\\PC*|[\\x01-\\x7f]*") {
            let mut field = Vec::new();
            Kind::Text { length: None }.write_field(text.as_bytes(), &mut field).expect("text");
            let mut again = String::new();
            super::super::unescape(std::str::from_utf8(&field).expect("UTF-8"), |part| again.push_str(part));
            prop_assert!(!field.contains(&b'\t') && !field.contains(&b'\n'));
            prop_assert_eq!(again, text);
        }
    }

    #[test]
    fn values_become_the_fields_of_the_text_format() {
        let zero = [0; 8];
        for (kind, value, field) in [
            (Kind::Bool, &[1][..], "t"),
            (Kind::Int2, &(-32_768_i16).to_be_bytes(), "-32768"),
            (Kind::Int4, &7_i32.to_be_bytes(), "7"),
            (Kind::Int8, &i64::MIN.to_be_bytes(), "-9223372036854775808"),
            (
                Kind::Numeric { limits: None },
                &[0, 1, 255, 255, 0, 0, 0, 2, 1, 244],
                "0.05",
            ),
            (Kind::Decimal { limits: None }, &[0, 0, 0, 0, 0, 0, 0, 3], "0.000"),
            (Kind::Float8, &1e-7_f64.to_be_bytes(), "1e-7"),
            (Kind::Date, &8_825_i32.to_be_bytes(), "2024-02-29"),
            (Kind::Timestamp, &zero, "2000-01-01 00:00:00"),
            (
                Kind::TimestampTz,
                &(-1_500_000_i64).to_be_bytes(),
                "1999-12-31 23:59:58.5+00",
            ),
            (Kind::Uuid, &[0xAB; 16], "abababab-abab-abab-abab-abababababab"),
            (Kind::Json, b"[1]", "[1]"),
        ] {
            let mut out = Vec::new();
            assert_eq!(kind.write_field(value, &mut out), Some(()), "{kind:?}");
            assert_eq!(String::from_utf8(out).expect("UTF-8"), field, "{kind:?}");
        }
    }

    #[test]
    fn what_is_no_tuple_of_the_columns_is_no_row() {
        let column = |name: &str, kind| Column {
            name: name.into(),
            kind,
        };
        let columns = [column("id", Kind::Int4), column("t", Kind::Text { length: None })];
        let four = 7_i32.to_be_bytes();
        let good = tuple(&[Some(&four), None]);
        let mut out = Vec::new();
        assert_eq!(write_fields(&columns, &good, &mut out), Some(()));
        assert_eq!(out, b"7\t\\N");
        for bad in [
            &good[..good.len() - 1],
            &good[..8],
            &tuple(&[Some(&four), None, None]),
            &tuple(&[Some(&[1, 2]), None]),
            &tuple(&[Some(&four), Some(&[0xFF])]),
            &[0xFF, 0xFF, 0xFF, 0xFE, 0, 0, 0, 0],
        ] {
            assert_eq!(write_fields(&columns, bad, &mut Vec::new()), None, "{bad:?}");
        }
        for bad in [&[ESCAPE][..], &[ESCAPE, b'x']] {
            assert_eq!(unseal(bad, &mut Vec::new()), None);
        }
    }
}
