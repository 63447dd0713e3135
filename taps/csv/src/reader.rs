//! Reads a CSV file as records, through one reused buffer.

use std::path::Path;

use melisma_sdk::{Error, Position, Result};

use crate::dialect::Dialect;
use crate::encoding::Failure;
use crate::marks::Cursor;
use crate::parse::Parser;
use crate::plain::PlainRows;
use crate::record::Record;
use crate::source::Source;
use crate::step::Step;

/// How much text is taken apart at a time; the buffer grows for a longer record.
const WINDOW: usize = 256 << 10;
/// The room that a decoder needs to make any progress.
const ROOM: usize = 16;

/// What a caller of [`Reader::read`] wants after a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The next one.
    Next,
    /// No more for now; the next call starts after this record.
    Stop,
    /// No more for now; the next call starts with this record again.
    StopBefore,
}

/// Reads one file.
pub(crate) struct Reader {
    file: Box<str>,
    source: Source,
    parser: Parser,
    buffer: Vec<u8>,
    /// How much of the buffer is text that was not taken apart yet; it starts at 0.
    filled: usize,
    /// Whether nothing follows what is in the buffer.
    ended: bool,
    /// Whether the buffer holds no whole record any more.
    starved: bool,
    /// The line on which the buffer starts, counted from 1.
    line: u64,
    /// The bytes of the file (after decompression; of UTF-8 text, if it was in another encoding) before the buffer.
    byte: u64,
    max_row: usize,
}

impl Reader {
    /// A reader of `source`, which errors call `file`. No row may be longer than `max_row` bytes.
    pub(crate) fn new(file: &Path, source: Source, dialect: Dialect, max_row: usize) -> Self {
        Self::with_window(file, source, dialect, max_row, WINDOW)
    }

    pub(crate) fn with_window(
        file: &Path,
        source: Source,
        dialect: Dialect,
        max_row: usize,
        window: usize,
    ) -> Self {
        Self {
            file: file.display().to_string().into(),
            byte: source.mark(),
            source,
            parser: Parser::new(dialect),
            buffer: vec![0; window],
            filled: 0,
            ended: false,
            starved: true,
            line: 1,
            max_row,
        }
    }

    /// Keeps the escapes of cells that are written like one of `nulls`.
    pub(crate) fn with_nulls(mut self, nulls: &[String]) -> Self {
        self.parser = self.parser.with_nulls(nulls);
        self
    }

