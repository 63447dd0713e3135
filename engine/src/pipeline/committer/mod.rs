//! The decoding thread's decisions: when the rows of a stream go to a writer, when they are committed, and which STATE
//! waits for that.
//!
//! A *piece* of rows is handed over when it is large enough to be worth the way, which promises nothing. A *unit* is what
//! becomes durable together: a stream has one open at most, with a ticket of the [ledger](crate::ledger) that carries the
//! number of its first line. With `batch_size_rows` 20,000 and pieces of 8,192 rows:
//!
//! ```text
//! line 7       the stream's unit is opened, with ticket 7
//! line 8,198   8,192 rows are handed over     Write
//! line 16,390  8,192 rows are handed over     Write
//! line 20,006  3,616 rows are handed over     Write, Commit with ticket 7: STATEs from before line 7 need not wait for it
//! line 20,007  the next unit is opened
//! ```
//!
//! Where all streams are committed together a unit is closed by a STATE or by the end of the input only ([`states`]).

mod barriers;
mod states;

use std::time::Instant;

use crossbeam_channel::Sender;

use super::Shared;
use super::clock::Clock;
use super::dead_letter::DeadLetters;
use super::ending::Ending;
use super::observer::StreamSummary;
use super::options::Options;
use super::stream::{OpenUnit, Stream};
use super::writer::{Call, Command, Unit, What};
use crate::copied;
use crate::encode::Encoder;
use crate::error::{Error, Result};
use crate::fault;
use crate::line::Line;
use crate::sink::Destination;
pub(super) use states::Received;
use states::{Together, Waiting};

/// Rows of one piece, at most.
const PIECE_ROWS: usize = 8192;
/// Bytes of one piece, roughly.
const PIECE_BYTES: usize = 1 << 20;
/// Bytes of lines after which the memory of a stream is measured.
const MEASURE: usize = 64 << 10;

/// Owns the streams and the ways to their writers.
pub(super) struct Committer<'e, D: Destination> {
    destination: &'e D,
    shared: Shared<'e>,
    writers: Vec<Sender<Command<D>>>,
    /// By the message reader's number; `None` before the stream's first SCHEMA.
    streams: Vec<Option<Stream<D>>>,
    /// What is refused must be on disk before the rows around it are committed.
    dead_letters: Option<DeadLetters>,
    clock: Clock,
    sizes: Sizes,
    waiting: Option<Waiting>,
    together: Together,
    ending: Ending,
    /// Whether it was said that ACTIVATE_VERSION is ignored.
    warned_of_versions: bool,
}

/// The sizes at which a stream is looked at.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    unit_rows: u64,
    piece_rows: usize,
    piece_bytes: usize,
    measure_bytes: usize,
}

impl Sizes {
    fn new(options: &Options) -> Self {
        // Many small pieces in hand at once fit a small budget as well as a large one.
        let piece_bytes = PIECE_BYTES
            .min(options.limits.bytes)
            .min(options.memory_budget / 8)
            .max(1);
        Self {
            unit_rows: options.limits.rows as u64,
            piece_rows: PIECE_ROWS.min(options.limits.rows).max(1),
            piece_bytes,
            measure_bytes: MEASURE.min(piece_bytes),
        }
    }

    /// Whether a stream has grown by enough for [`Committer::grown`] to look at it.
    #[inline]
    pub(super) fn are_reached<D: Destination>(&self, stream: &Stream<D>) -> bool {
        let rows = |unit: &OpenUnit| unit.rows() >= self.unit_rows || unit.open_rows >= self.piece_rows;
        stream.unmeasured >= self.measure_bytes || stream.unit.as_ref().is_some_and(rows)
    }
}

impl<'e, D: Destination> Committer<'e, D> {
    pub(super) fn new(
        destination: &'e D,
        shared: Shared<'e>,
        writers: Vec<Sender<Command<D>>>,
        dead_letters: Option<DeadLetters>,
        clock: Clock,
    ) -> Self {
        Self {
            destination,
            shared,
            writers,
            streams: Vec::new(),
            dead_letters,
            sizes: Sizes::new(shared.options),
            together: Together::new(clock.now),
            clock,
            waiting: None,
            ending: Ending::default(),
            warned_of_versions: false,
        }
    }

    pub(super) fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// A block of input came.
    pub(super) fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// No block came for a while.
    pub(super) fn set_now(&mut self, now: Instant) {
        self.clock.now = now;
    }

    /// The clock, as it was read last.
    pub(super) fn now(&self) -> Instant {
        self.clock.now
    }

    /// With nothing more to do, the writers end.
    pub(super) fn dismiss_writers(&mut self) {
        self.writers.clear();
    }

