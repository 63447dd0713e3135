//! Passing on only what is valid.
//!
//! One thread reads blocks of whole lines, the other checks them and writes: in one piece as long as nothing is left
//! out.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use melisma_engine::budget::{Budget, Reservation};
use melisma_engine::cell::Row;
use melisma_engine::line::{Chunk, Line, LineReader, NotUtf8, START};
use melisma_engine::pipeline::DeadLetters;
use melisma_sdk::{Error, Position, Result};

use super::Args;
use super::check::{Checker, Wrong};
use super::input::Input;
use super::pass::{BLOCK, write_failed};
use crate::tally::Tally;

/// Buffers that are kept to be filled again.
const SPARE: usize = 4;
/// So many lines that are left out are told one by one.
const TOLD: u64 = 10;

/// What happens to a line that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OnInvalid {
    /// The pipe ends with an error; what came before the line has been passed on.
    Fail,
    /// It is left out.
    Skip,
    /// It is left out and set aside in this file.
    DeadLetter(PathBuf),
}

impl FromStr for OnInvalid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "fail" => Ok(Self::Fail),
            None if text == "skip" => Ok(Self::Skip),
            None if text == "dead-letter" => Ok(Self::DeadLetter("dead-letters.jsonl".into())),
            Some(("dead-letter", file)) if !file.is_empty() => Ok(Self::DeadLetter(file.into())),
            _ => Err("expected fail, skip, dead-letter or dead-letter=FILE".to_owned()),
        }
    }
}

/// Passes valid lines from `input` to `output`; the number of those left out. As many bytes as the buffer has may be
/// read ahead.
pub(crate) fn pass(input: Input, output: File, args: &Args, tally: &mut Tally) -> Result<u64> {
    let letters = match &args.on_invalid {
        OnInvalid::DeadLetter(path) => Some(DeadLetters::open(path)?),
        OnInvalid::Fail | OnInvalid::Skip => None,
    };
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    // Two blocks at least: one is read while the other is checked.
    let budget = Budget::new(bytes(args.buffer.max(2 * BLOCK)));
    let (full_in, full_out) = unbounded();
    let (spare_in, spare_out) = bounded(SPARE);
    // Not a scoped thread: when writing fails, it may wait for input that never comes, and is left behind.
    let max_line_bytes = bytes(args.max_line_bytes);
    let reader = thread::spawn(move || read_ahead(input, max_line_bytes, &budget, &full_in, &spare_out));
    let fail = args.on_invalid == OnInvalid::Fail;
    let mut gate = Gate {
        checker: Checker::default(),
        output,
        letters,
        fail,
        left_out: 0,
    };
    let mut position = START;
    for (chunk, reserved) in full_out {
        let chunk: Chunk = chunk;
        tally.feed(chunk.bytes());
        position = gate.pass(&chunk, position)?;
        // Full only when the reader has buffers enough.
        let _ = spare_in.try_send(chunk.into_buffer());
        drop::<Reservation>(reserved);
    }
    let read = reader
        .join()
        .map_err(|_| Error::bug("the reading thread panicked"))?;
    read.map_err(|error| error.at(position))?;
    Ok(gate.left_out)
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
        // What is read is counted, and not the buffers: one long line makes a large one.
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
    left_out: u64,
}

impl Gate {
    /// Checks a chunk that starts at `from` and writes what is valid of it; where it ends.
    fn pass(&mut self, chunk: &Chunk, from: Position) -> Result<Position> {
        let bytes = chunk.bytes();
        let mut row = Row::default();
        let mut lines = chunk.lines(from);
        // What is checked and not written yet starts here.
        let mut start = 0;
        loop {
            let line_start = offset(from, lines.next_position());
            let Some(line) = lines.next() else { break };
            let wrong = match &line {
                Ok(line) => self.checker.check(line, &mut row).err(),
                Err(line) => Some(Wrong::Line(line.error())),
            };
            let Some(wrong) = wrong else { continue };
            self.write(&bytes[start..line_start])?;
            start = offset(from, lines.next_position());
            match wrong {
                Wrong::Line(error) if !self.fail => self.leave_out(&error, &line)?,
                Wrong::Line(error) | Wrong::Schema(error) => return Err(error),
            }
        }
        self.write(&bytes[start..])?;
        Ok(lines.next_position())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        // A STATE among the bytes stands for what was set aside before it, so that must be on disk first.
        if let Some(letters) = &mut self.letters {
            letters.sync()?;
        }
        self.output.write_all(bytes).map_err(write_failed)
    }

    #[cold]
    #[expect(clippy::print_stderr, reason = "the pipe has no other log")]
    fn leave_out(&mut self, error: &Error, line: &Result<Line<'_>, NotUtf8<'_>>) -> Result<()> {
        self.left_out += 1;
        match self.left_out {
            n if n <= TOLD => eprintln!("melisma: left out: {error}"),
            n if n == TOLD + 1 => eprintln!("melisma: more lines are left out; the end says how many"),
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
        // On the way out of an error; what was set aside is worth keeping then too.
        if let Some(letters) = &mut self.letters {
            let _ = letters.sync();
        }
    }
}

fn offset(from: Position, to: Position) -> usize {
    usize::try_from(to.byte - from.byte).unwrap_or(usize::MAX)
}
