//! Numbers as keys: one spelling for each value, so that equal keys are equal bytes.
//!
//! `100`, `1e2` and `100.00` all become `100`; `-0.0` becomes `0`; `1.50` becomes `1.5`. What the column would round
//! is rounded here in the server's way (half away from zero): `1.004` in `numeric(10,2)` becomes `1`.

use std::borrow::Cow;

/// Digits beyond this many places are written with an exponent: what comes must not make what is sent much longer.
const MOST_ZEROS: i64 = 40;

/// A number of any length, taken apart: its digits without zeros at either end, times ten to the `exponent`.
#[derive(Debug, PartialEq)]
pub(super) struct Digits<'a> {
    negative: bool,
    /// Empty for zero.
    digits: Cow<'a, str>,
    exponent: i64,
}

impl<'a> Digits<'a> {
    /// Reads a number as JSON and the server write it; `None` when it is none, or its exponent is beyond all reason.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (negative, bare) = match text.strip_prefix('-') {
            Some(bare) => (true, bare),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match bare.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (bare, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let places = length(fraction);
        let digits = if fraction.is_empty() {
            Cow::Borrowed(whole)
        } else {
            Cow::Owned(format!("{whole}{fraction}"))
        };
        let mut number = Self {
            negative,
            digits,
            exponent: i64::from(exponent) - places,
        };
        number.strip();
        Some(number)
    }

    /// Takes away zeros at both ends.
    fn strip(&mut self) {
        let long = self.digits.trim_start_matches('0');
        let short = long.trim_end_matches('0');
        let zeros = length(long) - length(short);
        let short = short.to_owned();
        self.exponent += zeros;
        if short.is_empty() {
            self.negative = false;
            self.exponent = 0;
        }
        self.digits = Cow::Owned(short);
    }

    /// Digits behind the point.
    pub(super) fn scale(&self) -> i64 {
        (-self.exponent).max(0)
    }

    /// The number with at most `scale` digits behind the point, half away from zero.
    pub(super) fn round(mut self, scale: u16) -> Self {
        let scale_excess = self.scale() - i64::from(scale);
        let Some(excess) = usize::try_from(scale_excess).ok().filter(|excess| *excess > 0) else {
            return self;
        };
        let kept = self.digits.len().saturating_sub(excess);
        let up = excess <= self.digits.len() && self.digits.as_bytes()[kept] >= b'5';
        let mut digits: Vec<u8> = self.digits.as_bytes()[..kept].to_vec();
        if up {
            increment(&mut digits);
        }
        self.digits = Cow::Owned(digits.into_iter().map(char::from).collect());
        self.exponent += scale_excess;
        self.strip();
        self
    }

    /// Appends the number's one spelling.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let digits = self.digits.as_bytes();
        if digits.is_empty() {
            out.push(b'0');
            return;
        }
        if self.negative {
            out.push(b'-');
        }
        let point = length(&self.digits) + self.exponent;
        let whole = usize::try_from(point).unwrap_or(0);
        match self.exponent {
            0.. if self.exponent <= MOST_ZEROS => {
                out.extend_from_slice(digits);
                out.extend((0..self.exponent).map(|_| b'0'));
            }
            ..0 if whole > 0 => {
                let (whole, fraction) = digits.split_at(whole);
                out.extend_from_slice(whole);
                out.push(b'.');
                out.extend_from_slice(fraction);
            }
            ..0 if point >= -MOST_ZEROS => {
                out.extend_from_slice(b"0.");
                out.extend((point..0).map(|_| b'0'));
                out.extend_from_slice(digits);
            }
            exponent => {
                out.extend_from_slice(digits);
                out.extend_from_slice(format!("e{exponent}").as_bytes());
            }
        }
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).expect("a text in memory is shorter than 2^63 bytes")
}

/// Adds one to the number that the digits are.
fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

/// The one spelling of a number that is none of digits: `NaN`, `Infinity`, `-Infinity`; others as they came.
pub(super) fn special(text: &str) -> &str {
    let is = |names: &[&str]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
    if is(&["nan"]) {
        "NaN"
    } else if is(&["inf", "infinity", "+inf", "+infinity"]) {
        "Infinity"
    } else if is(&["-inf", "-infinity"]) {
        "-Infinity"
    } else {
        text
    }
}

/// The one spelling of a double; `None` for a number that is beyond all of them, which the server is to refuse.
pub(super) fn double(text: &str) -> Option<String> {
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    // Minus zero is equal to zero. Below the least double the server has an error, and not zero.
    if value == 0.0 {
        let zero = Digits::parse(text).is_some_and(|number| number.digits.is_empty());
        return zero.then(|| "0".to_owned());
    }
    Some(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spelled(text: &str) -> Option<String> {
        let mut out = Vec::new();
        Digits::parse(text)?.write(&mut out);
        String::from_utf8(out).ok()
    }

    #[test]
    fn every_spelling_of_a_number_becomes_one() {
        let long = "123456789".repeat(5);
        let (with_point, with_exponent) = (format!("{long}.0"), format!("{long}0e-1"));
        for (one, others) in [
            ("0", &["-0", "0.000", "0e9", "+0"][..]),
            ("100", &["1e2", "100.0", "0100", "10E1", "1000e-1"]),
            ("-1.5", &["-1.50", "-15e-1", "-0.15E+1"]),
            ("0.001", &["1e-3", "0.00100", ".001"]),
            ("1e50", &["10e49", "1.0e50"]),
            ("1e-60", &["0.1e-59"]),
            (&long, &[&with_point, &with_exponent]),
        ] {
            for text in others.iter().chain([&one]) {
                assert_eq!(spelled(text).as_deref(), Some(one), "{text}");
            }
        }
        for text in ["", "-", ".", "1,5", "NaN", "1e", "1e99999999999"] {
            assert_eq!(spelled(text), None, "{text}");
        }
    }

    #[test]
    fn rounds_half_away_from_zero() {
        for (text, scale, expected) in [
            ("1.004", 2, "1"),
            ("1.005", 2, "1.01"),
            ("-1.005", 2, "-1.01"),
            ("9.996", 2, "10"),
            ("0.004", 2, "0"),
            ("-0.001", 2, "0"),
            ("0.5", 0, "1"),
            ("0.05", 0, "0"),
            ("12", 0, "12"),
            ("1e-9", 2, "0"),
            ("6e-3", 2, "0.01"),
        ] {
            let mut out = Vec::new();
            Digits::parse(text).expect(text).round(scale).write(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected, "{text}");
        }
    }

    #[test]
    fn doubles_have_one_spelling_and_none_beyond_them() {
        assert_eq!(double("-0.0").as_deref(), Some("0"));
        assert_eq!(double("1.0"), double("10e-1"));
        assert_eq!(double("1e400"), None);
        assert_eq!(double("1e-400"), None);
        assert_eq!(double("NaN"), None);
        assert_eq!(special("-INF"), "-Infinity");
        assert_eq!(special("nan"), "NaN");
    }

    proptest! {
        #[test]
        fn zeros_and_exponents_change_nothing(number: i64, zeros in 0_usize..60, shift in 0_usize..30) {
            let plain = spelled(&number.to_string());
            prop_assert_eq!(&spelled(&format!("{number}.{}", "0".repeat(zeros))), &plain);
            let shifted = format!("{number}{}e-{shift}", "0".repeat(shift));
            prop_assert_eq!(&spelled(&shifted), &plain);
            // It is the same number.
            prop_assert_eq!(spelled(&plain.clone().expect("a number")), plain);
        }
    }
}
