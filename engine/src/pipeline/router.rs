//! The decoding thread: classifies lines, decodes records into their stream's encoder, closes batches, keeps the
//! timers, and tells the writers what to do.

use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{RecvTimeoutError, Sender};

use super::batches::Waiting;
use super::clock;
use super::dead_letter::DeadLetters;
use super::ending::Ending;
use super::observer::{Observer, Summary};
use super::options::{OnInvalid, Options, Stop};
use super::reader::{Input, Reader};
use super::repair::{repair, replace_invalid};
use super::stream::{OpenUnit, Stream, Trouble};
use super::teller::Teller;
use super::together::Together;
use super::writer::{Command, Failure};
use crate::budget::Budget;
use crate::cell::Row;
use crate::decode::MetadataValues;
use crate::error::{Error, Kind, Result, show};
use crate::fault;
use crate::line::{Line, NotUtf8, START};
use crate::message::{Message, MessageReader, Record};
use crate::sink::Destination;

/// How long a quiet input is waited for before timers and signals are looked at.
const TICK: Duration = Duration::from_millis(50);
/// Rows of one hand-over to a writer, at most.
const PIECE_ROWS: usize = 8192;
/// Bytes of one hand-over to a writer, roughly.
const PIECE_BYTES: usize = 1 << 20;
/// Bytes of lines after which the memory of a stream is measured.
const MEASURE: usize = 64 << 10;
/// Refused records that are logged one by one.
const LOGGED: u64 = 10;

/// What the parts of a run share.
#[derive(Clone, Copy)]
pub(super) struct Shared<'e> {
    pub(super) options: &'e Options,
    pub(super) teller: &'e Teller,
    pub(super) failure: &'e Failure,
    pub(super) budget: &'e Budget,
    pub(super) observer: &'e dyn Observer,
    pub(super) stop: &'e dyn Stop,
}

pub(super) struct Router<'e, D: Destination> {
    pub(super) destination: &'e D,
    pub(super) shared: Shared<'e>,
    pub(super) writers: Vec<Sender<Command<D>>>,
    pub(super) messages: MessageReader,
    /// By the message reader's number; `None` before the stream's first SCHEMA.
    pub(super) streams: Vec<Option<Stream<D>>>,
    pub(super) dead_letters: Option<DeadLetters>,
    pub(super) summary: Summary,
    /// The clock, read once a block.
    pub(super) now: Instant,
    pub(super) waiting: Option<Waiting>,
    pub(super) together: Together,
    pub(super) ending: Ending,
    /// Whether it was said that versions are not followed.
    pub(super) warned_of_versions: bool,
    pub(super) piece_rows: usize,
    pub(super) piece_bytes: usize,
    /// Bytes of lines after which a stream's memory is measured.
    measure_bytes: usize,
    /// When the block was read, for the `_sdc_` columns; empty when they are not asked for.
    pub(super) received_at: String,
    /// The same in epoch milliseconds.
    sequence: i64,
    sync_started_at: i64,
}

/// What came of a line.
enum Read {
    Done,
    /// It is no message; nothing was done.
    NoMessage(Error),
}

impl<'e, D: Destination> Router<'e, D> {
    pub(super) fn new(
        destination: &'e D,
        shared: Shared<'e>,
        writers: Vec<Sender<Command<D>>>,
        dead_letters: Option<DeadLetters>,
    ) -> Self {
        let options = shared.options;
        // Many small pieces in hand at once fit a small budget as well as a large one.
        let piece_bytes = PIECE_BYTES
            .min(options.limits.bytes)
            .min(options.memory_budget / 8)
            .max(1);
        Self {
            destination,
            shared,
            writers,
            messages: MessageReader::new(options.lenient).with_max_streams(options.max_streams),
            streams: Vec::new(),
            dead_letters,
            summary: Summary::default(),
            now: Instant::now(),
            waiting: None,
            together: Together::new(),
            ending: Ending::default(),
            warned_of_versions: false,
            piece_rows: PIECE_ROWS.min(options.limits.rows).max(1),
            piece_bytes,
            measure_bytes: MEASURE.min(piece_bytes),
            received_at: String::new(),
            sequence: 0,
            sync_started_at: clock::epoch_millis(SystemTime::now()),
        }
    }

