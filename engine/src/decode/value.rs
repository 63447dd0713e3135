//! One value as a cell.

use crate::cell::{Cell, Text};
use crate::json::{Syntax, skip};
use crate::schema::types::Types;

/// Digits that fit 64 bits whatever they are.
const SAFE_DIGITS: usize = 18;

/// The value at `at`: its cell, its type, and where it ends.
#[inline]
pub(super) fn value(text: &str, at: usize) -> Result<(Cell<'_>, Types, usize), Syntax> {
    let bytes = text.as_bytes();
    match bytes.get(at) {
        Some(b'"') => {
            let (end, escaped) = skip::string(bytes, at + 1)?;
            let raw = text.get(at + 1..end - 1).unwrap_or_default();
            Ok((Cell::Text(Text { raw, escaped }), Types::STRING, end))
        }
        Some(b'0'..=b'9' | b'-') => number(text, at),
        Some(b'n') if bytes.get(at..at + 4) == Some(b"null") => Ok((Cell::Null, Types::NULL, at + 4)),
        Some(b't') if bytes.get(at..at + 4) == Some(b"true") => {
            Ok((Cell::Bool(true), Types::BOOLEAN, at + 4))
        }
        Some(b'f') if bytes.get(at..at + 5) == Some(b"false") => {
            Ok((Cell::Bool(false), Types::BOOLEAN, at + 5))
        }
        Some(&open @ (b'{' | b'[')) => {
            let end = skip::container(bytes, at)?;
            let kind = if open == b'{' { Types::OBJECT } else { Types::ARRAY };
            Ok((Cell::Json(text.get(at..end).unwrap_or_default()), kind, end))
        }
        _ => skip::literal(bytes, at).map(|end| (Cell::Null, Types::NULL, end)),
    }
}

/// A number: an integer of 64 bits, or its digits as they came.
#[inline]
fn number(text: &str, at: usize) -> Result<(Cell<'_>, Types, usize), Syntax> {
    let bytes = text.as_bytes();
    let negative = bytes.get(at) == Some(&b'-');
    let first = at + usize::from(negative);
    let mut end = first;
    let mut value = 0_i64;
    while let Some(digit @ b'0'..=b'9') = bytes.get(end)
        && end - first < SAFE_DIGITS
    {
        value = value * 10 + i64::from(digit - b'0');
        end += 1;
    }
    // Anything but a plain integer goes to the full grammar: a fraction, an exponent, more digits, -0 and 007.
    let odd = matches!(bytes.get(end), Some(b'.' | b'e' | b'E' | b'0'..=b'9'))
        || end == first
        || bytes.get(first) == Some(&b'0') && (negative || end - first > 1);
    if !odd {
        return Ok((
            Cell::Int(if negative { -value } else { value }),
            Types::INTEGER,
            end,
        ));
    }
    let (end, integer) = skip::number(bytes, at)?;
    let digits = text.get(at..end).unwrap_or_default();
    match digits.parse() {
        Ok(value) if integer && digits != "-0" => Ok((Cell::Int(value), Types::INTEGER, end)),
        _ => Ok((Cell::Number(digits), Types::FRACTION, end)),
    }
}