    /// The stream of a record, with a unit that the record belongs to; `None` before its first SCHEMA.
    #[inline]
    pub(super) fn stream_for_record(&mut self, seq: u64, id: usize) -> Option<&mut Stream<D>> {
        let stream = self.streams.get_mut(id)?.as_mut()?;
        if stream.unit.is_none() {
            let ticket = self.shared.emitter.open(seq, id);
            stream.unit = Some(OpenUnit::new(ticket, &self.clock));
        }
        Some(stream)
    }

    /// What was done with each stream so far.
    pub(super) fn summaries(&self) -> impl Iterator<Item = &StreamSummary> {
        self.streams.iter().flatten().map(|stream| &stream.summary)
    }

    /// What was done with each stream, once the writers have ended.
    pub(super) fn take_summaries(&mut self) -> Vec<StreamSummary> {
        let tallies = self.shared.emitter.tallies();
        let mut summaries = Vec::new();
        for (id, stream) in self.streams.iter_mut().enumerate() {
            if let Some(stream) = stream {
                stream.summary.committed = tallies.get(id).map_or(0, |tally| tally.written);
                summaries.push(std::mem::take(&mut stream.summary));
            }
        }
        summaries
    }

    /// The name of a stream that has had a SCHEMA.
    pub(super) fn name(&self, id: usize) -> &str {
        let stream = self.streams.get(id).and_then(Option::as_ref);
        stream.map_or("", Stream::name)
    }

    /// Rows of the stream may come in forms of COPY from here on.
    pub(super) fn announce_copied(&mut self, id: usize, columns: &[copied::Column]) {
        if let Some(stream) = self.streams.get_mut(id).and_then(Option::as_mut) {
            stream.announce_copied(columns);
        }
    }

    /// The RECORD message for a row that came as a line of COPY.
    pub(super) fn as_record(&self, id: usize, line: &Line<'_>) -> Option<String> {
        self.streams.get(id)?.as_ref()?.as_record(line)
    }

    /// A record does not fit its schema, and is left out: it goes to the dead-letter file if there is one.
    pub(super) fn leave_out(&mut self, id: usize, line: &Line<'_>, error: &Error) -> Result<()> {
        let Some(stream) = self.streams.get_mut(id).and_then(Option::as_mut) else {
            return Ok(());
        };
        if let Some(letters) = &mut self.dead_letters {
            letters.add(line.at, &stream.schema.stream, error.message(), line.text)?;
        }
        stream.count_refused(line.text.len());
        Ok(())
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
        let piece =
            unit.open_rows >= self.sizes.piece_rows || stream.memory.bytes() >= self.sizes.piece_bytes;
        if full && !self.shared.options.commit.is_of_all_streams() {
            self.commit(id)?;
        } else if piece {
            self.hand_over(id)?;
        } else {
            return Ok(());
        }
        self.shared.check()
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

    /// Hands the rows of a stream to its writer; nothing is promised for them yet.
    fn hand_over(&mut self, id: usize) -> Result<()> {
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
    fn commit(&mut self, id: usize) -> Result<()> {
        match self.seal(id)? {
            Some(unit) => self.call(id, Call::Commit(unit, None)),
            None => Ok(()),
        }
    }

    /// Hands over what is left of the open unit, and closes it. Its dead letters are on disk then.
    fn seal(&mut self, id: usize) -> Result<Option<Unit>> {
        self.hand_over(id)?;
        let Some(stream) = &mut self.streams[id] else {
            return Ok(None);
        };
        let Some(unit) = stream.unit.take() else {
            return Ok(None);
        };
        stream.summary.commits += 1;
        if unit.refused > 0
            && let Some(letters) = &mut self.dead_letters
            && let Err(error) = letters.sync()
        {
            self.shared.emitter.abandon(unit.ticket);
            return Err(error);
        }
        Ok(Some(unit.seal()))
    }

    /// Hands over the rows of every stream and closes every unit, before a writer is asked to commit the first of them:
    /// what fails here fails while nothing of this commit is durable yet.
    fn seal_all(&mut self) -> Result<Vec<(usize, Option<Unit>)>> {
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

    /// Another stream could not be closed: the units of these are committed, unless all are committed together.
    fn settle(&mut self, sealed: Vec<(usize, Option<Unit>)>) -> Result<()> {
        let units = sealed.into_iter().filter_map(|(id, unit)| Some((id, unit?)));
        for (id, unit) in units {
            if self.shared.options.commit.is_of_all_streams() {
                self.shared.emitter.abandon(unit.ticket);
            } else {
                self.call(id, Call::Commit(unit, None))?;
            }
        }
        Ok(())
    }

    /// The stream cannot go on: its open unit holds the watermark for ever.
    pub(super) fn give_up(&mut self, id: usize) {
        if let Some(unit) = self.streams[id].as_mut().and_then(|stream| stream.unit.take()) {
            self.shared.emitter.abandon(unit.ticket);
        }
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

    fn call(&mut self, id: usize, call: Call<D>) -> Result<()> {
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
