//! One record, cell by cell: the fast way to write.

use melisma_engine::{Error, Result};

use super::buffer::Buffer;
use super::part::{Form, Part};
use crate::tap::output::Output;
use crate::tap::projection::cutter::Cutter;
use crate::tap::projection::schema::{Column, Node};

/// Writes the cells of one record in the order of [`Output::columns`]; [`end`](RowWriter::end) makes it a record.
///
/// Each call writes the next cell; the cell of a property that is not selected costs a branch. Dropped without
/// `end`, the row leaves nothing behind.
pub struct RowWriter<'o, 'a> {
    output: &'o mut Output<'a>,
    /// The next cell's position.
    next: usize,
    /// Where the next byte goes in the buffer, which counts nothing of the row before it is complete.
    at: usize,
    /// Where the replication key's value stands in the buffer.
    watched: Option<(usize, usize)>,
    error: Option<Error>,
}

impl<'o, 'a> RowWriter<'o, 'a> {
    #[inline]
    pub(in crate::tap) fn new(output: &'o mut Output<'a>) -> Self {
        let at = output.emitter.begin_row(&output.current.head);
        Self {
            output,
            next: 0,
            at,
            watched: None,
            error: None,
        }
    }

    /// The position of the next cell.
    pub fn position(&self) -> usize {
        self.next
    }

    /// Whether the property at this position goes into records.
    #[inline]
    pub fn is_selected(&self, position: usize) -> bool {
        self.output
            .columns()
            .get(position)
            .is_some_and(|column| column.selected)
    }

    /// The property is left out of the record.
    #[inline]
    pub fn absent(&mut self) {
        self.next += 1;
    }

    /// `null`
    #[inline]
    pub fn null(&mut self) {
        self.cell(Quotes::No, |_, buffer, at| {
            buffer.put(at, b"null");
            at + 4
        });
    }

    /// `true` or `false`
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.cell(Quotes::No, |_, buffer, at| {
            buffer.put(at, if value { b"true " } else { b"false" });
            at + 5 - usize::from(value)
        });
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        self.cell(Quotes::No, |_, buffer, at| {
            buffer.put_short(at, itoa::Buffer::new().format(value).as_bytes())
        });
    }

    /// A float; NaN and the infinities, which JSON does not have, become null.
    #[inline]
    pub fn float(&mut self, value: f64) {
        if value.is_finite() {
            self.number(zmij::Buffer::new().format_finite(value));
        } else {
            self.null();
        }
    }

    /// A number by its digits, which must be valid JSON; they are not looked at.
    #[inline]
    pub fn number(&mut self, digits: &str) {
        self.cell(Quotes::No, |_, buffer, at| {
            buffer.put_short(at, digits.as_bytes())
        });
    }

    /// A text, escaped as it needs.
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.cell(Quotes::Yes, |_, buffer, at| buffer.put_text(at, text));
    }

    /// A text that is known to hold no quote, backslash or control character; it is not looked at.
    #[inline]
    pub fn plain(&mut self, text: &str) {
        self.cell(Quotes::Yes, |_, buffer, at| buffer.put_slice(at, text.as_bytes()));
    }

    /// A value that `write` appends to the record as JSON, on one line. Nothing of it is looked at, so it must be
    /// valid; only where it has to be cut, because selection leaves out something inside it, is it checked.
    #[inline]
    pub fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut broken = None;
        self.cell(Quotes::No, |column, buffer, at| {
            buffer.put_with(at, |out| {
                write(out);
                if column.node != Node::Keep {
                    broken = cut(column, out).err();
                }
            })
        });
        if broken.is_some() {
            self.error = broken;
        }
    }

    /// A value that is JSON already, on one line; what is not selected inside it is left out.
    ///
    /// It is checked only where it has to be cut.
    #[inline]
    pub fn json(&mut self, value: &str) {
        self.write(|out| out.extend_from_slice(value.as_bytes()));
    }

    /// The next cells, one after the other, as parts of `text`. This is the fastest way: most cells of most rows are
    /// written without a branch that depends on them.
    ///
    /// The parts of a row should be made before the first is written, in a loop that does nothing else.
    pub fn parts(&mut self, text: &str, parts: &[Part]) {
        let mut rest = parts;
        loop {
            let output = &mut *self.output;
            let leads = output.current.leads.get(self.next..).unwrap_or_default();
            let (written, end) = output
                .emitter
                .buffer
                .put_parts(self.at, leads, text.as_bytes(), rest);
            self.at = end;
            self.next += written;
            let Some((part, after)) = rest[written..].split_first() else {
                break;
            };
            // It is long or escaped, or its column is watched, left out or has a long name.
            self.part(text, *part);
            rest = after;
        }
    }

    /// The next cell as a part of `text`. Where there are more, [`parts`](Self::parts) is faster.
    pub fn part(&mut self, text: &str, part: Part) {
        let text = text.get(part.start..part.end).unwrap_or_default();
        match part.form {
            Form::Number => self.number(text),
            Form::Plain => self.plain(text),
            Form::Text => self.text(text),
            Form::True => self.bool(true),
            Form::False => self.bool(false),
            Form::Null => self.null(),
            Form::Absent => self.absent(),
        }
    }

    /// Completes the record.
    ///
    /// # Errors
    /// A row with too few or too many cells, a record out of order in a sorted stream, stdout gone, or the end of
    /// the run asked for.
    #[inline]
    pub fn end(self) -> Result<()> {
        let output = self.output;
        let ended = match output.check_failed() {
            Ok(()) if self.next != output.columns().len() || self.error.is_some() => {
                Err(wrong(self.next, output.columns().len(), self.error))
            }
            Ok(()) if output.current.silent => output.skip_record(),
            Ok(()) => output.end_record(self.at, self.watched),
            failed => failed,
        };
        if ended.is_err() {
            output.failed = true;
            return ended.map_err(|error| error.in_stream(&output.current.name));
        }
        ended
    }

    /// Writes the next cell: its key, and what `write` writes at a place in the buffer, which returns where that ends.
    #[inline]
    fn cell(&mut self, quotes: Quotes, write: impl FnOnce(&Column, &mut Buffer, usize) -> usize) {
        let position = self.next;
        self.next += 1;
        let output = &mut *self.output;
        let Some(column) = output
            .current
            .columns()
            .get(position)
            .filter(|column| column.selected)
        else {
            return;
        };
        let buffer = &mut output.emitter.buffer;
        let from = buffer.put_key(self.at, &column.lead, &column.key);
        let end = match quotes {
            // Over the quote that texts have.
            Quotes::No => write(column, buffer, from),
            Quotes::Yes => {
                let end = write(column, buffer, from + 1);
                buffer.put(end, b"\"");
                end + 1
            }
        };
        buffer.put(end, b",");
        self.at = end + 1;
        if output.current.watched == Some(position) {
            self.watched = Some((from, end));
        }
    }
}

/// Whether a value stands in quotes.
#[derive(Clone, Copy)]
enum Quotes {
    No,
    Yes,
}

#[cold]
fn wrong(has: usize, needs: usize, error: Option<Error>) -> Error {
    error.unwrap_or_else(|| Error::bug(format!("a row has {has} cells, its schema {needs} properties")))
}

/// Cuts the value that is in `out`.
#[cold]
fn cut(column: &Column, out: &mut Vec<u8>) -> Result<()> {
    let value = std::mem::take(out);
    Cutter::default().copy(&value, &column.node, out)
}
