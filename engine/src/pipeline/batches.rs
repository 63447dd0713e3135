//! The decoding thread's decisions: when rows go to a writer, and when they are committed.

use std::sync::Arc;
use std::time::Instant;

use super::observer::StreamSummary;
use super::options::{Options, UndeclaredProperties};
use super::router::Router;
use super::stream::{OpenUnit, Source, Stream, UndeclaredColumn, same_meaning};
use super::writer::{Call, Command, Unit, What};
use crate::decode::{DecodeOptions, Decoder};
use crate::encode::Encoder;
use crate::error::{Error, Result, show};
use crate::fault;
use crate::ledger::Ticket;
use crate::message::Schema;
use crate::schema::StreamSchema;
use crate::sink::{CommitMode, Destination};

/// The first and the newest STATE that may wait for open units.
#[derive(Clone, Copy)]
pub(super) struct Waiting {
    first: (u64, Instant),
    newest: (u64, Instant),
}

impl<D: Destination> Router<'_, D> {
    /// A SCHEMA: a new stream, a change, or the same again.
    pub(super) fn schema(&mut self, seq: u64, id: usize, name: &str, message: Schema<'_>) -> Result<()> {
        let source = Source {
            schema: message.schema.into(),
            key_properties: message.key_properties,
            bookmark_properties: message.bookmark_properties,
        };
        let known = self.streams.get(id).and_then(Option::as_ref);
        if known.is_some_and(|stream| stream.source == source) {
            return Ok(());
        }
        let schema = match self.compile(name, &source) {
            Err(error) => self.compile_loosely(name, &source, error)?,
            Ok(compiled) => compiled,
        };
        let schema = if self.shared.options.add_metadata {
            schema.with_metadata()
        } else {
            schema.without_metadata()
        };
        let schema = match &self.shared.options.undeclared {
            UndeclaredProperties::Column(column) => schema.with_undeclared(column)?,
            _ => schema,
        };
        fault!(DECODE_SCHEMA);
        match self.streams.get_mut(id).and_then(Option::as_mut) {
            Some(stream) if same_meaning(&stream.schema, &schema) => stream.source = source,
            Some(_) => self.change_schema(seq, id, source, Arc::new(schema))?,
            None => self.new_stream(seq, id, source, Arc::new(schema))?,
        }
        Ok(())
    }

    /// Compiles a SCHEMA, its checks included: what is wrong with it is told now, not at the first record.
    fn compile(&self, name: &str, source: &Source) -> Result<StreamSchema> {
        let Source {
            schema,
            key_properties,
            bookmark_properties,
        } = source;
        let schema = StreamSchema::compile(name, schema, key_properties, bookmark_properties)?;
        Decoder::new(&Arc::new(schema.clone()), self.decode_options(&schema))?;
        Ok(schema)
    }

    /// Compiles a SCHEMA that leaves open what records have, where there is a place for it, and what there is of one that is
    /// none (`invalid_schema: any`).
    fn compile_loosely(&self, name: &str, source: &Source, error: Error) -> Result<StreamSchema> {
        let with = |schema: String| Source {
            schema: schema.into(),
            ..source.clone()
        };
        let Options {
            undeclared, repairs, ..
        } = self.shared.options;
        let mut open = None;
        if undeclared.have_a_place() {
            let assumed = undeclared.are_wanted() || repairs.invalid_schemas;
            open = StreamSchema::open(&source.schema, &source.key_properties, assumed).map(with);
        }
        let (source, error) = match &open {
            None => (source, error),
            Some(open) => match self.compile(name, open) {
                Ok(schema) => return Ok(schema),
                Err(error) => (open, error),
            },
        };
        let keys = &source.key_properties;
        if !repairs.invalid_schemas {
            return Err(StreamSchema::advise(error, &source.schema, keys));
        }
        let Some((schema, loosened)) = StreamSchema::loosen(&source.schema, keys) else {
            return Err(StreamSchema::advise(error, &source.schema, keys));
        };
        log::warn!(
            "stream {name}: anything is allowed in {}: {error}",
            show(&loosened.join(", "))
        );
        self.compile(name, &with(schema))
    }

    fn new_stream(&mut self, seq: u64, id: usize, source: Source, schema: Arc<StreamSchema>) -> Result<()> {
        let plan = self.destination.plan(&schema, None)?;
        let mut stream = Stream {
            decoder: Decoder::new(&schema, self.decode_options(&schema))?,
            undeclared: UndeclaredColumn::of(&schema),
            encoder: self.destination.encoder(&plan)?,
            plan: Arc::clone(&plan),
            memory: self.shared.budget.charge(0),
            source,
            unit: None,
            unmeasured: 0,
            summary: StreamSummary {
                stream: schema.stream.to_string(),
                ..StreamSummary::default()
            },
            schema,
        };
        let name = stream.name().into();
        let ticket = self.shared.teller.open(seq, id);
        let ticket = if self.shared.options.commit.is_of_all_streams() {
            // Nothing is durable before the next commit of all, not even a stream without records.
            stream.unit = Some(OpenUnit::new(ticket, self.now, &self.received_at));
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
        let decoder = Decoder::new(&schema, self.decode_options(&schema))?;
        let Some(stream) = &mut self.streams[id] else {
            return Ok(());
        };
        let previous = self.destination.current_plan(&stream.plan, &stream.encoder);
        let plan = self.destination.plan(&schema, Some(&previous))?;
        stream.encoder = self.destination.encoder(&plan)?;
        stream.decoder = decoder;
        stream.undeclared = UndeclaredColumn::of(&schema);
        stream.plan = Arc::clone(&plan);
        stream.schema = schema;
        stream.source = source;
        let ticket = self.open_barrier(seq, id);
        self.call(id, Call::ChangePlan(plan, ticket))
    }

    /// ACTIVATE_VERSION, a barrier as well.
    pub(super) fn activate(&mut self, seq: u64, id: usize, version: i64) -> Result<()> {
        if self.streams.get(id).is_none_or(Option::is_none) {
            return Err(Error::input(
                "expected a SCHEMA before ACTIVATE_VERSION, found none",
            ));
        }
        if !self.shared.options.activate_versions {
            self.warn_of_version(id);
            return Ok(());
        }
        self.close_for_barrier(id)?;
        let ticket = self.open_barrier(seq, id);
        self.call(id, Call::Activate(version, ticket))
    }

    /// The destination keeps rows of older versions: said once a run, for its first such stream.
    fn warn_of_version(&mut self, id: usize) {
        if !self.shared.options.warn_of_versions || std::mem::replace(&mut self.warned_of_versions, true) {
            return;
        }
        let name = self.streams[id].as_ref().map_or("", Stream::name);
        log::warn!(
            "stream {}: ACTIVATE_VERSION is ignored: rows of older versions stay in the destination",
            show(name)
        );
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
            self.hold(seq, id);
            return None;
        }
        Some(self.shared.teller.open(seq, id))
    }

    /// STATE: told when everything before it is durable.
    pub(super) fn state(&mut self, seq: u64, value: &str) -> Result<()> {
        self.summary.states += 1;
        self.note_state(value);
        fault!(DECODE_STATE);
        if self.shared.options.commit == CommitMode::AtStates {
            return self.state_of_all(seq, value);
        }
        self.shared.teller.state(seq, value, self.now)?;
        let newest = (seq, self.now);
        let first = self.waiting.map_or(newest, |waiting| waiting.first);
        self.waiting = Some(Waiting { first, newest });
        if self.shared.options.state_interval.is_zero() {
            self.close_for_state()
        } else {
            Ok(())
        }
    }

    /// A stream has more rows: hands them over or commits them when they are enough.
    pub(super) fn grown(&mut self, id: usize) -> Result<()> {
        let limits = self.shared.options.limits;
        let Some(stream) = &mut self.streams[id] else {
            return Ok(());
        };
        let bytes = stream.measure();
        let Some(unit) = &stream.unit else { return Ok(()) };
        let full = unit.rows() >= limits.rows as u64 || bytes >= limits.bytes;
        self.together.due |= full;
        let piece = unit.open_rows >= self.piece_rows || stream.memory.bytes() >= self.piece_bytes;
        if full && !self.shared.options.commit.is_of_all_streams() {
            self.commit(id)?;
        } else if piece {
            self.hand_over(id)?;
        } else {
            return Ok(());
        }
        self.check()
    }

    /// Measures what grew in the last block. Open rows take at most half of the budget: the rest is for reading and
    /// writing. Beyond that the largest go to their writers first.
    pub(super) fn measure_all(&mut self) -> Result<()> {
        let mut open = 0;
        for stream in self.streams.iter_mut().flatten() {
            if stream.unmeasured > 0 {
                stream.measure();
            }
            open += stream.memory.bytes();
        }
        let most = self.shared.options.memory_budget / 2;
        if open <= most {
            return Ok(());
        }
        let bytes = |stream: &Option<Stream<D>>| stream.as_ref().map_or(0, |stream| stream.memory.bytes());
        let mut largest: Vec<(usize, usize)> = self.streams.iter().map(bytes).zip(0..).collect();
        largest.sort_unstable_by(|a, b| b.cmp(a));
        for (freed, id) in largest {
            if open <= most || freed == 0 {
                break;
            }
            self.hand_over(id)?;
            open -= freed;
        }
        Ok(())
    }

    /// Looks at the clock: units that are old, and units that an old STATE waits for.
    pub(super) fn timers(&mut self) -> Result<()> {
        self.shared.teller.tick(self.now)?;
        let (wait, now) = (self.shared.options.limits.wait, self.now);
        self.commit_where(|unit| now.saturating_duration_since(unit.since) >= wait)?;
        self.close_for_state()
    }

    /// Commits what the newest STATE waits for when the oldest has waited long enough, or states pile up.
    fn close_for_state(&mut self) -> Result<()> {
        let Some(waiting) = &mut self.waiting else {
            return Ok(());
        };
        let low = self.shared.teller.low();
        if low > waiting.newest.0 {
            self.waiting = None;
            return Ok(());
        }
        if low > waiting.first.0 {
            waiting.first = waiting.newest;
        }
        let Waiting { first, newest } = *waiting;
        let waited = self.now.saturating_duration_since(first.1) >= self.shared.options.state_interval;
        if waited || self.shared.teller.pending_bytes() > self.shared.options.memory_budget / 8 {
            self.waiting = None;
            self.commit_where(|unit| unit.ticket.seq() < newest.0)?;
        }
        Ok(())
    }

    fn commit_where(&mut self, due: impl Fn(&OpenUnit) -> bool) -> Result<()> {
        if self.shared.options.commit.is_of_all_streams() {
            return Ok(());
        }
        for id in 0..self.streams.len() {
            let unit = self.streams[id].as_ref().and_then(|stream| stream.unit.as_ref());
            if unit.is_some_and(&due) {
                self.commit(id)?;
            }
        }
        Ok(())
    }

    /// Hands the rows of a stream to its writer; nothing is promised for them yet.
    pub(super) fn hand_over(&mut self, id: usize) -> Result<()> {
        let Some(stream) = &mut self.streams[id] else {
            return Ok(());
        };
        let rows = stream.encoder.rows() as u64;
        stream.measure();
        let Some(unit) = stream.unit.as_mut().filter(|_| rows > 0) else {
            return Ok(());
        };
        unit.handed_bytes += stream.memory.bytes();
        unit.open_rows = 0;
        let memory = std::mem::replace(&mut stream.memory, self.shared.budget.charge(0));
        match finish(&mut stream.encoder) {
            Ok(batch) => self.call(id, Call::Write(batch, rows, memory)),
            Err(error) => {
                let error = error.in_stream(&stream.schema.stream);
                self.give_up(id);
                Err(error)
            }
        }
    }

    /// Asks for everything of a stream to be made durable.
    pub(super) fn commit(&mut self, id: usize) -> Result<()> {
        match self.seal(id)? {
            Some(unit) => self.call(id, Call::Commit(unit, None)),
            None => Ok(()),
        }
    }

    /// Hands over what is left of the open unit, and closes it. What was set aside of it is on disk then.
    pub(super) fn seal(&mut self, id: usize) -> Result<Option<Unit>> {
        self.hand_over(id)?;
        let Some(unit) = self.streams[id].as_mut().and_then(|stream| stream.unit.take()) else {
            return Ok(None);
        };
        if let Some(stream) = &mut self.streams[id] {
            stream.summary.commits += 1;
        }
        let OpenUnit {
            ticket,
            received,
            refused,
            ..
        } = unit;
        if refused > 0
            && let Some(letters) = &mut self.dead_letters
            && let Err(error) = letters.sync()
        {
            self.shared.teller.abandon(ticket);
            return Err(error);
        }
        Ok(Some(Unit {
            ticket,
            received,
            refused,
        }))
    }

    /// Another stream could not be closed: the units of these are committed, unless all are committed together.
    fn settle(&mut self, sealed: Vec<(usize, Option<Unit>)>) -> Result<()> {
        let units = sealed.into_iter().filter_map(|(id, unit)| Some((id, unit?)));
        for (id, unit) in units {
            if self.shared.options.commit.is_of_all_streams() {
                self.shared.teller.abandon(unit.ticket);
            } else {
                self.call(id, Call::Commit(unit, None))?;
            }
        }
        Ok(())
    }

    /// The stream can not go on: its open unit holds the watermark for ever.
    pub(super) fn give_up(&mut self, id: usize) {
        if let Some(unit) = self.streams[id].as_mut().and_then(|stream| stream.unit.take()) {
            self.shared.teller.abandon(unit.ticket);
        }
    }

    /// A clean end: everything is committed and every sink finished.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.check_end()?;
        self.check_whole()?;
        for (id, unit) in self.seal_all()? {
            self.call(id, Call::Finish(unit, self.together.last.clone()))?;
        }
        Ok(())
    }

    /// Hands over the rows of every stream and closes every unit, before a writer is asked to commit the first of them:
    /// what fails here fails while nothing of this commit is durable yet.
    pub(super) fn seal_all(&mut self) -> Result<Vec<(usize, Option<Unit>)>> {
        for id in 0..self.streams.len() {
            self.hand_over(id)?;
        }
        let mut sealed = Vec::new();
        for id in 0..self.streams.len() {
            if self.streams[id].is_none() {
                continue;
            }
            match self.seal(id) {
                Ok(unit) => sealed.push((id, unit)),
                Err(error) => {
                    self.settle(sealed)?;
                    return Err(error);
                }
            }
        }
        Ok(sealed)
    }

    /// An end before its time: what is good so far is committed, unless only a clean end may commit.
    pub(super) fn drain(&mut self) {
        for id in 0..self.streams.len() {
            if self.shared.options.commit.is_of_all_streams() {
                self.give_up(id);
            } else if let Err(error) = self.commit(id) {
                self.give_up(id);
                log::error!("{error}");
            }
        }
    }

    fn decode_options(&self, schema: &StreamSchema) -> DecodeOptions {
        DecodeOptions {
            undeclared: self.shared.options.undeclared.of(schema),
            validate: self.shared.options.validate,
            unescape: D::Encoder::READS_TEXT,
            record_only: !D::Encoder::READS_CELLS,
        }
    }

    pub(super) fn call(&mut self, id: usize, call: Call<D>) -> Result<()> {
        self.send(id, What::Call(call))
    }

    fn send(&mut self, id: usize, what: What<D>) -> Result<()> {
        let writer = &self.writers[id % self.writers.len()];
        writer
            .send(Command { stream: id, what })
            .map_err(|_| Error::bug("a writing thread is gone"))
    }
}

/// Takes a batch out of an encoder.
fn finish<E: Encoder>(encoder: &mut E) -> Result<E::Batch> {
    let batch = encoder.finish()?;
    fault!(DECODE_BATCH);
    Ok(batch)
}
