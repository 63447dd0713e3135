//! What the decoding thread holds of one stream.

use std::sync::Arc;
use std::time::Instant;

use super::observer::StreamSummary;
use crate::budget::Reservation;
use crate::decode::Decoder;
use crate::encode::Encoder;
use crate::ledger::Ticket;
use crate::schema::StreamSchema;

/// A stream, from its first SCHEMA on.
pub(super) struct Stream<E> {
    pub(super) schema: Arc<StreamSchema>,
    /// The SCHEMA as it came last: a repeated one is known by its bytes.
    pub(super) source: Source,
    pub(super) decoder: Decoder,
    pub(super) encoder: E,
    /// Records that no commit was asked for yet.
    pub(super) unit: Option<OpenUnit>,
    /// The rows in the encoder.
    pub(super) memory: Reservation,
    /// Bytes of lines that went into the encoder since its memory was measured.
    pub(super) unmeasured: usize,
    pub(super) summary: StreamSummary,
}

/// Records that become durable together, while it grows.
pub(super) struct OpenUnit {
    pub(super) ticket: Ticket,
    pub(super) since: Instant,
    pub(super) received: u64,
    pub(super) refused: u64,
    /// Rows that are not handed to the writer yet.
    pub(super) open_rows: usize,
    /// Bytes that were handed to the writer.
    pub(super) handed_bytes: usize,
}

/// The parts of a SCHEMA message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) schema: Box<str>,
    pub(super) key_properties: Vec<String>,
    pub(super) bookmark_properties: Vec<String>,
}

impl OpenUnit {
    pub(super) fn new(ticket: Ticket, since: Instant) -> Self {
        Self { ticket, since, received: 0, refused: 0, open_rows: 0, handed_bytes: 0 }
    }

    /// Rows of the unit, handed over or not.
    pub(super) fn rows(&self) -> u64 {
        self.received - self.refused
    }
}

impl<E: Encoder> Stream<E> {
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

/// Whether two schemas mean the same to an encoder and a sink: a SCHEMA that is only spelled differently is no
/// change.
pub(super) fn same_meaning(a: &StreamSchema, b: &StreamSchema) -> bool {
    let names = |schema: &StreamSchema| schema.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    a.schema == b.schema && a.key == b.key && a.closed == b.closed && names(a) == names(b)
}
