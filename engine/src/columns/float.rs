//! The float nearest to a number's digits.

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
    quick(digits.as_bytes()).or_else(|| digits.parse().ok().filter(|number: &f64| number.is_finite()))
}

#[inline]
fn quick(bytes: &[u8]) -> Option<f64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if digits.len() > 16 {
        return None;
    }
    let (mut mantissa, mut point) = (0_u64, None);
    for (i, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => mantissa = mantissa * 10 + u64::from(byte - b'0'),
            b'.' => point = Some(i),
            _ => return None,
        }
    }
    if mantissa > 1 << 53 {
        return None;
    }
    let decimals = point.map_or(0, |point| digits.len() - 1 - point);
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53, so exact")]
    let number = mantissa as f64 / POWERS[decimals];
    Some(if negative { -number } else { number })
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
