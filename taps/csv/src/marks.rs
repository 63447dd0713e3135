//! Finds the delimiters, quotes and line ends of a CSV, 64 bytes at a time, so that most bytes are never examined one
//! by one.

use crate::block::{BLOCK, Block};

/// The bytes that matter: delimiter, line feed, carriage return, quote and escape. One that a dialect does not
/// have is given as a line feed, which is looked for anyway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks(pub(crate) [u8; 5]);

/// Walks over the marks of a text.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    marks: Marks,
    /// The marks of the current block that are still to come, one bit each.
    pending: u64,
    /// Where the current block starts.
    block: usize,
    /// Where the block after the current one starts.
    next: usize,
    /// Where the last block ends that has a byte, not a mark, that JSON escapes.
    escaped: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the position `at`.
    pub(crate) fn new(bytes: &'a [u8], marks: Marks, at: usize) -> Self {
        Self {
            bytes,
            marks,
            pending: 0,
            block: at,
            next: at,
            escaped: 0,
        }
    }

    /// The position of the next mark.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<usize> {
        while self.pending == 0 {
            if self.next >= self.bytes.len() {
                return None;
            }
            self.load();
        }
        let at = self.block + self.pending.trailing_zeros() as usize;
        self.pending &= self.pending - 1;
        Some(at)
    }

    /// Forgets the next mark if it is at `at`.
    #[inline]
    pub(crate) fn skip(&mut self, at: usize) {
        if self.pending == 0 && self.next < self.bytes.len() && at >= self.next {
            self.load();
        }
        if at >= self.block && at - self.block < BLOCK {
            self.pending &= !(1 << (at - self.block));
        }
    }

    /// Whether all bytes from `start` to the last mark can stand in a JSON string as they are, marks aside.
    #[inline]
    pub(crate) fn is_plain_since(&self, start: usize) -> bool {
        self.escaped <= start
    }

    #[inline]
    fn load(&mut self) {
        self.block = self.next;
        self.next += BLOCK;
        let rest = self.bytes.get(self.block..).unwrap_or_default();
        let (marks, escapes) = if let Some(block) = rest.first_chunk() {
            find(block, self.marks)
        } else {
            // Filled up with bytes that are neither marks nor escaped.
            let mut block = [b'x'; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            let (marks, escapes) = find(&block, self.marks);
            (marks & ((1 << rest.len()) - 1), escapes)
        };
        self.pending = marks;
        if escapes {
            self.escaped = self.next;
        }
    }
}

/// Whether JSON escapes a byte.
pub(crate) fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// One bit for each byte of the block that is a mark, and whether JSON escapes any of the others.
#[inline]
fn find(bytes: &[u8; BLOCK], Marks(marks): Marks) -> (u64, bool) {
    let block = Block::new(bytes);
    let found = marks.iter().fold(0, |found, &mark| found | block.is(mark));
    (found, block.escaped() & !found != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_mark_and_nothing_else() {
        let marks = Marks([b',', b'\n', b'\r', b'"', b'\\']);
        let alphabet = b"ab\0\xff,\n\r\"\\";
        let mut state = 7_u64;
        for length in 0..300_usize {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    alphabet[(state >> 33) as usize % alphabet.len()]
                })
                .collect();
            let mut cursor = Cursor::new(&bytes, marks, 0);
            let found: Vec<usize> = std::iter::from_fn(|| cursor.next()).collect();
            let escaped = bytes
                .iter()
                .rposition(|&b| is_escaped(b) && !marks.0.contains(&b));
            assert_eq!(cursor.is_plain_since(0), escaped.is_none());
            assert!(escaped.is_none_or(|at| !cursor.is_plain_since(at)));
            assert!(cursor.is_plain_since(length.next_multiple_of(BLOCK)));
            let expected: Vec<usize> = (0..length).filter(|&i| marks.0.contains(&bytes[i])).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn skips_only_the_mark_it_is_told() {
        let mut bytes = vec![b'x'; 200];
        for at in [63, 64, 65, 130] {
            bytes[at] = b',';
        }
        let marks = Marks([b',', b'\n', b'\n', b'\n', b'\n']);
        let mut cursor = Cursor::new(&bytes, marks, 0);
        assert_eq!(cursor.next(), Some(63));
        cursor.skip(64);
        assert_eq!(cursor.next(), Some(65));
        cursor.skip(66);
        assert_eq!(cursor.next(), Some(130));
        assert_eq!(cursor.next(), None);
    }
}
