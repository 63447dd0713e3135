//! The decode loop: reads lines, decodes records into their stream's encoder, and leaves it to the [`Committer`] what
//! becomes of the rows.

use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender};

use super::Shared;
use super::clock::Clock;
use super::committer::{Committer, Received, Sizes};
use super::dead_letter::DeadLetters;
use super::observer::Summary;
use super::options::OnInvalid;
use super::reader::{Input, Reader};
use super::repair::{repair, replace_invalid};
use super::stream::Trouble;
use super::writer::Command;
use crate::cell::Row;
use crate::copied;
use crate::error::{Error, Kind, Result, show};
use crate::fault;
use crate::line::{Line, NotUtf8, START};
use crate::message::{Message, MessageReader, Record};
use crate::sink::Destination;

/// How long a quiet input is waited for before timers and signals are looked at.
const TICK: Duration = Duration::from_millis(50);
/// Refused records that are logged one by one.
const LOGGED: u64 = 10;

/// Reads the lines of a run.
pub(super) struct DecodeLoop<'e, D: Destination> {
    shared: Shared<'e>,
    committer: Committer<'e, D>,
    messages: MessageReader,
    /// When the rows were extracted that come in forms of COPY.
    extracted: String,
    /// The memory of a tuple.
    tuple: Vec<u8>,
    clock: Clock,
    sizes: Sizes,
    /// Without the streams, which are the committer's.
    summary: Summary,
}

/// What came of a line.
enum Read {
    Done,
    /// It is no message; nothing was done.
    NoMessage(Error),
}

impl<'e, D: Destination> DecodeLoop<'e, D> {
    pub(super) fn new(
        destination: &'e D,
        shared: Shared<'e>,
        writers: Vec<Sender<Command<D>>>,
        dead_letters: Option<DeadLetters>,
    ) -> Self {
        let options = shared.options;
        let clock = Clock::start(options.add_metadata);
        let committer = Committer::new(destination, shared, writers, dead_letters, clock.clone());
        Self {
            shared,
            sizes: committer.sizes(),
            committer,
            messages: MessageReader::new(options.lenient)
                .with_max_streams(options.max_streams)
                .with_copied(options.accepts_copied),
            extracted: String::new(),
            tuple: Vec::new(),
            clock,
            summary: Summary::default(),
        }
    }

    /// Reads and decodes until the input ends, or something else ends the run.
    pub(super) fn run(&mut self, reader: &Reader) -> Result<()> {
        let mut row = Row::default();
        let mut position = START;
        loop {
            match reader.input.recv_timeout(TICK) {
                Ok(Input::Lines(chunk, memory)) => {
                    self.clock.read();
                    self.committer.set_clock(self.clock.clone());
                    let tuples = self.shared.options.accepts_copied;
                    let mut lines = chunk.lines_and_tuples(position, tuples);
                    let mut used = row.recycle();
                    for line in lines.by_ref() {
                        self.summary.lines += 1;
                        match line {
                            Ok(line) => self.line(&line, &mut used)?,
                            Err(line) if line.is_tuple() && tuples => self.tuple(&line)?,
                            Err(line) => self.not_utf8(&line)?,
                        }
                    }
                    row = used.recycle();
                    self.summary.bytes += chunk.bytes().len() as u64;
                    position = lines.next_position();
                    drop(memory);
                    reader.recycle(chunk);
                    self.committer.measure_all()?;
                    fault!(DECODE_BLOCK);
                }
                Ok(Input::End) => return Ok(()),
                // Only what is wrong with the bytes has a place among them.
                Ok(Input::Failed(error)) if error.kind() == Kind::Unavailable => return Err(error),
                Ok(Input::Failed(error)) => return Err(error.at(position)),
                Err(RecvTimeoutError::Timeout) => self.committer.set_now(Instant::now()),
                Err(RecvTimeoutError::Disconnected) => return Err(Error::bug("the reading thread is gone")),
            }
            let now = self.committer.now();
            self.shared
                .observer
                .progress(now, self.summary.bytes, &mut self.committer.summaries());
            self.shared.check()?;
            self.committer.timers()?;
        }
    }

