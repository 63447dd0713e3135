//! The CSV parser: from text to records whose cells are slices of the text, in one pass over its marks.

use crate::dialect::Dialect;
use crate::marks::{Cursor, is_escaped};
use crate::plain::{PlainRow, PlainRows};
use crate::record::{Cells, Place, Record, Span};
use crate::step::Step;

const NEVER_CLOSED: &str = "expected a closing quote for the one that opens here, found the end of the file";

/// Takes records apart. Its memory is reused from record to record.
#[derive(Debug)]
pub(crate) struct Parser {
    dialect: Dialect,
    /// The ends of the cells of a plain record; see [`PlainRows::row`].
    ends: Vec<usize>,
    /// How many cells the last record has, if it is plain.
    plain: Option<usize>,
    spans: Vec<Span>,
    scratch: String,
    /// Cells without quotes that are written like this keep their escapes; see [`Nulls`](crate::entry::Nulls).
    nulls: Box<[String]>,
    /// Line ends inside the record, its own included.
    lines: u64,
}

impl Parser {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            ends: Vec::new(),
            plain: None,
            spans: Vec::new(),
            scratch: String::new(),
            nulls: Box::default(),
            lines: 0,
        }
    }

    /// Keeps the escapes of cells that are written, without quotes, like one of `nulls`.
    pub(crate) fn with_nulls(mut self, nulls: &[String]) -> Self {
        self.nulls = nulls.into();
        self
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// How many line ends the last record has, its own included.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// The last record. `text` is what [`step`](Parser::step) was given; `plain` says that JSON escapes no byte of
    /// the record, marks aside.
    #[inline]
    pub(crate) fn record<'a>(&'a self, text: &'a str, plain: bool, line: u64, byte: u64) -> Record<'a> {
        Record {
            text,
            scratch: &self.scratch,
            cells: match self.plain {
                Some(cells) => Cells::Plain {
                    ends: &self.ends[..=cells],
                    quote: self.dialect.quote.unwrap_or(b'\n'),
                },
                None => Cells::Spans(&self.spans),
            },
            plain,
            line,
            byte,
        }
    }

    /// Takes the record at `start` if it is plain.
    #[inline]
    pub(crate) fn plain_row(&mut self, rows: &mut PlainRows<'_>, start: usize) -> Option<PlainRow> {
        let row = rows.row(start, &mut self.ends)?;
        self.lines = row.lines;
        self.plain = Some(row.cells);
        Some(row)
    }

    /// Takes the record apart that starts at `start`. `last` says that no more text comes after this.
    pub(crate) fn step(&mut self, text: &str, cursor: &mut Cursor<'_>, start: usize, last: bool) -> Step {
        self.plain = None;
        self.spans.clear();
        self.scratch.clear();
        self.lines = 1;
        let bytes = text.as_bytes();
        let mut from = start;
        loop {
            let Some(at) = cursor.next() else {
                return self.text_end(bytes, from, start, last);
            };
            let mark = bytes[at];
            if mark == self.dialect.delimiter {
                self.unmarked(bytes, from, at);
                from = at + 1;
            } else if mark == b'\n' {
                if at == start {
                    return Step::Blank(at + 1);
                }
                self.unmarked(bytes, from, at);
                return Step::Record(at + 1);
            } else {
                match self.special(text, cursor, from, at, last) {
                    Cell::Next(next) => from = next,
                    Cell::Last(end) if at == start && mark == b'\r' => return Step::Blank(end),
                    Cell::Last(end) => return Step::Record(end),
                    Cell::Stop(step) => return step,
                }
            }
        }
    }

    #[inline]
    fn unmarked(&mut self, bytes: &[u8], mut start: usize, end: usize) {
        if self.dialect.skip_initial_space {
            start = self.after_spaces(bytes, start).min(end);
        }
        self.spans.push(Span {
            start,
            end,
            place: Place::Input,
        });
    }

    fn after_spaces(&self, bytes: &[u8], mut at: usize) -> usize {
        while self.dialect.skip_initial_space && bytes.get(at) == Some(&b' ') {
            at += 1;
        }
        at
    }

    /// No more marks: what is left is the last cell, if it is known that nothing follows.
    fn text_end(&mut self, bytes: &[u8], from: usize, start: usize, last: bool) -> Step {
        if !last {
            return Step::Incomplete;
        }
        if start == bytes.len() {
            return Step::End;
        }
        self.unmarked(bytes, from, bytes.len());
        Step::Record(bytes.len())
    }

    /// A cell with a quote, an escape or a carriage return in it, at `at`.
    fn special(&mut self, text: &str, cursor: &mut Cursor<'_>, from: usize, at: usize, last: bool) -> Cell {
        let bytes = text.as_bytes();
        if bytes[at] == b'\r' {
            let Some(end) = Self::line_end(bytes, cursor, at, last) else {
                return Cell::Stop(Step::Incomplete);
            };
            self.unmarked(bytes, from, at);
            return Cell::Last(end);
        }
        let from = self.after_spaces(bytes, from);
        if Some(bytes[at]) == self.dialect.quote && at == from {
            return self.quoted(text, cursor, at, last);
        }
        let owned = Owned {
            from: self.scratch.len(),
            piece: from,
            written: Some(from),
        };
        self.unquoted(text, cursor, owned, Some(at), last)
    }

    /// The end of the line whose carriage return is at `at`.
    fn line_end(bytes: &[u8], cursor: &mut Cursor<'_>, at: usize, last: bool) -> Option<usize> {
        match bytes.get(at + 1) {
            Some(b'\n') => {
                cursor.skip(at + 1);
                Some(at + 2)
            }
            Some(_) => Some(at + 1),
            None => last.then_some(at + 1),
        }
    }

    /// A cell whose opening quote is at `open`.
    fn quoted(&mut self, text: &str, cursor: &mut Cursor<'_>, open: usize, last: bool) -> Cell {
        let bytes = text.as_bytes();
        let mut owned = Owned {
            from: self.scratch.len(),
            piece: open + 1,
            written: None,
        };
        let opened = self.lines - 1;
        let mut place = Place::Input;
        let close = loop {
            let Some(at) = cursor.next() else {
                return Cell::Stop(if last {
                    Step::Wrong(NEVER_CLOSED, open, opened)
                } else {
                    Step::Incomplete
                });
            };
            let mark = bytes[at];
            if Some(mark) == self.dialect.escape {
                if self.escape(text, cursor, &mut owned, at, last).is_none() {
                    return Cell::Stop(Step::Incomplete);
                }
            } else if Some(mark) == self.dialect.quote {
                match bytes.get(at + 1) {
                    Some(&next) if next == mark && self.dialect.double_quote => {
                        self.scratch.push_str(&text[owned.piece..=at]);
                        owned.piece = at + 2;
                        cursor.skip(at + 1);
                    }
                    None if !last => return Cell::Stop(Step::Incomplete),
                    _ => break at,
                }
            } else {
                self.count_line(bytes, at);
                if is_escaped(mark) {
                    place = Place::InputEscaped;
                }
            }
        };
        if owned.piece != open + 1 {
            place = Place::Scratch;
        }
        self.after_quote(text, cursor, owned, place, close, last)
    }

    /// What follows a closing quote: the end of the cell, or, as Python reads it, more of its text.
    fn after_quote(
        &mut self,
        text: &str,
        cursor: &mut Cursor<'_>,
        mut owned: Owned,
        place: Place,
        close: usize,
        last: bool,
    ) -> Cell {
        let bytes = text.as_bytes();
        let next = bytes.get(close + 1).copied();
        let ended = next.is_none_or(|next| next == self.dialect.delimiter || matches!(next, b'\n' | b'\r'));
        if !ended {
            if self.dialect.strict && self.dialect.double_quote {
                return Cell::Stop(Step::Wrong(
                    "expected a delimiter or a line end after the closing quote",
                    close + 1,
                    self.lines - 1,
                ));
            }
            self.scratch.push_str(&text[owned.piece..close]);
            owned.piece = close + 1;
            return self.unquoted(text, cursor, owned, None, last);
        }
        let (start, end) = if place == Place::Scratch {
            self.scratch.push_str(&text[owned.piece..close]);
            (owned.from, self.scratch.len())
        } else {
            (owned.piece, close)
        };
        self.spans.push(Span { start, end, place });
        Self::cell_end(bytes, cursor, close + 1, last)
    }

    /// The end of a cell at a delimiter, a line end or the end of the text, at `at`.
    fn cell_end(bytes: &[u8], cursor: &mut Cursor<'_>, at: usize, last: bool) -> Cell {
        match bytes.get(at) {
            Some(b'\n') => {
                cursor.skip(at);
                Cell::Last(at + 1)
            }
            Some(b'\r') => {
                cursor.skip(at);
                match Self::line_end(bytes, cursor, at, last) {
                    Some(end) => Cell::Last(end),
                    None => Cell::Stop(Step::Incomplete),
                }
            }
            Some(_) => {
                cursor.skip(at);
                Cell::Next(at + 1)
            }
            None => Cell::Last(at),
        }
    }

    /// The rest of a cell outside quotes. `first` is a mark inside it that the cursor has passed already.
    fn unquoted(
        &mut self,
        text: &str,
        cursor: &mut Cursor<'_>,
        mut owned: Owned,
        first: Option<usize>,
        last: bool,
    ) -> Cell {
        let bytes = text.as_bytes();
        let mut passed = first;
        loop {
            let Some(at) = passed.take().or_else(|| cursor.next()) else {
                if !last {
                    return Cell::Stop(Step::Incomplete);
                }
                self.finish(text, &owned, bytes.len());
                return Cell::Last(bytes.len());
            };
            let mark = bytes[at];
            if Some(mark) == self.dialect.escape {
                if self.escape(text, cursor, &mut owned, at, last).is_none() {
                    return Cell::Stop(Step::Incomplete);
                }
            } else if mark == self.dialect.delimiter || matches!(mark, b'\n' | b'\r') {
                self.finish(text, &owned, at);
                return Self::cell_end(bytes, cursor, at, last);
            }
            // Else a quote inside the cell, which is text like any other.
        }
    }

    /// Ends a cell whose text is in the scratch up to `owned.piece`.
    fn finish(&mut self, text: &str, owned: &Owned, end: usize) {
        if let Some(start) = owned.written
            && self.nulls.iter().any(|null| *null == text[start..end])
        {
            self.scratch.truncate(owned.from);
            let place = Place::InputEscaped;
            self.spans.push(Span { start, end, place });
            return;
        }
        self.scratch.push_str(&text[owned.piece..end]);
        self.spans.push(Span {
            start: owned.from,
            end: self.scratch.len(),
            place: Place::Scratch,
        });
    }

    /// Leaves out the escape at `at`; the character after it is text, and a CRLF is one character. At the end of
    /// the file there is none, and the escape simply goes. `None` when what follows is not there yet.
    fn escape(
        &mut self,
        text: &str,
        cursor: &mut Cursor<'_>,
        owned: &mut Owned,
        at: usize,
        last: bool,
    ) -> Option<()> {
        let bytes = text.as_bytes();
        let next = at + 1;
        let end = match (bytes.get(next), bytes.get(next + 1)) {
            (None, _) | (Some(b'\r'), None) if !last => return None,
            (None, _) => next,
            (Some(b'\r'), Some(b'\n')) => next + 2,
            _ => next + 1,
        };
        self.scratch.push_str(&text[owned.piece..at]);
        owned.piece = next;
        for passed in next..end {
            cursor.skip(passed);
            self.count_line(bytes, passed);
        }
        Some(())
    }

    /// Counts the line that ends inside a cell at `at`; a carriage return counts unless a line feed follows.
    fn count_line(&mut self, bytes: &[u8], at: usize) {
        let ends = match bytes[at] {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        self.lines += u64::from(ends);
    }
}

/// How a cell ended.
enum Cell {
    /// The next one starts here.
    Next(usize),
    /// It was the last one of its record, which ends here.
    Last(usize),
    /// It did not end.
    Stop(Step),
}

/// A cell whose text differs from what stands in the file, while it is put together.
struct Owned {
    /// Where its text starts in the scratch.
    from: usize,
    /// Where the text starts that is not in the scratch yet.
    piece: usize,
    /// Where it starts in the file, if no part of it is in quotes.
    written: Option<usize>,
}
