//! Checks values against the limits of the server's number and text types before they are sent: one value that the
//! server refuses would end the COPY, and with it the run.

/// Digits before and behind the point that `numeric` has without limits.
const NUMERIC_WHOLE: i64 = 131_072;
const NUMERIC_FRACTION: i64 = 16_383;

/// A number longer than this has a look at its digits.
const SHORT: usize = 300;

/// Where the digits of a number are, zeros at both ends left out.
enum Digits {
    /// The powers of ten of the first digit and of the last.
    From(i64, i64),
    Zero,
    /// `NaN`
    NotANumber,
    Infinite,
    /// The exponent is beyond all types.
    Beyond,
}

impl Digits {
    /// Reads a number that was checked to be one, or one of the special texts.
    fn of(text: &[u8]) -> Self {
        let text = match text {
            [b'-' | b'+', rest @ ..] => rest,
            text => text,
        };
        match text.first() {
            Some(b'n' | b'N') => return Self::NotANumber,
            Some(b'i' | b'I') => return Self::Infinite,
            _ => {}
        }
        let (mantissa, point, Some(exponent)) = parts(text) else {
            return Self::Beyond;
        };
        let digit = |at: usize| matches!(mantissa[at], b'1'..=b'9');
        // The power of ten of the digit at a place, the exponent aside.
        let power = |at: usize| {
            if at < point {
                (point - at).cast_signed() as i64 - 1
            } else {
                -((at - point).cast_signed() as i64)
            }
        };
        let first = (0..mantissa.len()).find(|&at| digit(at));
        let last = (0..mantissa.len()).rev().find(|&at| digit(at));
        match (first, last) {
            (Some(first), Some(last)) => Self::From(power(first) + exponent, power(last) + exponent),
            _ => Self::Zero,
        }
    }
}

/// The digits of a number, where the point is among them, and the exponent, if it is within reason.
fn parts(text: &[u8]) -> (&[u8], usize, Option<i64>) {
    let (mantissa, exponent) = match memchr::memchr2(b'e', b'E', text) {
        Some(at) => {
            let exponent = std::str::from_utf8(&text[at + 1..]).ok();
            (
                &text[..at],
                exponent.and_then(|text| text.parse::<i32>().ok()).map(i64::from),
            )
        }
        None => (text, Some(0)),
    };
    let point = memchr::memchr(b'.', mantissa).unwrap_or(mantissa.len());
    (mantissa, point, exponent)
}

/// Whether a number may be one that `numeric` does not hold.
#[inline]
pub(super) fn may_be_huge(digits: &str) -> bool {
    digits.len() > SHORT || memchr::memchr2(b'e', b'E', digits.as_bytes()).is_some()
}

pub(super) fn fits_numeric(text: &[u8]) -> bool {
    if text.len() <= SHORT && memchr::memchr2(b'e', b'E', text).is_none() {
        return true;
    }
    // Zeros behind the last digit count here.
    let (mantissa, point, exponent) = parts(text);
    let behind = (mantissa.len() - point).saturating_sub(1);
    let scale = behind.cast_signed() as i64 - exponent.unwrap_or(0);
    match Digits::of(text) {
        Digits::From(first, _) => first < NUMERIC_WHOLE && scale <= NUMERIC_FRACTION,
        Digits::Zero => scale <= NUMERIC_FRACTION,
        Digits::NotANumber | Digits::Infinite => true,
        Digits::Beyond => false,
    }
}

/// Whether a number fits without being rounded.
pub(super) fn fits_decimal(text: &[u8], precision: u16, scale: i16) -> bool {
    match Digits::of(text) {
        Digits::From(first, last) => {
            first < i64::from(precision) - i64::from(scale) && last >= -i64::from(scale)
        }
        Digits::Zero | Digits::NotANumber => true,
        Digits::Infinite | Digits::Beyond => false,
    }
}

/// Whether a number fits when digits beyond the scale are rounded away, halves from zero, as the server does.
pub(super) fn fits_rounded(text: &[u8], precision: u16, scale: i16) -> bool {
    let whole = i64::from(precision) - i64::from(scale);
    match Digits::of(text) {
        Digits::From(first, _) if first >= whole => false,
        // Only nines to the last digit that stays become a digit more.
        Digits::From(first, _) if first == whole - 1 => {
            let (mantissa, _, _) = parts(text);
            let mut digits = mantissa
                .iter()
                .filter(|byte| byte.is_ascii_digit())
                .skip_while(|byte| **byte == b'0');
            let nines = digits
                .by_ref()
                .take(usize::from(precision))
                .filter(|byte| **byte == b'9');
            nines.count() < usize::from(precision) || digits.next().is_none_or(|byte| *byte < b'5')
        }
        Digits::From(..) | Digits::Zero | Digits::NotANumber => true,
        Digits::Infinite | Digits::Beyond => false,
    }
}

