//! Numbers in the state that every reader of JSON gives back as they were.
//!
//! A runner reads the state and writes it again, and most JSON readers know one kind of number: the double. Python makes
//! `1704067200.999999999` into `1704067201.0`, JavaScript `9007199254740993` into `9007199254740992`; a bookmark that moved
//! so skips rows. Such numbers are kept as strings, `"1704067200.999999999"`, and are read again from both.

use std::borrow::Cow;

/// A double holds every whole number up to here, and every decimal of this many digits.
const WHOLE: u64 = 1 << 53;
const DIGITS: usize = 15;

/// The JSON text of a value, in quotes when it is a number that a reader may change.
pub(in crate::tap) fn portable(json: &str) -> Cow<'_, str> {
    if survives(json) {
        json.into()
    } else {
        format!("\"{json}\"").into()
    }
}

/// The number in a string, as [`portable`] made it; `None` for everything else.
pub(in crate::tap) fn number(json: &str) -> Option<&str> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
    is_number.then_some(text)
}

fn survives(json: &str) -> bool {
    let digits = json.strip_prefix('-').unwrap_or(json);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        // No number at all.
        return true;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits.parse().is_ok_and(|number: u64| number <= WHOLE);
    }
    let few = digits.len() <= DIGITS + 1 && !digits.contains(['e', 'E']);
    // The shortest text of a double is that double wherever it is read.
    few || json.parse::<f64>().is_ok_and(|double| {
        double.is_finite() && serde_json::to_string(&double).is_ok_and(|text| text == json)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_double_cannot_hold_is_a_string() {
        for same in [
            "0",
            "-7",
            "9007199254740992",
            "-9007199254740992",
            "1.10",
            "1704067200.999999",
            "0.1",
            "0.30000000000000004",
            "1e+300",
            "1.7976931348623157e+308",
            "\"text\"",
            "\"12\"",
            "null",
            "true",
            "{\"a\":1}",
        ] {
            assert_eq!(portable(same), same);
        }
        for other in [
            "9007199254740993",
            "-9223372036854775808",
            "123456789012345678901234567890",
            "1704067200.999999999",
            "0.12345678901234567890",
            "1e400",
            "1.000000000000000000001e+10",
        ] {
            let quoted = format!("\"{other}\"");
            assert_eq!(portable(other), quoted);
            assert_eq!(number(&quoted), Some(other));
        }
        for no_number in [
            "1",
            "\"a\"",
            "\"2024-01-01\"",
            "\"1 2\"",
            "\"\"",
            "null",
            "\"\\u0031\"",
        ] {
            assert_eq!(number(no_number), None, "{no_number}");
        }
    }
}
