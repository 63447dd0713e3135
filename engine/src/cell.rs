//! A record as a row of borrowed cells, one for each column of the stream's schema.

use std::borrow::Cow;
use std::fmt;

use crate::json::{self, Room, Syntax};

/// One value of a record. It borrows from the line; nothing is owned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// The record has no such property. Not the same as null: an upsert leaves the column as it is.
    Absent,
    /// The property is null.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits 64 bits, written without fraction or exponent.
    Int(i64),
    /// Any other number: its digits as they came, valid JSON (`1.70`, `12345678901234567890`, `1e3`, `-0`).
    Number(&'a str),
    /// A string.
    Text(Text<'a>),
    /// An object or array, its syntax already checked: the bytes as they came.
    Json(&'a str),
}

impl<'a> Cell<'a> {
    /// The cell of a value whose syntax has been checked.
    pub(crate) fn of_json(json: &'a str) -> Self {
        match json.as_bytes().first() {
            Some(b'"') => {
                let raw = json.get(1..json.len() - 1).unwrap_or_default();
                Self::Text(Text::new(raw, raw.contains('\\')))
            }
            Some(b'{' | b'[') => Self::Json(json),
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            _ if json == "-0" => Self::Number(json),
            _ => json.parse().map_or(Self::Number(json), Self::Int),
        }
    }
}

/// The value as text: the text that a string stands for, the digits of a number as they came, JSON for objects and arrays,
/// `null`, and nothing for what is absent.
///
/// ```
/// use melisma_engine::cell::{Cell, Text};
///
/// let cells = [Cell::Int(7), Cell::Number("1.70"), Cell::Text(Text::new(r"caf\u00e9", true)), Cell::Null, Cell::Absent];
/// assert_eq!(cells.map(|cell| cell.to_string()), ["7", "1.70", "café", "null", ""]);
/// ```
impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.pad(""),
            Self::Null => f.pad("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Number(text) | Self::Json(text) => f.pad(text),
            Self::Text(text) => f.pad(&text.to_text()),
        }
    }
}

/// A JSON string as it came, without its quotes.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// What stands between the quotes. Escapes, if any, are valid and hold no lone surrogate.
    pub raw: &'a str,
    /// Whether `raw` holds a backslash, so that it differs from the text it stands for.
    pub escaped: bool,
    /// Which of the row's [`Unescaped`] texts it is, from 1 on; 0 for none.
    pub(crate) unescaped: u32,
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl<'a> Text<'a> {
    /// A string whose escapes, if it has any, are valid.
    pub fn new(raw: &'a str, escaped: bool) -> Self {
        Self {
            raw,
            escaped,
            unescaped: 0,
        }
    }

    /// Text that needs no unescaping.
    ///
    /// The text must not hold `"`, `\` or control characters if it may be written as JSON again without
    /// escaping; every encoder of melisma escapes what it must by itself.
    pub fn plain(raw: &'a str) -> Self {
        Self::new(raw, false)
    }

    /// The text itself: borrowed as it came, or unescaped into `scratch`, which is reused.
    pub fn unescape<'s>(&self, scratch: &'s mut String) -> &'s str
    where
        'a: 's,
    {
        if !self.escaped {
            return self.raw;
        }
        scratch.clear();
        json::unescape(self.raw, scratch);
        scratch
    }

    /// The text itself; allocates when there are escapes. Off the hot path only.
    pub fn to_text(&self) -> Cow<'a, str> {
        if self.escaped {
            let mut text = String::with_capacity(self.raw.len());
            json::unescape(self.raw, &mut text);
            Cow::Owned(text)
        } else {
            Cow::Borrowed(self.raw)
        }
    }
}

/// One decoded record, reused for the next.
#[derive(Debug, Default)]
pub struct Row<'a> {
    /// One cell per column of the [`StreamSchema`](crate::schema::StreamSchema), in its order.
    pub cells: Vec<Cell<'a>>,
    /// The record's object as it came.
    pub record: &'a str,
    /// Whether `record` may be passed on as it is: no property outside the schema, unless such are kept, and none twice.
    pub untouched: bool,
    /// The members that the schema does not declare, as they came, each with its name: `"more": 2`. Only where they are
    /// asked for ([`Undeclared`](crate::decode::Undeclared)), and of two with one name the last.
    pub undeclared: Vec<&'a str>,
    /// The envelope's `version`.
    pub version: Option<i64>,
    /// The envelope's `time_extracted`, as it came, without quotes.
    pub time_extracted: Option<&'a str>,
    /// The strings that the decoder has unescaped while it checked them.
    pub unescaped: Unescaped,
    /// Whether the columns that it was decoded into have taken values of it: these have no cells.
    pub taken: Taken,
}

/// Says of a row that the columns it was decoded into hold a part of it; see
/// [`Decoder::decode_into`](crate::decode::Decoder::decode_into).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken(pub(crate) bool);

/// Strings of a row without their escapes, for [`Row::text`].
#[derive(Debug, Default)]
pub struct Unescaped {
    text: String,
    /// Where each starts and ends in `text`.
    spans: Vec<(usize, usize)>,
    /// Made when it is first needed, so that a row is cheap to move.
    room: Option<Box<Room>>,
}

impl Unescaped {
    /// A buffer that one long string made larger than this is not kept.
    const KEEP: usize = 1 << 20;

    /// Reads the string whose opening quote is before `at` in `text`, and whose first escape is at `first`; returns its
    /// number, from 1 on, and where it ends.
    ///
    /// # Errors
    /// What is not JSON.
    pub(crate) fn read(&mut self, text: &str, at: usize, first: usize) -> Result<(u32, usize), Syntax> {
        let start = self.text.len();
        let room = self.room.get_or_insert_default();
        let end = json::read_string(text, (at, first), &mut self.text, room)?;
        self.spans.push((start, self.text.len()));
        Ok((self.spans.len() as u32, end))
    }

    fn get(&self, number: u32) -> Option<&str> {
        let &(start, end) = self.spans.get((number as usize).checked_sub(1)?)?;
        self.text.get(start..end)
    }

    pub(crate) fn clear(&mut self) {
        self.spans.clear();
        self.text.clear();
        if self.text.capacity() > Self::KEEP {
            self.text = String::new();
        }
    }
}

impl Row<'_> {
    /// The text that a string of this row stands for, if it is there without unescaping; else there is
    /// [`Text::unescape`].
    #[inline]
    pub fn text<'s>(&'s self, text: &Text<'s>) -> Option<&'s str> {
        if !text.escaped {
            return Some(text.raw);
        }
        self.unescaped.get(text.unescaped)
    }

    /// Gives the row back empty, its memory kept, free of the borrow from the last input.
    pub fn recycle<'b>(mut self) -> Row<'b> {
        self.cells.clear();
        // An empty vector collected in place: the allocation stays, the lifetime does not.
        let cells = self.cells.into_iter().map(|_| Cell::Absent).collect();
        self.undeclared.clear();
        let undeclared = self.undeclared.into_iter().map(|_| "").collect();
        self.unescaped.clear();
        Row {
            cells,
            undeclared,
            unescaped: self.unescaped,
            ..Row::default()
        }
    }
}
