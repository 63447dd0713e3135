//! What a scalar without quotes stands for, by the rules of ruamel.yaml for YAML 1.2.

use serde_json::{Number, Value};

use super::super::big_integer;

/// The value of a plain scalar.
pub(super) fn plain(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => match number(text) {
            Some(value) => value?,
            None => Value::String(timestamp(text).unwrap_or_else(|| text.to_owned())),
        },
        _ => Value::String(text.to_owned()),
    })
}

/// The value of a scalar with a tag or in quotes.
pub(super) fn tagged(text: String, tag: Option<&str>) -> Result<Value, String> {
    match tag {
        Some("int" | "float" | "bool" | "null") => plain(&text),
        _ => Ok(Value::String(text)),
    }
}

/// The number that `text` spells, if it spells one; an error for one that JSON cannot express.
fn number(text: &str) -> Option<Result<Value, String>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { "-" } else { "" };
    let all = |digits: &str, allowed: &str| {
        !digits.is_empty()
            && digits
                .chars()
                .all(|c| c == '_' || allowed.contains(c.to_ascii_lowercase()))
    };
    for (prefix, radix, digits) in [
        ("0b", 2, "01"),
        ("0o", 8, "01234567"),
        ("0x", 16, "0123456789abcdef"),
    ] {
        if let Some(rest) = unsigned.strip_prefix(prefix).filter(|rest| all(rest, digits)) {
            let value = i64::from_str_radix(&rest.replace('_', ""), radix).ok()?;
            return Some(Ok(Value::from(if sign.is_empty() { value } else { -value })));
        }
    }
    if all(unsigned, "0123456789") && unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        let digits = unsigned.replace('_', "");
        return Some(Ok(big_integer::parse(&format!("{sign}{digits}"))));
    }
    if !is_float(unsigned) {
        return None;
    }
    let value = text.replace('_', "").parse().ok().and_then(Number::from_f64);
    Some(
        value
            .map(Value::Number)
            .ok_or_else(|| format!("{text} is a number that JSON cannot express")),
    )
}

/// Whether text without its sign spells a float: digits with a dot, an exponent, or both.
fn is_float(text: &str) -> bool {
    if matches!(text, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '_');
    let dot = mantissa.split_once('.');
    let mantissa_fits = match dot {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => {
            whole.starts_with(|c: char| c.is_ascii_digit()) && digits(whole) && digits(fraction)
        }
        None => exponent.is_some() && mantissa.starts_with(|c: char| c.is_ascii_digit()) && digits(mantissa),
    };
    mantissa_fits
        && exponent.is_none_or(|exponent| {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
        })
}

/// A point in time as Meltano hands it on: in ISO 8601, to the second and without its offset from UTC. A date is text as it is.
fn timestamp(text: &str) -> Option<String> {
    let (date, rest) = text.split_once(['T', 't', ' ', '\t'])?;
    let mut parts = date.split('-').map(str::parse::<u16>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let date_fits = parts.next().is_none()
        && date.find('-') == Some(4)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day);
    let clock = rest.trim_start();
    let end = clock
        .find(|c: char| !c.is_ascii_digit() && c != ':')
        .unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(end);
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let clock_fits =
        parts.next().is_none() && (1..=2).contains(&hour.len()) && minute.len() == 2 && second.len() == 2;
    let zone = match zone.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => zone,
    };
    (date_fits && clock_fits && is_zone(zone.trim_start()))
        .then(|| format!("{year:04}-{month:02}-{day:02}T{hour:0>2}:{minute}:{second}"))
}

fn is_zone(text: &str) -> bool {
    let Some(offset) = text.strip_prefix(['+', '-']) else {
        return text.is_empty() || text == "Z";
    };
    let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "00"));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    (1..=2).contains(&hours.len()) && minutes.len() == 2 && digits(hours) && digits(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_are_what_ruamel_makes_of_them() {
        for (text, expected) in [
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("True", json!(true)),
            ("~", json!(null)),
            ("0x10", json!(16)),
            ("0x_1F", json!(31)),
            ("0b101", json!(5)),
            ("0o17", json!(15)),
            ("0o9", json!("0o9")),
            ("00501", json!(501)),
            ("012", json!(12)),
            ("08", json!(8)),
            ("1_0", json!(10)),
            ("_1", json!("_1")),
            ("-7", json!(-7)),
            ("+12", json!(12)),
            ("-", json!("-")),
            ("1.50", json!(1.5)),
            ("1e3", json!(1000.0)),
            (".5", json!(0.5)),
            ("5.", json!(5.0)),
            ("-.5", json!(-0.5)),
            ("1.5e", json!("1.5e")),
            ("1.2.3", json!("1.2.3")),
            ("...", json!("...")),
            ("12:30:00", json!("12:30:00")),
            ("2024-01-01", json!("2024-01-01")),
            ("2024-1-1", json!("2024-1-1")),
            ("2024-01-01 10:11", json!("2024-01-01 10:11")),
            ("2024-01-01 10:11:12", json!("2024-01-01T10:11:12")),
            ("2024-01-01T00:00:00Z", json!("2024-01-01T00:00:00")),
            ("2024-01-01t1:11:12.5Z", json!("2024-01-01T01:11:12")),
            ("2024-01-01 10:11:12 -05:30", json!("2024-01-01T10:11:12")),
            ("2024-01-01 10:11:12 x", json!("2024-01-01 10:11:12 x")),
        ] {
            assert_eq!(plain(text), Ok(expected), "{text}");
        }
        let big = "123456789012345678901234567890";
        assert_eq!(plain(big).ok().as_ref().and_then(big_integer::digits), Some(big));
        assert!(plain(".inf").is_err() && plain("1e400").is_err());
        assert_eq!(tagged("12".to_owned(), Some("str")), Ok(json!("12")));
        assert_eq!(tagged("12".to_owned(), Some("int")), Ok(json!(12)));
    }
}
