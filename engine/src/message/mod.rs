//! Parses a line into a Singer message that borrows from it.
//!
//! Writers put `type`, `stream` and `record` first and always in the same spelling, so the bytes before a record's
//! body are compared with those of earlier lines; a hit tells stream and body without parsing. Everything else
//! goes through a cursor over the envelope's members that takes any order, white space and escapes.

mod members;

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::copied;
use crate::error::{Error, Position, Result, show};
use crate::json::{Syntax, scan};
use crate::line::Line;
use crate::schema::MAX_NAME_BYTES;
use members::{Members, Span};

/// The longest head that is remembered, in bytes: white space in it has no end.
const HEAD_BYTES: usize = 2 * MAX_NAME_BYTES;
/// How many spellings of `{"type":"RECORD","stream":"...","record":` are remembered.
const HEADS: usize = 16;

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
    /// COPY: rows of the stream may follow as lines of COPY ([`copied`]); only where that is agreed.
    Copied {
        /// The stream.
        stream: StreamId,
        /// The fields of these lines.
        columns: Vec<copied::Column>,
    },
    /// When the rows that follow as lines of COPY were extracted.
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

/// How many streams one input may have, unless a setting says otherwise.
pub const MAX_STREAMS: usize = 100_000;

/// Bytes of the names of all streams. They are kept, twice, to the end of the run.
const MAX_NAMES_BYTES: usize = 64 << 20;

/// Reads messages and numbers the streams.
/// ```
/// use melisma_engine::line::{Line, START};
/// use melisma_engine::message::{Message, MessageReader};
///
/// let mut messages = MessageReader::new(false);
/// let text = r#"{"type":"RECORD","stream":"orders","record":{"id":1}}"#;
/// let Message::Record(record) = messages.read(&Line { text, at: START })? else {
///     panic!("a record");
/// };
/// // The record itself is not parsed: that is for the stream's decoder.
/// assert_eq!(&text[record.body..], r#"{"id":1}}"#);
/// assert_eq!(messages.name(record.stream), "orders");
/// # Ok::<(), melisma_engine::Error>(())
/// ```
#[derive(Debug)]
pub struct MessageReader {
    lenient: bool,
    accepts_copied: bool,
    max_streams: usize,
    names: Vec<Box<str>>,
    names_bytes: usize,
    ids: HashMap<Box<str>, StreamId>,
    heads: Vec<Head>,
    /// What rows of streams begin with that come as lines of COPY.
    copied: Vec<Head>,
    last: usize,
}

/// A RECORD's line up to its body, as it came before; or a line of COPY up to its fields.
#[derive(Clone, Debug)]
struct Head {
    bytes: Box<[u8]>,
    stream: StreamId,
    is_copied: bool,
}

impl Default for MessageReader {
    fn default() -> Self {
        Self::new(false)
    }
}

impl MessageReader {
    /// A reader; a `lenient` one gives [`Message::Unknown`] for a type that it does not know, a strict one fails.
    pub fn new(lenient: bool) -> Self {
        Self {
            lenient,
            accepts_copied: false,
            max_streams: MAX_STREAMS,
            names: Vec::new(),
            names_bytes: 0,
            ids: HashMap::new(),
            heads: Vec::new(),
            copied: Vec::new(),
            last: 0,
        }
    }

    /// Accepts at most this number of streams: each takes memory for the rest of the run, and in most sinks a file.
    #[must_use]
    pub fn with_max_streams(mut self, most: usize) -> Self {
        self.max_streams = most;
        self
    }

    /// Accepts rows as lines of COPY ([`copied`]), which the tap must have agreed to.
    #[must_use]
    pub fn with_copied(mut self, accepts: bool) -> Self {
        self.accepts_copied = accepts;
        self
    }

    /// The name of a stream.
    pub fn name(&self, stream: StreamId) -> &str {
        &self.names[stream.index()]
    }

