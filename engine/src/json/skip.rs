//! Skips a value while checking its syntax completely: what passes is valid JSON.

use super::scan;
use super::unicode::{hex4, is_high, join};

/// How deep objects and arrays may nest. A deeper record is refused, not recursed into.
pub const MAX_DEPTH: u32 = 128;

/// What is wrong with the JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// Bytes from the start of the text.
    pub at: usize,
    /// What should have stood there.
    pub expected: &'static str,
}

impl Syntax {
    #[cold]
    pub(crate) fn new(at: usize, expected: &'static str) -> Self {
        Self { at, expected }
    }

    /// A control character inside a string.
    #[cold]
    pub(crate) fn control(at: usize) -> Self {
        Self::new(at, "no control character inside a string")
    }

    /// A string without an end.
    #[cold]
    pub(crate) fn unfinished(at: usize) -> Self {
        Self::new(at, "the end of a string")
    }
}

type Result<T> = std::result::Result<T, Syntax>;

/// The first byte at or after `at` that is not white space.
#[inline]
pub(crate) fn space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The end of a string whose opening quote is before `at`; whether it holds escapes.
#[inline]
pub(crate) fn string(bytes: &[u8], at: usize) -> Result<(usize, bool)> {
    if let Some(end) = scan::string_end_near(bytes, at)
        && bytes.get(end) == Some(&b'"')
    {
        return Ok((end + 1, false));
    }
    long_string(bytes, at)
}

/// The same for a string that is long or has escapes, 64 bytes at a time.
#[inline(never)]
fn long_string(bytes: &[u8], mut at: usize) -> Result<(usize, bool)> {
    let mut escaped = false;
    while at < bytes.len() {
        let start = at;
        let mut ends = scan::string_ends(bytes, start);
        at += 64;
        // One escape alone is looked at as it is.
        if ends & ends.wrapping_sub(1) != 0
            && let Some((rest, length)) = scan::all_unicode(bytes, start, ends)
        {
            // Two ends are an escape and something, or two escapes; or a quote and what is no part of the string.
            escaped |= ends & ends.wrapping_neg() & rest == 0;
            at = start + length;
            ends = rest;
        }
        while ends != 0 {
            let end = start + ends.trailing_zeros() as usize;
            match bytes[end] {
                b'\\' => {
                    escaped = true;
                    let next = escape(bytes, end)?;
                    ends &= u64::MAX.checked_shl((next - start) as u32).unwrap_or(0);
                    // It may reach into the next 64 bytes.
                    at = at.max(next);
                }
                b'"' => return Ok((end + 1, escaped)),
                _ => return Err(Syntax::control(end)),
            }
        }
    }
    Err(Syntax::unfinished(bytes.len()))
}

/// The UTF-16 code unit of a `\uXXXX` at `at`.
#[inline]
pub(crate) fn unicode(bytes: &[u8], at: usize) -> Option<u32> {
    if bytes.get(at..at + 2) == Some(b"\\u") {
        hex4(bytes, at + 2)
    } else {
        None
    }
}

fn is_surrogate(unit: u32) -> bool {
    (0xD800..0xE000).contains(&unit)
}

/// The end of the escape at `at`. A lone surrogate is no text in any encoding, so it is refused here.
#[inline]
pub(crate) fn escape(bytes: &[u8], at: usize) -> Result<usize> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let unit = hex4(bytes, at + 2).ok_or(Syntax::new(at, "four hex digits after \\u"))?;
            if !is_surrogate(unit) {
                return Ok(at + 6);
            }
            let low = if is_high(unit) && bytes.get(at + 6..at + 8) == Some(b"\\u") {
                hex4(bytes, at + 8)
            } else {
                None
            };
            match low.and_then(|low| join(unit, low)) {
                Some(_) => Ok(at + 12),
                None => Err(Syntax::new(at, "a surrogate pair, not a lone surrogate")),
            }
        }
        _ => Err(Syntax::new(at, "an escape that JSON knows")),
    }
}

/// The end of a number that starts at `at`, and whether it is a plain integer.
#[inline]
pub(crate) fn number(bytes: &[u8], at: usize) -> Result<(usize, bool)> {
    let mut end = at + usize::from(bytes.get(at) == Some(&b'-'));
    match bytes.get(end) {
        Some(b'0') => end += 1,
        Some(b'1'..=b'9') => end = scan::digits_end(bytes, end),
        _ => return Err(Syntax::new(at, "a value")),
    }
    let mut integer = true;
    if bytes.get(end) == Some(&b'.') {
        integer = false;
        end = some_digits(bytes, end + 1)?;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        integer = false;
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        end = some_digits(bytes, end + 1 + sign)?;
    }
    Ok((end, integer))
}

fn some_digits(bytes: &[u8], at: usize) -> Result<usize> {
    let end = scan::digits_end(bytes, at);
    if end == at {
        Err(Syntax::new(at, "a digit"))
    } else {
        Ok(end)
    }
}

