//! Which texts are integers, numbers, booleans, dates and date-times. What passes is written as it stands.

/// Whether the text is an integer as JSON writes it: no plus, no leading zero, no space.
#[inline]
pub(crate) fn is_integer(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    match digits {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Whether the text is a number as JSON writes it: `1.70`, `-0`, `1e3`, but not `.5`, `5.` or `NaN`.
#[inline]
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
pub(crate) fn is_date(text: &str) -> bool {
    text.as_bytes().as_array().is_some_and(date)
}

#[inline]
fn date(text: &[u8; 10]) -> bool {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else {
        return false;
    };
    if !text
        .iter()
        .enumerate()
        .all(|(i, b)| i == 4 || i == 7 || b.is_ascii_digit())
    {
        return false;
    }
    let year = u32::from(pair(y0, y1)) * 100 + u32::from(pair(y2, y3));
    let days = match pair(m0, m1) {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&pair(d0, d1))
}

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

    #[test]
    fn days_are_those_of_the_calendar() {
        for text in ["2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"] {
            assert!(is_date(text), "{text}");
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
            assert!(!is_date(text), "{text}");
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
