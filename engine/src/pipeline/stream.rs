//! What the decoding thread holds of one stream.

mod copied_rows;

use std::fmt::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::clock::Clock;
use super::observer::StreamSummary;
use super::schemas::Source;
use super::writer::Unit;
use crate::budget::Reservation;
use crate::cell::{Cell, Row};
use crate::decode::{Decoder, MetadataValues};
use crate::encode::Encoder;
use crate::error::{Error, Kind, show};
use crate::ledger::Ticket;
use crate::line::Line;
use crate::message::{Record, syntax_error};
use crate::schema::{Column, Metadata, StreamSchema};
use crate::sink::Destination;
use copied_rows::CopiedRows;

/// Violations of one record that its error names.
const SHOWN_VIOLATIONS: usize = 20;

/// A stream, from its first SCHEMA on.
pub(super) struct Stream<D: Destination> {
    pub(super) schema: Arc<StreamSchema>,
    /// The destination's plan for the schema.
    pub(super) plan: Arc<D::Plan>,
    /// The SCHEMA as it came last: a repeated one is known by its bytes.
    pub(super) source: Source,
    decoder: Decoder,
    pub(super) encoder: D::Encoder,
    undeclared: Option<UndeclaredColumn>,
    /// How rows that come in forms of COPY are read, once they were announced.
    copied: Option<CopiedRows>,
    /// The memory of their `_sdc_` cells.
    spare: Row<'static>,
    /// Records that no commit was asked for yet.
    pub(super) unit: Option<OpenUnit>,
    /// The rows in the encoder.
    pub(super) memory: Reservation,
    /// Bytes of lines that went into the encoder since its memory was measured.
    pub(super) unmeasured: usize,
    pub(super) summary: StreamSummary,
}

/// The column for properties that the schema does not declare.
struct UndeclaredColumn {
    at: usize,
    /// The object of the record in hand.
    object: String,
}

impl UndeclaredColumn {
    /// That of a schema that has one.
    fn of(schema: &StreamSchema) -> Option<Self> {
        let is_ours = |column: &Column| column.metadata == Some(Metadata::Undeclared);
        let at = schema.columns.iter().position(is_ours)?;
        Some(Self {
            at,
            object: String::new(),
        })
    }

    /// Puts members into the column.
    fn fill<'a>(&'a mut self, row: &mut Row<'a>) {
        if row.undeclared.is_empty() {
            row.cells[self.at] = Cell::Null;
            return;
        }
        self.object.clear();
        for member in row.undeclared.drain(..) {
            self.object.push(if self.object.is_empty() { '{' } else { ',' });
            self.object.push_str(member);
        }
        self.object.push('}');
        row.cells[self.at] = Cell::Json(&self.object);
    }
}

/// Records that become durable together, while it grows.
pub(super) struct OpenUnit {
    pub(super) ticket: Ticket,
    pub(super) since: Instant,
    /// `since` by the wall clock, for `_sdc_batched_at`; empty when no column wants it.
    begun_at: Rc<str>,
    pub(super) received: u64,
    pub(super) refused: u64,
    /// Rows that are not handed to the writer yet.
    pub(super) open_rows: usize,
    /// Bytes that were handed to the writer.
    pub(super) handed_bytes: usize,
}

impl OpenUnit {
    pub(super) fn new(ticket: Ticket, clock: &Clock) -> Self {
        Self {
            ticket,
            since: clock.now,
            begun_at: Rc::clone(&clock.received_at),
            received: 0,
            refused: 0,
            open_rows: 0,
            handed_bytes: 0,
        }
    }

    /// Rows of the unit, handed over or not.
    pub(super) fn rows(&self) -> u64 {
        self.received - self.refused
    }

    /// What the writer has to know of it when it is closed.
    pub(super) fn seal(self) -> Unit {
        Unit {
            ticket: self.ticket,
            received: self.received,
            refused: self.refused,
        }
    }
}

