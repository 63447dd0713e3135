//! Texts that are values in Python: what `ast.literal_eval` makes of them.
//!
//! The texts of a manifest are read again in this way after their expressions are filled in: `478` is a number then, and
//! `{'a': [1]}` an object. What is no literal stays a text.

use serde_json::{Map, Number, Value};

/// The value of a literal; `None` for all else. Tuples and sets are lists.
pub(crate) fn literal(text: &str) -> Option<Value> {
    // Most texts are none, and show it by how they begin.
    let first = text.trim_start_matches([' ', '\t']).chars().next()?;
    if !first.is_ascii_digit() && !"+-.'\"[({TFNru".contains(first) {
        return None;
    }
    let mut reader = Reader {
        rest: text.trim_start_matches([' ', '\t']),
        depth: 0,
    };
    let value = reader.value()?;
    reader.space();
    if reader.rest.starts_with(',') {
        // A tuple without parentheses.
        let mut items = vec![value];
        while reader.eat(",") {
            if reader.rest.is_empty() {
                break;
            }
            items.push(reader.value()?);
        }
        return reader.rest.is_empty().then_some(Value::Array(items));
    }
    reader.rest.trim().is_empty().then_some(value)
}

/// Brackets in brackets.
const DEPTH: usize = 100;

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        // Lines end within brackets only.
        let spaces: &[char] = if self.depth > 0 {
            &[' ', '\t', '\n', '\r']
        } else {
            &[' ', '\t']
        };
        self.rest = self.rest.trim_start_matches(spaces);
    }

    fn eat(&mut self, word: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                self.space();
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Option<Value> {
        self.space();
        let first = self.rest.chars().next()?;
        match first {
            '[' => self.bracketed(']').map(|(items, _)| Value::Array(items)),
            '(' => {
                let (mut items, commas) = self.bracketed(')')?;
                if items.len() == 1 && !commas {
                    return items.pop();
                }
                Some(Value::Array(items))
            }
            '{' => self.braces(),
            '\'' | '"' => self.texts(),
            'r' | 'u' if self.rest[1..].starts_with(['\'', '"']) => self.texts(),
            'T' | 'F' | 'N' => self.word(),
            _ => self.number(),
        }
    }

    fn word(&mut self) -> Option<Value> {
        let end = self
            .rest
            .find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let value = match word {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "None" => Value::Null,
            _ => return None,
        };
        self.rest = rest;
        Some(value)
    }

    /// The items up to a bracket, and whether there was a comma.
    fn bracketed(&mut self, end: char) -> Option<(Vec<Value>, bool)> {
        self.open()?;
        let mut items = Vec::new();
        let mut commas = false;
        loop {
            self.space();
            if self.rest.starts_with(end) {
                break;
            }
            if !items.is_empty() && !commas {
                return None;
            }
            items.push(self.value()?);
            self.space();
            if self.eat(",") {
                commas = true;
            } else if !self.rest.starts_with(end) {
                return None;
            }
        }
        self.close();
        Some((items, commas))
    }

    fn open(&mut self) -> Option<()> {
        self.rest = &self.rest[1..];
        self.depth += 1;
        (self.depth <= DEPTH).then_some(())
    }

    fn close(&mut self) {
        self.rest = &self.rest[1..];
        self.depth -= 1;
    }

    /// An object or a set.
    fn braces(&mut self) -> Option<Value> {
        self.open()?;
        let mut members = Map::new();
        let mut items = Vec::new();
        loop {
            self.space();
            if self.rest.starts_with('}') {
                break;
            }
            let first = self.value()?;
            if self.eat(":") {
                let name = match first {
                    Value::String(name) => name,
                    Value::Array(_) | Value::Object(_) => return None,
                    other => super::str(&other),
                };
                members.insert(name, self.value()?);
            } else {
                items.push(first);
            }
            if !self.eat(",") && !self.rest.starts_with('}') {
                return None;
            }
        }
        self.close();
        match (members.is_empty(), items.is_empty()) {
            (_, true) => Some(Value::Object(members)),
            (true, false) => Some(Value::Array(items)),
            (false, false) => None,
        }
    }

    /// Texts one after the other are one.
    fn texts(&mut self) -> Option<Value> {
        let mut all = String::new();
        loop {
            self.text(&mut all)?;
            self.space();
            if !self.rest.starts_with(['\'', '"']) {
                return Some(all.into());
            }
        }
    }

    fn text(&mut self, all: &mut String) -> Option<()> {
        let raw = self.rest.starts_with('r');
        let rest = self.rest.strip_prefix(['r', 'u']).unwrap_or(self.rest);
        let quote = ["\"\"\"", "'''", "\"", "'"]
            .into_iter()
            .find(|quote| rest.starts_with(quote))?;
        let mut rest = &rest[quote.len()..];
        loop {
            if let Some(after) = rest.strip_prefix(quote) {
                self.rest = after;
                return Some(());
            }
            let letter = rest.chars().next()?;
            rest = &rest[letter.len_utf8()..];
            match letter {
                '\n' if quote.len() == 1 => return None,
                '\\' => {
                    let escaped = rest.chars().next()?;
                    if raw {
                        all.extend(['\\', escaped]);
                        rest = &rest[escaped.len_utf8()..];
                    } else {
                        rest = escape(&rest[escaped.len_utf8()..], escaped, all)?;
                    }
                }
                letter => all.push(letter),
            }
        }
    }

    fn number(&mut self) -> Option<Value> {
        let (negative, unsigned) = match self.rest.as_bytes().first()? {
            b'-' => (true, &self.rest[1..]),
            b'+' => (false, &self.rest[1..]),
            _ => (false, self.rest),
        };
        let unsigned = unsigned.trim_start_matches([' ', '\t']);
        let mut end = 0;
        let bytes = unsigned.as_bytes();
        while let Some(byte) = bytes.get(end) {
            let exponent_sign =
                matches!(byte, b'+' | b'-') && end > 0 && matches!(bytes[end - 1], b'e' | b'E');
            if !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'_') && !exponent_sign {
                break;
            }
            end += 1;
        }
        let digits = &unsigned[..end];
        let value = digits_of(digits, negative)?;
        self.rest = &unsigned[end..];
        Some(value)
    }
}