    /// The input has ended as it should.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.committer.finish(self.received())
    }

    /// The run ends before its time.
    pub(super) fn drain(&mut self) {
        self.committer.drain();
    }

    /// With nothing more to do, the writers end.
    pub(super) fn dismiss_writers(&mut self) {
        self.committer.dismiss_writers();
    }

    /// What was done, once the writers have ended.
    pub(super) fn summarize(&mut self) -> Summary {
        let mut summary = std::mem::take(&mut self.summary);
        summary.streams = self.committer.take_summaries();
        summary
    }

    fn received(&self) -> Received {
        Received {
            records: self.summary.records,
            refused: self.summary.refused,
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

    /// A row of COPY's binary format.
    #[inline]
    fn tuple(&mut self, line: &NotUtf8<'_>) -> Result<()> {
        let mut tuple = std::mem::take(&mut self.tuple);
        tuple.clear();
        let read = self.messages.tuple(line.bytes).and_then(|(stream, body)| {
            copied::unseal(&line.bytes[body..], &mut tuple)?;
            Some(stream.index())
        });
        let done = match read {
            Some(id) => self.push_tuple(line, id, &tuple),
            None => Err(no_tuple(line)),
        };
        self.tuple = tuple;
        done
    }

    #[inline]
    fn push_tuple(&mut self, line: &NotUtf8<'_>, id: usize, tuple: &[u8]) -> Result<()> {
        let Some(stream) = self.committer.stream_for_record(line.at.line, id) else {
            return Err(no_tuple(line));
        };
        fault!(COPIED_ROW);
        match stream.push_tuple(tuple, &self.extracted, self.clock.metadata()) {
            Ok(true) => {}
            // What refuses it says so of its line.
            Ok(false) | Err(Trouble::Record(_)) => {
                let Some(text) = stream.line_of_tuple(tuple) else {
                    return Err(no_tuple(line));
                };
                let at = line.at;
                return self.line(&Line { text: &text, at }, &mut Row::default());
            }
            Err(Trouble::Line(error) | Trouble::Encoder(error)) => {
                self.committer.give_up(id);
                return Err(error.at(line.at).in_stream(self.committer.name(id)));
            }
        }
        self.summary.records += 1;
        stream.count_row(line.bytes.len());
        if self.sizes.are_reached(stream) {
            self.committer.grown(id)?;
        }
        Ok(())
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
            self.committer.uncover();
        }
        log::warn!("skipped: {error}");
        Ok(())
    }

    #[inline]
    fn record<'a>(&mut self, line: &Line<'a>, record: &Record<'a>, row: &mut Row<'a>) -> Result<Read> {
        let id = record.stream.index();
        let Some(stream) = self.committer.stream_for_record(line.at.line, id) else {
            let error = Error::input("expected a SCHEMA before the first RECORD of the stream, found none");
            return Err(error.at(line.at).in_stream(self.messages.name(record.stream)));
        };
        fault!(COPIED_ROW, if record.is_copied);
        let pushed = if record.is_copied {
            stream.push_copied(line, record, &self.extracted, self.clock.metadata())
        } else {
            stream.push(line, record, row, self.clock.metadata())
        };
        if let Err(trouble) = pushed {
            return self.trouble(line, id, trouble);
        }
        self.summary.records += 1;
        stream.count_row(line.text.len());
        if self.sizes.are_reached(stream) {
            self.committer.grown(id)?;
        }
        Ok(Read::Done)
    }

    #[cold]
    fn trouble(&mut self, line: &Line<'_>, id: usize, trouble: Trouble) -> Result<Read> {
        match trouble {
            Trouble::Line(error) => Ok(Read::NoMessage(error)),
            Trouble::Record(error) => self.refuse(line, id, error).map(|()| Read::Done),
            Trouble::Encoder(error) => {
                self.committer.give_up(id);
                Err(error.at(line.at).in_stream(self.committer.name(id)))
            }
        }
    }

    /// A record does not fit its schema: ends the run, or is left out.
    fn refuse(&mut self, line: &Line<'_>, id: usize, error: Error) -> Result<()> {
        let error = error.at(line.at).in_stream(self.committer.name(id));
        if self.shared.options.on_invalid == OnInvalid::Fail {
            return Err(error);
        }
        match self.committer.as_record(id, line) {
            Some(text) => {
                let at = line.at;
                self.committer.leave_out(id, &Line { text: &text, at }, &error)?;
            }
            None => self.committer.leave_out(id, line, &error)?,
        }
        self.summary.records += 1;
        self.summary.refused += 1;
        self.shared
            .observer
            .refused(self.committer.name(id), error.message());
        if self.summary.refused <= LOGGED {
            log::warn!("refused: {error}");
        }
        Ok(())
    }

    /// Everything but RECORD.
    #[cold]
    fn other(&mut self, line: &Line<'_>, message: Message<'_>) -> Result<()> {
        match message {
            Message::Record(_) => Err(Error::bug("a RECORD took the wrong way")),
            Message::Schema(schema) => {
                let id = schema.stream.index();
                let name = self.messages.name(schema.stream).to_owned();
                self.committer
                    .schema(line.at.line, id, &name, schema)
                    .map_err(|error| error.in_stream(&name))
            }
            Message::State(value) => {
                self.summary.states += 1;
                self.committer.state(line.at.line, value, self.received())
            }
            Message::ActivateVersion { stream, version } => {
                let activated = self.committer.activate(line.at.line, stream.index(), version);
                activated.map_err(|error| error.in_stream(self.messages.name(stream)))
            }
            Message::Copied { stream, columns } => {
                self.committer.announce_copied(stream.index(), &columns);
                fault!(COPIED_ANNOUNCED);
                Ok(())
            }
            Message::Extracted(time) => {
                self.extracted.clear();
                self.extracted.push_str(time);
                Ok(())
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

#[cold]
fn no_tuple(line: &NotUtf8<'_>) -> Error {
    Error::input("expected a row with the announced columns, found other bytes").at(line.at)
}
