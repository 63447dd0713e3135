//! Values as Python writes and reads them: what connectors in Python put into records, URLs and texts.

use std::fmt::Write as _;

use serde_json::Value;

/// `json.dumps`: with spaces after commas and colons, and in ASCII.
pub(crate) fn dumps(value: &Value) -> String {
    let mut text = String::new();
    dump(value, &mut text);
    text
}

fn dump(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(double) => out.push_str(&float(double)),
            None => out.push_str(&number.to_string()),
        },
        Value::String(text) => dump_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                dump(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                dump_text(name, out);
                out.push_str(": ");
                dump(value, out);
            }
            out.push('}');
        }
    }
}

fn dump_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// A float: the fewest digits that are this double, and an exponent where Python has one.
pub(crate) fn float(double: f64) -> String {
    if double.is_nan() {
        return "nan".to_owned();
    }
    if double.is_infinite() {
        return if double > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{double:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if double != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{double}");
    if plain.contains('.') {
        plain
    } else {
        format!("{plain}.0")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn floats_have_the_digits_that_python_gives_them() {
        for (double, text) in [
            (1.0, "1.0"),
            (-0.5, "-0.5"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.0, "0.0"),
        ] {
            assert_eq!(float(double), text);
        }
    }

    #[test]
    fn json_is_written_in_ascii_with_spaces() {
        let value = json!({"a": [1, 2.0, null, true], "é": "\u{1f600}\n\"\u{7f}"});
        let text = r#"{"a": [1, 2.0, null, true], "\u00e9": "\ud83d\ude00\n\"\u007f"}"#;
        assert_eq!(dumps(&value), text);
        assert_eq!(dumps(&json!({})), "{}");
    }
}