/// A whole number or a float; not in other bases, nor with leading zeros.
fn digits_of(digits: &str, negative: bool) -> Option<Value> {
    let first = digits.chars().next()?;
    let ascii = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let well_placed = !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__");
    let plain = digits.replace('_', "");
    if !well_placed || !(first.is_ascii_digit() || first == '.') || plain == "." {
        return None;
    }
    if ascii(&plain) {
        if plain.len() > 1 && plain.starts_with('0') && !plain.trim_start_matches('0').is_empty() {
            return None;
        }
        let signed = if negative { format!("-{plain}") } else { plain };
        let whole = signed.parse::<i64>().map(Number::from);
        let whole = whole.or_else(|_| signed.parse::<u64>().map(Number::from));
        // More digits than these stay a text, with all of them.
        return whole.ok().map(Value::Number);
    }
    if !plain
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return None;
    }
    let double: f64 = plain.parse().ok()?;
    Number::from_f64(if negative { -double } else { double }).map(Value::Number)
}

/// What follows a backslash; returns the rest.
fn escape<'t>(rest: &'t str, escaped: char, all: &mut String) -> Option<&'t str> {
    let simple = match escaped {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'a' => '\u{7}',
        'v' => '\u{b}',
        '\\' | '\'' | '"' => escaped,
        '\n' => return Some(rest),
        'x' | 'u' | 'U' => {
            let length = match escaped {
                'x' => 2,
                'u' => 4,
                _ => 8,
            };
            let digits = rest.get(..length)?;
            all.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
            return Some(&rest[length..]);
        }
        '0' => '\0',
        other => {
            all.extend(['\\', other]);
            return Some(rest);
        }
    };
    all.push(simple);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_are_values() {
        for (text, value) in [
            ("478", json!(478)),
            ("-1_000", json!(-1000)),
            ("1.50", json!(1.5)),
            ("1e3", json!(1000.0)),
            ("0", json!(0)),
            ("True", json!(true)),
            ("None", json!(null)),
            ("'a' \"b\"", json!("ab")),
            ("'''a'b'''", json!("a'b")),
            (r"'\u00e9\n\x41\q'", json!("é\nA\\q")),
            ("[1, 'x', (2,), (3)]", json!([1, "x", [2], 3])),
            ("{'a': {}, 1: [\n]}", json!({"a": {}, "1": []})),
            ("{1, 2}", json!([1, 2])),
            ("1, 2", json!([1, 2])),
            ("  7 ", json!(7)),
        ] {
            assert_eq!(literal(text), Some(value), "{text}");
        }
    }

    #[test]
    fn all_else_is_a_text() {
        for text in [
            "",
            "a",
            "abc 1",
            "007",
            "2026-01-01",
            "1 2",
            "12:30",
            "1.2.3",
            "True story",
            "[1",
            "{a}",
            "1+2",
            "'a",
            "0x10",
            "1__0",
            "inf",
            "(",
            "123456789012345678901234567890",
            "Never",
            "[1 2]",
            "-",
        ] {
            assert_eq!(literal(text), None, "{text}");
        }
    }
}
