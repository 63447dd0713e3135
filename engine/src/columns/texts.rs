//! The builder of a column of strings.

use std::fmt::Write;
use std::ops::Range;

use arrow_array::builder::{ArrayBuilder, StringBuilder};
use arrow_array::{Array, StringArray};

use super::refused::Refused;
use super::room_for_next;
use crate::cell::{Cell, Row, Text};
use crate::error::{Error, Result};
use crate::json;

/// Strings one after another, in Arrow's own builder: what it is given as `&str` it need not check again, and a check of
/// finished columns would cost as much as the decoder takes to find where strings end.
#[derive(Debug)]
pub(super) struct Texts {
    strings: StringBuilder,
    /// Which of those are none of this column, in order: the builder cannot forget a string, so they are left out of the
    /// array.
    holes: Vec<Range<usize>>,
    /// How many strings those are.
    dropped: usize,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            strings: StringBuilder::with_capacity(0, 0),
            holes: Vec::new(),
            dropped: 0,
        }
    }
}

impl Texts {
    /// Adds a string of a row.
    ///
    /// # Errors
    /// A string that makes the column of this batch larger than Arrow's offsets can say.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call would take as long as the copy")]
    pub(super) fn push(&mut self, text: &Text<'_>, row: &Row<'_>) -> Result<(), Refused> {
        // Without its escapes it is shorter.
        if text.raw.len() > self.room() {
            return Err(full());
        }
        match row.text(text) {
            Some(text) => self.strings.append_value(text),
            None => {
                json::unescape(text.raw, &mut self.strings);
                self.strings.append_value("");
            }
        }
        Ok(())
    }

    /// Adds a text, if there is room for it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    pub(super) fn push_plain(&mut self, text: &str) -> Option<()> {
        (text.len() <= self.room()).then(|| self.strings.append_value(text))
    }

    fn room(&self) -> usize {
        i32::MAX as usize - self.strings.values_slice().len()
    }

    /// What is no string goes in as its JSON text.
    pub(super) fn push_scalar(&mut self, cell: &Cell<'_>, row: &Row<'_>) -> Result<(), Refused> {
        let mut digits = itoa::Buffer::new();
        let raw = match cell {
            Cell::Int(value) => digits.format(*value),
            Cell::Number(json) | Cell::Json(json) => json,
            Cell::Bool(true) => "true",
            Cell::Bool(false) => "false",
            Cell::Text(text) => return self.push(text, row),
            Cell::Null | Cell::Absent => "",
        };
        self.push(&Text::plain(raw), row)
    }

    /// The JSON text of a value; that of a string has its quotes, and its escapes as they came.
    pub(super) fn push_json(&mut self, cell: &Cell<'_>, row: &Row<'_>) -> Result<(), Refused> {
        let Cell::Text(text) = cell else {
            return self.push_scalar(cell, row);
        };
        if text.raw.len() + 2 > self.room() {
            return Err(full());
        }
        // Its writes cannot fail.
        let _ = write!(self.strings, "\"{}\"", text.raw);
        self.strings.append_value("");
        Ok(())
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        self.strings.append_nulls(count);
    }

    /// How many strings there are.
    pub(super) fn len(&self) -> usize {
        self.strings.len() - self.dropped
    }

    /// Bytes of memory.
    pub(super) fn size(&self) -> usize {
        self.strings.values_slice().len() + self.strings.len() * size_of::<i32>()
    }

    /// Takes the strings from `rows` on out.
    pub(super) fn truncate(&mut self, rows: usize) {
        let mut surplus = self.len().saturating_sub(rows);
        if surplus == 0 {
            return;
        }
        self.dropped += surplus;
        // All after the last string that stays, and what was left out among them already.
        let mut hole = self.strings.len()..self.strings.len();
        loop {
            let before = self.holes.last().map_or(0, |last| last.end);
            let taken = surplus.min(hole.start - before);
            hole.start -= taken;
            surplus -= taken;
            if hole.start > before {
                break;
            }
            match self.holes.pop() {
                Some(last) => hole.start = last.start,
                None => break,
            }
        }
        self.holes.push(hole);
    }

    /// Takes the strings out. The next batch starts with as much room as this one took.
    pub(super) fn finish(&mut self) -> Result<StringArray> {
        let mut strings = self.strings.finish();
        if !self.holes.is_empty() {
            let mut from = 0;
            let end = strings.len()..strings.len();
            for hole in self.holes.drain(..).chain([end]) {
                let part = strings.slice(from, hole.start - from);
                let appended = self.strings.append_array(&part);
                appended.map_err(|error| Error::bug("a part of a column").with_source(error))?;
                from = hole.end;
            }
            self.dropped = 0;
            strings = self.strings.finish();
        }
        let (count, bytes) = (strings.len(), strings.value_data().len());
        self.strings = StringBuilder::with_capacity(room_for_next(count), room_for_next(bytes));
        Ok(strings)
    }
}

/// What is said of a text for which a batch has no room.
#[cold]
pub(super) fn full() -> Refused {
    "expected at most 2 GiB of text in one batch, found more".to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        /// A string that stands in a text after another; it may have escapes, which are right.
        Push(String, String),
        /// One whose escapes are unchecked.
        Unchecked(String),
        Scalar(i64),
        Nulls(usize),
        Truncate(prop::sample::Index),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (".{0,3}", r"([ a-zé漢😀]{0,40}|(\\\\|\\n|\\u00e9|\\u6f22|\\ud83d\\ude00|a){0,90})")
                .prop_map(|(before, text)| Step::Push(before, text)),
            2 => r"(\\|u|0|d8|c|é|漢|😀){0,90}".prop_map(Step::Unchecked),
            1 => any::<i64>().prop_map(Step::Scalar),
            1 => (0_usize..4).prop_map(Step::Nulls),
            1 => any::<prop::sample::Index>().prop_map(Step::Truncate),
        ]
    }

    fn escaped(raw: &str) -> Text<'_> {
        Text::new(raw, raw.contains('\\'))
    }

    proptest! {
        /// Any text, even one whose escapes are unchecked: what comes out is UTF-8, and the same as from `String`s.
        #[test]
        fn strings_come_out_as_they_went_in(steps in prop::collection::vec(step(), 0..40)) {
            let (mut texts, mut model) = (Texts::default(), Vec::<Option<String>>::new());
            for step in &steps {
                match step {
                    Step::Push(before, text) => {
                        let record = format!("{before}{text}{before}");
                        let raw = &record[before.len()..before.len() + text.len()];
                        texts.push(&escaped(raw), &Row::default()).expect("room");
                        let json = format!("\"{raw}\"");
                        model.push(Some(serde_json::from_str(&json).expect("valid JSON")));
                    }
                    Step::Unchecked(raw) => {
                        texts.push(&escaped(raw), &Row::default()).expect("room");
                        model.push(Some(escaped(raw).to_text().into_owned()));
                    }
                    Step::Scalar(value) => {
                        texts.push_scalar(&Cell::Int(*value), &Row::default()).expect("room");
                        model.push(Some(value.to_string()));
                    }
                    Step::Nulls(count) => {
                        texts.push_nulls(*count);
                        model.resize(model.len() + count, None);
                    }
                    Step::Truncate(to) => {
                        let rows = to.index(model.len() + 1);
                        texts.truncate(rows);
                        model.truncate(rows);
                    }
                }
            }
            prop_assert_eq!(texts.len(), model.len());
            let array = texts.finish().expect("less than 2 GiB");
            prop_assert_eq!(array.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>(), model);
            prop_assert_eq!((texts.len(), texts.size()), (0, 0));
        }
    }
}
