//! Figures as people read them.

use std::fmt;

/// A number with a comma for every thousand.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A rate or an amount with three digits that count: `950`, `23.4 k`, `2.31 M`.
pub(crate) struct Amount(pub(crate) f64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, unit) = match self.0.abs() {
            v if v >= 999.5e6 => (self.0 / 1e9, " G"),
            v if v >= 999.5e3 => (self.0 / 1e6, " M"),
            v if v >= 9999.5 => (self.0 / 1e3, " k"),
            _ => (self.0, ""),
        };
        write!(f, "{}{unit}", three(value))
    }
}

/// Three digits that count.
pub(super) fn three(value: f64) -> String {
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A time: `1.23 s`, `45.6 ms`.
pub(crate) fn seconds(value: f64) -> String {
    if value >= 0.9995 {
        format!("{} s", three(value))
    } else {
        format!("{} ms", three(value * 1e3))
    }
}

/// Memory in MiB.
pub(super) fn mebibytes(bytes: f64) -> String {
    format!("{} MiB", three(bytes / f64::from(1 << 20)))
}

/// A part as a percentage: `3.2%`.
pub(super) fn percent(part: f64) -> String {
    format!("{:.1}%", part * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
        for (value, text) in [
            (950.0, "950"),
            (2512.0, "2512"),
            (23_400.0, "23.4 k"),
            (2_310_000.0, "2.31 M"),
            (4e9, "4.00 G"),
        ] {
            assert_eq!(Amount(value).to_string(), text);
        }
        assert_eq!(seconds(1.234), "1.23 s");
        assert_eq!(seconds(0.0456), "45.6 ms");
        assert_eq!(mebibytes(1_572_864.0), "1.50 MiB");
        assert_eq!(percent(0.0321), "3.2%");
    }
}
