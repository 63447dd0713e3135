//! Reads the input in large blocks of whole lines.
//!
//! A block is read by one thread and taken apart by another; its buffer then comes back to be filled again, so in
//! steady state nothing is allocated and no line is copied, save the one that straddles two reads.

use std::io::Read;

use crate::copied::TUPLE;
use crate::error::{Error, Position, Result};

/// How much is asked of one `read`. A pipe gives at most its own size, 64 KiB by default.
const BLOCK: usize = 256 * 1024;
/// A buffer that one long line made larger than this is not kept.
const KEEP: usize = 4 * BLOCK;

/// The default of `max_line_bytes`, 64 MiB. Meltano itself fails lines above half of `elt.buffer_size`, 50 MiB.
pub const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// A block of whole lines.
#[derive(Debug, Default)]
pub struct Chunk {
    buffer: Vec<u8>,
    end: usize,
}

impl Chunk {
    /// The lines, newlines included; only the last line of the input may lack its own.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[..self.end]
    }

    /// The lines one by one. `from` is where this chunk starts in the input; [`Lines::next_position`] is where it ends.
    pub fn lines(&self, from: Position) -> Lines<'_> {
        Lines::new(self.bytes(), from)
    }

    /// The same, with tuples among them where these were agreed ([`Lines::with_tuples`]).
    pub fn lines_and_tuples(&self, from: Position, tuples: bool) -> Lines<'_> {
        Lines::with_tuples(self.bytes(), from, tuples)
    }

    /// The buffer, to be given to [`LineReader::next_chunk`] again.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

impl From<Vec<u8>> for Chunk {
    /// A chunk of lines that are in memory already.
    fn from(buffer: Vec<u8>) -> Self {
        Self {
            end: buffer.len(),
            buffer,
        }
    }
}

/// Reads chunks.
/// ```
/// use melisma_engine::line::{LineReader, START};
///
/// let mut reader = LineReader::new(&b"{\"a\":1}\n\xe9\n"[..], 1 << 20);
/// let chunk = reader.next_chunk(Vec::new())?.expect("lines");
/// let mut lines = chunk.lines(START);
/// assert!(matches!(lines.next(), Some(Ok(line)) if line.text == r#"{"a":1}"#));
/// assert!(matches!(lines.next(), Some(Err(line)) if line.bytes == b"\xe9" && line.at.line == 2));
/// # Ok::<(), melisma_engine::Error>(())
/// ```
#[derive(Debug)]
pub struct LineReader<R> {
    input: R,
    /// The begun line that the last read ended with.
    rest: Vec<u8>,
    max_line_bytes: usize,
    ended: bool,
    /// The line after those of the last chunk is too long.
    too_long: bool,
}

impl<R: Read> LineReader<R> {
    /// Reads lines of at most `max_line_bytes`, their newline not counted.
    pub fn new(input: R, max_line_bytes: usize) -> Self {
        Self {
            input,
            rest: Vec::new(),
            max_line_bytes,
            ended: false,
            too_long: false,
        }
    }

