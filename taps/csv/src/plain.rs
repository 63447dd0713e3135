//! The fast path for plain rows: cells that are in the text as they are, with at most quotes around them.
//!
//! Whether a byte is inside of quotes is the parity of the quotes before it, which is known for 64 bytes at once. It
//! holds as long as quotes open and close whole cells. Where they do not, and where quotes are doubled, the row is
//! left to the [`parser`](crate::parse), which takes every dialect apart mark by mark.

use crate::block::{BLOCK, Block};
use crate::dialect::Dialect;
use crate::step::Step;

/// How many ends are written at once. Most of the time that is more than there are, which costs less than a
/// mispredicted branch on their number.
const BATCH: usize = 8;

/// After this number of rows in a row that are not plain, the fast path is no longer tried: to examine each row twice
/// would cost a fifth more.
const PATIENCE: u32 = 16;

/// A row, whose cells' ends are in `ends`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlainRow {
    /// How many cells it has.
    pub(crate) cells: usize,
    /// Where the next row starts.
    pub(crate) next: usize,
    /// Line ends inside the row, its own included.
    pub(crate) lines: u64,
    /// Whether JSON escapes no byte of its cells.
    pub(crate) plain: bool,
    /// Whether there is nothing on its line.
    pub(crate) blank: bool,
}

impl PlainRow {
    /// The same as a step of the parser.
    #[inline]
    pub(crate) fn step(&self) -> Step {
        if self.blank {
            Step::Blank(self.next)
        } else {
            Step::Record(self.next)
        }
    }
}

/// Walks over the plain rows of a text.
#[derive(Debug)]
pub(crate) struct PlainRows<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    /// A byte that opens no cell if the dialect has no quotes.
    quote: u8,
    /// All bits, or none if the dialect has no quotes.
    quoting: u64,
    /// Whether the dialect has nothing that changes how a cell is read, apart from quotes.
    simple: bool,
    /// What the current block holds, and all bits but those of rows that were taken.
    found: Found,
    open: u64,
    /// Where it starts.
    block: usize,
    /// Where the next row starts, if the current block is about it.
    at: Option<usize>,
    before: Before,
    /// Rows since the last plain one.
    others: u32,
}

/// What a block holds; one bit for each byte.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    /// Delimiters and line feeds that end a cell.
    separators: u64,
    /// Line feeds that end a row.
    feeds: u64,
    /// Line feeds inside of quotes.
    inner: u64,
    /// What JSON escapes inside of cells.
    escaped: u64,
    /// What the parser has to look at.
    odd: u64,
}

/// What stood before a block; for its first byte or for all.
#[derive(Clone, Copy, Debug)]
struct Before {
    /// All bits if quotes were open.
    inside: u64,
    separator: u64,
    closing: u64,
}

impl<'a> PlainRows<'a> {
    pub(crate) fn new(bytes: &'a [u8], dialect: Dialect) -> Self {
        Self {
            bytes,
            delimiter: dialect.delimiter,
            quote: dialect.quote.unwrap_or(b'\n'),
            quoting: if dialect.quote.is_some() { u64::MAX } else { 0 },
            simple: dialect.escape.is_none() && !dialect.skip_initial_space,
            found: Found::default(),
            open: 0,
            block: 0,
            at: None,
            before: Before::ROW,
            others: 0,
        }
    }

    /// The row at `start`, if it is plain and ends well before the text does. Where many are not, those after them are not
    /// looked at any more.
    ///
    /// `ends` gets the end of each cell, after where the first would have ended that starts at `start`; it may be longer.
    #[inline]
    pub(crate) fn row(&mut self, start: usize, ends: &mut Vec<usize>) -> Option<PlainRow> {
        if self.others >= PATIENCE {
            return None;
        }
        let row = self.find(start, ends);
        self.others = if row.is_some() { 0 } else { self.others + 1 };
        row
    }