pub(super) fn fits_double(text: &[u8]) -> bool {
    if text.len() <= SHORT && memchr::memchr2(b'e', b'E', text).is_none() {
        return true;
    }
    in_range(text, |text| {
        text.parse::<f64>()
            .map(|value| (value.is_finite(), value == 0.0))
            .ok()
    })
}

pub(super) fn fits_real(text: &[u8]) -> bool {
    in_range(text, |text| {
        text.parse::<f32>()
            .map(|value| (value.is_finite(), value == 0.0))
            .ok()
    })
}

/// Neither beyond the greatest nor so small that it would be zero: the server refuses both. `read` says whether the
/// number is finite, and whether it is zero.
fn in_range(text: &[u8], read: impl Fn(&str) -> Option<(bool, bool)>) -> bool {
    match Digits::of(text) {
        Digits::Zero | Digits::NotANumber | Digits::Infinite => true,
        Digits::Beyond => false,
        Digits::From(..) => {
            let read = std::str::from_utf8(text).ok().and_then(read);
            matches!(read, Some((true, false)))
        }
    }
}

/// The characters of a field, each of which may be escaped for COPY, but for blanks at its end.
pub(super) fn characters(field: &[u8]) -> usize {
    let (mut count, mut blanks) = (0, 0);
    let mut escaped = false;
    for &byte in field {
        if escaped {
            escaped = false;
            continue;
        }
        escaped = byte == b'\\';
        // Every byte but those that continue a character.
        count += usize::from(byte & 0xC0 != 0x80);
        blanks = if byte == b' ' { blanks + 1 } else { 0 };
    }
    count - blanks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_beyond_precision_and_scale_do_not_fit() {
        for (text, precision, scale, fits) in [
            ("123.45", 5, 2, true),
            ("1234.5", 5, 2, false),
            ("123.456", 5, 2, false),
            ("123.4500", 5, 2, true),
            ("00123.45", 5, 2, true),
            ("-0.00", 1, 0, true),
            ("1.2345e2", 5, 2, true),
            ("1e3", 5, 2, false),
            ("1e-3", 5, 2, false),
            ("12300", 3, -2, true),
            ("12340", 3, -2, false),
            ("0.00012", 2, 5, true),
            ("0.0012", 2, 5, false),
            ("NaN", 5, 2, true),
            ("Infinity", 5, 2, false),
            ("1e99999999999", 5, 2, false),
        ] {
            assert_eq!(fits_decimal(text.as_bytes(), precision, scale), fits, "{text}");
        }
    }

    #[test]
    fn a_number_that_is_rounded_may_have_a_digit_more_then() {
        for (text, fits) in [
            ("999.99", true),
            ("999.994", true),
            ("999.995", false),
            ("999.9849", true),
            ("99.999", true),
            ("-999.996", false),
            ("9.99995e2", false),
            ("1000", false),
            ("0.00000001", true),
            ("NaN", true),
        ] {
            assert_eq!(fits_rounded(text.as_bytes(), 5, 2), fits, "{text}");
        }
    }

    #[test]
    fn what_no_type_holds_is_found_by_its_exponent() {
        for (text, numeric, double, real) in [
            ("1.5", true, true, true),
            ("1e300", true, true, false),
            ("1e400", true, false, false),
            ("1e-400", true, false, false),
            ("1e-40", true, true, true),
            ("1e-60", true, true, false),
            ("3.5e38", true, true, false),
            ("0e999999999999", false, false, false),
            ("0e-20000", false, true, true),
            ("1e131071", true, false, false),
            ("1e131072", false, false, false),
            ("1e-16383", true, false, false),
            ("1e-16384", false, false, false),
            ("-Infinity", true, true, true),
        ] {
            let text = text.as_bytes();
            assert_eq!(
                (fits_numeric(text), fits_double(text), fits_real(text)),
                (numeric, double, real),
                "{}",
                String::from_utf8_lossy(text)
            );
        }
        let long = [&[b'9'; 310][..], b".5"].concat();
        assert!(fits_numeric(&long) && !fits_double(&long) && !fits_real(&long));
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        for (field, count) in [
            ("abc", 3),
            ("é漢😀", 3),
            (r"a\nb\\", 4),
            ("", 0),
            (r"\té", 2),
            ("a b  ", 3),
            ("  ", 0),
        ] {
            assert_eq!(characters(field.as_bytes()), count, "{field}");
        }
    }
}
