//! The bytes that go out next, and how short pieces get there fast.

use melisma_engine::json;

use super::part::{Form, Part};

/// How much is copied of a short piece, whatever its length, and then written over: copying the exact
/// number of bytes costs a mispredicted branch on that number.
const PIECE: usize = 32;

/// What is written by every row, with bytes behind it that make whole pieces of it.
#[derive(Clone, Debug, Default)]
pub(in crate::tap) struct Padded {
    pieces: Box<[[u8; PIECE]]>,
    length: usize,
}

impl Padded {
    pub(in crate::tap) fn new(bytes: &[u8]) -> Self {
        let pieces = bytes.chunks(PIECE).map(|chunk| {
            let mut piece = [0; PIECE];
            piece[..chunk.len()].copy_from_slice(chunk);
            piece
        });
        Self {
            pieces: pieces.collect(),
            length: bytes.len(),
        }
    }

    pub(in crate::tap) fn as_slice(&self) -> &[u8] {
        &self.pieces.as_flattened()[..self.length]
    }

    pub(in crate::tap) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.pieces.as_flattened_mut()[..self.length]
    }
}

/// What stands before a cell's value.
#[derive(Clone, Debug)]
pub(in crate::tap) struct Lead {
    /// `"name":"`; the quote is for texts.
    piece: [u8; PIECE],
    /// Without the quote. Longer than a piece for a cell that needs more than to be written.
    length: usize,
}

impl Lead {
    /// `key` is `"name":`.
    pub(in crate::tap) fn new(key: &[u8]) -> Self {
        let mut piece = [0; PIECE];
        let Some(room) = piece.get_mut(..=key.len()) else {
            return Self::unusual();
        };
        room[..key.len()].copy_from_slice(key);
        room[key.len()] = b'"';
        Self {
            piece,
            length: key.len(),
        }
    }

    /// Of a cell that has to be looked at.
    pub(in crate::tap) fn unusual() -> Self {
        Self {
            piece: [0; PIECE],
            length: PIECE + 1,
        }
    }

    /// Whether the cell needs nothing but to be written.
    #[inline]
    pub(in crate::tap) fn is_usual(&self) -> bool {
        self.length < PIECE
    }
}

/// What a cell takes at most that is not unusual.
const ROOM: usize = 4 * PIECE;

/// How much room is made at least; it is filled with zeros, so not too much.
const MORE: usize = 256;

/// A vector that may also be written at a cursor: a row keeps its own, and only a complete one moves `filled`.
#[derive(Debug, Default)]
pub(in crate::tap) struct Buffer {
    /// What is filled, and behind it room whose bytes mean nothing.
    bytes: Vec<u8>,
    filled: usize,
    scratch: Vec<u8>,
}