    /// Reads a line. The body of a RECORD is left to the decoder.
    ///
    /// # Errors
    /// A line that is no Singer message; the error names the place and the field.
    #[inline]
    pub fn read<'a>(&mut self, line: &Line<'a>) -> Result<Message<'a>> {
        if let Some((stream, body, is_copied)) = self.remembered(line.text.as_bytes()) {
            return Ok(Message::Record(Record {
                stream,
                body,
                is_copied,
                tail: None,
            }));
        }
        if self.accepts_copied
            && let Some(message) = self.read_copied(line)?
        {
            return Ok(message);
        }
        self.read_envelope(line)
    }

    #[inline]
    fn remembered(&mut self, line: &[u8]) -> Option<(StreamId, usize, bool)> {
        let hit =
            |head: &Head| {
                let body = head.bytes.len();
                // More white space before the body than there was is left to the cursor.
                (line.starts_with(&head.bytes) && (line.get(body) == Some(&b'{') || head.is_copied))
                    .then_some((head.stream, body, head.is_copied))
            };
        let last = self.heads.get(self.last).and_then(hit);
        if last.is_some() {
            return last;
        }
        let (at, found) = self
            .heads
            .iter()
            .enumerate()
            .find_map(|(at, head)| Some((at, hit(head)?)))?;
        self.last = at;
        Some(found)
    }

    #[cold]
    fn read_envelope<'a>(&mut self, line: &Line<'a>) -> Result<Message<'a>> {
        let text = line.text;
        if text.trim_ascii().is_empty() {
            return Ok(Message::Blank);
        }
        let members = Members::read(text).map_err(|syntax| syntax_error(syntax, line))?;
        let envelope = Envelope { members, line };
        let kind = envelope.string("type", envelope.members.kind)?;
        match &*kind {
            "STATE" => Ok(Message::State(
                envelope.required("value", envelope.members.value)?,
            )),
            "RECORD" | "SCHEMA" | "ACTIVATE_VERSION" | "BATCH" => {
                let stream = self.stream(&envelope)?;
                let message = match &*kind {
                    "RECORD" => self.record(&envelope, stream),
                    "SCHEMA" => schema(&envelope, stream),
                    "BATCH" => Ok(Message::Batch { stream }),
                    _ => activate_version(&envelope, stream),
                };
                message.map_err(|error| error.in_stream(self.name(stream)))
            }
            other if self.lenient => Ok(Message::Unknown {
                name: other.to_owned(),
            }),
            other => Err(envelope.error(format!(
                "type: expected RECORD, SCHEMA, STATE, ACTIVATE_VERSION or BATCH, found \"{}\"",
                show(other)
            ))),
        }
    }

    fn record<'a>(&mut self, envelope: &Envelope<'_, 'a>, stream: StreamId) -> Result<Message<'a>> {
        envelope.required("record", envelope.members.record)?;
        let body = envelope.members.record.map_or(0, |span| span.start);
        if envelope.members.record_is_third && body <= HEAD_BYTES {
            self.remember(Head {
                bytes: envelope.line.text.as_bytes()[..body].into(),
                stream,
                is_copied: false,
            });
        }
        let tail = Tail {
            version: envelope.version()?,
            time_extracted: envelope.time_extracted()?,
        };
        Ok(Message::Record(Record {
            stream,
            body,
            is_copied: false,
            tail: Some(tail),
        }))
    }

    /// What only a tap writes that hands its rows over as lines of COPY.
    #[cold]
    fn read_copied<'a>(&mut self, line: &Line<'a>) -> Result<Option<Message<'a>>> {
        #[derive(serde::Deserialize)]
        struct Copied {
            columns: Vec<copied::Column>,
        }
        let bytes = line.text.as_bytes();
        match bytes.first() {
            Some(&copied::ROW) => {
                let known = self.copied.iter().find(|head| bytes.starts_with(&head.bytes));
                let Some(head) = known.cloned() else {
                    return Ok(None);
                };
                let (stream, body) = (head.stream, head.bytes.len());
                self.remember(head);
                Ok(Some(Message::Record(Record {
                    stream,
                    body,
                    is_copied: true,
                    tail: None,
                })))
            }
            Some(&copied::EXTRACTED) => Ok(Some(Message::Extracted(&line.text[1..]))),
            _ if line.text.starts_with(r#"{"type":"COPY","#) => {
                let members = Members::read(line.text).map_err(|syntax| syntax_error(syntax, line))?;
                let envelope = Envelope { members, line };
                let stream = self.stream(&envelope)?;
                let columns = serde_json::from_str(line.text)
                    .map(|Copied { columns }| columns)
                    .map_err(|error| envelope.error(format!("COPY: {error}")))?;
                self.copied.retain(|head| head.stream != stream);
                self.copied.push(Head {
                    bytes: copied::head(self.name(stream)).into(),
                    stream,
                    is_copied: true,
                });
                Ok(Some(Message::Copied { stream, columns }))
            }
            _ => Ok(None),
        }
    }

    fn stream(&mut self, envelope: &Envelope<'_, '_>) -> Result<StreamId> {
        let name = envelope.string("stream", envelope.members.stream)?;
        if let Some(&id) = self.ids.get(&*name) {
            return Ok(id);
        }
        if name.len() > MAX_NAME_BYTES {
            let found = name.len();
            return Err(envelope.error(format!(
                "stream: expected a name of at most {MAX_NAME_BYTES} bytes, found one of {found}"
            )));
        }
        if self.names.len() >= self.max_streams {
            let most = self.max_streams;
            return Err(envelope.error(format!(
                "expected at most {most} streams (max_streams), found one more"
            )));
        }
        if self.names_bytes + name.len() > MAX_NAMES_BYTES {
            return Err(envelope.error(format!(
                "expected at most {MAX_NAMES_BYTES} bytes of names of streams, found more"
            )));
        }
        self.names_bytes += name.len();
        let id = StreamId(u32::try_from(self.names.len()).map_err(|_| envelope.error("too many streams"))?);
        self.names.push(name.as_str().into());
        self.ids.insert(name.into(), id);
        Ok(id)
    }

    fn remember(&mut self, head: Head) {
        if self.heads.len() < HEADS {
            self.last = self.heads.len();
            self.heads.push(head);
        } else {
            self.last = (self.last + 1) % HEADS;
            self.heads[self.last] = head;
        }
    }
}