/// Why a record did not become a row.
pub(super) enum Trouble {
    /// The line is no message.
    Line(Error),
    /// The record does not fit its schema, or its sink's columns.
    Record(Error),
    /// The encoder failed; what it holds may be half done.
    Encoder(Error),
}

impl<D: Destination> Stream<D> {
    /// A stream at its first SCHEMA. `memory` is what its rows take: nothing so far.
    pub(super) fn new(
        schema: Arc<StreamSchema>,
        source: Source,
        plan: Arc<D::Plan>,
        decoder: Decoder,
        encoder: D::Encoder,
        memory: Reservation,
    ) -> Self {
        Self {
            undeclared: UndeclaredColumn::of(&schema),
            copied: None,
            spare: Row::default(),
            unit: None,
            unmeasured: 0,
            summary: StreamSummary {
                stream: schema.stream.to_string(),
                ..StreamSummary::default()
            },
            schema,
            plan,
            source,
            decoder,
            encoder,
            memory,
        }
    }

    /// The stream has another schema from here on; its rows so far are with the writer.
    pub(super) fn change(
        &mut self,
        schema: Arc<StreamSchema>,
        source: Source,
        plan: Arc<D::Plan>,
        decoder: Decoder,
        encoder: D::Encoder,
    ) {
        self.undeclared = UndeclaredColumn::of(&schema);
        self.copied = None;
        self.schema = schema;
        self.source = source;
        self.plan = plan;
        self.decoder = decoder;
        self.encoder = encoder;
    }

    /// A record of a line of this length is in the encoder.
    #[inline]
    pub(super) fn count_row(&mut self, bytes: usize) {
        self.summary.records += 1;
        self.summary.bytes += bytes as u64 + 1;
        if let Some(unit) = &mut self.unit {
            unit.received += 1;
            unit.open_rows += 1;
        }
    }

    /// A record of a line of this length was refused.
    pub(super) fn count_refused(&mut self, bytes: usize) {
        self.summary.records += 1;
        self.summary.bytes += bytes as u64 + 1;
        self.summary.refused += 1;
        if let Some(unit) = &mut self.unit {
            unit.received += 1;
            unit.refused += 1;
        }
    }

    /// Hands over a row that came in a form of COPY, as it is; `false` when the encoder wants a record.
    #[inline]
    fn pass_on(
        &mut self,
        extracted: &str,
        metadata: Option<MetadataValues<'_>>,
        push: impl FnOnce(&mut D::Encoder, &Row<'_>) -> crate::error::Result<bool>,
    ) -> Result<bool, Trouble> {
        if metadata.is_none() && self.undeclared.is_none() {
            return Self::encoded(push(&mut self.encoder, &Row::default()));
        }
        let mut row = std::mem::take(&mut self.spare).recycle();
        row.cells.resize(self.schema.columns.len(), Cell::Absent);
        row.time_extracted = Some(extracted);
        if let Some(mut values) = metadata {
            values.batched_at = self.unit.as_ref().map_or("", |unit| &unit.begun_at);
            self.decoder.fill_metadata(&values, &mut row);
        }
        if let Some(column) = &self.undeclared {
            row.cells[column.at] = Cell::Null;
        }
        let pushed = push(&mut self.encoder, &row);
        self.spare = row.recycle();
        Self::encoded(pushed)
    }

    /// Decodes a record into the encoder. `metadata` has what the `_sdc_` columns need, if there are any.
    #[inline]
    pub(super) fn push<'a>(
        &mut self,
        line: &Line<'a>,
        record: &Record<'a>,
        row: &mut Row<'a>,
        metadata: Option<MetadataValues<'_>>,
    ) -> Result<(), Trouble> {
        self.unmeasured += line.text.len();
        let pushed = if metadata.is_none() && self.undeclared.is_none() {
            self.decode(line, record, row).and_then(|()| self.encode(row))
        } else {
            // These cells borrow from what does not live as long as the block of lines.
            let mut short = std::mem::take(row).recycle();
            let pushed = self.decode(line, record, &mut short).and_then(|()| {
                if let Some(mut values) = metadata {
                    values.batched_at = self.unit.as_ref().map_or("", |unit| &unit.begun_at);
                    self.decoder.fill_metadata(&values, &mut short);
                }
                if let Some(column) = &mut self.undeclared {
                    column.fill(&mut short);
                }
                Self::encode_into(&mut self.encoder, &short)
            });
            let untouched = short.untouched;
            *row = short.recycle();
            row.untouched = untouched;
            pushed
        };
        if !row.untouched {
            self.warn_unknown();
        }
        pushed
    }

