//! One record, cell by cell: the fast way to write.

use melisma_engine::json;
use melisma_engine::{Error, Result};

use super::output::Output;
use super::plan::{Column, Node};
use super::prune::Cutter;

/// Writes the cells of one record in the order of [`Output::columns`]; [`end`](RowWriter::end) makes it a record.
///
/// Each call writes the next cell; the cell of a property that is not selected costs a branch. Dropped without
/// `end`, the row leaves nothing behind.
pub struct RowWriter<'o, 'a> {
    output: &'o mut Output<'a>,
    /// The next cell's position.
    next: usize,
    /// Where the record's line starts in the buffer.
    start: usize,
    /// Where the replication key's value stands in the buffer.
    watched: Option<(usize, usize)>,
    error: Option<Error>,
    ended: bool,
}

impl<'o, 'a> RowWriter<'o, 'a> {
    #[inline]
    pub(super) fn new(output: &'o mut Output<'a>) -> Self {
        let start = output.emitter.buffer.len();
        output.emitter.begin_record(&output.current.head);
        output.emitter.buffer.push(b'{');
        Self {
            output,
            next: 0,
            start,
            watched: None,
            error: None,
            ended: false,
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
        self.cell(|_, out| out.extend_from_slice(b"null,"));
    }

    /// `true` or `false`
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.cell(|_, out| out.extend_from_slice(if value { b"true,".as_slice() } else { b"false," }));
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        self.cell(|_, out| {
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            out.push(b',');
        });
    }

    /// A float; NaN and the infinities, which JSON does not have, become null.
    pub fn float(&mut self, value: f64) {
        self.cell(|_, out| {
            // Writing to memory does not fail, and a float that is no number is written as null.
            let _ = serde_json::to_writer(&mut *out, &value);
            out.push(b',');
        });
    }

    /// A number by its digits, which must be valid JSON; they are not looked at.
    #[inline]
    pub fn number(&mut self, digits: &str) {
        self.cell(|_, out| {
            out.extend_from_slice(digits.as_bytes());
            out.push(b',');
        });
    }

    /// A text, escaped as it needs.
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.text_cell(|out| json::write_text(out, text));
    }

    /// A text that is known to hold no quote, backslash or control character; it is not looked at.
    #[inline]
    pub fn plain(&mut self, text: &str) {
        self.text_cell(|out| out.extend_from_slice(text.as_bytes()));
    }

    /// A value that `write` appends to the record as JSON, on one line. Nothing of it is looked at, so it must be
    /// valid; only where it has to be cut, because selection leaves out something inside it, is it checked.
    #[inline]
    pub fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut broken = None;
        self.cell(|column, out| {
            let from = out.len();
            write(out);
            if column.node != Node::Keep {
                broken = cut(column, out, from).err();
            }
            out.push(b',');
        });
        if broken.is_some() {
            self.error = broken;
        }
    }

    /// A value that is JSON already, on one line; what is not selected inside it is left out.
    ///
    /// It is checked only where it has to be cut.
    pub fn json(&mut self, value: &str) {
        let mut broken = None;
        self.cell(|column, out| {
            if column.node == Node::Keep {
                out.extend_from_slice(value.as_bytes());
            } else if let Err(error) = Cutter::default().copy(value.as_bytes(), &column.node, out) {
                broken = Some(error);
            }
            out.push(b',');
        });
        if broken.is_some() {
            self.error = broken;
        }
    }

    /// Completes the record.
    ///
    /// # Errors
    /// A row with too few or too many cells, a record out of order in a sorted stream, stdout gone, or the end of
    /// the run asked for.
    #[inline]
    pub fn end(mut self) -> Result<()> {
        let ended = self.try_end();
        if ended.is_err() {
            self.output.failed = true;
            return ended.map_err(|error| error.in_stream(&self.output.current.name));
        }
        ended
    }

    #[inline]
    fn try_end(&mut self) -> Result<()> {
        self.output.check_failed()?;
        if self.next != self.output.columns().len() || self.error.is_some() {
            return Err(self.wrong());
        }
        let buffer = &mut self.output.emitter.buffer;
        // The last cell's comma becomes the closing brace.
        match buffer.last_mut() {
            Some(last) if *last == b',' => *last = b'}',
            _ => buffer.push(b'}'),
        }
        if let (Some((from, to)), Some(progress)) = (self.watched, &mut self.output.current.progress) {
            progress.see(&buffer[from..to])?;
        }
        self.ended = true;
        self.output.emitter.end_record();
        self.output.after_record()
    }

    #[cold]
    fn wrong(&mut self) -> Error {
        let (has, needs) = (self.next, self.output.columns().len());
        let count = || Error::bug(format!("a row has {has} cells, its schema {needs} properties"));
        self.error.take().unwrap_or_else(count)
    }

    #[inline]
    fn text_cell(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.next;
        self.next += 1;
        let output = &mut *self.output;
        let Some(column) = output.current.columns().get(at).filter(|column| column.selected) else {
            return;
        };
        let out = &mut output.emitter.buffer;
        out.extend_from_slice(&column.text_key);
        let from = out.len() - 1;
        write(out);
        out.extend_from_slice(b"\",");
        if output.current.watched == Some(at) {
            self.watched = Some((from, out.len() - 1));
        }
    }

    #[inline]
    fn cell(&mut self, write: impl FnOnce(&Column, &mut Vec<u8>)) {
        let at = self.next;
        self.next += 1;
        let output = &mut *self.output;
        let Some(column) = output.current.columns().get(at).filter(|column| column.selected) else {
            return;
        };
        let out = &mut output.emitter.buffer;
        out.extend_from_slice(&column.key);
        let from = out.len();
        write(column, out);
        if output.current.watched == Some(at) {
            self.watched = Some((from, out.len() - 1));
        }
    }
}

/// Cuts the value that stands in `out` from `from` on.
#[cold]
fn cut(column: &Column, out: &mut Vec<u8>, from: usize) -> Result<()> {
    let value = out.split_off(from);
    Cutter::default().copy(&value, &column.node, out)
}

impl Drop for RowWriter<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        if !self.ended {
            self.output.emitter.buffer.truncate(self.start);
        }
    }
}
