//! How each cell of a row becomes JSON, decided before the first cell of the row is written.

use std::cell::Cell;

use melisma_sdk::tap::{Form, Part};

use crate::block::{BLOCK, Block};
use crate::columns::Slot;
use crate::entry::Nulls;
use crate::infer::Kind;
use crate::record::{Cells, Record};
use crate::value;

/// The first slots of a file, up to one that is not about cells, and what they are in a plain row.
///
/// Slots of a kind are looked at together: a loop that does one thing has all it needs in registers, and no branch that
/// depends on the column.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    texts: Vec<Source>,
    integers: Vec<Source>,
    numbers: Vec<Source>,
    dates: Vec<Source>,
    others: Vec<Source>,
    parts: Vec<Part>,
    /// See [`short_numbers`](Forms::short_numbers).
    short_numbers: bool,
    /// See [`are_as_written`](Forms::are_as_written).
    are_as_written: bool,
}

/// A slot that is about a cell.
#[derive(Clone, Copy, Debug)]
struct Source {
    slot: usize,
    /// The cell's place in the row.
    at: usize,
    kind: Kind,
}

impl Forms {
    pub(crate) fn new(slots: &[Slot]) -> Self {
        let mut forms = Self::default();
        for (slot, found) in slots.iter().enumerate() {
            let (at, kind) = match *found {
                Slot::Cell { at, kind } => (at, kind),
                Slot::Absent => {
                    forms.parts.push(Part::ABSENT);
                    continue;
                }
                _ => break,
            };
            forms.parts.push(Part::NULL);
            let list = match kind {
                Kind::Text => &mut forms.texts,
                Kind::Integer => &mut forms.integers,
                Kind::Number => &mut forms.numbers,
                Kind::Date => &mut forms.dates,
                Kind::Boolean | Kind::DateTime => &mut forms.others,
            };
            list.push(Source { slot, at, kind });
        }
        forms
    }

    /// How many slots these are.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// What each slot is, after [`find`](Self::find).
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether every number of the row is one that [`is_short`](value::is_short) knows: it has no exponent.
    pub(crate) fn short_numbers(&self) -> bool {
        self.short_numbers
    }

    /// Whether every part of the row is a value as it is written: none is null or has to be escaped, and none is a number or date
    /// that not every target takes.
    pub(crate) fn are_as_written(&self) -> bool {
        self.are_as_written
    }

    /// Finds out what each cell becomes; an error is the first slot whose cell does not have its type.
    pub(crate) fn find(&mut self, record: &Record<'_>, nulls: &Nulls) -> Result<(), usize> {
        let row = Row::new(record, nulls);
        let short = |head: &[u8; 16], length, point| {
            if length == 2 && head.starts_with(b"-0") {
                row.is_changed.set(true);
            }
            value::is_short(head, length, point).then_some(Form::Number)
        };
        let date = |head: &[u8; 16], length| {
            if head.starts_with(b"0000") {
                row.is_changed.set(true);
            }
            (length == 10 && value::is_date(&head[..10])).then_some(Form::Plain)
        };
        let parts = &mut self.parts;
        let right = row.take(&self.integers, parts, |head, length| short(head, length, false))
            & row.take(&self.numbers, parts, |head, length| short(head, length, true))
            & row.take(&self.dates, parts, date)
            & row.take_texts(&self.texts, parts)
            & row.take(&self.others, parts, |_, _| None);
        self.short_numbers = !row.has_long_numbers.get();
        self.are_as_written = !row.is_changed.get();
        if right {
            Ok(())
        } else {
            Err(self.first_wrong(&row))
        }
    }

    #[cold]
    fn first_wrong(&self, row: &Row<'_>) -> usize {
        let lists = [
            &self.texts,
            &self.integers,
            &self.numbers,
            &self.dates,
            &self.others,
        ];
        let wrong = lists
            .into_iter()
            .flatten()
            .filter(|source| row.part(source).is_none());
        wrong.map(|source| source.slot).min().unwrap_or_default()
    }
}

/// A record, with what there is to know of all its cells at hand.
struct Row<'r> {
    record: &'r Record<'r>,
    nulls: &'r Nulls,
    bytes: &'r [u8],
    /// See [`Cells::Plain`]; empty for another record, so that each of its cells is looked at alone.
    ends: &'r [usize],
    quote: u8,
    has_long_numbers: Cell<bool>,
    /// Whether a cell may become something else than what is written.
    is_changed: Cell<bool>,
}

