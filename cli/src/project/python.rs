//! Python literals such as `['a', {'b': None}]`, which Meltano accepts in environment variables.

use serde_json::{Map, Number, Value};

use super::big_integer;

/// The value of a Python literal of lists, tuples, dicts, strings, numbers, booleans and None.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut parser = Parser { text, depth: 0 };
    let value = parser.value()?;
    parser.space();
    parser.text.is_empty().then_some(value)
}

const MAX_DEPTH: usize = 64;

struct Parser<'a> {
    text: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn space(&mut self) {
        self.text = self.text.trim_start();
    }

    fn eat(&mut self, c: char) -> bool {
        self.space();
        match self.text.strip_prefix(c) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Option<Value> {
        self.space();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let value = match self.text.chars().next()? {
            '[' => self.list('[', ']'),
            '(' => self.list('(', ')'),
            '{' => self.dict(),
            '\'' | '"' => self.string().map(Value::String),
            _ => self.word(),
        };
        self.depth -= 1;
        value
    }

    fn list(&mut self, open: char, close: char) -> Option<Value> {
        self.eat(open);
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.value()?);
            if !self.eat(',') {
                return self.eat(close).then_some(Value::Array(items));
            }
        }
        Some(Value::Array(items))
    }

    fn dict(&mut self) -> Option<Value> {
        self.eat('{');
        let mut members = Map::new();
        while !self.eat('}') {
            self.space();
            let key = self.string()?;
            if !self.eat(':') {
                return None;
            }
            members.insert(key, self.value()?);
            if !self.eat(',') {
                return self.eat('}').then_some(Value::Object(members));
            }
        }
        Some(Value::Object(members))
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let mut out = String::new();
        let mut chars = self.text.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.text = &self.text[at + 1..];
                    return Some(out);
                }
                '\\' => match chars.next()?.1 {
                    'x' => out.push(code_point(&mut chars, 2)?),
                    'u' => out.push(code_point(&mut chars, 4)?),
                    'U' => out.push(code_point(&mut chars, 8)?),
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    c @ ('\\' | '\'' | '"') => out.push(c),
                    c => out.extend(['\\', c]),
                },
                c => out.push(c),
            }
        }
        None
    }

    fn word(&mut self) -> Option<Value> {
        let end = self
            .text
            .find([',', ']', ')', '}', ':', ' '])
            .unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at(end);
        self.text = rest;
        Some(match word {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "None" => Value::Null,
            digits if is_integer(digits) => big_integer::parse(digits),
            number => Value::Number(number.parse::<Number>().ok()?),
        })
    }
}

/// The character of an escape of this number of hex digits.
fn code_point(chars: &mut impl Iterator<Item = (usize, char)>, digits: usize) -> Option<char> {
    let mut code = 0;
    for _ in 0..digits {
        code = code * 16 + chars.next()?.1.to_digit(16)?;
    }
    char::from_u32(code)
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_literals_and_nothing_else() {
        assert_eq!(
            parse("['a', \"b'\", (1, -2.5), {'z': None, 'y': True,}]"),
            Some(json!(["a", "b'", [1, -2.5], {"z": null, "y": true}]))
        );
        assert_eq!(parse("[]"), Some(json!([])));
        assert_eq!(parse(r"['\x41\u00e9\d', -12]"), Some(json!(["Aé\\d", -12])));
        for text in [
            "",
            "[",
            "['a'",
            "['a']x",
            "{1: 2}",
            "open('x')",
            "'a",
            &"[".repeat(1000),
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