    #[inline]
    fn find(&mut self, start: usize, ends: &mut Vec<usize>) -> Option<PlainRow> {
        if self.at != Some(start) && !self.begin(start) {
            return None;
        }
        self.at = None;
        let (mut cells, mut lines, mut escaped) = (0, 1, 0);
        loop {
            let found = &self.found;
            let stop = (found.feeds | found.odd) & self.open;
            // All bits up to the first one of these.
            let ours = (stop ^ stop.wrapping_sub(1)) & self.open;
            if found.odd & ours != 0 {
                return None;
            }
            if ends.len() <= cells + BLOCK {
                ends.resize(2 * cells + 2 * BLOCK, 0);
            }
            cells += positions(found.separators & ours, self.block, &mut ends[cells + 1..]);
            escaped |= found.escaped & ours;
            if found.inner & ours != 0 {
                lines += u64::from((found.inner & ours).count_ones());
            }
            if stop != 0 {
                self.open &= !ours;
                break;
            }
            if !self.load(self.block + BLOCK) {
                return None;
            }
        }
        ends[0] = start.wrapping_sub(1);
        let end = ends[cells];
        // A carriage return that is not inside of quotes stands before a line feed, or the row is odd.
        let has_return = end > start && self.bytes[end - 1] == b'\r';
        ends[cells] = end - usize::from(has_return);
        self.at = Some(end + 1);
        Some(PlainRow {
            cells,
            next: end + 1,
            lines,
            plain: escaped == 0,
            blank: cells == 1 && ends[1] == start,
        })
    }

    /// Starts at a row of which no block is known.
    #[cold]
    fn begin(&mut self, start: usize) -> bool {
        self.before = Before::ROW;
        self.simple && self.load(start)
    }

    /// Takes the block at `at`, if it is whole.
    #[inline]
    fn load(&mut self, at: usize) -> bool {
        let Some(bytes) = self.bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            return false;
        };
        let block = Block::new(bytes);
        let feeds = block.is(b'\n');
        let quotes = block.is(self.quote) & self.quoting;
        let inside = parity(quotes) ^ self.before.inside;
        let separators = (block.is(self.delimiter) | feeds) & !inside;
        let mut escaped = block.escaped() & !separators & !quotes;
        let mut odd = 0;
        let mut enders = separators | quotes;
        if escaped & !feeds != 0 {
            let returns = block.is(b'\r') & !separators & !quotes;
            let followed = feeds >> 1 | u64::from(self.bytes.get(at + BLOCK) == Some(&b'\n')) << 63;
            odd = returns & (inside | !followed);
            escaped &= !returns;
            enders |= returns;
        }
        let closing = quotes & !inside;
        odd |= quotes & inside & !(separators << 1 | self.before.separator);
        odd |= (closing << 1 | self.before.closing) & !enders;
        self.before = Before {
            inside: 0_u64.wrapping_sub(inside >> 63),
            separator: separators >> 63,
            closing: closing >> 63,
        };
        self.block = at;
        self.open = u64::MAX;
        self.found = Found {
            separators,
            feeds: feeds & !inside,
            inner: feeds & inside,
            escaped,
            odd,
        };
        true
    }
}

impl Before {
    /// Before a row nothing is open.
    const ROW: Self = Self {
        inside: 0,
        separator: 1,
        closing: 0,
    };
}

/// Sets each bit if the number of bits up to it, itself included, is odd.
#[inline]
fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Writes where bits are set, counted from `base`, and returns how many. Up to a batch more is written.
#[inline]
fn positions(mut bits: u64, base: usize, out: &mut [usize]) -> usize {
    let count = bits.count_ones() as usize;
    let (batches, _) = out.as_chunks_mut::<BATCH>();
    let mut written = 0;
    for batch in batches {
        for position in batch {
            *position = base + bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
        }
        written += BATCH;
        if written >= count {
            break;
        }
    }
    count
}

#[cfg(test)]
mod tests;