    /// The next whole lines, or `None` at the end of the input. One `read` that ends a line is enough: a slow
    /// writer's line is not held back.
    ///
    /// # Errors
    /// A line above `max_line_bytes` ([`Kind::Input`](crate::Kind::Input)); it starts where the last chunk ended, so
    /// the caller knows its position. A read that failed ([`Kind::Io`](crate::Kind::Io)).
    pub fn next_chunk(&mut self, mut buffer: Vec<u8>) -> Result<Option<Chunk>> {
        if self.too_long {
            return Err(self.longer());
        }
        if self.ended {
            return Ok(None);
        }
        if buffer.len() > KEEP {
            buffer = Vec::new();
        }
        let mut filled = self.rest.len();
        if buffer.len() < filled + BLOCK {
            buffer.resize(filled + BLOCK, 0);
        }
        buffer[..filled].copy_from_slice(&self.rest);
        self.rest.clear();
        loop {
            let read = self.read(&mut buffer[filled..])?;
            if read == 0 {
                self.ended = true;
                self.check_length(filled)?;
                return Ok((filled > 0).then_some(Chunk { buffer, end: filled }));
            }
            let newline = memchr::memrchr(b'\n', &buffer[filled..filled + read]).map(|i| filled + i + 1);
            filled += read;
            if let Some(end) = newline {
                self.rest.extend_from_slice(&buffer[end..filled]);
                let good = self.not_too_long(&buffer[..end]);
                if good < end {
                    self.too_long = true;
                    return if good == 0 {
                        Err(self.longer())
                    } else {
                        Ok(Some(Chunk { buffer, end: good }))
                    };
                }
                return Ok(Some(Chunk { buffer, end }));
            }
            self.check_length(filled)?;
            if filled == buffer.len() {
                buffer.resize((filled * 2).min(self.max_line_bytes.saturating_add(BLOCK)), 0);
            }
        }
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        loop {
            match self.input.read(into) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
                Ok(read) => return Ok(read),
            }
        }
    }

    /// The end of the lines before the first that is too long.
    fn not_too_long(&self, lines: &[u8]) -> usize {
        if lines.len() <= self.max_line_bytes {
            return lines.len();
        }
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', lines) {
            if newline - start > self.max_line_bytes {
                return start;
            }
            start = newline + 1;
        }
        start
    }

    fn check_length(&self, length: usize) -> Result<()> {
        if length <= self.max_line_bytes {
            Ok(())
        } else {
            Err(self.longer())
        }
    }

    fn longer(&self) -> Error {
        let most = self.max_line_bytes;
        Error::input(format!(
            "expected a line of at most {most} bytes (max_line_bytes), found a longer one"
        ))
    }
}

/// One line, without its line end.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The text.
    pub text: &'a str,
    /// Where it starts.
    pub at: Position,
}

/// A line that is not UTF-8, or need not be.
#[derive(Clone, Copy, Debug)]
pub struct NotUtf8<'a> {
    /// The line as it came.
    pub bytes: &'a [u8],
    /// Where it starts.
    pub at: Position,
    /// How many of its bytes are good.
    pub valid: usize,
}

impl NotUtf8<'_> {
    /// Whether it is a tuple, which [`Lines::with_tuples`] does not look into.
    pub fn is_tuple(&self) -> bool {
        self.bytes.first() == Some(&TUPLE) && self.valid == 0
    }

    /// The error that names the first bad byte.
    pub fn error(&self) -> Error {
        let byte = self.bytes.get(self.valid).copied().unwrap_or_default();
        Error::input(format!("expected UTF-8, found the byte 0x{byte:02x}")).at(Position {
            line: self.at.line,
            byte: self.at.byte + self.valid as u64,
        })
    }
}

/// The lines of a chunk.
#[derive(Debug)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    /// The same as text, when all of it is valid: then no line needs a check of its own.
    text: Option<&'a str>,
    tuples: bool,
    at: usize,
    from: Position,
    line: u64,
}

impl<'a> Lines<'a> {
    /// The lines of `bytes`, which start at `from` in the input.
    pub fn new(bytes: &'a [u8], from: Position) -> Self {
        Self::with_tuples(bytes, from, false)
    }

    /// The same; with `tuples`, lines that begin with [`TUPLE`] are no text, and come as [`NotUtf8`] whatever they hold.
    pub fn with_tuples(bytes: &'a [u8], from: Position, tuples: bool) -> Self {
        // Where a tuple is among the first two lines, most lines are none of text.
        let is_tuple = |at: usize| bytes.get(at) == Some(&TUPLE);
        let skips =
            tuples && (is_tuple(0) || memchr::memchr(b'\n', bytes).is_some_and(|end| is_tuple(end + 1)));
        Self {
            bytes,
            text: if skips {
                None
            } else {
                simdutf8::basic::from_utf8(bytes).ok()
            },
            tuples,
            at: 0,
            from,
            line: from.line,
        }
    }