    /// The path, for messages.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Hands each record that is left to `each`, until that stops it or the file ends.
    pub(crate) fn read(&mut self, mut each: impl FnMut(&Record<'_>) -> Result<Flow>) -> Result<()> {
        loop {
            if self.starved {
                self.fill()?;
            }
            let last = self.ended;
            let text = match text(&self.buffer[..self.filled], last) {
                Ok(text) => text,
                Err(valid) => return Err(self.malformed(&self.buffer[..valid], self.byte + valid as u64)),
            };
            let dialect = self.parser.dialect();
            let mut plain_rows = PlainRows::new(text.as_bytes(), dialect);
            // It stands at the next record as long as none was plain.
            let mut cursor = None;
            let (mut at, mut line) = (0, self.line);
            let step = loop {
                let (step, plain) = if let Some(row) = self.parser.plain_row(&mut plain_rows, at) {
                    cursor = None;
                    (row.step(), row.plain)
                } else {
                    let cursor =
                        cursor.get_or_insert_with(|| Cursor::new(text.as_bytes(), dialect.marks(), at));
                    let step = self.parser.step(text, cursor, at, last);
                    (step, cursor.is_plain_since(at))
                };
                match step {
                    Step::Record(end) if end - at > self.max_row => break Step::Record(end),
                    Step::Record(end) => {
                        let flow = each(&self.parser.record(text, plain, line, self.byte + at as u64))?;
                        if flow != Flow::StopBefore {
                            at = end;
                            line += self.parser.lines();
                        }
                        if flow != Flow::Next {
                            break Step::End;
                        }
                    }
                    Step::Blank(end) => {
                        at = end;
                        line += 1;
                    }
                    step => break step,
                }
            };
            self.consume(at, line);
            match step {
                Step::Incomplete => self.starved = true,
                Step::Wrong(what, place, lines) => return Err(self.wrong(what, place - at, lines)),
                Step::Record(_) => return Err(self.too_long()),
                Step::End | Step::Blank(_) => return Ok(()),
            }
        }
    }

    /// Skips lines, whatever is on them.
    pub(crate) fn skip_lines(&mut self, mut lines: u64) -> Result<()> {
        while lines > 0 {
            if self.filled < 2 && !self.ended {
                self.fill()?;
            }
            let bytes = &self.buffer[..self.filled];
            let end = match memchr::memchr2(b'\n', b'\r', bytes) {
                _ if bytes.is_empty() => break,
                Some(at) if bytes[at..].starts_with(b"\r\n") => at + 2,
                // Whether a line feed follows is not known before more is read.
                Some(at) if at > 0 && at + 1 == bytes.len() => {
                    self.consume(at, self.line);
                    continue;
                }
                Some(at) => at + 1,
                None => {
                    self.consume(self.filled, self.line);
                    continue;
                }
            };
            self.consume(end, self.line + 1);
            lines -= 1;
        }
        Ok(())
    }

    /// Fills the buffer, growing it when it is full of one record.
    fn fill(&mut self) -> Result<()> {
        self.starved = false;
        if self.filled + ROOM > self.buffer.len() {
            if self.filled > self.max_row {
                return Err(self.too_long());
            }
            let more = self
                .buffer
                .len()
                .min(self.max_row.saturating_sub(self.filled) + WINDOW);
            self.buffer.resize(self.filled + more, 0);
        }
        while !self.ended && self.filled + ROOM <= self.buffer.len() {
            match self.source.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.ended = true,
                Ok(n) => self.filled += n,
                Err(failure) => return Err(self.unreadable(failure)),
            }
        }
        Ok(())
    }

    /// Forgets what was taken apart.
    fn consume(&mut self, end: usize, line: u64) {
        self.buffer.copy_within(end..self.filled, 0);
        self.filled -= end;
        self.byte += end as u64;
        self.line = line;
    }

    fn position(&self) -> Position {
        Position {
            line: self.line,
            byte: self.byte,
        }
    }

    #[cold]
    fn wrong(&self, what: &str, place: usize, lines: u64) -> Error {
        let at = Position {
            line: self.line + lines,
            byte: self.byte + place as u64,
        };
        Error::input(format!("{}: {what}", self.file)).at(at)
    }

    #[cold]
    fn too_long(&self) -> Error {
        let message = format!(
            "{}: a row of more than {} bytes (max_row_bytes); is a quote never closed?",
            self.file, self.max_row
        );
        Error::input(message).at(self.position())
    }

    #[cold]
    fn unreadable(&self, failure: Failure) -> Error {
        match failure {
            Failure::Io(error) => Error::io(format!("{}: cannot be read", self.file), error),
            Failure::Malformed(byte) => self.malformed(&self.buffer[..self.filled], byte),
        }
    }

    /// The bytes at `byte`, which follow `valid` text, are none of the encoding.
    #[cold]
    fn malformed(&self, valid: &[u8], byte: u64) -> Error {
        // A carriage return ends a line, unless a line feed does.
        let ends = memchr::memchr2_iter(b'\n', b'\r', valid)
            .filter(|&at| valid[at] == b'\n' || valid.get(at + 1) != Some(&b'\n'))
            .count();
        let line = self.line + ends as u64;
        let name = self.source.charset().name();
        Error::input(format!(
            "{}: expected {name}, found a byte that is none (see the setting encoding)",
            self.file
        ))
        .at(Position { line, byte })
    }
}

/// The bytes as text, without a character at the end that is not complete yet. An error tells how many bytes are
/// valid.
fn text(bytes: &[u8], last: bool) -> Result<&str, usize> {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Ok(text);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if error.error_len().is_none() && !last => {
            Ok(std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default())
        }
        Err(error) => Err(error.valid_up_to()),
    }
}

#[cfg(test)]
mod tests;
