//! Parses a line into a Singer message that borrows from it.
//!
//! Writers put `type`, `stream` and `record` first and always in the same spelling, so the bytes before a record's
//! body are compared with those of earlier lines; a hit tells stream and body without parsing. Everything else
//! goes through a cursor over the envelope's members that takes any order, white space and escapes.

mod envelope;
mod members;
mod reader;

use serde_json::value::RawValue;

use crate::copied;
use crate::error::{Error, Position, Result, show};
use crate::json::{Syntax, scan};
use crate::line::Line;
use envelope::Envelope;
use members::Members;

pub use reader::{MAX_STREAMS, MessageReader};

/// The number of a stream within one [`MessageReader`], counted from 0 in the order of appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamId(u32);

impl StreamId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A line.
#[derive(Debug)]
pub enum Message<'a> {
    /// RECORD
    Record(Record<'a>),
    /// SCHEMA
    Schema(Schema<'a>),
    /// STATE: the bytes of its `value`, as they came.
    State(&'a str),
    /// ACTIVATE_VERSION
    ActivateVersion {
        /// The stream.
        stream: StreamId,
        /// Rows of a lower version are to go.
        version: i64,
    },
    /// COPY: rows of the stream may follow in forms of COPY ([`copied`]); only where that is agreed.
    Copied {
        /// The stream.
        stream: StreamId,
        /// The fields of these lines.
        columns: Vec<copied::Column>,
    },
    /// When the rows that follow in forms of COPY were extracted.
    Extracted(&'a str),
    /// BATCH, an extension of Meltano's SDK: records in files.
    Batch {
        /// The stream.
        stream: StreamId,
    },
    /// A line of nothing but white space.
    Blank,
    /// A type that is not known; only when reading leniently.
    Unknown {
        /// The type.
        name: String,
    },
}

/// A RECORD, its body not read yet.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The stream.
    pub stream: StreamId,
    /// Where in the line the record's object starts, or the fields of a row that is a line of COPY.
    pub body: usize,
    /// Whether it is one ([`copied`]).
    pub is_copied: bool,
    /// What the envelope says besides, when the record's end is known already.
    tail: Option<Tail<'a>>,
}

/// What a RECORD's envelope says besides stream and record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail<'a> {
    /// `version`
    pub version: Option<i64>,
    /// `time_extracted`, without its quotes.
    pub time_extracted: Option<&'a str>,
}

/// A SCHEMA.
#[derive(Debug)]
pub struct Schema<'a> {
    /// The stream.
    pub stream: StreamId,
    /// The JSON Schema as it came.
    pub schema: &'a str,
    /// `key_properties`; missing and null count as none, as in Meltano's SDK.
    pub key_properties: Vec<String>,
    /// `bookmark_properties`, likewise.
    pub bookmark_properties: Vec<String>,
}

impl<'a> Record<'a> {
    /// The record of a row that came as a line of COPY: an object that a line of its own begins with.
    pub(crate) fn of_row(stream: StreamId, extracted: &'a str) -> Self {
        Self {
            stream,
            body: 0,
            is_copied: false,
            tail: Some(Tail {
                version: None,
                time_extracted: Some(extracted),
            }),
        }
    }

    /// The rest of the envelope, once the decoder has said where the record's object ends.
    #[inline]
    pub fn tail(&self, line: &Line<'a>, end: usize) -> Result<Tail<'a>> {
        if let Some(tail) = self.tail {
            return Ok(tail);
        }
        if line.text.len() == end + 1 && line.text.as_bytes()[end] == b'}' {
            return Ok(Tail::default());
        }
        if let Some(time_extracted) = usual_tail(line.text.get(end..).unwrap_or_default()) {
            return Ok(Tail {
                version: None,
                time_extracted: Some(time_extracted),
            });
        }
        let members = Members::read_tail(line.text, end).map_err(|syntax| syntax_error(syntax, line))?;
        let envelope = Envelope { members, line };
        Ok(Tail {
            version: envelope.version()?,
            time_extracted: envelope.time_extracted()?,
        })
    }
}

/// `time_extracted` alone, spelled as Python or compactly: the tail of nearly every record.
#[inline]
fn usual_tail(rest: &str) -> Option<&str> {
    let time = rest
        .strip_prefix(", \"time_extracted\": \"")
        .or_else(|| rest.strip_prefix(",\"time_extracted\":\""))?;
    let end = scan::string_end(time.as_bytes(), 0)?;
    let (time, close) = time.split_at_checked(end)?;
    (close == "\"}").then_some(time)
}

/// The error for bad JSON in a line.
#[cold]
pub fn syntax_error(syntax: Syntax, line: &Line<'_>) -> Error {
    let found = match line.text.get(syntax.at..) {
        Some("") => "the end of the line".to_owned(),
        Some(rest) => show(rest),
        None => show(line.text),
    };
    Error::input(format!("expected {}, found {found}", syntax.expected)).at(Position {
        line: line.at.line,
        byte: line.at.byte + syntax.at as u64,
    })
}

/// A STATE's value as an owned piece of JSON, its bytes as they came.
///
/// # Errors
/// Never for the value of a [`Message::State`], whose syntax has been checked.
pub fn raw_value(value: &str) -> Result<Box<RawValue>> {
    RawValue::from_string(value.to_owned())
        .map_err(|error| Error::bug("a STATE that is no JSON").with_source(error))
}

#[cfg(test)]
mod tests;
