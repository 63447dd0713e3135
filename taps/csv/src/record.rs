//! A CSV record as borrowed cells.

use melisma_sdk::Form;

use crate::infer::Kind;
use crate::value;

/// Where a cell's text stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) place: Place,
}

/// In which text a cell's span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the input, with no mark inside.
    Input,
    /// In the input, with a mark inside that JSON escapes.
    InputEscaped,
    /// In the parser's scratch, unescaped.
    Scratch,
}

/// Where the cells of a record stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cells<'a> {
    /// One after the other in the input: each starts one byte, the separator, after the end of the one before.
    Plain {
        /// Where the cell before the first would have ended, and the end of each.
        ends: &'a [usize],
        /// What may stand around each.
        quote: u8,
    },
    /// Anywhere.
    Spans(&'a [Span]),
}

/// One record, borrowed from the text and the parser.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) text: &'a str,
    pub(crate) scratch: &'a str,
    pub(crate) cells: Cells<'a>,
    /// Whether JSON escapes no byte of the record, marks aside.
    pub(crate) plain: bool,
    /// The line on which it starts, counted from 1.
    pub(crate) line: u64,
    /// The bytes before it in the file.
    pub(crate) byte: u64,
}

impl<'a> Record<'a> {
    /// How many cells it has.
    pub(crate) fn len(&self) -> usize {
        match self.cells {
            Cells::Plain { ends, .. } => ends.len() - 1,
            Cells::Spans(spans) => spans.len(),
        }
    }

    /// The text of a cell.
    pub(crate) fn get(&self, at: usize) -> Option<&'a str> {
        self.cell(at).map(|cell| cell.text())
    }

    /// Whether all cells are parts of the text.
    #[inline]
    pub(crate) fn is_plain_text(&self) -> bool {
        matches!(self.cells, Cells::Plain { .. })
    }

    /// A cell.
    #[inline]
    pub(crate) fn cell(&self, at: usize) -> Option<Cell<'a>> {
        match self.cells {
            Cells::Plain { ends, quote } => {
                let (start, end) = (ends.get(at)?.wrapping_add(1), *ends.get(at + 1)?);
                let quoted = usize::from(start < end && self.text.as_bytes()[start] == quote);
                Some(Cell {
                    around: self.text,
                    start: start + quoted,
                    end: end - quoted,
                    plain: self.plain,
                    is_as_written: true,
                })
            }
            Cells::Spans(spans) => {
                let span = spans.get(at)?;
                Some(Cell {
                    around: if span.place == Place::Scratch {
                        self.scratch
                    } else {
                        self.text
                    },
                    start: span.start,
                    end: span.end,
                    plain: self.plain && span.place == Place::Input,
                    is_as_written: span.place != Place::Scratch,
                })
            }
        }
    }

    /// The cells in their order.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &'a str> {
        let record = *self;
        (0..record.len()).filter_map(move |at| record.get(at))
    }
}

/// A cell of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell<'a> {
    /// What it is a part of.
    pub(crate) around: &'a str,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether it is known that it can stand in a JSON string as it is.
    pub(crate) plain: bool,
    /// Whether its text stands like that in the file, so that no escape was taken out of it.
    pub(crate) is_as_written: bool,
}

impl<'a> Cell<'a> {
    pub(crate) fn text(&self) -> &'a str {
        self.around.get(self.start..self.end).unwrap_or_default()
    }

    /// What it is in a column of this kind, or nothing if it does not have its type.
    pub(crate) fn form(&self, kind: Kind) -> Option<Form> {
        let text = self.text();
        Some(match kind {
            Kind::Text if self.plain => Form::Plain,
            Kind::Text => Form::Text,
            _ if text.is_empty() => Form::Null,
            Kind::Boolean if value::boolean(text)? => Form::True,
            Kind::Boolean => Form::False,
            _ if !kind.accepts(text) => return None,
            Kind::Integer | Kind::Number => Form::Number,
            Kind::Date | Kind::DateTime => Form::Plain,
        })
    }
}
