//! Decodes one JSON value into a cell.

use super::short::{Digits, string_end};
use super::window::Window;
use crate::cell::{Cell, Text, Unescaped};
use crate::json::{MAX_DEPTH, Syntax, scan, skip};
use crate::schema::types::Types;

/// Digits that fit 64 bits whatever they are.
const SAFE_DIGITS: usize = 18;

/// Reads the value at `at` in `text`, of which `window` is the start, into `slot`; returns its type and where it ends.
///
/// Short strings and numbers, and null, are read here, from bytes that are known to be there; the rest is left to
/// [`value`].
#[inline(always)]
#[expect(clippy::inline_always, reason = "as for `value`")]
pub(super) fn short_value<'a>(
    window: &Window,
    at: usize,
    text: &'a str,
    slot: &mut Cell<'a>,
) -> Option<(Types, usize)> {
    // Never cuts anything off: it tells the compiler that all below is inside of the window.
    let at = at & 31;
    match window[at] {
        b'"' => {
            let end = string_end(window, at)?;
            *slot = Cell::Text(Text::plain(text.get(at + 1..end)?));
            Some((Types::STRING, end + 1))
        }
        b'0'..=b'9' | b'-' => {
            let digits = Digits::find(window, at)?;
            if let Some(value) = digits.integer(window) {
                *slot = Cell::Int(value);
                return Some((Types::INTEGER, digits.end));
            }
            let end = digits.fraction_end(window)?;
            *slot = Cell::Number(text.get(at..)?.get(..end - at)?);
            Some((Types::FRACTION, end))
        }
        b'n' if &window[at..at + 4] == b"null" => {
            *slot = Cell::Null;
            Some((Types::NULL, at + 4))
        }
        _ => None,
    }
}

/// Reads the value at `at` into `slot`; returns its type and where it ends.
///
/// Every branch writes its cell where it stays: a cell that is built first and then copied is written in small
/// pieces and read in large ones, which stalls the processor.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "a call would pass the result through memory: a fifth of the decoder's time"
)]
pub(super) fn value<'a>(
    text: &'a str,
    at: usize,
    slot: &mut Cell<'a>,
    unescaped: Option<&mut Unescaped>,
) -> Result<(Types, usize), Syntax> {
    let bytes = text.as_bytes();
    match bytes.get(at) {
        Some(b'"') => {
            let end = string(text, at + 1, slot, unescaped)?;
            Ok((Types::STRING, end))
        }
        Some(b'0'..=b'9' | b'-') => number(text, at, slot),
        Some(b'n') if bytes.get(at..at + 4) == Some(b"null") => {
            *slot = Cell::Null;
            Ok((Types::NULL, at + 4))
        }
        _ => other_value(text, at, slot),
    }
}

/// The string whose opening quote is before `at`, and where it ends.
fn string<'a>(
    text: &'a str,
    at: usize,
    slot: &mut Cell<'a>,
    unescaped: Option<&mut Unescaped>,
) -> Result<usize, Syntax> {
    let bytes = text.as_bytes();
    let first = scan::string_end(bytes, at).unwrap_or(bytes.len());
    let escaped = bytes.get(first) != Some(&b'"');
    let (number, end) = match unescaped {
        _ if !escaped => (0, first + 1),
        // In the pass that checks it: going over it once more would cost as much again.
        Some(unescaped) => unescaped.read(text, at, first)?,
        None => (0, skip::string(bytes, first)?.0),
    };
    let raw = text.get(at..end - 1).unwrap_or_default();
    *slot = Cell::Text(Text {
        raw,
        escaped,
        unescaped: number,
    });
    Ok(end)
}

/// An integer of 64 bits, or the number's digits as they came.
#[inline]
fn number<'a>(text: &'a str, at: usize, slot: &mut Cell<'a>) -> Result<(Types, usize), Syntax> {
    let bytes = text.as_bytes();
    let negative = bytes.get(at) == Some(&b'-');
    let first = at + usize::from(negative);
    let whole = scan::digits_end(bytes, first);
    let digits = whole - first;
    // 007 and a sign alone go to the full grammar, and so does what may not fit.
    let plain = digits.wrapping_sub(1) < SAFE_DIGITS && (bytes.get(first) != Some(&b'0') || digits == 1);
    match bytes.get(whole) {
        Some(b'.') if plain => {
            let end = scan::digits_end(bytes, whole + 1);
            if end == whole + 1 || matches!(bytes.get(end), Some(b'e' | b'E')) {
                return other_number(text, at, slot);
            }
            *slot = Cell::Number(text.get(at..end).unwrap_or_default());
            Ok((Types::FRACTION, end))
        }
        Some(b'.' | b'e' | b'E') => other_number(text, at, slot),
        _ if plain => {
            let value = integer(bytes, first, digits);
            if negative && value == 0 {
                return other_number(text, at, slot);
            }
            *slot = Cell::Int(if negative { -value } else { value });
            Ok((Types::INTEGER, whole))
        }
        _ => other_number(text, at, slot),
    }
}

/// The value of one to eighteen digits.
#[inline]
fn integer(bytes: &[u8], first: usize, digits: usize) -> i64 {
    let parsed = if digits <= 8 {
        scan::up_to_eight_digits(bytes, first, digits)
    } else {
        None
    };
    let value = parsed.unwrap_or_else(|| {
        let digits = bytes.get(first..first + digits).unwrap_or_default();
        digits
            .iter()
            .fold(0, |value, digit| value * 10 + u64::from(digit - b'0'))
    });
    value.cast_signed()
}

#[inline(never)]
fn other_number<'a>(text: &'a str, at: usize, slot: &mut Cell<'a>) -> Result<(Types, usize), Syntax> {
    let (end, integer) = skip::number(text.as_bytes(), at)?;
    let digits = text.get(at..end).unwrap_or_default();
    match digits.parse() {
        Ok(value) if integer && digits != "-0" => {
            *slot = Cell::Int(value);
            Ok((Types::INTEGER, end))
        }
        _ => {
            *slot = Cell::Number(digits);
            Ok((Types::FRACTION, end))
        }
    }
}

#[inline(never)]
fn other_value<'a>(text: &'a str, at: usize, slot: &mut Cell<'a>) -> Result<(Types, usize), Syntax> {
    let bytes = text.as_bytes();
    match bytes.get(at) {
        Some(&open @ (b'{' | b'[')) => {
            // The record is a level itself.
            let end = skip::container(bytes, at, MAX_DEPTH - 1)?;
            *slot = Cell::Json(text.get(at..end).unwrap_or_default());
            Ok((if open == b'{' { Types::OBJECT } else { Types::ARRAY }, end))
        }
        // This record is spaced more widely than the ones before.
        Some(b' ' | b'\t' | b'\r' | b'\n') => value(text, skip::space(bytes, at), slot, None),
        first => {
            let end = skip::literal(bytes, at)?;
            let (cell, kind) = match first {
                Some(b't') => (Cell::Bool(true), Types::BOOLEAN),
                Some(b'f') => (Cell::Bool(false), Types::BOOLEAN),
                _ => (Cell::Null, Types::NULL),
            };
            *slot = cell;
            Ok((kind, end))
        }
    }
}
