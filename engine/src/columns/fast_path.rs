//! The fast path of [`Columns`]: values that are written into their columns while the record is read, and the cells that
//! wait for the end of the record; see [`Decoder::decode_into`](crate::decode::Decoder::decode_into).

use super::column::{Column, Values};
use super::{Columns, float};
use crate::cell::Row;
use crate::decode::{Digits, Key, Window, WriteValue, long_string_end};
use crate::error::{Error, Result};
use crate::schema::types::Types;
use crate::time;

/// A row of which the columns have a part.
#[derive(Debug, Default)]
pub(super) struct OpenRow {
    is_open: bool,
    /// The columns whose values are in cells.
    left: Vec<usize>,
}

impl WriteValue for Columns {
    const ANY_PROPERTY: bool = true;

    #[inline]
    fn begin_record(&mut self) {
        self.roll_back_open();
        self.open.is_open = true;
        self.open.left.clear();
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called in one place, for each value")]
    fn write(&mut self, key: Key, text: &str, window: &Window, at: usize) -> Option<usize> {
        let column = self.columns.get_mut(key.column)?;
        column.read((text, window), at, key.unchecked)
    }

    #[inline]
    fn leave_in_cell(&mut self, column: usize) {
        self.open.left.push(column);
    }

    #[cold]
    fn roll_back(&mut self) {
        self.open.is_open = false;
        for column in &mut self.columns {
            column.truncate(self.rows);
        }
    }
}

impl Columns {
    /// Rolls back the row that was begun and not pushed.
    #[inline]
    pub(super) fn roll_back_open(&mut self) {
        if self.open.is_open {
            self.roll_back();
        }
    }

    /// Adds the values of the open row that are in cells.
    pub(super) fn push_left(&mut self, row: &Row<'_>) -> Result<()> {
        if !self.open.is_open {
            return Err(Error::bug("a row that other columns have a part of"));
        }
        for &at in &self.open.left {
            let column = &mut self.columns[at];
            if let Err(refused) = column.push(&row.cells[at], row)
                && !column.replace(&refused)
            {
                return Err(self.refuse(at, &refused));
            }
        }
        self.open.is_open = false;
        if self.absent.is_some() {
            let left = std::mem::take(&mut self.open.left);
            let noted = self.note_absent(left.iter().map(|&at| (at, &row.cells[at])));
            self.open.left = left;
            noted?;
        }
        self.rows += 1;
        Ok(())
    }
}

impl Column {
    /// See [`WriteValue::write`].
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    fn read(&mut self, (text, window): (&str, &Window), at: usize, unchecked: Types) -> Option<usize> {
        // Never cuts anything off: it tells the compiler that all below is inside of the window.
        let at = at & 31;
        if self.nulls.pending() > 0 {
            self.settle();
        }
        match &mut self.values {
            Values::Integer(values) if unchecked.has(Types::INTEGER) => {
                let digits = Digits::find(window, at)?;
                values.push(digits.integer(window)?);
                Some(digits.end)
            }
            Values::Float(values) if unchecked.has(Types::NUMBER) => {
                let digits = Digits::find(window, at)?;
                if let Some(end) = digits.fraction_end(window) {
                    let (word, point) = digits.word(window, end)?;
                    values.push(float::of_word(word, point, digits.negative));
                    return Some(end);
                }
                #[expect(clippy::cast_precision_loss, reason = "at most fifteen digits, so exact")]
                values.push(digits.integer(window)? as f64);
                Some(digits.end)
            }
            Values::Date(values) if unchecked.has(Types::STRING) => {
                let quoted = window[at..].first_chunk::<12>()?;
                let [b'"', date @ .., b'"'] = quoted else {
                    return None;
                };
                values.push(time::date(date)?);
                Some(at + quoted.len())
            }
            Values::Text(texts) if unchecked.has(Types::STRING) => {
                let end = long_string_end(text, window, at)?;
                texts.push_plain(text.get(at + 1..end)?)?;
                Some(end + 1)
            }
            Values::Json(texts) if unchecked.has(Types::STRING) => {
                let end = long_string_end(text, window, at)?;
                texts.push_plain(text.get(at..=end)?)?;
                Some(end + 1)
            }
            _ => None,
        }
    }
}
