//! Reads lines as messages, by the heads of earlier lines where it can.

use std::collections::HashMap;

use super::envelope::Envelope;
use super::members::Members;
use super::{Message, Record, Schema, StreamId, Tail, syntax_error};
use crate::copied;
use crate::error::{Result, show};
use crate::line::Line;
use crate::schema::MAX_NAME_BYTES;

/// The longest head that is remembered, in bytes: white space in it has no end.
const HEAD_BYTES: usize = 2 * MAX_NAME_BYTES;
/// How many spellings of `{"type":"RECORD","stream":"...","record":` are remembered.
const HEADS: usize = 16;

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
    /// The same of tuples.
    tuples: Vec<Head>,
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
            tuples: Vec::new(),
            last: 0,
        }
    }

    /// Accepts at most this number of streams: each takes memory for the rest of the run, and in most sinks a file.
    #[must_use]
    pub fn with_max_streams(mut self, most: usize) -> Self {
        self.max_streams = most;
        self
    }

    /// Accepts rows in forms of COPY ([`copied`]), which the tap must have agreed to.
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

    /// The stream of a line that is a tuple, and where the tuple starts; `None` when that was not announced.
    #[inline]
    pub(crate) fn tuple(&mut self, line: &[u8]) -> Option<(StreamId, usize)> {
        let at = self
            .tuples
            .iter()
            .position(|head| line.starts_with(&head.bytes))?;
        // The streams take long turns: the one of this tuple is likely that of the next.
        self.tuples.swap(0, at);
        let head = self.tuples.first()?;
        Some((head.stream, head.bytes.len()))
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

    /// What only a tap writes that hands its rows over in forms of COPY.
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
                for (first, heads) in [(copied::ROW, &mut self.copied), (copied::TUPLE, &mut self.tuples)] {
                    heads.retain(|head| head.stream != stream);
                    heads.push(Head {
                        bytes: copied::head(first, &self.names[stream.index()]).into(),
                        stream,
                        is_copied: true,
                    });
                }
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
