//! A column of strings under construction.

use arrow_array::StringArray;
use arrow_array::builder::StringBuilder;
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use crate::cell::{Cell, Text};
use crate::error::{Error, Result};
use crate::json;

/// Strings one after another.
#[derive(Debug, Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// The end of each string, modulo 2^32; `finish` checks that the last of them was below 2^31.
    ends: Vec<i32>,
}

/// How many bytes are copied of a short string, whatever its length.
const PIECE: usize = 32;

impl Texts {
    /// Adds a string. `record` is the text that it probably stands in.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call would take as long as the copy")]
    pub(super) fn push(&mut self, text: &Text<'_>, record: &str) {
        if text.escaped {
            json::unescape_bytes(text.raw, record, &mut self.bytes);
        } else {
            self.append(text.raw, record);
        }
        self.end();
    }

    /// Appends a string: of a short one that stands in `record` always as many bytes, the rest cut off again. A copy
    /// of just so many as there are costs a mispredicted branch on their number.
    #[inline]
    fn append(&mut self, text: &str, record: &str) {
        let at = text.as_ptr().addr().wrapping_sub(record.as_ptr().addr());
        match record.as_bytes().get(at..).and_then(<[u8]>::first_chunk::<PIECE>) {
            Some(piece) if text.len() <= PIECE => {
                let end = self.bytes.len() + text.len();
                self.bytes.extend_from_slice(piece);
                self.bytes.truncate(end);
            }
            _ => self.bytes.extend_from_slice(text.as_bytes()),
        }
    }

    /// What is no string goes in as its JSON text.
    pub(super) fn push_scalar(&mut self, cell: &Cell<'_>) {
        match cell {
            Cell::Int(value) => self.append(itoa::Buffer::new().format(*value), ""),
            Cell::Number(json) | Cell::Json(json) => self.append(json, ""),
            Cell::Bool(value) => self.append(if *value { "true" } else { "false" }, ""),
            Cell::Text(text) => return self.push(text, ""),
            Cell::Null | Cell::Absent => {}
        }
        self.end();
    }

    #[inline]
    fn end(&mut self) {
        self.ends.push((self.bytes.len() as u32).cast_signed());
    }

    /// Adds empty strings.
    pub(super) fn push_empty(&mut self, count: usize) {
        let end = (self.bytes.len() as u32).cast_signed();
        self.ends.resize(self.ends.len() + count, end);
    }

    /// How many strings there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of memory.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.ends.len() * 4
    }

    /// Takes the strings from `rows` on out.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        let end = self.ends.last().map_or(0, |end| end.cast_unsigned() as usize);
        self.bytes.truncate(end);
    }

    /// Takes the strings out.
    ///
    /// ASCII goes as it is. Arrow would check other text slowly (1 to 2 GB/s), so that is copied instead, by way of
    /// its builder, which asks for `&str`: one fast check for all of it and a copy cost a fifth of that.
    pub(super) fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<StringArray> {
        if i32::try_from(self.bytes.len()).is_err() {
            return Err(Error::bug("more than 2 GiB of text in one batch"));
        }
        let rows = self.ends.len();
        if self.bytes.is_ascii() {
            let room = self.bytes.len() + PIECE;
            let bytes = std::mem::replace(&mut self.bytes, Vec::with_capacity(room));
            let mut offsets = Vec::with_capacity(rows + 1);
            offsets.push(0);
            offsets.append(&mut self.ends);
            let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
            return StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls)
                .map_err(|error| Error::bug("a text column").with_source(error));
        }
        let text = simdutf8::basic::from_utf8(&self.bytes)
            .map_err(|error| Error::bug("a text column").with_source(error))?;
        let mut strings = StringBuilder::with_capacity(rows, text.len());
        let mut start = 0;
        for (row, end) in self.ends.drain(..).enumerate() {
            let end = end.unsigned_abs() as usize;
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                strings.append_null();
            } else {
                strings.append_value(text.get(start..end).unwrap_or_default());
            }
            start = end;
        }
        self.bytes.clear();
        Ok(strings.finish())
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        /// A string that stands in a text after another; it may have escapes, which are right.
        Push(String, String),
        /// One whose escapes nobody has checked.
        Unchecked(String),
        Scalar(i64),
        Empty(usize),
        Truncate(prop::sample::Index),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (".{0,3}", r"([ a-zé漢😀]{0,40}|(\\\\|\\n|\\u00e9|\\u6f22|\\ud83d\\ude00|a){0,90})")
                .prop_map(|(before, text)| Step::Push(before, text)),
            2 => r"(\\|u|0|d8|c|é|漢|😀){0,90}".prop_map(Step::Unchecked),
            1 => any::<i64>().prop_map(Step::Scalar),
            1 => (0_usize..4).prop_map(Step::Empty),
            1 => any::<prop::sample::Index>().prop_map(Step::Truncate),
        ]
    }

    fn escaped(raw: &str) -> Text<'_> {
        Text {
            raw,
            escaped: raw.contains('\\'),
        }
    }

    proptest! {
        /// Any text, even one whose escapes nobody has checked: what comes out is UTF-8, and the same as from `String`s.
        #[test]
        fn strings_come_out_as_they_went_in(steps in prop::collection::vec(step(), 0..40)) {
            let (mut texts, mut model) = (Texts::default(), Vec::<Option<String>>::new());
            for step in &steps {
                match step {
                    Step::Push(before, text) => {
                        let record = format!("{before}{text}{before}");
                        let raw = &record[before.len()..before.len() + text.len()];
                        texts.push(&escaped(raw), &record);
                        let json = format!("\"{raw}\"");
                        model.push(Some(serde_json::from_str(&json).expect("valid JSON")));
                    }
                    Step::Unchecked(raw) => {
                        texts.push(&escaped(raw), "");
                        model.push(None);
                    }
                    Step::Scalar(value) => {
                        texts.push_scalar(&Cell::Int(*value));
                        model.push(Some(value.to_string()));
                    }
                    Step::Empty(count) => {
                        texts.push_empty(*count);
                        model.resize(model.len() + count, Some(String::new()));
                    }
                    Step::Truncate(to) => {
                        let rows = to.index(model.len() + 1);
                        texts.truncate(rows);
                        model.truncate(rows);
                    }
                }
            }
            let array = texts.finish(None).expect("less than 2 GiB");
            prop_assert_eq!(array.len(), model.len());
            for (found, expected) in array.iter().flatten().zip(&model) {
                prop_assert!(expected.as_ref().is_none_or(|expected| expected == found), "{found}");
            }
        }
    }
}
