//! `--validate`: passing on only valid lines.
//!
//! One thread reads blocks of whole lines, the other checks and writes them. A block without invalid lines is written in
//! one piece.

use std::fs::File;
use std::io::Write;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use melisma_engine::budget::{Budget, Reservation};
use melisma_engine::cell::Row;
use melisma_engine::line::{Chunk, Line, LineReader, NotUtf8, START};
use melisma_engine::pipeline::DeadLetters;
use melisma_sdk::{Error, Position, Result};

use super::check::{Checker, Invalid};
use super::input::Input;
use super::pass::write_failed;
use crate::args::{OnInvalid, PipeArgs};
use crate::blocks::BLOCK_BYTES;
use crate::count::Counter;

/// Buffers that are kept for reuse.
const SPARE: usize = 4;
/// The number of skipped lines that are reported one by one.
const REPORTED: u64 = 10;

/// Passes valid lines from `input` to `output`; returns the number of skipped ones. Up to `--buffer` bytes are read
/// ahead.
pub(crate) fn pass(input: Input, output: File, args: &PipeArgs, counter: &mut Counter) -> Result<u64> {
    let letters = match &args.on_invalid {
        OnInvalid::DeadLetter(path) => Some(DeadLetters::open(path)?),
        OnInvalid::Fail | OnInvalid::Skip => None,
    };
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    // At least two blocks: one is read while the other is checked.
    let budget = Budget::new(bytes(args.buffer).max(2 * BLOCK_BYTES));
    let (full_in, full_out) = unbounded();
    let (spare_in, spare_out) = bounded(SPARE);
    // Not a scoped thread: when writing fails, the reader may be waiting for input that never comes. It ends with the
    // process.
    let max_line_bytes = bytes(args.max_line_bytes);
    let reader = thread::spawn(move || read_ahead(input, max_line_bytes, &budget, &full_in, &spare_out));
    let fail = args.on_invalid == OnInvalid::Fail;
    let mut gate = Gate {
        checker: Checker::default(),
        output,
        letters,
        fail,
        skipped: 0,
    };
    let mut position = START;
    for (chunk, reserved) in full_out {
        let chunk: Chunk = chunk;
        counter.feed(chunk.bytes());
        position = gate.pass(&chunk, position)?;
        // The channel is full only when the reader has enough buffers.
        let _ = spare_in.try_send(chunk.into_buffer());
        drop::<Reservation>(reserved);
    }
    let read = reader
        .join()
        .map_err(|_| Error::bug("the reading thread panicked"))?;
    read.map_err(|error| error.at(position))?;
    Ok(gate.skipped)
}

fn read_ahead(
    input: Input,
    max_line_bytes: usize,
    budget: &Budget,
    full: &Sender<(Chunk, Reservation)>,
    spare: &Receiver<Vec<u8>>,
) -> Result<()> {
    let mut lines = LineReader::new(input, max_line_bytes);
    while let Some(chunk) = lines.next_chunk(spare.try_recv().unwrap_or_default())? {
        // Counts what was read and not the capacity of the buffer: after one long line that stays large.
        let reserved = budget.reserve(chunk.bytes().len());
        if full.send((chunk, reserved)).is_err() {
            break;
        }
    }
    Ok(())
}

struct Gate {
    checker: Checker,
    output: File,
    letters: Option<DeadLetters>,
    fail: bool,
    skipped: u64,
}

impl Gate {
    /// Checks a chunk that starts at `from` and writes its valid lines; returns where the chunk ends.
    fn pass(&mut self, chunk: &Chunk, from: Position) -> Result<Position> {
        let bytes = chunk.bytes();
        let mut row = Row::default();
        let mut lines = chunk.lines(from);
        // The start of what is checked and not written yet.
        let mut start = 0;
        loop {
            let line_start = offset(from, lines.next_position());
            let Some(line) = lines.next() else { break };
            let wrong = match &line {
                Ok(line) => self.checker.check(line, &mut row).err(),
                Err(line) => Some(Invalid::Line(line.error())),
            };
            let Some(wrong) = wrong else { continue };
            self.write(&bytes[start..line_start])?;
            start = offset(from, lines.next_position());
            match wrong {
                Invalid::Line(error) if !self.fail => self.skip(&error, &line)?,
                Invalid::Line(error) | Invalid::Schema(error) => return Err(error),
            }
        }
        self.write(&bytes[start..])?;
        Ok(lines.next_position())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        // A STATE among the bytes also covers the dead letters before it, so these must be on disk first.
        if let Some(letters) = &mut self.letters {
            letters.sync()?;
        }
        self.output.write_all(bytes).map_err(write_failed)
    }

    #[cold]
    #[expect(clippy::print_stderr, reason = "the pipe has no other log")]
    fn skip(&mut self, error: &Error, line: &Result<Line<'_>, NotUtf8<'_>>) -> Result<()> {
        self.skipped += 1;
        match self.skipped {
            n if n <= REPORTED => eprintln!("melisma: skipped: {error}"),
            n if n == REPORTED + 1 => eprintln!("melisma: further skipped lines are only counted"),
            _ => {}
        }
        let Some(letters) = &mut self.letters else {
            return Ok(());
        };
        let (text, at) = match line {
            Ok(line) => (line.text.into(), line.at),
            Err(line) => (String::from_utf8_lossy(line.bytes), line.at),
        };
        letters.add(at, error.stream().unwrap_or_default(), error.message(), &text)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // After an error too: the dead letters so far are worth keeping.
        if let Some(letters) = &mut self.letters {
            let _ = letters.sync();
        }
    }
}

fn offset(from: Position, to: Position) -> usize {
    usize::try_from(to.byte - from.byte).unwrap_or(usize::MAX)
}