impl Buffer {
    pub(in crate::tap) fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
            filled: 0,
            scratch: Vec::new(),
        }
    }

    #[inline]
    pub(in crate::tap) fn len(&self) -> usize {
        self.filled
    }

    #[inline]
    pub(in crate::tap) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    pub(in crate::tap) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Takes out what stands from `to` on. The room stays, so that it need not be made again.
    pub(in crate::tap) fn truncate(&mut self, to: usize) {
        self.filled = self.filled.min(to);
    }

    /// Appends what `write` writes. There is no room behind it.
    pub(in crate::tap) fn append<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        self.bytes.truncate(self.filled);
        let written = write(&mut self.bytes);
        self.filled = self.bytes.len();
        written
    }

    /// What was written at a cursor before `end` counts.
    #[inline]
    pub(in crate::tap) fn fill(&mut self, end: usize) {
        self.filled = end;
    }

    /// What stands there, filled or not.
    #[inline]
    pub(in crate::tap) fn written(&self, from: usize, to: usize) -> &[u8] {
        &self.bytes[from..to]
    }

    /// Writes what `write` appends to an empty vector at `at`, and returns where it ends. (Appended to these bytes it would
    /// cost them their room.)
    #[inline]
    pub(in crate::tap) fn put_with(&mut self, at: usize, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let mut value = std::mem::take(&mut self.scratch);
        value.clear();
        write(&mut value);
        let end = self.put_slice(at, &value);
        self.scratch = value;
        end
    }

    /// Writes a piece of a fixed length at `at`.
    #[inline]
    pub(in crate::tap) fn put<const N: usize>(&mut self, at: usize, piece: &[u8; N]) {
        if let Some(room) = self.bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *room = *piece;
        } else {
            self.grow(at, N)[..N].copy_from_slice(piece);
        }
    }

    /// Writes what is padded at `at`, and returns where it ends.
    #[inline]
    pub(in crate::tap) fn put_padded(&mut self, at: usize, padded: &Padded) -> usize {
        self.reserve(at, padded.pieces.len() * PIECE);
        let (room, _) = self.bytes[at..].as_chunks_mut();
        for (room, piece) in room.iter_mut().zip(&padded.pieces) {
            *room = *piece;
        }
        at + padded.length
    }

    /// Writes the key of a cell at `at`, with a quote behind it, and returns where the key ends: a text goes behind the
    /// quote, and any other value over it.
    #[inline]
    pub(in crate::tap) fn put_key(&mut self, at: usize, lead: &Lead, key: &[u8]) -> usize {
        if lead.is_usual() {
            self.put(at, &lead.piece);
            return at + lead.length;
        }
        self.put_long_key(at, key)
    }

    #[cold]
    fn put_long_key(&mut self, at: usize, key: &[u8]) -> usize {
        let end = self.put_slice(at, key);
        self.put(end, b"\"");
        end
    }

    /// Writes bytes at `at`, and returns where they end.
    #[inline]
    pub(in crate::tap) fn put_slice(&mut self, at: usize, bytes: &[u8]) -> usize {
        if let Some(room) = self.bytes.get_mut(at..at + bytes.len()) {
            room.copy_from_slice(bytes);
        } else {
            self.grow(at, bytes.len())[..bytes.len()].copy_from_slice(bytes);
        }
        at + bytes.len()
    }

    /// Writes bytes that are few as a rule at `at`, and returns where they end.
    #[inline]
    pub(in crate::tap) fn put_short(&mut self, at: usize, bytes: &[u8]) -> usize {
        self.reserve(at, bytes.len());
        copy_short(&mut self.bytes[at..at + bytes.len()], bytes);
        at + bytes.len()
    }

    /// Writes a text as the inside of a JSON string at `at`, escaped as it needs, and returns where it ends.
    #[inline]
    pub(in crate::tap) fn put_text(&mut self, at: usize, text: &str) -> usize {
        let bytes = text.as_bytes();
        self.reserve(at, bytes.len());
        if copy_plain(&mut self.bytes[at..at + bytes.len()], bytes) {
            at + bytes.len()
        } else {
            self.put_escaped(at, text)
        }
    }

    /// Writes a text as a JSON string at `at`, and returns where it ends.
    #[inline]
    pub(in crate::tap) fn put_quoted(&mut self, at: usize, text: &str) -> usize {
        let bytes = text.as_bytes();
        let end = at + bytes.len() + 2;
        self.reserve(at, bytes.len() + 2);
        if let [first, inner @ .., last] = &mut self.bytes[at..end] {
            (*first, *last) = (b'"', b'"');
            if copy_plain(inner, bytes) {
                return end;
            }
        }
        let end = self.put_escaped(at + 1, text);
        self.put(end, b"\"");
        end + 1
    }

    #[cold]
    fn put_escaped(&mut self, at: usize, text: &str) -> usize {
        self.put_with(at, |out| json::write_text(out, text))
    }

    /// Takes the quotes off the text that stands there, and returns where it ends then.
    pub(in crate::tap) fn unquote(&mut self, from: usize, to: usize) -> usize {
        self.bytes.copy_within(from + 1..to - 1, from);
        to - 2
    }

    /// Writes cells of a row at `at`, their commas included, up to the first that is not as most are; returns how many,
    /// and where they end.
    pub(in crate::tap) fn put_parts(
        &mut self,
        mut at: usize,
        leads: &[Lead],
        text: &[u8],
        parts: &[Part],
    ) -> (usize, usize) {
        self.reserve(at, parts.len() * ROOM);
        let room = self.bytes.as_mut_slice();
        for (written, (lead, part)) in leads.iter().zip(parts).enumerate() {
            match put_part(room, at, lead, text, part) {
                Some(end) => at = end,
                None => return (written, at),
            }
        }
        (parts.len().min(leads.len()), at)
    }

    #[inline]
    fn reserve(&mut self, at: usize, need: usize) {
        if self.bytes.len() < at + need {
            self.grow(at, need);
        }
    }

    /// Makes room for at least `need` bytes at `at`, and returns it.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, at: usize, need: usize) -> &mut [u8] {
        self.bytes.resize(at + need + MORE, 0);
        &mut self.bytes[at..]
    }
}

/// Copies bytes to as much room, the few by copies of fixed lengths that overlap.
#[inline]
fn copy_short(room: &mut [u8], bytes: &[u8]) {
    match bytes.len() {
        0 => {}
        1..4 => room.iter_mut().zip(bytes).for_each(|(room, byte)| *room = *byte),
        4..8 => copy_ends::<4>(room, bytes),
        8..16 => copy_ends::<8>(room, bytes),
        16..=32 => copy_ends::<16>(room, bytes),
        _ => room.copy_from_slice(bytes),
    }
}

