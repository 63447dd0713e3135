//! SCHEMA and ACTIVATE_VERSION: what comes before them reaches the sink before they do.

use std::sync::Arc;

use super::Committer;
use crate::decode::Decoder;
use crate::error::{Error, Result, show};
use crate::fault;
use crate::ledger::Ticket;
use crate::message::Schema;
use crate::pipeline::options::ActivateVersion;
use crate::pipeline::schemas::{Source, decode_options, same_meaning};
use crate::pipeline::stream::{OpenUnit, Stream};
use crate::pipeline::writer::{Call, What};
use crate::schema::StreamSchema;
use crate::sink::Destination;

impl<D: Destination> Committer<'_, D> {
    /// A SCHEMA: a new stream, a change, or the same again.
    pub(in crate::pipeline) fn schema(
        &mut self,
        seq: u64,
        id: usize,
        name: &str,
        message: Schema<'_>,
    ) -> Result<()> {
        self.ending.uncover();
        let source = Source::of(message);
        let known = self.streams.get(id).and_then(Option::as_ref);
        if known.is_some_and(|stream| stream.source == source) {
            return Ok(());
        }
        let schema = source.compile::<D::Encoder>(name, self.shared.options)?;
        fault!(DECODE_SCHEMA);
        match self.streams.get_mut(id).and_then(Option::as_mut) {
            Some(stream) if same_meaning(&stream.schema, &schema) => stream.source = source,
            Some(_) => self.change_schema(seq, id, source, Arc::new(schema))?,
            None => self.new_stream(seq, id, source, Arc::new(schema))?,
        }
        Ok(())
    }

    fn new_stream(&mut self, seq: u64, id: usize, source: Source, schema: Arc<StreamSchema>) -> Result<()> {
        let plan = self.destination.plan(&schema, None)?;
        let decoder = Decoder::new(
            &schema,
            decode_options::<D::Encoder>(&schema, self.shared.options),
        )?;
        let encoder = self.destination.encoder(&plan)?;
        let memory = self.shared.budget.charge(0);
        let mut stream = Stream::new(schema, source, Arc::clone(&plan), decoder, encoder, memory);
        let name = stream.name().into();
        let ticket = self.shared.emitter.open(seq, id);
        let ticket = if self.shared.options.commit.is_of_all_streams() {
            // Nothing is durable before the next commit of all, not even a stream without records.
            stream.unit = Some(OpenUnit::new(ticket, &self.clock));
            None
        } else {
            Some(ticket)
        };
        if self.streams.len() <= id {
            self.streams.resize_with(id + 1, || None);
        }
        self.streams[id] = Some(stream);
        self.send(id, What::Open(name, plan, ticket))
    }

    /// A barrier: earlier rows are committed before the sink sees the new plan.
    fn change_schema(
        &mut self,
        seq: u64,
        id: usize,
        source: Source,
        schema: Arc<StreamSchema>,
    ) -> Result<()> {
        self.close_for_barrier(id)?;
        // These may refuse the schema. No ticket is open while they can, so that a SCHEMA that cannot be applied ends the
        // run as a line that is no message does: what came before it is committed, and its STATE emitted.
        let decoder = Decoder::new(
            &schema,
            decode_options::<D::Encoder>(&schema, self.shared.options),
        )?;
        let Some(stream) = &mut self.streams[id] else {
            return Ok(());
        };
        let previous = self.destination.current_plan(&stream.plan, &stream.encoder);
        let plan = self.destination.plan(&schema, Some(&previous))?;
        let encoder = self.destination.encoder(&plan)?;
        stream.change(schema, source, Arc::clone(&plan), decoder, encoder);
        let ticket = self.open_barrier(seq, id);
        self.call(id, Call::ChangePlan(plan, ticket))
    }

    /// ACTIVATE_VERSION, a barrier as well.
    pub(in crate::pipeline) fn activate(&mut self, seq: u64, id: usize, version: i64) -> Result<()> {
        self.ending.uncover();
        if self.streams.get(id).is_none_or(Option::is_none) {
            return Err(Error::input(
                "expected a SCHEMA before ACTIVATE_VERSION, found none",
            ));
        }
        match self.shared.options.activate_version {
            ActivateVersion::Apply => {}
            ActivateVersion::Warn => {
                self.warn_of_version(id);
                return Ok(());
            }
            ActivateVersion::Ignore => return Ok(()),
        }
        self.close_for_barrier(id)?;
        let ticket = self.open_barrier(seq, id);
        self.call(id, Call::Activate(version, ticket))
    }

    /// The destination keeps rows of older versions: said once a run, for its first such stream.
    fn warn_of_version(&mut self, id: usize) {
        if !std::mem::replace(&mut self.warned_of_versions, true) {
            log::warn!(
                "stream {}: ACTIVATE_VERSION is ignored: rows of older versions stay in the destination",
                show(self.name(id))
            );
        }
    }

    /// The rows before a barrier go to their writer, and are committed unless all streams are committed together.
    fn close_for_barrier(&mut self, id: usize) -> Result<()> {
        if self.shared.options.commit.is_of_all_streams() {
            self.hand_over(id)
        } else {
            self.commit(id)
        }
    }

    /// The barrier itself holds the watermark, by a ticket of its own or in the stream's unit. Whoever gets the ticket
    /// must settle it: nothing may fail between this and the writer.
    fn open_barrier(&mut self, seq: u64, id: usize) -> Option<Ticket> {
        if self.shared.options.commit.is_of_all_streams() {
            self.stream_for_record(seq, id);
            return None;
        }
        Some(self.shared.emitter.open(seq, id))
    }
}
