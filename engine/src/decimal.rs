//! Exact decimal arithmetic on up to 38 digits, where binary floats would give wrong results.

use std::cmp::Ordering;
use std::fmt;

/// A decimal number: `mantissa` x 10^-`scale`, without trailing zeros.
/// ```
/// use melisma_engine::decimal::Decimal;
///
/// let price = Decimal::parse("1.70").expect("a number");
/// assert_eq!(price.to_scaled(2), Some(170));
/// assert!(price > Decimal::parse("1.699999999999999999999999999999999999").expect("a number"));
/// assert_eq!(price.is_multiple_of(Decimal::parse("0.1").expect("a number")), Some(true));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    mantissa: u128,
    scale: i32,
}

impl Decimal {
    /// Reads `-12.50`, `1e3`, `.5` or `7.`; `None` for anything else, and for more than 38 significant digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (mut mantissa, mut scale, mut point, mut any) = (0_u128, 0_i32, false, false);
        let mut zeros = 0_u32;
        let mut exponent = 0_i32;
        for (i, &byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    scale = scale.checked_add(i32::from(point))?;
                    // Zeros count only when another digit follows them.
                    if byte == b'0' {
                        zeros += 1;
                    } else {
                        if mantissa != 0 {
                            mantissa = mantissa.checked_mul(10_u128.checked_pow(zeros)?)?;
                        }
                        mantissa = mantissa.checked_mul(10)?.checked_add(u128::from(byte - b'0'))?;
                        zeros = 0;
                    }
                }
                b'.' if !point => point = true,
                b'e' | b'E' if any => {
                    exponent = std::str::from_utf8(&digits[i + 1..]).ok()?.parse().ok()?;
                    break;
                }
                _ => return None,
            }
        }
        if !any || mantissa >= 10_u128.pow(38) {
            return None;
        }
        if mantissa == 0 {
            return Some(Self {
                negative: false,
                mantissa: 0,
                scale: 0,
            });
        }
        let scale = scale
            .checked_sub(i32::try_from(zeros).ok()?)?
            .checked_sub(exponent)?;
        Some(Self {
            negative,
            mantissa,
            scale,
        })
    }

    /// Whether the number has no fraction.
    pub fn is_integral(self) -> bool {
        self.scale <= 0
    }

    /// The number as an integer, if it is one that fits.
    pub fn to_i64(self) -> Option<i64> {
        self.to_scaled(0).and_then(|value| i64::try_from(value).ok())
    }

    /// The number times 10^`scale`, if that is an integer of at most 38 digits: nothing is ever rounded.
    pub fn to_scaled(self, scale: i32) -> Option<i128> {
        let up = u32::try_from(scale.checked_sub(self.scale)?).ok()?;
        let value = self
            .mantissa
            .checked_mul(10_u128.checked_pow(up)?)
            .filter(|value| *value < 10_u128.pow(38))?;
        let value = i128::try_from(value).ok()?;
        Some(if self.negative { -value } else { value })
    }

    /// Digits after the point.
    pub fn scale(self) -> i32 {
        self.scale.max(0)
    }

    /// Whether the number is an exact multiple of `step`; `None` when that takes more than 38 digits to tell.
    pub fn is_multiple_of(self, step: Self) -> Option<bool> {
        if step.mantissa == 0 {
            return None;
        }
        let scale = self.scale.max(step.scale);
        Some(self.to_scaled(scale)? % step.to_scaled(scale)? == 0)
    }

    fn signum(self) -> i8 {
        match (self.mantissa, self.negative) {
            (0, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        }
    }

    /// The exponent of the first digit.
    fn magnitude(self) -> i64 {
        i64::from(self.mantissa.checked_ilog10().unwrap_or(0)) - i64::from(self.scale)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let digits = self.mantissa.to_string();
        match usize::try_from(self.scale) {
            Ok(0) => write!(f, "{sign}{digits}"),
            Ok(scale) if scale < digits.len() => {
                let (whole, fraction) = digits.split_at(digits.len() - scale);
                write!(f, "{sign}{whole}.{fraction}")
            }
            Ok(scale) if scale <= 40 => write!(f, "{sign}0.{digits:0>scale$}"),
            _ => write!(f, "{sign}{digits}e{}", -i64::from(self.scale)),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = self.signum();
        if sign != other.signum() || sign == 0 {
            return sign.cmp(&other.signum());
        }
        let by_size = self.magnitude().cmp(&other.magnitude()).then_with(|| {
            // Of the same magnitude: bring both to 38 digits, which fits 128 bits, and compare.
            let full = |d: &Self| d.mantissa * 10_u128.pow(37 - d.mantissa.ilog10());
            full(self).cmp(&full(other))
        });
        if sign < 0 { by_size.reverse() } else { by_size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Decimal {
        Decimal::parse(text).expect(text)
    }

    #[test]
    fn reads_every_spelling_and_nothing_else() {
        for (text, scaled) in [
            ("0", 0),
            ("-0.00", 0),
            ("1.50", 150),
            ("1e2", 10_000),
            ("-12.3E-1", -123),
            (".5", 50),
            ("7.", 700),
        ] {
            assert_eq!(parse(text).to_scaled(2), Some(scaled), "{text}");
        }
        for text in [
            "",
            "-",
            ".",
            "e5",
            "1e",
            "1.2.3",
            "abc",
            "0x10",
            "NaN",
            "1e99999999999",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(parse("12345678901234567890123456789012345678").to_i64(), None);
        assert_eq!(Decimal::parse("123456789012345678901234567890123456789"), None);
        assert!(Decimal::parse(&format!("1{}", "0".repeat(60))).is_some());
    }

    #[test]
    fn prints_what_it_read() {
        for text in ["0", "-12.05", "0.001", "1500", "7e50"] {
            let printed = parse(text).to_string();
            assert_eq!(parse(&printed), parse(text), "{printed}");
        }
        assert_eq!(parse("-12.050").to_string(), "-12.05");
        assert_eq!(parse("0.0010").to_string(), "0.001");
    }

    #[test]
    fn never_rounds() {
        assert_eq!(parse("1.005").to_scaled(2), None);
        assert_eq!(parse("9223372036854775807").to_i64(), Some(i64::MAX));
        assert_eq!(parse("9223372036854775808").to_i64(), None);
        assert!(parse("1.0").is_integral());
        assert!(!parse("1.7").is_integral());
        assert_eq!(parse("0.3").is_multiple_of(parse("0.1")), Some(true));
        assert_eq!(parse("1e-38").is_multiple_of(parse("1e-38")), Some(true));
        assert_eq!(parse("0.35").is_multiple_of(parse("0.1")), Some(false));
    }

    proptest! {
        #[test]
        fn orders_as_scaled_integers_do(a: i64, b: i64, p in 0_i32..12, q in 0_i32..12) {
            let number = |value: i64, scale: i32| parse(&format!("{value}e-{scale}"));
            let scaled = |value: i64, scale: i32| i128::from(value) * 10_i128.pow((12 - scale).unsigned_abs());
            prop_assert_eq!(number(a, p).cmp(&number(b, q)), scaled(a, p).cmp(&scaled(b, q)));
        }
    }
}
