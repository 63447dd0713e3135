//! One writer for each kind of column: the text of a cell as COPY takes it, or why the column cannot hold it.

use melisma_sdk::files::write_int;
use melisma_sdk::internal::decimal::Decimal;
use melisma_sdk::{Cell, Text};

use super::super::limits;
use super::super::number::{double, special};
use super::super::text::{Nul, write_json, write_text};
use super::{NULL, Refused};

/// The text of a cell when it has no escapes.
pub(super) fn plain<'a>(cell: &Cell<'a>) -> Option<&'a str> {
    match cell {
        Cell::Text(Text {
            raw, escaped: false, ..
        }) => Some(raw),
        _ => None,
    }
}

pub(super) fn boolean(out: &mut Vec<u8>, cell: &Cell<'_>) -> Result<(), Refused> {
    let value = match cell {
        Cell::Bool(value) => *value,
        cell => match plain(cell) {
            Some("true" | "t") => true,
            Some("false" | "f") => false,
            _ => return Err(Refused::Expected("a boolean")),
        },
    };
    out.push(if value { b't' } else { b'f' });
    Ok(())
}

pub(super) fn integer(out: &mut Vec<u8>, cell: &Cell<'_>, bytes: u8) -> Result<(), Refused> {
    let (minimum, maximum, expected) = match bytes {
        2 => (
            i64::from(i16::MIN),
            i64::from(i16::MAX),
            "an integer that fits smallint",
        ),
        4 => (
            i64::from(i32::MIN),
            i64::from(i32::MAX),
            "an integer that fits integer",
        ),
        _ => (i64::MIN, i64::MAX, "an integer that fits bigint"),
    };
    let value = match cell {
        Cell::Int(value) => Some(*value),
        Cell::Number(digits) => Decimal::parse(digits).and_then(Decimal::to_i64),
        cell => plain(cell).and_then(|text| text.parse().ok()),
    };
    match value {
        Some(value) if (minimum..=maximum).contains(&value) => write_int(out, value),
        _ => return Err(Refused::Expected(expected)),
    }
    Ok(())
}

/// Whether the text is a number as both JSON and the server write it.
pub(super) fn is_number(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    !(whole.is_empty() && fraction.is_empty())
        && digits(whole)
        && digits(fraction)
        && !exponent.is_empty()
        && digits(exponent)
}

/// `NaN` and the infinities, which `double precision` knows, and `numeric` since PostgreSQL 14.
pub(super) fn is_special(text: &str) -> bool {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    let infinite = text.strip_prefix(['-', '+']).unwrap_or(text);
    is("nan")
        || ["inf", "infinity"]
            .iter()
            .any(|word| infinite.eq_ignore_ascii_case(word))
}

/// Appends a number as it came.
pub(super) fn digits(out: &mut Vec<u8>, cell: &Cell<'_>) -> Result<(), Refused> {
    match cell {
        Cell::Int(value) => write_int(out, *value),
        Cell::Number(digits) => out.extend_from_slice(digits.as_bytes()),
        cell => match plain(cell) {
            Some(text) if is_number(text) || is_special(text) => out.extend_from_slice(text.as_bytes()),
            _ => return Err(Refused::Expected("a number")),
        },
    }
    Ok(())
}

pub(super) fn numeric(out: &mut Vec<u8>, cell: &Cell<'_>) -> Result<(), Refused> {
    let start = out.len();
    digits(out, cell)?;
    if limits::fits_numeric(&out[start..]) {
        return Ok(());
    }
    out.truncate(start);
    Err(Refused::Expected("a number that fits numeric"))
}

pub(super) fn decimal(
    out: &mut Vec<u8>,
    cell: &Cell<'_>,
    (precision, scale): (u16, i16),
    fits: fn(&[u8], u16, i16) -> bool,
) -> Result<(), Refused> {
    let start = out.len();
    digits(out, cell)?;
    if fits(&out[start..], precision, scale) {
        return Ok(());
    }
    out.truncate(start);
    Err(Refused::Digits { precision, scale })
}

pub(super) fn float(
    out: &mut Vec<u8>,
    cell: &Cell<'_>,
    canonical: bool,
    fits: fn(&[u8]) -> bool,
) -> Result<(), Refused> {
    let start = out.len();
    digits(out, cell)?;
    if !fits(&out[start..]) {
        out.truncate(start);
        return Err(Refused::Expected("a number in the range of the column"));
    }
    if canonical {
        let text = String::from_utf8_lossy(&out[start..]).into_owned();
        let text = double(&text).unwrap_or_else(|| special(&text).to_owned());
        out.truncate(start);
        out.extend_from_slice(text.as_bytes());
    }
    Ok(())
}

pub(super) fn characters(out: &mut Vec<u8>, cell: &Cell<'_>, nul: Nul, most: u32) -> Result<(), Refused> {
    let start = out.len();
    as_text(out, cell, nul)?;
    // Blanks at the end that do not fit are cut by the server.
    if limits::characters(&out[start..]) <= most as usize {
        return Ok(());
    }
    out.truncate(start);
    Err(Refused::Characters { most })
}

/// Hyphens, braces and case aside, as the server reads it; written lower-case and bare.
pub(super) fn uuid(out: &mut Vec<u8>, cell: &Cell<'_>) -> Result<(), Refused> {
    let start = out.len();
    if let Some(text) = plain(cell) {
        let bare = text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
            .unwrap_or(text);
        let digits = bare.bytes().filter(|byte| *byte != b'-');
        out.extend(digits.map(|digit| digit.to_ascii_lowercase()));
    }
    if out.len() - start == 32 && out[start..].iter().all(u8::is_ascii_hexdigit) {
        return Ok(());
    }
    out.truncate(start);
    Err(Refused::Expected("a UUID"))
}

pub(super) fn bytea(out: &mut Vec<u8>, cell: &Cell<'_>, canonical: bool) -> Result<(), Refused> {
    let Some(text) = (match cell {
        // `\x` came as `\\x`.
        Cell::Text(text) => [r"\\x", "0x"]
            .iter()
            .find_map(|prefix| text.raw.strip_prefix(prefix))
            .or(Some(text.raw)),
        _ => None,
    }) else {
        return Err(Refused::Expected("base16"));
    };
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refused::Expected("base16"));
    }
    out.extend_from_slice(b"\\\\x");
    if text.len() % 2 == 1 {
        // As the peer has it: a half byte at the front gets its other half.
        out.push(b'0');
    }
    let start = out.len();
    out.extend_from_slice(text.as_bytes());
    if canonical {
        out[start..].make_ascii_lowercase();
    }
    Ok(())
}

pub(super) fn as_text(out: &mut Vec<u8>, cell: &Cell<'_>, nul: Nul) -> Result<(), Refused> {
    match cell {
        Cell::Absent | Cell::Null => out.extend_from_slice(NULL),
        Cell::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Cell::Int(value) => write_int(out, *value),
        Cell::Number(digits) => out.extend_from_slice(digits.as_bytes()),
        Cell::Text(text) => write_text(out, *text, nul)?,
        Cell::Json(json) => write_json(out, json, nul)?,
    }
    Ok(())
}

pub(super) fn json(out: &mut Vec<u8>, cell: &Cell<'_>, nul: Nul) -> Result<(), Refused> {
    match cell {
        Cell::Text(text) => {
            out.push(b'"');
            write_json(out, text.raw, nul)?;
            out.push(b'"');
            Ok(())
        }
        cell => as_text(out, cell, nul),
    }
}
