//! Decodes text and types that contain text: json, jsonb, hstore.

use melisma_sdk::internal::write_string;

use super::{Result, Wrong, take, take_value};

#[inline]
fn utf8(value: &[u8]) -> Result<&str> {
    match simdutf8::basic::from_utf8(value) {
        Ok(text) => Ok(text),
        // Only a database of encoding SQL_ASCII sends what is not text.
        Err(_) => Err(Wrong::new("expected text in UTF-8, found other bytes")),
    }
}

#[inline]
pub(super) fn text(value: &[u8], out: &mut Vec<u8>) -> Result {
    write_string(out, utf8(value)?);
    Ok(())
}

/// The JSON as it is, on one line.
pub(super) fn json(value: &[u8], out: &mut Vec<u8>) -> Result {
    let text = utf8(value)?.as_bytes();
    let start = out.len();
    out.extend_from_slice(text);
    if memchr::memchr2(b'\n', b'\r', text).is_some() {
        // Inside a string they are escaped, so these stand between tokens.
        for byte in &mut out[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
    Ok(())
}

pub(super) fn jsonb(value: &[u8], out: &mut Vec<u8>) -> Result {
    match value.split_first() {
        Some((1, text)) => json(text, out),
        _ => Err(Wrong::form(value, "a jsonb of version 1")),
    }
}

/// An object of strings and nulls.
pub(super) fn hstore(value: &[u8], out: &mut Vec<u8>) -> Result {
    const NAME: &str = "an hstore";
    let mut rest = value;
    let count = i32::from_be_bytes(take(&mut rest, NAME)?);
    out.push(b'{');
    for i in 0..count {
        if i > 0 {
            out.push(b',');
        }
        let key = take_value(&mut rest, NAME)?.ok_or_else(|| Wrong::form(value, NAME))?;
        text(key, out)?;
        out.push(b':');
        match take_value(&mut rest, NAME)? {
            Some(value) => text(value, out)?,
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
    Ok(())
}
