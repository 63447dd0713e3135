//! The fast path: records like those before, written into columns without a row.
//!
//! A record that is decoded into a row is walked twice: each cell is written, read again, and matched by its type. Where
//! the keys come in the order in which they always came, a value that is short and of its column's type goes into the
//! column as soon as its end is known, or nowhere, where only the record as it came is wanted. All else waits in its cell
//! until the end of the record.
//!
//! For example, with the columns `id` (integers) and `name` (strings):
//!
//! | record | what happens |
//! |---|---|
//! | `{"id": 1, "name": "Ann"}` | The first record is decoded into a row. Its keys become the steps `{"id": ` and `, "name": `. |
//! | `{"id": 2, "name": "Bo"}` | Both steps match: 2 goes into the integers and `Bo` into the strings. No cell is written. |
//! | `{"id": 3, "name": "J\u00f6"}` | 3 goes into the integers. The string has an escape, so it is read into its cell, which is pushed at the end. |
//! | `{"id": 4}` | The second step does not match: the cell of `name` becomes [`Cell::Absent`]. |
//! | `{"id": 5, "extra": 0}` | No step matches the second key: 5 is rolled back, and the slow path decodes the record. |
//!
//! Nothing is ever reported from here. A record with anything invalid or unexpected is rolled back from the columns and
//! decoded again, by the slow path.

use super::checks::Checks;
use super::key::Key;
use super::keys::{KEPT, OUTSIDE};
use super::short::{Digits, long_string_end};
use super::step::Step;
use super::window::{self, Window, window};
use super::write_value::WriteValue;
use super::{Decoder, Undeclared, value};
use crate::cell::{Cell, Row, Taken};
use crate::columns::Columns;
use crate::json::Syntax;
use crate::schema::types::Types;

/// What records look like, and when one is worth a try.
#[derive(Debug, Default)]
pub(super) struct FastPath {
    /// The keys in the order in which they came, each with what stands before it: `{"a": `, `, "b": `.
    steps: Vec<Step>,
    /// Columns whose keys never came.
    absent: Vec<usize>,
    /// The keys and the space between members of which this was made.
    made_of: (usize, usize),
    /// A column that each record must have never came.
    hopeless: bool,
    /// How many records are not tried after one was tried in vain, and how many of them are left.
    pause: u32,
    left: u32,
}

/// The longest pause. A record tried in vain costs at most as much as one decoded.
const MAX_PAUSE: u32 = 255;
/// The number of earlier properties that may be missing: each is a wrong guess.
const MAX_MISSING: usize = 4;

/// Nowhere: the record is passed on as it came.
struct Nowhere;

impl WriteValue for Nowhere {
    const ANY_PROPERTY: bool = false;

    fn begin_record(&mut self) {}

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called in one place, for each value")]
    fn write(&mut self, key: Key, text: &str, window: &Window, at: usize) -> Option<usize> {
        let at = at & 31;
        match window[at] {
            // The record cannot be passed on as it came.
            _ if key.column == OUTSIDE => None,
            b'"' if key.unchecked.has(Types::STRING) => Some(long_string_end(text, window, at)? + 1),
            b'0'..=b'9' | b'-' => {
                let digits = Digits::find(window, at)?;
                if digits.integer(window).is_some() {
                    return key.unchecked.has(Types::INTEGER).then_some(digits.end);
                }
                let end = digits.fraction_end(window)?;
                key.unchecked.has(Types::FRACTION).then_some(end)
            }
            b'n' if window[at..at + 4] == *b"null" && key.unchecked.has(Types::NULL) => Some(at + 4),
            _ => None,
        }
    }

    fn leave_in_cell(&mut self, _: usize) {}

    fn roll_back(&mut self) {}
}

