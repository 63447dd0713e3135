//! Values as Python writes and reads them: what connectors in Python put into records, URLs and texts.

mod literal;

use std::fmt::Write as _;

use melisma_sdk::internal::write_ascii_string;
use serde_json::{Map, Value};

pub(crate) use literal::literal;

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
        Value::String(text) => write_ascii_string(out, text),
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
                write_ascii_string(out, name);
                out.push_str(": ");
                dump(value, out);
            }
            out.push('}');
        }
    }
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

/// `str`: texts as they are, all else by `repr`.
pub(crate) fn str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

/// `repr`
pub(crate) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(yes) => if *yes { "True" } else { "False" }.to_owned(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(double) => float(double),
            None => number.to_string(),
        },
        Value::String(text) => repr_text(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(repr).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => repr_object(members),
    }
}

fn repr_object(members: &Map<String, Value>) -> String {
    let member = |(name, value): (&String, &Value)| format!("{}: {}", repr_text(name), repr(value));
    let members: Vec<String> = members.iter().map(member).collect();
    format!("{{{}}}", members.join(", "))
}

/// In single quotes, unless there are some in it and no double ones.
fn repr_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut shown = String::from(quote);
    for letter in text.chars() {
        match letter {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            letter if letter == quote => shown.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(shown, "\\x{:02x}", u32::from(letter));
            }
            letter => shown.push(letter),
        }
    }
    shown.push(quote);
    shown
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

    #[test]
    fn values_are_shown_as_python_shows_them() {
        assert_eq!(str(&json!("a'b")), "a'b");
        assert_eq!(repr(&json!("a'b")), "\"a'b\"");
        assert_eq!(repr(&json!("a'\"b\n")), "'a\\'\"b\\n'");
        assert_eq!(
            str(&json!({"a": [1, "x"], "b": null, "c": false})),
            "{'a': [1, 'x'], 'b': None, 'c': False}"
        );
    }
}