/// The end of `true`, `false` or `null` at `at`.
pub(crate) fn literal(bytes: &[u8], at: usize) -> Result<usize> {
    let rest = bytes.get(at..).unwrap_or_default();
    for word in [&b"true"[..], b"false", b"null"] {
        if rest.starts_with(word) {
            return Ok(at + word.len());
        }
    }
    let expected = match rest.first() {
        Some(b'N' | b'I' | b'n' | b'i') => "a JSON value (NaN and Infinity are none)",
        None => "a value, not the end of the line",
        _ => "a value",
    };
    Err(Syntax::new(at, expected))
}

/// Checks the value that starts at `at`, which must not be white space, and returns where it ends.
///
/// # Errors
/// What is not JSON, a lone surrogate, or nesting deeper than [`MAX_DEPTH`].
pub fn skip_value(bytes: &[u8], at: usize) -> Result<usize> {
    match bytes.get(at) {
        Some(b'"') => string(bytes, at + 1).map(|(end, _)| end),
        Some(b'{' | b'[') => container(bytes, at, MAX_DEPTH),
        Some(b'-' | b'0'..=b'9') => number(bytes, at).map(|(end, _)| end),
        _ => literal(bytes, at),
    }
}

/// Checks an object or array with a limited number of levels, at most [`MAX_DEPTH`]. One bit a level says which of the
/// two it is: no recursion, no allocation.
pub(crate) fn container(bytes: &[u8], mut at: usize, levels: u32) -> Result<usize> {
    let mut objects: u128 = 0;
    let mut depth = 0;
    loop {
        // Here `at` is at the start of a value.
        match bytes.get(at) {
            Some(&open @ (b'{' | b'[')) => {
                if depth == levels {
                    return Err(Syntax::new(at, "at most 128 levels of nesting"));
                }
                depth += 1;
                objects = (objects << 1) | u128::from(open == b'{');
                at = space(bytes, at + 1);
                if bytes.get(at) != Some(&(open + 2)) {
                    if open == b'{' {
                        at = key(bytes, at)?;
                    }
                    continue;
                }
                // Empty: the closing bracket is handled below, like any other.
            }
            Some(b'"') => at = space(bytes, string(bytes, at + 1)?.0),
            Some(b'-' | b'0'..=b'9') => at = space(bytes, number(bytes, at)?.0),
            _ => at = space(bytes, literal(bytes, at)?),
        }
        // Here a value has ended: close what ends, go on with what follows.
        loop {
            let object = objects & 1 == 1;
            match bytes.get(at) {
                Some(b'}') if object => {}
                Some(b']') if !object => {}
                Some(b',') => {
                    at = space(bytes, at + 1);
                    if object {
                        at = key(bytes, at)?;
                    }
                    break;
                }
                _ if object => return Err(Syntax::new(at, "',' or '}'")),
                _ => return Err(Syntax::new(at, "',' or ']'")),
            }
            at += 1;
            depth -= 1;
            objects >>= 1;
            if depth == 0 {
                return Ok(at);
            }
            at = space(bytes, at);
        }
    }
}

/// Walks over `"key" :` and the white space after it.
fn key(bytes: &[u8], at: usize) -> Result<usize> {
    if bytes.get(at) != Some(&b'"') {
        return Err(Syntax::new(at, "a key in quotes"));
    }
    let at = space(bytes, string(bytes, at + 1)?.0);
    if bytes.get(at) != Some(&b':') {
        return Err(Syntax::new(at, "':'"));
    }
    Ok(space(bytes, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(text: &str) -> bool {
        skip_value(text.as_bytes(), 0).is_ok_and(|end| end == text.len())
    }

    #[test]
    fn takes_what_serde_json_takes_and_nothing_else() {
        let texts = [
            "{}",
            "[]",
            "[[]]",
            "[{}]",
            r#"{"a":[1,{"b":null}],"c":"x"}"#,
            "[1,2,]",
            "[,1]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            r#"{"a" : 1 , "b" : [ ] }"#,
            "[1 2]",
            "[1}",
            "{]",
            "01",
            "-",
            "-0",
            "1.",
            ".5",
            "1e",
            "1e+5",
            "1E-2",
            "true",
            "tru",
            "nul",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u00e9\"",
            "\"a\u{1}\"",
            "[",
            "{\"a\":",
            "",
            "[1]]",
            "NaN",
            "Infinity",
            "-Infinity",
            "[\"\\ud83d\\ude00\"]",
            "\"",
            "{\"a\":1}}",
            "[[1],[2,[3]]]",
        ];
        for text in texts {
            assert_eq!(
                accepts(text),
                serde_json::from_str::<serde_json::Value>(text).is_ok(),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_lone_surrogates_and_deep_nesting() {
        assert!(!accepts(r#""\ud800""#));
        assert!(!accepts(r#"["\udc00\ud800"]"#));
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(accepts(&nested(128)));
        assert!(!accepts(&nested(129)));
        assert!(!accepts(&nested(1_000_000)));
    }
}