    #[inline]
    fn decode<'a>(&mut self, line: &Line<'a>, record: &Record<'a>, row: &mut Row<'a>) -> Result<(), Trouble> {
        let decoded = match self.encoder.columns() {
            Some(columns) => self.decoder.decode_into(line.text, record.body, row, columns),
            None => self.decoder.decode(line.text, record.body, row),
        };
        let end = match decoded {
            Ok(end) => end,
            Err(syntax) => {
                let error = syntax_error(syntax, line);
                return Err(Trouble::Line(error.in_stream(&self.schema.stream)));
            }
        };
        let tail = record
            .tail(line, end)
            .map_err(|error| Trouble::Line(error.in_stream(&self.schema.stream)))?;
        row.version = tail.version;
        row.time_extracted = tail.time_extracted;
        if self.decoder.violations().is_empty() {
            Ok(())
        } else {
            Err(self.violated(line))
        }
    }

    #[inline]
    fn encode(&mut self, row: &Row<'_>) -> Result<(), Trouble> {
        Self::encode_into(&mut self.encoder, row)
    }

    #[inline]
    fn encode_into(encoder: &mut D::Encoder, row: &Row<'_>) -> Result<(), Trouble> {
        Self::encoded(encoder.push(row))
    }

    /// What came of handing a row to the encoder.
    #[inline]
    fn encoded<T>(pushed: crate::Result<T>) -> Result<T, Trouble> {
        pushed.map_err(|error| match error.kind() {
            Kind::Input => Trouble::Record(error),
            _ => Trouble::Encoder(error),
        })
    }

    /// All that is wrong with a record, as one error at the place of the first.
    #[cold]
    fn violated(&self, line: &Line<'_>) -> Trouble {
        let violations = self.decoder.violations();
        let errors = violations
            .iter()
            .map(|violation| violation.error(line, &self.schema.stream));
        let mut errors = errors.take(SHOWN_VIOLATIONS);
        let Some(first) = errors.next() else {
            return Trouble::Record(Error::bug("no violation"));
        };
        let rest: Vec<Error> = errors.collect();
        if rest.is_empty() {
            return Trouble::Record(first);
        }
        let mut message = first.message().to_owned();
        for error in &rest {
            message.push_str("; ");
            message.push_str(error.message());
        }
        let more = violations.len() - 1 - rest.len();
        if more > 0 {
            let _ = write!(message, "; and {more} more");
        }
        let error = Error::input(message).in_stream(&self.schema.stream);
        Trouble::Record(match first.position() {
            Some(position) => error.at(position),
            None => error,
        })
    }

    #[cold]
    fn warn_unknown(&mut self) {
        for property in self.decoder.take_unknown() {
            log::warn!(
                "stream {}: the property {} is not in the schema",
                self.name(),
                show(&property)
            );
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.schema.stream
    }

    /// Brings the count of memory up to date; returns the bytes of the unit, handed over or not.
    pub(super) fn measure(&mut self) -> usize {
        self.unmeasured = 0;
        self.memory.resize(self.encoder.bytes());
        self.memory.bytes() + self.unit.as_ref().map_or(0, |unit| unit.handed_bytes)
    }
}
