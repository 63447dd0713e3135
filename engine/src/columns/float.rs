//! Parses the digits of a number into the nearest 64-bit float.

use crate::json::scan;

/// Powers of ten that a float holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Reads a JSON number; `None` when it is beyond the range of floats.
///
/// Up to 15 digits without an exponent, the usual case, are one exact division (Clinger's fast path); the rest is
/// the standard library's, which rounds correctly as well.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "called in one place, and short where it is hot"
)]
pub(super) fn parse(digits: &str) -> Option<f64> {
    let (negative, bytes) = match digits.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let parsed = match bytes.len() {
        1..=8 => short(bytes),
        9..=16 => long(bytes),
        _ => None,
    };
    match parsed {
        Some((mantissa, decimals)) if mantissa <= 1 << 53 => Some(quotient(mantissa, decimals, negative)),
        _ => any(digits),
    }
}

/// The float of a mantissa of at most 2^53 and fewer than 16 decimals.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "at most 2^53, so exact")]
fn quotient(mantissa: u64, decimals: usize, negative: bool) -> f64 {
    let number = mantissa as f64 / POWERS[decimals & 15];
    if negative { -number } else { number }
}

/// The same of digits at the high end of a word, with a point at the bit `point`.
#[inline]
pub(super) fn of_word(word: u64, point: u32, negative: bool) -> f64 {
    let (mantissa, decimals) = without_point(word, point);
    quotient(mantissa, decimals, negative)
}

/// The digits of a word without the byte of the point at the bit `point`, and how many of them stood after it.
#[inline]
fn without_point(word: u64, point: u32) -> (u64, usize) {
    let before = (1_u64 << (point & 63)) - 1;
    let cut = word & !(before << 8 | 0xFF) | (word & before) << 8;
    (scan::eight_digits(cut), 7 - ((point / 8) as usize & 7))
}

#[inline(never)]
fn any(digits: &str) -> Option<f64> {
    digits.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The digits of one to eight bytes as an integer, and how many of them stand after the point: none without one.
#[inline]
fn short(bytes: &[u8]) -> Option<(u64, usize)> {
    // The text at the high end of a word; the zero bytes before it count as leading zeros.
    let unused = 64 - 8 * bytes.len() as u32;
    let word = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            let first = u64::from(u32::from_le_bytes(*first)) << (unused & 63);
            u64::from(u32::from_le_bytes(*last)) << 32 | first
        }
        _ => bytes
            .iter()
            .fold(0, |word, byte| word >> 8 | u64::from(*byte) << 56),
    };
    // Of all that a JSON number has, only digits have this bit.
    let others = !word & DIGIT & u64::MAX << (unused & 63);
    if others == 0 {
        return Some((scan::eight_digits(word), 0));
    }
    // The first other must be a point: it is cut out.
    let point = others.trailing_zeros() & !7;
    if others & (others - 1) != 0 || word >> point & 0xFF != u64::from(b'.') {
        return None;
    }
    Some(without_point(word, point))
}

/// The bit that tells a digit from `.`, `-`, `+`, `e` and `E`, in each byte.
const DIGIT: u64 = 0x1010_1010_1010_1010;

/// The same for nine to sixteen bytes.
#[inline(never)]
fn long(bytes: &[u8]) -> Option<(u64, usize)> {
    let (high_bytes, low_bytes) = bytes.split_at_checked(bytes.len() - 8)?;
    let ((high, high_decimals), (low, low_decimals)) = (short(high_bytes)?, short(low_bytes)?);
    // A point at the end of the first half leaves no decimals there, nor at the end of the second: JSON has none.
    if high_bytes.contains(&b'.') {
        return Some((high * 100_000_000 + low, high_decimals + 8));
    }
    let scale = if low_bytes.contains(&b'.') {
        10_000_000
    } else {
        100_000_000
    };
    Some((high * scale + low, low_decimals))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounds_as_the_standard_library_does() {
        for digits in [
            "0",
            "-0",
            "-0.0",
            "0.1",
            "21168.23",
            "9007199254740993",
            "1e-7",
            "123456789012345678",
            "-1.5E3",
        ] {
            let expected: f64 = digits.parse().expect("a number");
            assert_eq!(
                parse(digits).map(f64::to_bits),
                Some(expected.to_bits()),
                "{digits}"
            );
        }
        assert_eq!(parse("1e400"), None);
        assert_eq!(parse("1e-400"), Some(0.0));
    }

    proptest! {
        #[test]
        fn rounds_every_short_number_right(whole in 0_u64..1_000_000_000, fraction in "[0-9]{1,8}", negative: bool) {
            let digits = format!("{}{whole}.{fraction}", if negative { "-" } else { "" });
            let expected: f64 = digits.parse().expect("a number");
            prop_assert_eq!(parse(&digits).map(f64::to_bits), Some(expected.to_bits()));
        }
    }
}