impl Decoder {
    /// Decodes as [`decode`](Self::decode) does, for the columns that the row is pushed to next: values that they have
    /// taken by then have no cells in it.
    ///
    /// Of a row that is not pushed after all nothing stays in the columns.
    ///
    /// # Errors
    /// What is not JSON.
    pub fn decode_into<'a>(
        &mut self,
        text: &'a str,
        at: usize,
        row: &mut Row<'a>,
        columns: &mut Columns,
    ) -> Result<usize, Syntax> {
        match self.try_fast_path(text, at, row, columns) {
            Some(end) => Ok(end),
            None => self.decode_row(text, at, row),
        }
    }

    /// Checks a record of which only the record is wanted, if it is like those before; returns where it ends.
    #[inline]
    pub(super) fn check_fast<'a>(&mut self, text: &'a str, at: usize, row: &mut Row<'a>) -> Option<usize> {
        let end = self.try_fast_path(text, at, row, &mut Nowhere)?;
        row.cells.clear();
        Some(end)
    }

    #[inline]
    fn try_fast_path<'a>(
        &mut self,
        text: &'a str,
        at: usize,
        row: &mut Row<'a>,
        writer: &mut impl WriteValue,
    ) -> Option<usize> {
        if self.fast_path.left > 0 {
            self.fast_path.left -= 1;
            return None;
        }
        if !self.is_worth_a_try() {
            return None;
        }
        let end = self.decode_fast(text, at, row, writer);
        let Some(end) = end else {
            writer.roll_back();
            self.fast_path.left = self.fast_path.pause;
            self.fast_path.pause = (2 * self.fast_path.pause + 1).min(MAX_PAUSE);
            return None;
        };
        self.fast_path.pause = 0;
        row.record = text.get(at..end).unwrap_or_default();
        if !row.untouched {
            self.unknown.extend(self.keys.take_unknown());
        }
        Some(end)
    }

    #[inline]
    fn is_worth_a_try(&mut self) -> bool {
        if self.fast_path.made_of != (self.keys.changes(), self.gap) {
            self.look_at_keys();
        }
        !self.fast_path.steps.is_empty() && !self.fast_path.hopeless && !self.checks.look_at_records()
    }

    #[cold]
    fn look_at_keys(&mut self) {
        let fast_path = &mut self.fast_path;
        fast_path.made_of = (self.keys.changes(), self.gap);
        fast_path.steps = Vec::with_capacity(self.keys.steps().len());
        for step in self.keys.steps() {
            let before: &[u8] = match (fast_path.steps.is_empty(), self.gap) {
                (true, _) => b"{",
                (false, 0) => b",",
                (false, _) => b", ",
            };
            let written = [before, step.text()].concat();
            fast_path.steps.push(Step::new(&written, step.key));
        }
        let came = |column: &usize| fast_path.steps.iter().any(|step| step.key.column == *column);
        fast_path.absent = (0..self.columns).filter(|column| !came(column)).collect();
        fast_path.hopeless = fast_path
            .absent
            .iter()
            .any(|column| self.checks.requires(*column));
    }

    /// Returns where the record ends, if nothing in it is wrong or unexpected.
    fn decode_fast<'a>(
        &mut self,
        text: &'a str,
        start: usize,
        row: &mut Row<'a>,
        writer: &mut impl WriteValue,
    ) -> Option<usize> {
        self.checks.violations.clear();
        row.cells.resize(self.columns, Cell::Absent);
        row.untouched = true;
        row.taken = Taken(true);
        row.undeclared.clear();
        row.unescaped.clear();
        writer.begin_record();
        for &column in &self.fast_path.absent {
            row.cells[column] = Cell::Absent;
            writer.leave_in_cell(column);
        }
        let mut rest = text.get(start..)?;
        let (mut missing, mut in_cells) = (0, 0);
        let keeps = self.undeclared == Undeclared::Keep;
        for step in &self.fast_path.steps {
            let (key, length) = (step.key, step.length());
            let window = window(rest).filter(|window| step.is_in(window));
            if let Some(window) = window
                && let Some(end) = writer.write(key, rest, window, length)
            {
                rest = rest.get(end..)?;
            } else if window.is_some() || window::starts_with(rest.as_bytes(), 0, step.text()) {
                in_cells += 1;
                let at = text.len() - rest.len() + length;
                let how = (&mut self.checks, self.unescape, keeps);
                let end = to_cell(how, key, (text, at), row, writer)?;
                rest = text.get(end..)?;
            } else {
                missing += 1;
                // The brace stands before the first key.
                let nothing_came = text.len() - rest.len() == start;
                if missing > MAX_MISSING || nothing_came {
                    return None;
                }
                leave_out(&self.checks, key, row, writer)?;
            }
        }
        if 2 * in_cells > self.fast_path.steps.len() {
            // The slow path fills cells faster.
            self.fast_path.left = MAX_PAUSE;
        }
        rest.starts_with('}').then_some(text.len() - rest.len() + 1)
    }
}

/// Reads the value at `at` into its cell; returns where it ends, if it is right.
#[inline(never)]
fn to_cell<'a, T: WriteValue>(
    (checks, unescape, keeps): (&mut Checks, bool, bool),
    key: Key,
    (text, at): (&'a str, usize),
    row: &mut Row<'a>,
    writer: &mut T,
) -> Option<usize> {
    let Some(slot) = row.cells.get_mut(key.column) else {
        let (_, end) = value::value(text, at, &mut Cell::Absent, None).ok()?;
        // Columns that are stored elsewhere are found by the slow path.
        let passes = if key.column == KEPT {
            keeps
        } else {
            T::ANY_PROPERTY
        };
        row.untouched &= key.column == KEPT;
        return (passes && !checks.closed).then_some(end);
    };
    writer.leave_in_cell(key.column);
    let unescaped = unescape.then_some(&mut row.unescaped);
    let (kind, end) = value::value(text, at, slot, unescaped).ok()?;
    if !key.unchecked.meets(kind) {
        checks.value(key.column, row, (text, at, end));
    }
    checks.violations.found().is_empty().then_some(end)
}

/// Notes that a record does not have a property, if it may be without.
#[inline(never)]
fn leave_out(checks: &Checks, key: Key, row: &mut Row<'_>, writer: &mut impl WriteValue) -> Option<()> {
    if let Some(cell) = row.cells.get_mut(key.column) {
        *cell = Cell::Absent;
        writer.leave_in_cell(key.column);
    }
    (!checks.requires(key.column)).then_some(())
}

#[cfg(test)]
mod tests;
