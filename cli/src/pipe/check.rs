//! Checking one line: is it a Singer message, and does a record match its SCHEMA?

use std::sync::Arc;

use melisma_engine::cell::Row;
use melisma_engine::decode::{DecodeOptions, Decoder, Undeclared};
use melisma_engine::line::Line;
use melisma_engine::message::{Message, MessageReader, Record, Schema, StreamId, syntax_error};
use melisma_engine::schema::StreamSchema;
use melisma_sdk::{Error, Result};

/// Limit for the bytes of all SCHEMAs in memory: the newest one of each stream is kept, with what it was compiled to.
const MAX_SCHEMA_BYTES: usize = 256 << 20;

/// Checks the lines of one input in order.
#[derive(Default)]
pub(crate) struct Checker {
    messages: MessageReader,
    /// By index of the stream.
    streams: Vec<Option<Stream>>,
    /// Bytes of the SCHEMAs in memory.
    kept: usize,
}

/// The last SCHEMA of a stream.
struct Stream {
    decoder: Decoder,
    schema: String,
    key_properties: Vec<String>,
}

/// Why a line is invalid.
pub(crate) enum Invalid {
    /// The line can be skipped: noise, or a record.
    Line(Error),
    /// A SCHEMA that cannot be used. Skipping it would leave the records after it unchecked.
    Schema(Error),
}

impl Checker {
    /// Checks a line; `row` is scratch space that is reused from line to line.
    #[inline]
    pub(crate) fn check<'a>(&mut self, line: &Line<'a>, row: &mut Row<'a>) -> Result<(), Invalid> {
        match self.messages.read(line) {
            Ok(Message::Record(record)) => self.record(line, &record, row).map_err(Invalid::Line),
            Ok(Message::Schema(schema)) => self.schema(line, &schema).map_err(Invalid::Schema),
            Ok(_) => Ok(()),
            Err(error) => Err(Invalid::Line(error)),
        }
    }

    #[inline]
    fn record<'a>(&mut self, line: &Line<'a>, record: &Record<'a>, row: &mut Row<'a>) -> Result<()> {
        let Some(Some(stream)) = self.streams.get_mut(record.stream.index()) else {
            return Err(self.without_schema(line, record.stream));
        };
        let end = match stream.decoder.decode(line.text, record.body, row) {
            Ok(end) => end,
            Err(syntax) => return Err(syntax_error(syntax, line).in_stream(&stream.decoder.schema().stream)),
        };
        record.tail(line, end)?;
        let violations = stream.decoder.violations();
        let Some(first) = violations.first() else {
            return Ok(());
        };
        let error = first.error(line, &stream.decoder.schema().stream);
        Err(match violations.len() {
            1 => error,
            many => and_more(&error, many - 1),
        })
    }

    #[cold]
    fn without_schema(&self, line: &Line<'_>, stream: StreamId) -> Error {
        Error::input("RECORD before its SCHEMA")
            .at(line.at)
            .in_stream(self.messages.name(stream))
    }

    /// Compiles a SCHEMA, unless it is the same as the last one of its stream.
    fn schema(&mut self, line: &Line<'_>, message: &Schema<'_>) -> Result<()> {
        let index = message.stream.index();
        if self.streams.len() <= index {
            self.streams.resize_with(index + 1, || None);
        }
        if let Some(Some(stream)) = self.streams.get(index)
            && stream.schema == message.schema
            && stream.key_properties == message.key_properties
        {
            return Ok(());
        }
        let before = self.streams[index]
            .as_ref()
            .map_or(0, |stream| stream.schema.len());
        let kept = self.kept - before + message.schema.len();
        if kept > MAX_SCHEMA_BYTES {
            return Err(Error::input(format!(
                "expected at most {MAX_SCHEMA_BYTES} bytes of SCHEMAs of all streams, found more"
            ))
            .at(line.at)
            .in_stream(self.messages.name(message.stream)));
        }
        self.kept = kept;
        let name = self.messages.name(message.stream);
        let keys = &message.key_properties;
        // Records are passed on as they came, so a schema may leave properties undeclared.
        let open = StreamSchema::open(message.schema, keys, true);
        let source = open.as_deref().unwrap_or(message.schema);
        let decoder = StreamSchema::compile(name, source, keys, &message.bookmark_properties)
            .and_then(|schema| {
                Decoder::new(
                    &Arc::new(schema),
                    DecodeOptions {
                        validate: true,
                        record_only: true,
                        undeclared: Undeclared::Keep,
                        ..DecodeOptions::default()
                    },
                )
            })
            .map_err(|error| {
                let error = StreamSchema::advise(error, source, keys);
                error.at(line.at).in_stream(name)
            })?;
        self.streams[index] = Some(Stream {
            decoder,
            schema: message.schema.to_owned(),
            key_properties: keys.clone(),
        });
        Ok(())
    }
}

/// The error of the first violation, with the number of further ones.
#[cold]
fn and_more(error: &Error, more: usize) -> Error {
    let mut with = Error::input(format!("{}; and {more} more", error.message()));
    if let Some(position) = error.position() {
        with = with.at(position);
    }
    match error.stream() {
        Some(stream) => with.in_stream(stream),
        None => with,
    }
}
