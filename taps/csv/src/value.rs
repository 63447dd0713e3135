//! Decides whether a cell is an integer, number, boolean, date or date-time. The accepted text is written unchanged.

use wide::u8x16;

/// Whether the text is an integer as JSON writes it: no plus, no leading zero, no space.
pub(crate) fn is_integer(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    match digits {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Whether the first `length` bytes are an integer, or, with a point inside them, if `point` allows it, a number. All
/// such are; of the others `false` says nothing.
///
/// What costs is the mispredicted branch at the end of a loop over digits, so there is none.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call would take as long")]
pub(crate) fn is_short(bytes: &[u8; 16], length: usize, point: bool) -> bool {
    if length > bytes.len() {
        return false;
    }
    let (negative, first) = (u32::from(bytes[0] == b'-'), bytes[usize::from(bytes[0] == b'-')]);
    let vector = u8x16::new(*bytes);
    let values = vector - u8x16::splat(b'0');
    let digits = values.min(u8x16::splat(9)).simd_eq(values).to_bitmask();
    let points = vector.simd_eq(u8x16::splat(b'.')).to_bitmask();
    // From here on without the sign: one bit for each byte that is no digit, and one for the end.
    let end = 1_u32 << length >> negative;
    let others = !digits >> negative & end.wrapping_sub(1);
    let whole = others | end;
    let allowed = others & !(points >> negative) == 0 && (point || others == 0);
    let one = others & others.wrapping_sub(1) == 0;
    let between = others & (1 | end >> 1) == 0;
    let no_zero = (first != b'0') | (whole & 2 != 0);
    (end > 1) & allowed & one & between & no_zero
}

/// Whether the text is a number as JSON writes it: `1.70`, `-0`, `1e3`, but not `.5`, `5.` or `NaN`.
pub(crate) fn is_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    let bytes = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let whole = digits(bytes);
    if whole == 0 || (whole > 1 && bytes[0] == b'0') {
        return false;
    }
    let mut rest = &bytes[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    match rest {
        [] => true,
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
        _ => false,
    }
}

/// Whether a number is one that a 64-bit float comes near: not beyond its range, nor so small that it is zero there, nor an
/// integer of more than 64 bits, which is a name more often than a quantity.
pub(crate) fn fits_float(text: &str) -> bool {
    let significand = text.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = !significand.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    let is_near = |number: f64| number.is_finite() && (number != 0.0 || is_zero);
    text.parse().is_ok_and(is_near) && (!is_integer(text) || text.parse::<i64>().is_ok())
}

#[inline]
fn digits(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(bytes.len())
}

/// The boolean that `true` and `false` are, in any case.
#[inline]
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.len() {
        4 if text.eq_ignore_ascii_case("true") => Some(true),
        5 if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Whether the text is a day of the calendar, written `2024-02-29`.
#[inline]
pub(crate) fn is_date(text: &[u8]) -> bool {
    text.as_array().is_some_and(date)
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "a call would take as long")]
fn date(text: &[u8; 10]) -> bool {
    let &[y0, y1, rest @ ..] = text;
    // With digits as their values and dashes as zeros each byte has a limit, and nothing is carried into the next byte
    // unless one is wrong already.
    let values = u64::from_le_bytes(rest) ^ u64::from_le_bytes(*b"00-00-00");
    let over = values.wrapping_add(u64::from_le_bytes(*b"\x76\x76\x7F\x76\x76\x7F\x76\x76"));
    let written = (values | over) & 0x8080_8080_8080_8080 == 0 && y0.is_ascii_digit() && y1.is_ascii_digit();
    // The first digit of each pair is in the lower byte.
    let pairs = values.wrapping_mul(10 * 0x100 + 1) >> 8;
    let (year, month, day) = (pairs & 0xFF, pairs >> 24 & 0xFF, (pairs >> 48) as u8);
    let known = day.wrapping_sub(1) < DAYS[month as usize % DAYS.len()] && month < 16;
    written && (known || (month == 2 && day == 29 && is_leap(pair(y0, y1), year)))
}

/// Whether the year with these first and last two digits has a leap day.
fn is_leap(century: u8, year: u64) -> bool {
    year.is_multiple_of(4) && (year != 0 || century.is_multiple_of(4))
}

/// How many days each month has, February without its leap day, and what is no month none.
const DAYS: [u8; 16] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0];

/// The number that two digits are.
#[inline]
fn pair(tens: u8, ones: u8) -> u8 {
    (tens & 15) * 10 + (ones & 15)
}

/// Whether the text is a date and time, written as RFC 3339 does (`2024-02-29T12:30:00.5Z`), or with a space for
/// the T, or without a zone.
#[inline]
pub(crate) fn is_date_time(text: &str) -> bool {
    let Some((day, rest)) = text.as_bytes().split_first_chunk() else {
        return false;
    };
    date(day) && matches!(rest, [b'T' | b't' | b' ', clock @ ..] if time_and_zone(clock))
}

fn time_and_zone(bytes: &[u8]) -> bool {
    let Some((&[h0, h1, b':', m0, m1, b':', s0, s1], mut rest)) = bytes.split_first_chunk() else {
        return false;
    };
    // A leap second is valid in RFC 3339.
    if !below(24, h0, h1) || !below(60, m0, m1) || !below(61, s0, s1) {
        return false;
    }
    if let [b'.', fraction @ ..] = rest {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    match *rest {
        [] | [b'Z' | b'z'] => true,
        [b'+' | b'-', h0, h1, b':', m0, m1] => below(24, h0, h1) && below(60, m0, m1),
        _ => false,
    }
}

/// Whether these are two digits of a number below `limit`.
#[inline]
fn below(limit: u8, tens: u8, ones: u8) -> bool {
    tens.is_ascii_digit() && ones.is_ascii_digit() && pair(tens, ones) < limit
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_those_of_json() {
        for text in ["0", "-0", "7", "-12", "123456789012345678901234567890"] {
            assert!(is_integer(text) && is_number(text), "{text}");
        }
        for text in ["0.0", "1.70", "-0.5", "1e3", "1E+5", "12.5e-10"] {
            assert!(!is_integer(text) && is_number(text), "{text}");
        }
        for text in [
            "", "-", "+1", "007", "-01", ".5", "5.", "1e", "1e+", "NaN", "Infinity", "1,000", " 1", "1 ",
            "0x1", "1_0", "00.5", "٣",
        ] {
            assert!(!is_integer(text) && !is_number(text), "{text}");
        }
    }

    proptest! {
        /// Whatever follows; and what a person would write is taken.
        #[test]
        fn short_numbers_are_numbers(
            text in "-?[0-9]{0,9}(\\.[0-9]{0,6})?|[-0-9.e+]{0,17}",
            after in prop::array::uniform16(any::<u8>()),
        ) {
            let mut bytes = after;
            let length = text.len();
            let copied = length.min(16);
            bytes[..copied].copy_from_slice(&text.as_bytes()[..copied]);
            let fits = length <= 16;
            prop_assert_eq!(is_short(&bytes, length, false), fits && is_integer(&text));
            let plain = fits && is_number(&text) && !text.contains(['e', 'E']);
            prop_assert_eq!(is_short(&bytes, length, true), plain);
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for text in ["2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"] {
            assert!(is_date(text.as_bytes()), "{text}");
        }
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2024-04-31",
            "2024-13-01",
            "2024-00-10",
            "2024-01-00",
            "2024-1-1",
            "20240101",
            "2024/01/01",
            "2024-01-0a",
            "é024-01-1",
        ] {
            assert!(!is_date(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn times_are_those_of_rfc_3339_with_a_space_and_without_a_zone() {
        for text in [
            "2024-02-29T12:30:00Z",
            "2024-02-29 12:30:00",
            "2024-02-29T23:59:60.123456789+05:30",
            "2024-02-29t00:00:00.5z",
        ] {
            assert!(is_date_time(text), "{text}");
        }
        for text in [
            "2024-02-29",
            "2024-02-30T00:00:00Z",
            "2024-02-29T24:00:00Z",
            "2024-02-29T12:60:00Z",
            "2024-02-29T12:30Z",
            "2024-02-29T12:30:00.Z",
            "2024-02-29T12:30:00+0530",
            "2024-02-29T12:30:00 Z",
            "2024-02-29  12:30:00",
        ] {
            assert!(!is_date_time(text), "{text}");
        }
    }

    #[test]
    fn booleans_are_true_and_false_in_any_case() {
        assert_eq!(boolean("True"), Some(true));
        assert_eq!(boolean("FALSE"), Some(false));
        for text in ["", "t", "yes", "1", "0", "truee"] {
            assert_eq!(boolean(text), None);
        }
    }
}
