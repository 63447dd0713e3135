//! Messages of streams: SCHEMA first, then records with a STATE now and then, and a last STATE.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value, json};

use super::row::Row;
use super::{Format, Generated};

/// Records between two STATE messages, as a tap of singer-sdk has them by default.
const RECORDS_A_STATE: u64 = 10_000;
/// The same moment in all records: the bytes must not depend on the clock.
const EXTRACTED: &str = "2026-01-01T00:00:00.000000+00:00";

/// What a column holds.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Integer,
    Number,
    Text,
    Date,
    Time,
    Object,
    List,
}

impl Type {
    fn schema(self) -> Value {
        let (name, format) = match self {
            Self::Integer => ("integer", None),
            Self::Number => ("number", None),
            Self::Text => ("string", None),
            Self::Date => ("string", Some("date")),
            Self::Time => ("string", Some("date-time")),
            Self::Object => ("object", None),
            Self::List => ("array", None),
        };
        let mut schema = json!({"type": [name, "null"]});
        if let Some(format) = format {
            schema["format"] = format.into();
        }
        schema
    }
}

/// A stream with its columns and keys.
pub(super) struct Stream<'a> {
    pub(super) name: &'a str,
    pub(super) columns: &'a [(&'a str, Type)],
    pub(super) keys: &'a [&'a str],
}

/// Writes messages, and counts them.
pub(super) struct Writer<W: Write> {
    out: BufWriter<W>,
    pub(super) row: Row,
    format: Format,
    generated: Generated,
    /// What each stream's bookmark is, in the order of the streams.
    bookmarks: Vec<(String, u64)>,
    records_a_state: u64,
    line: String,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(format: Format, out: W) -> Self {
        Self {
            out: BufWriter::with_capacity(1 << 18, out),
            row: Row::new(format),
            format,
            generated: Generated::default(),
            bookmarks: Vec::new(),
            records_a_state: RECORDS_A_STATE,
            line: String::new(),
        }
    }

    /// Another number of records between two STATE messages.
    pub(super) fn states_every(&mut self, records: u64) {
        self.records_a_state = records;
    }

    /// The SCHEMA of a stream, or the header of the CSV file. Returns the index of the stream.
    pub(super) fn stream(&mut self, stream: &Stream<'_>) -> Result<usize> {
        match self.format {
            Format::Csv => {
                let names: Vec<&str> = stream.columns.iter().map(|(name, _)| *name).collect();
                self.put(&names.join(","))?;
            }
            Format::Singer => {
                let properties: Map<String, Value> = stream
                    .columns
                    .iter()
                    .map(|(name, kind)| ((*name).to_owned(), kind.schema()))
                    .collect();
                let message = json!({
                    "type": "SCHEMA", "stream": stream.name,
                    "schema": {"type": "object", "properties": properties},
                    "key_properties": stream.keys,
                });
                self.put(&message.to_string())?;
            }
        }
        self.generated.streams += 1;
        self.bookmarks.push((stream.name.to_owned(), 0));
        Ok(self.bookmarks.len() - 1)
    }

    /// The row as a record of a stream. A STATE follows when it is time for one.
    pub(super) fn record(&mut self, stream: usize) -> Result<()> {
        self.generated.records += 1;
        let (name, bookmark) = &mut self.bookmarks[stream];
        *bookmark += 1;
        self.line.clear();
        match self.format {
            Format::Csv => self.line.push_str(self.row.text()),
            Format::Singer => {
                let _ = write!(
                    self.line,
                    r#"{{"type":"RECORD","stream":"{name}","record":{{{}}},"time_extracted":"{EXTRACTED}"}}"#,
                    self.row.text()
                );
            }
        }
        let line = std::mem::take(&mut self.line);
        self.put(&line)?;
        self.line = line;
        if self.generated.records.is_multiple_of(self.records_a_state) {
            self.state()?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<()> {
        if self.format == Format::Csv {
            return Ok(());
        }
        let bookmarks: Map<String, Value> = self
            .bookmarks
            .iter()
            .map(|(name, count)| (name.clone(), json!({"replication_key_value": count})))
            .collect();
        let message = json!({"type": "STATE", "value": {"bookmarks": bookmarks}});
        self.put(&message.to_string())
    }

    fn put(&mut self, line: &str) -> Result<()> {
        self.generated.bytes += line.len() as u64 + 1;
        self.out
            .write_all(line.as_bytes())
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(cannot)
    }

    /// The last STATE, and all bytes written.
    pub(super) fn finish(mut self) -> Result<Generated> {
        self.state()?;
        self.out.flush().map_err(cannot)?;
        Ok(self.generated)
    }
}

fn cannot(error: io::Error) -> Error {
    Error::io("cannot write the generated stream", error)
}