/// Copies the first and the last `N` bytes, which together are all.
#[inline]
fn copy_ends<const N: usize>(room: &mut [u8], bytes: &[u8]) {
    if let (Some(room), Some(bytes)) = (room.first_chunk_mut::<N>(), bytes.first_chunk()) {
        *room = *bytes;
    }
    if let (Some(room), Some(bytes)) = (room.last_chunk_mut::<N>(), bytes.last_chunk()) {
        *room = *bytes;
    }
}

/// Copies text to as much room, and says whether nothing of it has to be escaped.
#[inline]
fn copy_plain(room: &mut [u8], bytes: &[u8]) -> bool {
    if bytes.len() <= 32 {
        copy_short(room, bytes);
        return match bytes.len() {
            0..4 => bytes.iter().all(|&byte| is_plain(byte)),
            4..8 => is_plain_word(word(bytes.first_chunk::<4>()) | word(bytes.last_chunk::<4>()) << 32),
            8..16 => {
                is_plain_word(word(bytes.first_chunk::<8>())) & is_plain_word(word(bytes.last_chunk::<8>()))
            }
            _ => ends_are_plain::<16>(bytes),
        };
    }
    let mut plain = true;
    for (room, bytes) in room.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
        *room = *bytes;
        plain &= all_plain::<16>(bytes);
    }
    if let (Some(room), Some(bytes)) = (room.last_chunk_mut(), bytes.last_chunk()) {
        *room = *bytes;
        plain &= all_plain::<16>(bytes);
    }
    plain
}

#[inline]
fn ends_are_plain<const N: usize>(bytes: &[u8]) -> bool {
    let plain = |end: Option<&[u8; N]>| end.is_some_and(all_plain);
    plain(bytes.first_chunk()) & plain(bytes.last_chunk())
}

/// Bytes as a number, the first one lowest.
#[inline]
fn word<const N: usize>(bytes: Option<&[u8; N]>) -> u64 {
    let mut word = [0; 8];
    if let (Some(room), Some(bytes)) = (word.first_chunk_mut(), bytes) {
        *room = *bytes;
    }
    u64::from_le_bytes(word)
}

/// Whether all eight bytes of a word are plain, in a few steps for all: a subtraction borrows from the high bit of each byte
/// that is below what is taken away.
#[inline]
fn is_plain_word(word: u64) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let below = |word: u64, limit: u64| word.wrapping_sub(EACH * limit) & !word;
    let is = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & (EACH << 7) == 0
}

/// Without a branch for each byte, so that the compiler looks at all of them at once.
#[inline]
fn all_plain<const N: usize>(bytes: &[u8; N]) -> bool {
    bytes.iter().fold(true, |plain, &byte| plain & is_plain(byte))
}

/// Whether a byte of text stands in a JSON string as it is.
#[inline]
fn is_plain(byte: u8) -> bool {
    (byte >= 0x20) & (byte != b'"') & (byte != b'\\')
}

/// Writes a cell of a row at `at`, its comma included, and returns where it ends; `None` if it is not as most are.
#[inline]
fn put_part(room: &mut [u8], at: usize, lead: &Lead, text: &[u8], part: &Part) -> Option<usize> {
    let room = room.get_mut(at..)?.first_chunk_mut::<ROOM>()?;
    let source = text.get(part.start..)?.first_chunk::<{ 2 * PIECE }>()?;
    let length = part.end.wrapping_sub(part.start);
    let quote = usize::from(part.form == Form::Plain);
    let from = lead.length + quote;
    if from > PIECE {
        return None;
    }
    *room.first_chunk_mut()? = lead.piece;
    let room = &mut room[from..];
    if !matches!(part.form, Form::Number | Form::Plain) || length > source.len() {
        let literal = literal(part.form)?;
        room[..literal.len()].copy_from_slice(literal);
        return Some(at + from + 4 + usize::from(part.form == Form::False) + 1);
    }
    let (first, second) = source.split_at(PIECE);
    room[..PIECE].copy_from_slice(first);
    if length > PIECE {
        room[PIECE..2 * PIECE].copy_from_slice(second);
    }
    // Without a quote the comma takes its place.
    room[length] = b'"';
    room[length + quote] = b',';
    Some(at + from + length + quote + 1)
}

/// What is written whatever stands there, and its comma.
fn literal(form: Form) -> Option<&'static [u8; 6]> {
    match form {
        Form::Null => Some(b"null, "),
        Form::True => Some(b"true, "),
        Form::False => Some(b"false,"),
        Form::Number | Form::Plain | Form::Text | Form::Absent => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each byte at each place of texts of every length.
    #[test]
    fn texts_are_plain_where_each_byte_is() {
        for length in 0..70 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'~'; length];
                    text[place] = byte;
                    let mut room = vec![0; length];
                    assert_eq!(
                        copy_plain(&mut room, &text),
                        is_plain(byte),
                        "{byte} at {place} of {length}"
                    );
                    assert_eq!(room, text);
                }
            }
        }
    }
}
