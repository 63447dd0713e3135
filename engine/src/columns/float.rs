//! The float nearest to a number's digits.

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
#[inline]
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
        Some((mantissa, decimals)) if mantissa <= 1 << 53 => {
            #[expect(clippy::cast_precision_loss, reason = "at most 2^53, so exact")]
            let number = mantissa as f64 / POWERS[decimals.unwrap_or(0) & 15];
            Some(if negative { -number } else { number })
        }
        _ => digits.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}

/// The digits of one to eight bytes as an integer, and how many of them stand after the point, if there is one.
#[inline]
fn short(bytes: &[u8]) -> Option<(u64, Option<usize>)> {
    let length = bytes.len();
    // The text at the high end of a word.
    let word = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            let first = u64::from(u32::from_le_bytes(*first)) << (8 * (8 - length));
            u64::from(u32::from_le_bytes(*last)) << 32 | first
        }
        _ => bytes
            .iter()
            .fold(0, |word, byte| word >> 8 | u64::from(*byte) << 56),
    };
    let (word, decimals) = without_point(word | ZEROS.checked_shr(8 * length as u32).unwrap_or(0));
    is_all_digits(word).then(|| (scan::eight_digits(word), decimals))
}

/// The same for nine to sixteen bytes.
#[inline]
fn long(bytes: &[u8]) -> Option<(u64, Option<usize>)> {
    let (high, low) = bytes.split_at_checked(bytes.len() - 8)?;
    let (high, low) = (short(high)?, short(low)?);
    Some(match (high, low) {
        ((high, None), (low, None)) => (high * 100_000_000 + low, None),
        ((high, None), (low, Some(decimals))) => (high * 10_000_000 + low, Some(decimals)),
        ((high, Some(decimals)), (low, _)) => (high * 100_000_000 + low, Some(decimals + 8)),
    })
}

const ONES: u64 = 0x0101_0101_0101_0101;
const ZEROS: u64 = ONES * 0x30;

/// Cuts a point out of eight characters, a '0' before them; how many stood after it.
#[inline]
fn without_point(word: u64) -> (u64, Option<usize>) {
    let x = word ^ (ONES * u64::from(b'.'));
    let points = x.wrapping_sub(ONES) & !x & (ONES << 7);
    if points == 0 {
        return (word, None);
    }
    let before = points.trailing_zeros() / 8;
    let below = (1_u64 << (8 * before)) - 1;
    let cut = word & !(below | 0xFF << (8 * before)) | (word & below) << 8 | u64::from(b'0');
    (cut, Some(7 - before as usize))
}

#[inline]
fn is_all_digits(word: u64) -> bool {
    let above_nine = (word & (ONES * 0x0F)) + ONES * 6;
    word & (ONES * 0xF0) == ZEROS && above_nine & (ONES * 0x10) == 0
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
