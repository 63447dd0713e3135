//! Lines out of blocks, against the input cut at its newlines, however the input comes.
//!
//! The first two bytes say how long a line may be, the next how many bytes each read gives, in turn; then the input.

use std::io::Read;

use melisma_engine::Position;
use melisma_engine::line::{LineReader, START};

use crate::input::Input;

/// Gives as many bytes to a read as its plan says, in turn.
pub(crate) struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    plan: Vec<usize>,
    turn: usize,
}

impl Pieces {
    /// `plan` has a byte for each read; 0 is interrupted once.
    pub(crate) fn new(bytes: &[u8], plan: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            at: 0,
            plan: plan.iter().map(|&n| usize::from(n)).collect(),
            turn: 0,
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let wanted = self
            .plan
            .get(self.turn % self.plan.len().max(1))
            .copied()
            .unwrap_or(1);
        self.turn += 1;
        if wanted == 0 && self.turn.is_multiple_of(2) {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let rest = &self.bytes[self.at..];
        let n = wanted.max(1).min(into.len()).min(rest.len());
        into[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }
}

/// A line: where it starts, and its text, or how much of it is UTF-8.
type Found = (Position, Result<String, usize>);

/// See the [module](self).
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let longest = usize::from(input.byte()) + (usize::from(input.byte() & 3) << 8);
    let plan = input.take(4);
    let bytes = input.rest();
    let mut reader = LineReader::new(Pieces::new(bytes, plan), longest);
    let (mut found, mut too_long) = (Vec::new(), false);
    let (mut at, mut buffer) = (START, Vec::new());
    loop {
        match reader.next_chunk(buffer) {
            Ok(None) => break,
            Ok(Some(chunk)) => {
                let mut lines = chunk.lines(at);
                for line in &mut lines {
                    found.push(match line {
                        Ok(line) => (line.at, Ok(line.text.to_owned())),
                        Err(bad) => (bad.at, Err(bad.valid)),
                    });
                }
                at = lines.next_position();
                buffer = chunk.into_buffer();
            }
            Err(_) => {
                too_long = true;
                break;
            }
        }
    }
    let (expected, expected_too_long) = naive(bytes, longest);
    assert_eq!((&found, too_long), (&expected, expected_too_long));
    if !too_long {
        assert_eq!(at.byte, bytes.len() as u64);
    }
}

fn naive(bytes: &[u8], longest: usize) -> (Vec<Found>, bool) {
    let mut found = Vec::new();
    let mut byte = 0;
    let mut pieces: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    if pieces.last().is_some_and(|last| last.is_empty()) {
        pieces.pop();
    }
    for (line, piece) in (1..).zip(pieces) {
        if piece.len() > longest {
            return (found, true);
        }
        let text = piece.strip_suffix(b"\r").unwrap_or(piece);
        found.push(match std::str::from_utf8(text) {
            // A byte order mark at the start is no part of the first line.
            Ok(text) if byte == 0 && text.starts_with('\u{FEFF}') => (
                Position { line, byte: 3 },
                Ok(text['\u{FEFF}'.len_utf8()..].to_owned()),
            ),
            text => (
                Position { line, byte },
                text.map(str::to_owned).map_err(|error| error.valid_up_to()),
            ),
        });
        byte += piece.len() as u64 + 1;
    }
    (found, false)
}