    /// Where the next line starts.
    pub fn next_position(&self) -> Position {
        Position {
            line: self.line,
            byte: self.from.byte + self.at as u64,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Line<'a>, NotUtf8<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let mut at = self.next_position();
        let start = self.at;
        let length = memchr::memchr(b'\n', rest);
        let mut end = start + length.unwrap_or(rest.len());
        self.at = end + usize::from(length.is_some());
        self.line += 1;
        if self.tuples && rest[0] == TUPLE {
            let bytes = &self.bytes[start..end];
            return Some(Err(NotUtf8 { bytes, at, valid: 0 }));
        }
        if end > start && self.bytes[end - 1] == b'\r' {
            end -= 1;
        }
        let text = match self.text.and_then(|text| text.get(start..end)) {
            Some(text) => text,
            None => match std::str::from_utf8(&self.bytes[start..end]) {
                Ok(text) => text,
                Err(error) => {
                    return Some(Err(NotUtf8 {
                        bytes: &self.bytes[start..end],
                        at,
                        valid: error.valid_up_to(),
                    }));
                }
            },
        };
        if at.byte == 0
            && let Some(after) = text.strip_prefix('\u{FEFF}')
        {
            at.byte = 3;
            return Some(Ok(Line { text: after, at }));
        }
        Some(Ok(Line { text, at }))
    }
}

/// Where an input starts.
pub const START: Position = Position { line: 1, byte: 0 };

/// An input that knows better than the operating system why it cannot be read says so with an error of ours.
fn failed(error: std::io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => own,
        Err(error) => Error::io("cannot read the input", error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes out a few at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let n = self.1.min(self.0.len()).min(into.len());
            into[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn lines(input: &[u8], step: usize) -> Vec<(String, u64, u64)> {
        let mut reader = LineReader::new(Trickle(input, step), 100);
        let (mut position, mut found) = (START, Vec::new());
        while let Some(chunk) = reader.next_chunk(Vec::new()).expect("readable") {
            let mut lines = chunk.lines(position);
            for line in lines.by_ref() {
                let line = line.expect("UTF-8");
                found.push((line.text.to_owned(), line.at.line, line.at.byte));
            }
            position = lines.next_position();
        }
        found
    }

    #[test]
    fn lines_do_not_depend_on_how_the_input_is_cut() {
        let input = "\u{FEFF}one\r\ntwo\n\n  é漢😀\nlast".as_bytes();
        let expected = lines(input, 1000);
        assert_eq!(expected[0], ("one".to_owned(), 1, 3));
        assert_eq!(expected[1], ("two".to_owned(), 2, 8));
        assert_eq!(expected[4], ("last".to_owned(), 5, 25));
        for step in 1..30 {
            assert_eq!(lines(input, step), expected, "{step} bytes a read");
        }
    }

    #[test]
    fn a_line_above_the_limit_is_an_error_whatever_the_reads() {
        for step in [1, 7, 1000] {
            let long = [b'x'; 101];
            for input in [&long[..], &[&long[..], b"\nx\n"].concat()] {
                let mut reader = LineReader::new(Trickle(input, step), 100);
                assert!(reader.next_chunk(Vec::new()).is_err());
            }
            let mut reader = LineReader::new(Trickle(&long[..100], step), 100);
            assert!(reader.next_chunk(Vec::new()).expect("fits").is_some());
        }
    }

    #[test]
    fn lines_before_one_above_the_limit_come_first() {
        let input = [b"one\ntwo\n".as_slice(), &[b'x'; 101], b"\nmore\n"].concat();
        for step in [1, 7, 1000] {
            let mut reader = LineReader::new(Trickle(&input, step), 100);
            let mut before = Vec::new();
            while let Ok(chunk) = reader.next_chunk(Vec::new()) {
                before.extend_from_slice(chunk.expect("an error comes first").bytes());
            }
            assert_eq!(before, b"one\ntwo\n", "{step} bytes a read");
        }
    }

    #[test]
    fn one_bad_line_does_not_spoil_the_others() {
        let chunk = Chunk::from(b"good\nb\xffd\ngood\n".to_vec());
        let found: Vec<bool> = chunk.lines(START).map(|line| line.is_ok()).collect();
        assert_eq!(found, [true, false, true]);
        let bad = chunk
            .lines(START)
            .nth(1)
            .expect("three lines")
            .expect_err("not UTF-8");
        assert_eq!(
            bad.error().to_string(),
            "line 2, byte 6: expected UTF-8, found the byte 0xff"
        );
    }
}