    /// Reads and decodes until the input ends, or something else ends the run.
    pub(super) fn run(&mut self, reader: &Reader) -> Result<()> {
        let mut row = Row::default();
        let mut position = START;
        loop {
            match reader.input.recv_timeout(TICK) {
                Ok(Input::Lines(chunk, memory)) => {
                    self.read_clocks();
                    let mut lines = chunk.lines(position);
                    let mut used = row.recycle();
                    for line in lines.by_ref() {
                        self.summary.lines += 1;
                        match line {
                            Ok(line) => self.line(&line, &mut used)?,
                            Err(line) => self.not_utf8(&line)?,
                        }
                    }
                    row = used.recycle();
                    self.summary.bytes += chunk.bytes().len() as u64;
                    position = lines.next_position();
                    drop(memory);
                    reader.recycle(chunk);
                    self.measure_all()?;
                    fault!(DECODE_BLOCK);
                }
                Ok(Input::End) => return Ok(()),
                // Only what is wrong with the bytes has a place among them.
                Ok(Input::Failed(error)) if error.kind() == Kind::Unavailable => return Err(error),
                Ok(Input::Failed(error)) => return Err(error.at(position)),
                Err(RecvTimeoutError::Timeout) => self.now = Instant::now(),
                Err(RecvTimeoutError::Disconnected) => return Err(Error::bug("the reading thread is gone")),
            }
            self.tell_progress();
            self.check()?;
            self.timers()?;
        }
    }

    /// What was done, once the writers have ended.
    pub(super) fn summarize(&mut self) -> Summary {
        let mut summary = std::mem::take(&mut self.summary);
        let tallies = self.shared.teller.tallies();
        for (id, stream) in self.streams.iter_mut().enumerate() {
            if let Some(stream) = stream {
                stream.summary.committed = tallies.get(id).map_or(0, |tally| tally.written);
                summary.streams.push(std::mem::take(&mut stream.summary));
            }
        }
        summary
    }

    fn read_clocks(&mut self) {
        self.now = Instant::now();
        if self.shared.options.add_metadata {
            let now = SystemTime::now();
            self.received_at = clock::rfc3339(now);
            // A clock that is set back does not turn the order of rows around.
            self.sequence = self.sequence.max(clock::epoch_millis(now));
        }
    }

    fn tell_progress(&self) {
        let streams = self.streams.iter().flatten();
        let mut streams = streams.map(|stream| &stream.summary);
        let Shared { observer, .. } = self.shared;
        observer.progress(self.now, self.summary.bytes, &mut streams);
    }

    /// Ends the run when a signal came or a writer failed.
    pub(super) fn check(&self) -> Result<()> {
        if self.shared.failure.is_set() {
            return Err(self
                .shared
                .failure
                .take()
                .unwrap_or_else(|| Error::bug("a writer failed")));
        }
        match self.shared.stop.signal() {
            Some(signal) => Err(Error::new(
                Kind::Interrupted(signal),
                format!("stopped by signal {signal}"),
            )),
            None => Ok(()),
        }
    }

