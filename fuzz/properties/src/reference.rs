//! A reader of JSON that is slow and plain: the grammar of RFC 8259, character by character, numbers kept as digits.
//!
//! It refuses lone surrogates, as melisma does, and nesting beyond a given depth. [`agrees_with_serde_json`] holds it
//! against `serde_json`.

use std::iter::Peekable;
use std::str::CharIndices;

use serde_json::Value;

/// A value. Numbers are what stood there; an object keeps its members as they came, those with one name too.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// The digits.
    Number(String),
    /// The text, unescaped.
    Text(String),
    /// The items.
    Array(Vec<Json>),
    /// The members.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The last member of that name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Self::Object(members) => members
                .iter()
                .rev()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The same as a value of `serde_json`, of which the last of two members counts; `None` for a number beyond
    /// its range.
    pub fn to_value(&self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(digits) => serde_json::from_str(digits).ok()?,
            Self::Text(text) => Value::String(text.clone()),
            Self::Array(items) => Value::Array(items.iter().map(Self::to_value).collect::<Option<_>>()?),
            Self::Object(members) => {
                let mut map = serde_json::Map::new();
                for (name, value) in members {
                    map.insert(name.clone(), value.to_value()?);
                }
                Value::Object(map)
            }
        })
    }
}

/// Reads a whole text, with white space around the value.
pub fn parse(text: &str, most_levels: usize) -> Option<Json> {
    let mut reader = Reader::new(text, 0);
    reader.space();
    let value = reader.value(most_levels)?;
    reader.space();
    reader.chars.next().is_none().then_some(value)
}

/// Reads the value that starts at `at`; also says where it ends.
pub fn parse_at(text: &str, at: usize, most_levels: usize) -> Option<(Json, usize)> {
    let mut reader = Reader::new(text, at);
    let value = reader.value(most_levels)?;
    let end = reader.chars.peek().map_or(text.len(), |(i, _)| at + i);
    Some((value, end))
}

/// Whether `serde_json` may read a text as something else: with its feature `raw_value` an object whose first key is
/// `$serde_json::private::RawValue` is not that object.
pub fn is_private_to_serde_json(text: &str) -> bool {
    text.contains("serde_json::private")
}

/// Holds this reader against `serde_json`.
///
/// # Panics
/// When the two do not agree. They may where `serde_json` gives up: at numbers beyond a double's range, and at more
/// than 127 levels.
pub fn agrees_with_serde_json(text: &str) {
    if is_private_to_serde_json(text) {
        return;
    }
    let ours = parse(text, 127);
    match serde_json::from_str::<Value>(text) {
        Ok(value) => assert_eq!(ours.and_then(|ours| ours.to_value()), Some(value), "{text}"),
        Err(error) => {
            let why = error.to_string();
            let gives_up = why.contains("out of range") || why.contains("recursion limit");
            assert!(gives_up || ours.is_none(), "{why}: {text}");
        }
    }
}

struct Reader<'a> {
    chars: Peekable<CharIndices<'a>>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        Self {
            chars: text.get(at..).unwrap_or_default().char_indices().peekable(),
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|(_, c)| *c)
    }

    fn next(&mut self) -> Option<char> {
        self.chars.next().map(|(_, c)| c)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\r' | '\n')) {
            self.next();
        }
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn value(&mut self, levels: usize) -> Option<Json> {
        match self.peek()? {
            '{' => self.object(levels.checked_sub(1)?),
            '[' => self.array(levels.checked_sub(1)?),
            '"' => self.string().map(Json::Text),
            't' => self.word("true", Json::Bool(true)),
            'f' => self.word("false", Json::Bool(false)),
            'n' => self.word("null", Json::Null),
            _ => self.number().map(Json::Number),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        word.chars().try_for_each(|c| self.take(c))?;
        Some(value)
    }

    fn object(&mut self, levels: usize) -> Option<Json> {
        let mut members = Vec::new();
        self.take('{')?;
        self.space();
        if self.peek()? == '}' {
            self.next();
            return Some(Json::Object(members));
        }
        loop {
            let name = self.string()?;
            self.space();
            self.take(':')?;
            self.space();
            members.push((name, self.value(levels)?));
            self.space();
            match self.next()? {
                ',' => self.space(),
                '}' => return Some(Json::Object(members)),
                _ => return None,
            }
        }
    }

    fn array(&mut self, levels: usize) -> Option<Json> {
        let mut items = Vec::new();
        self.take('[')?;
        self.space();
        if self.peek()? == ']' {
            self.next();
            return Some(Json::Array(items));
        }
        loop {
            items.push(self.value(levels)?);
            self.space();
            match self.next()? {
                ',' => self.space(),
                ']' => return Some(Json::Array(items)),
                _ => return None,
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        self.take('"')?;
        loop {
            text.push(match self.next()? {
                '"' => return Some(text),
                '\\' => match self.next()? {
                    c @ ('"' | '\\' | '/') => c,
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => self.unicode()?,
                    _ => return None,
                },
                '\0'..'\u{20}' => return None,
                c => c,
            });
        }
    }

    fn unicode(&mut self) -> Option<char> {
        let mut units = vec![self.unit()?];
        if (0xD800..0xDC00).contains(&units[0]) {
            self.take('\\')?;
            self.take('u')?;
            units.push(self.unit()?);
        }
        String::from_utf16(&units).ok()?.chars().next()
    }

    fn unit(&mut self) -> Option<u16> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + self.next()?.to_digit(16)?;
        }
        u16::try_from(unit).ok()
    }

    fn number(&mut self) -> Option<String> {
        let mut digits = String::new();
        if self.peek() == Some('-') {
            digits.extend(self.next());
        }
        match self.peek()? {
            '0' => digits.extend(self.next()),
            '1'..='9' => self.digits(&mut digits)?,
            _ => return None,
        }
        if self.peek() == Some('.') {
            digits.extend(self.next());
            self.digits(&mut digits)?;
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            digits.extend(self.next());
            if matches!(self.peek(), Some('+' | '-')) {
                digits.extend(self.next());
            }
            self.digits(&mut digits)?;
        }
        Some(digits)
    }

    fn digits(&mut self, out: &mut String) -> Option<()> {
        let before = out.len();
        while matches!(self.peek(), Some('0'..='9')) {
            out.extend(self.next());
        }
        (out.len() > before).then_some(())
    }
}