fn schema<'a>(envelope: &Envelope<'_, 'a>, stream: StreamId) -> Result<Message<'a>> {
    Ok(Message::Schema(Schema {
        stream,
        schema: envelope.required("schema", envelope.members.schema)?,
        key_properties: envelope.names("key_properties", envelope.members.key_properties)?,
        bookmark_properties: envelope.names("bookmark_properties", envelope.members.bookmark_properties)?,
    }))
}

fn activate_version<'a>(envelope: &Envelope<'_, 'a>, stream: StreamId) -> Result<Message<'a>> {
    envelope.required("version", envelope.members.version)?;
    let version = envelope.version()?;
    Ok(Message::ActivateVersion {
        stream,
        version: version.ok_or_else(|| envelope.error("version: expected an integer, found null"))?,
    })
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

/// The members of an envelope with the line that they came from, for values and errors.
struct Envelope<'l, 'a> {
    members: Members,
    line: &'l Line<'a>,
}

impl<'a> Envelope<'_, 'a> {
    fn error(&self, message: impl Into<String>) -> Error {
        Error::input(message).at(self.line.at)
    }

    fn text(&self, span: Span) -> &'a str {
        self.line.text.get(span.start..span.end).unwrap_or_default()
    }

    fn required(&self, name: &str, span: Option<Span>) -> Result<&'a str> {
        match span {
            Some(span) => Ok(self.text(span)),
            None => Err(self.error(format!(
                "expected a Singer message with the field \"{name}\", found none"
            ))),
        }
    }

    fn string(&self, name: &str, span: Option<Span>) -> Result<String> {
        let text = self.required(name, span)?;
        serde_json::from_str(text)
            .map_err(|_| self.error(format!("{name}: expected a string, found {}", show(text))))
    }

    fn version(&self) -> Result<Option<i64>> {
        let Some(span) = self.members.version else {
            return Ok(None);
        };
        let text = self.text(span);
        serde_json::from_str(text)
            .map_err(|_| self.error(format!("version: expected an integer, found {}", show(text))))
    }

    fn time_extracted(&self) -> Result<Option<&'a str>> {
        let Some(span) = self.members.time_extracted else {
            return Ok(None);
        };
        match self.text(span) {
            "null" => Ok(None),
            text if text.starts_with('"') => Ok(text.get(1..text.len() - 1)),
            text => Err(self.error(format!("time_extracted: expected a string, found {}", show(text)))),
        }
    }

    /// A list of property names; null and a missing field are an empty list, one string a list of one.
    fn names(&self, name: &str, span: Option<Span>) -> Result<Vec<String>> {
        let text = span.map_or("null", |span| self.text(span));
        if let Ok(names) = serde_json::from_str::<Option<Vec<String>>>(text) {
            return Ok(names.unwrap_or_default());
        }
        if let Ok(one) = serde_json::from_str::<String>(text) {
            return Ok(vec![one]);
        }
        Err(self.error(format!(
            "{name}: expected a list of property names, found {}",
            show(text)
        )))
    }
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