    #[inline]
    fn line<'a>(&mut self, line: &Line<'a>, row: &mut Row<'a>) -> Result<()> {
        match self.read(line, row)? {
            Read::Done => Ok(()),
            Read::NoMessage(error) => self.repair(line, error),
        }
    }

    #[inline]
    fn read<'a>(&mut self, line: &Line<'a>, row: &mut Row<'a>) -> Result<Read> {
        match self.messages.read(line) {
            Ok(Message::Record(record)) => self.record(line, &record, row),
            Ok(message) => self
                .other(line, message)
                .map(|()| Read::Done)
                .map_err(|error| error.at(line.at)),
            Err(error) => Ok(Read::NoMessage(error)),
        }
    }

    /// A line is no JSON, or no message: puts right what the user asked for, and reads it once more.
    #[cold]
    fn repair(&mut self, line: &Line<'_>, error: Error) -> Result<()> {
        let Some(text) = repair(line.text, self.shared.options.repairs) else {
            return self.invalid_line(line.text.as_bytes(), error);
        };
        match self.read(
            &Line {
                text: &text,
                at: line.at,
            },
            &mut Row::default(),
        )? {
            Read::Done => Ok(()),
            Read::NoMessage(error) => self.invalid_line(text.as_bytes(), error),
        }
    }

    #[cold]
    fn not_utf8(&mut self, line: &NotUtf8<'_>) -> Result<()> {
        match replace_invalid(line.bytes, self.shared.options.repairs) {
            Some(text) => self.line(
                &Line {
                    text: &text,
                    at: line.at,
                },
                &mut Row::default(),
            ),
            None => self.invalid_line(line.bytes, line.error()),
        }
    }

    fn invalid_line(&mut self, line: &[u8], error: Error) -> Result<()> {
        if !self.shared.options.warn_invalid_lines || error.kind() != Kind::Input {
            return Err(error);
        }
        self.summary.ignored += 1;
        if line.trim_ascii_start().starts_with(b"{") {
            // It may be a message that was torn when the tap was killed.
            self.ending.uncover();
        }
        log::warn!("skipped: {error}");
        Ok(())
    }

    #[inline]
    fn record<'a>(&mut self, line: &Line<'a>, record: &Record<'a>, row: &mut Row<'a>) -> Result<Read> {
        let id = record.stream.index();
        let Some(stream) = self.streams.get_mut(id).and_then(Option::as_mut) else {
            let error = Error::input("expected a SCHEMA before the first RECORD of the stream, found none");
            return Err(error.at(line.at).in_stream(self.messages.name(record.stream)));
        };
        if stream.unit.is_none() {
            let ticket = self.shared.teller.open(line.at.line, id);
            stream.unit = Some(OpenUnit::new(ticket, self.now, &self.received_at));
        }
        stream.unmeasured += line.text.len();
        let metadata = self.shared.options.add_metadata.then_some(MetadataValues {
            received_at: &self.received_at,
            batched_at: "",
            sequence: self.sequence,
            sync_started_at: self.sync_started_at,
        });
        if let Err(trouble) = stream.push(line, record, row, metadata) {
            return self.trouble(line, id, trouble);
        }
        self.summary.records += 1;
        stream.summary.records += 1;
        stream.summary.bytes += line.text.len() as u64 + 1;
        let Some(unit) = &mut stream.unit else {
            return Ok(Read::Done);
        };
        unit.received += 1;
        unit.open_rows += 1;
        let full = unit.rows() >= self.shared.options.limits.rows as u64;
        if full || unit.open_rows >= self.piece_rows || stream.unmeasured >= self.measure_bytes {
            self.grown(id)?;
        }
        Ok(Read::Done)
    }

    #[cold]
    fn trouble(&mut self, line: &Line<'_>, id: usize, trouble: Trouble) -> Result<Read> {
        match trouble {
            Trouble::Line(error) => Ok(Read::NoMessage(error)),
            Trouble::Record(error) => self.refuse(line, id, error).map(|()| Read::Done),
            Trouble::Encoder(error) => {
                self.give_up(id);
                let name = self.streams[id].as_ref().map_or("", Stream::name);
                Err(error.at(line.at).in_stream(name))
            }
        }
    }

    /// A record does not fit its schema: ends the run, leaves it out, or sets it aside.
    fn refuse(&mut self, line: &Line<'_>, id: usize, error: Error) -> Result<()> {
        let Some(stream) = &mut self.streams[id] else {
            return Err(error);
        };
        let error = error.at(line.at).in_stream(&stream.schema.stream);
        if self.shared.options.on_invalid == OnInvalid::Fail {
            return Err(error);
        }
        if let Some(letters) = &mut self.dead_letters {
            letters.add(line.at, &stream.schema.stream, error.message(), line.text)?;
        }
        self.summary.records += 1;
        stream.summary.records += 1;
        stream.summary.bytes += line.text.len() as u64 + 1;
        stream.summary.refused += 1;
        if let Some(unit) = &mut stream.unit {
            unit.received += 1;
            unit.refused += 1;
        }
        self.shared
            .observer
            .refused(&stream.schema.stream, error.message());
        self.summary.refused += 1;
        if self.summary.refused <= LOGGED {
            log::warn!("refused: {error}");
        }
        Ok(())
    }

    /// Everything but RECORD.
    #[cold]
    fn other(&mut self, line: &Line<'_>, message: Message<'_>) -> Result<()> {
        if matches!(message, Message::Schema(_) | Message::ActivateVersion { .. }) {
            self.ending.uncover();
        }
        match message {
            Message::Record(_) => Err(Error::bug("a RECORD took the wrong way")),
            Message::Schema(schema) => {
                let id = schema.stream.index();
                let name = self.messages.name(schema.stream).to_owned();
                self.schema(line.at.line, id, &name, schema)
                    .map_err(|error| error.in_stream(&name))
            }
            Message::State(value) => self.state(line.at.line, value),
            Message::ActivateVersion { stream, version } => {
                let activated = self.activate(line.at.line, stream.index(), version);
                activated.map_err(|error| error.in_stream(self.messages.name(stream)))
            }
            Message::Batch { stream } => {
                let error = Error::input(
                    "expected RECORD messages, found a BATCH: remove batch_config from the tap's settings",
                );
                Err(error.in_stream(self.messages.name(stream)))
            }
            Message::Blank => {
                self.summary.blank += 1;
                Ok(())
            }
            Message::Unknown { name } => {
                self.summary.ignored += 1;
                log::warn!(
                    "skipped: line {}: a message of unknown type \"{}\"",
                    line.at.line,
                    show(&name)
                );
                Ok(())
            }
        }
    }
}