impl<'r> Row<'r> {
    fn new(record: &'r Record<'r>, nulls: &'r Nulls) -> Self {
        let (ends, quote) = match record.cells {
            Cells::Plain { ends, quote } => (ends, quote),
            Cells::Spans(_) => (&[][..], 0),
        };
        Self {
            record,
            nulls,
            bytes: record.text.as_bytes(),
            ends,
            quote,
            has_long_numbers: Cell::new(false),
            is_changed: Cell::new(false),
        }
    }

    /// Where a cell starts and ends, quotes included, and 16 bytes from its start on.
    #[inline]
    fn cell(&self, at: usize) -> Option<(usize, usize, &'r [u8; 16])> {
        let (before, end) = (self.ends.get(at)?, *self.ends.get(at + 1)?);
        let start = before.wrapping_add(1);
        Some((start, end, self.bytes.get(start..)?.first_chunk()?))
    }

    /// Sets the parts of cells of one kind, which is not text and which `form` knows if they are as most are: a quoted one
    /// is not. Whether all have their type.
    #[inline]
    fn take(
        &self,
        sources: &[Source],
        parts: &mut [Part],
        form: impl Fn(&[u8; 16], usize) -> Option<Form>,
    ) -> bool {
        let mut right = true;
        for source in sources {
            let part = &mut parts[source.slot];
            let cell = self.cell(source.at);
            if cell.is_some_and(|(start, end, _)| start == end) {
                part.form = Form::Null;
                self.is_changed.set(true);
            } else if let Some((start, end, head)) = cell
                && let length = end.wrapping_sub(start)
                && !self.nulls.have_length(length)
                && let Some(form) = form(head, length)
            {
                // Member by member: a whole one would be put together elsewhere and then copied.
                part.start = start;
                part.end = end;
                part.form = form;
            } else {
                right &= self.take_unusual(source, part);
            }
        }
        right
    }

    /// The same for texts, which may be quoted.
    #[inline]
    fn take_texts(&self, sources: &[Source], parts: &mut [Part]) -> bool {
        let mut right = true;
        for source in sources {
            let part = &mut parts[source.slot];
            if let Some((start, end, head)) = self.cell(source.at)
                // What an empty cell seems to start with is not its own.
                && let quoted = usize::from(head[0] == self.quote && start < end)
                && !self.nulls.have_length((end - quoted).wrapping_sub(start + quoted))
            {
                part.start = start + quoted;
                part.end = end - quoted;
                let plain = self.record.plain || self.is_plain(part);
                part.form = if plain { Form::Plain } else { Form::Text };
                if !plain {
                    self.is_changed.set(true);
                }
            } else {
                right &= self.take_unusual(source, part);
            }
        }
        right
    }

    /// Whether it is known that JSON escapes no byte of a short part; that of another cell of the row, maybe.
    fn is_plain(&self, part: &Part) -> bool {
        let length = part.end.wrapping_sub(part.start);
        let bytes = self
            .bytes
            .get(part.start..)
            .and_then(<[u8]>::first_chunk::<BLOCK>);
        bytes.is_some_and(|bytes| length < BLOCK && Block::new(bytes).escaped() & ((1 << length) - 1) == 0)
    }

    #[inline(never)]
    fn take_unusual(&self, source: &Source, part: &mut Part) -> bool {
        self.is_changed.set(true);
        let found = self.part(source);
        *part = found.unwrap_or(Part::ABSENT);
        if part.form == Form::Number {
            self.has_long_numbers.set(true);
        }
        found.is_some()
    }

    fn part(&self, source: &Source) -> Option<Part> {
        part(self.record, source.at, source.kind, self.nulls).map(|(_, part)| part)
    }
}

/// What any cell becomes, and what it is a part of, or nothing if it does not have its type.
#[inline]
pub(crate) fn part<'a>(record: &Record<'a>, at: usize, kind: Kind, nulls: &Nulls) -> Option<(&'a str, Part)> {
    let Some(cell) = record.cell(at) else {
        return Some(("", Part::NULL));
    };
    let form = if nulls.contain(&cell) {
        Form::Null
    } else {
        cell.form(kind)?
    };
    let part = Part {
        start: cell.start,
        end: cell.end,
        form,
    };
    Some((cell.around, part))
}

#[cfg(test)]
mod tests;
