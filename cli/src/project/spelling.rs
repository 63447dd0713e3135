//! Values as Python spells them, because Meltano hands them to plugins in its words: JSON text, and `str()`.

use std::fmt::Write as _;

use melisma_sdk::internal::write_ascii_string;
use serde_json::{Map, Value};

use super::big_integer;

/// As `json.dumps` writes it: ASCII only, with a space after commas and colons.
pub(crate) fn json(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, None, 0, &mut out);
    out
}

/// As `json.dumps(indent=2)` writes it.
pub(crate) fn indented_json(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, Some(2), 0, &mut out);
    out
}

fn write_json(value: &Value, indent: Option<usize>, depth: usize, out: &mut String) {
    if let Some(digits) = big_integer::digits(value) {
        out.push_str(digits);
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(_) => out.push_str(&number(value)),
        Value::String(text) => write_ascii_string(out, text),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, indent, depth + 1, out);
                write_json(item, indent, depth + 1, out);
            }
            close(']', indent, depth, out);
        }
        Value::Object(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                separate(index, indent, depth + 1, out);
                write_ascii_string(out, key);
                out.push_str(": ");
                write_json(item, indent, depth + 1, out);
            }
            close('}', indent, depth, out);
        }
    }
}

fn separate(index: usize, indent: Option<usize>, depth: usize, out: &mut String) {
    match indent {
        Some(width) => {
            out.push_str(if index > 0 { ",\n" } else { "\n" });
            out.push_str(&" ".repeat(width * depth));
        }
        None if index > 0 => out.push_str(", "),
        None => {}
    }
}

fn close(bracket: char, indent: Option<usize>, depth: usize, out: &mut String) {
    if let Some(width) = indent {
        out.push('\n');
        out.push_str(&" ".repeat(width * depth));
    }
    out.push(bracket);
}

/// As `str()` spells it: `True`, `None`, `['a', 1]`; text stays as it is.
pub(crate) fn str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

/// As `repr()` spells it: text is quoted.
pub(crate) fn repr(value: &Value) -> String {
    if let Some(digits) = big_integer::digits(value) {
        return digits.to_owned();
    }
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(flag) => if *flag { "True" } else { "False" }.to_owned(),
        Value::Number(_) => number(value),
        Value::String(text) => text_repr(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(repr).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => format!("{{{}}}", members(map)),
    }
}

fn members(map: &Map<String, Value>) -> String {
    let members = map
        .iter()
        .map(|(key, value)| format!("{}: {}", text_repr(key), repr(value)));
    members.collect::<Vec<_>>().join(", ")
}

/// In single quotes, unless that would need escapes and double quotes would not.
fn text_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if (c as u32) < 0x20 || (0x7f..0xa0).contains(&(c as u32)) || c as u32 == 0xad => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// A number as Python spells it: a float always has a dot or an exponent, and an exponent from 1e16 on and below 1e-4.
fn number(value: &Value) -> String {
    let Some(float) = value.as_f64().filter(|_| value.is_f64()) else {
        return value.to_string();
    };
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if float != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{float}");
    if plain.contains('.') { plain } else { plain + ".0" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_text_is_pythons() {
        let value = json!({"a": [1, "é\u{1F600}\u{7f}\"\n"], "b": {}, "c": 1.0, "d": [true, null]});
        assert_eq!(
            super::json(&value),
            r#"{"a": [1, "\u00e9\ud83d\ude00\u007f\"\n"], "b": {}, "c": 1.0, "d": [true, null]}"#
        );
        assert_eq!(
            indented_json(&json!({"a": [1, {}]})),
            "{\n  \"a\": [\n    1,\n    {}\n  ]\n}"
        );
    }

    #[test]
    fn str_is_pythons() {
        for (value, expected) in [
            (json!(true), "True"),
            (json!(null), "None"),
            (json!("it's"), "it's"),
            (
                json!(["it's", "a\"b'c", "\n", {"k": [1, false]}]),
                r#"["it's", 'a"b\'c', '\n', {'k': [1, False]}]"#,
            ),
            (json!(1e16), "1e+16"),
            (json!(1e15), "1000000000000000.0"),
            (json!(0.0001), "0.0001"),
            (json!(0.00001), "1e-05"),
            (json!(1.5), "1.5"),
            (json!(-0.0), "-0.0"),
            (json!(5), "5"),
        ] {
            assert_eq!(str(&value), expected);
        }
        let big = big_integer::parse("-123456789012345678901234567890");
        assert_eq!(str(&json!([big])), "[-123456789012345678901234567890]");
        assert_eq!(super::json(&big), "-123456789012345678901234567890");
    }
}
