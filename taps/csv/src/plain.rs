//! Rows that need no taking apart: their cells stand in the text as they are, quotes around them at most.
//!
//! Whether a byte is inside of quotes is the parity of the quotes before it, which is known for 64 bytes at once. It
//! holds as long as quotes open and close whole cells. Where they do not, and where quotes are doubled, the row is
//! left to the [`parser`](crate::parse), which takes every dialect apart mark by mark.

use crate::block::{BLOCK, Block};
use crate::dialect::Dialect;
use crate::parse::Step;

/// How many ends are written at once. Most of the time that is more than there are, which costs less than a
/// mispredicted branch on their number.
const BATCH: usize = 8;

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
        }
    }

    /// The row at `start`, if it is plain and ends well before the text does.
    ///
    /// `ends` gets the end of each cell, after where the first would have ended that starts at `start`; it may be longer.
    #[inline]
    pub(crate) fn row(&mut self, start: usize, ends: &mut Vec<usize>) -> Option<PlainRow> {
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::marks::{Cursor, is_escaped};
    use crate::parse::Parser;

    fn dialect(quote: Option<u8>) -> Dialect {
        Dialect {
            delimiter: b',',
            quote,
            escape: None,
            double_quote: true,
            skip_initial_space: false,
            strict: false,
        }
    }

    /// Rows as they are written, and some that are not right.
    fn any_text() -> impl Strategy<Value = String> {
        let cell = prop_oneof![
            6 => "[a-z0-9é]{0,12}",
            3 => "\"[a-z,\n 漢]{0,30}\"",
            1 => "\"[a,\r\t\\\\\"]{0,9}\"",
            1 => "[a\"'\r\t\\\\]{0,3}",
        ];
        let end = prop_oneof![6 => Just(","), 3 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r")];
        prop::collection::vec((cell, end), 0..40)
            .prop_map(|cells| cells.into_iter().map(|(cell, end)| cell + end).collect())
    }

    proptest! {
        /// What is taken for a plain row is what the parser makes of it.
        #[test]
        fn plain_rows_are_those_of_the_parser(
            text in any_text(),
            quote in prop::sample::select(vec![Some(b'"'), Some(b'\''), None]),
        ) {
            let dialect = dialect(quote);
            let mut rows = PlainRows::new(text.as_bytes(), dialect);
            let (mut fast, mut slow) = (Parser::new(dialect), Parser::new(dialect));
            let mut start = 0;
            loop {
                let mut cursor = Cursor::new(text.as_bytes(), dialect.marks(), start);
                let step = slow.step(&text, &mut cursor, start, true);
                if let Some(row) = fast.plain_row(&mut rows, start) {
                    prop_assert_eq!(row.step(), step);
                    if let Step::Record(_) = step {
                        let record = fast.record(&text, row.plain, 1, 0);
                        let cells: Vec<_> = record.cells().collect();
                        let expected: Vec<_> = slow.record(&text, false, 1, 0).cells().collect();
                        prop_assert_eq!(fast.lines(), slow.lines());
                        prop_assert_eq!(row.plain, !cells.concat().bytes().any(is_escaped));
                        prop_assert_eq!(cells, expected);
                    }
                }
                match step {
                    Step::Record(end) | Step::Blank(end) => start = end,
                    _ => break,
                }
            }
        }
    }

    #[test]
    fn only_what_is_unusual_is_left_to_the_parser() {
        let usual = "1,\"a, b\",é\r\n,,\n\n\"two\nlines\",\"\"\n\\,\t,x\n";
        let text = usual.repeat(9);
        let mut rows = PlainRows::new(text.as_bytes(), dialect(Some(b'"')));
        let (mut start, mut ends) = (0, Vec::new());
        while let Some(row) = rows.row(start, &mut ends) {
            start = row.next;
        }
        assert!(
            text.len() - start < usual.len() + BLOCK,
            "{start} of {}",
            text.len()
        );
        for odd in ["a\"b,c\n", "\"a\"\"b\"\n", "\"a\" ,b\n", "a\rb\n", "\"a\rb\"\n"] {
            let text = odd.to_owned() + &text;
            let mut rows = PlainRows::new(text.as_bytes(), dialect(Some(b'"')));
            assert_eq!(rows.row(0, &mut ends), None, "{odd:?}");
            assert!(rows.row(odd.len(), &mut ends).is_some(), "{odd:?}");
        }
    }
}
