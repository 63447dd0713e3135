//! Numbers by their digits.

use std::io::Write as _;

/// Writes an integer with a decimal point: the digits `1250` of scale 2 are `12.50`. With a scale below zero, zeros follow.
pub(super) fn decimal(digits: &str, scale: i8, out: &mut Vec<u8>) {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    out.extend_from_slice(sign.as_bytes());
    let Ok(scale) = usize::try_from(scale) else {
        out.extend_from_slice(digits.as_bytes());
        if digits != "0" {
            out.resize(out.len() + usize::from(scale.unsigned_abs()), b'0');
        }
        return;
    };
    if scale == 0 {
        out.extend_from_slice(digits.as_bytes());
    } else if let Some(point) = digits.len().checked_sub(scale).filter(|&point| point > 0) {
        let (whole, part) = digits.split_at(point);
        out.extend_from_slice(whole.as_bytes());
        out.push(b'.');
        out.extend_from_slice(part.as_bytes());
    } else {
        // Less than one: zeros stand before the digits.
        let _ = write!(out, "0.{digits:0>scale$}");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn digits_have_their_point() {
        for (digits, scale, expected) in [
            ("1250", 2, "12.50"),
            ("-1250", 2, "-12.50"),
            ("5", 2, "0.05"),
            ("-5", 1, "-0.5"),
            ("0", 3, "0.000"),
            ("0", 0, "0"),
            ("17", 0, "17"),
            ("17", -2, "1700"),
            ("0", -2, "0"),
            (
                "99999999999999999999999999999999999999",
                38,
                "0.99999999999999999999999999999999999999",
            ),
        ] {
            let mut out = Vec::new();
            super::decimal(digits, scale, &mut out);
            assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
        }
    }
}
