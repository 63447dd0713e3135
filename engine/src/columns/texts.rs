//! A column of strings under construction.

use arrow_array::StringArray;
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use crate::cell::{Cell, Text};
use crate::error::{Error, Result};
use crate::json;

/// Strings one after another.
#[derive(Debug, Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<i32>,
    scratch: String,
}

impl Texts {
    #[inline]
    pub(super) fn push(&mut self, text: &Text<'_>) {
        if text.escaped {
            self.scratch.clear();
            json::unescape(text.raw, &mut self.scratch);
            self.bytes.extend_from_slice(self.scratch.as_bytes());
        } else {
            append(&mut self.bytes, text.raw.as_bytes());
        }
        self.end();
    }

    /// What is no string goes in as its JSON text.
    pub(super) fn push_scalar(&mut self, cell: &Cell<'_>) {
        match cell {
            Cell::Int(value) => self
                .bytes
                .extend_from_slice(itoa::Buffer::new().format(*value).as_bytes()),
            Cell::Number(json) | Cell::Json(json) => self.bytes.extend_from_slice(json.as_bytes()),
            Cell::Bool(value) => self
                .bytes
                .extend_from_slice(if *value { b"true" } else { b"false" }),
            Cell::Text(text) => return self.push(text),
            Cell::Null | Cell::Absent => {}
        }
        self.end();
    }

    /// Ends a string. A batch is far smaller than the 2 GiB that an offset can tell; `finish` checks.
    #[inline]
    pub(super) fn end(&mut self) {
        self.ends.push(i32::try_from(self.bytes.len()).unwrap_or(-1));
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
        let end = self
            .ends
            .last()
            .map_or(0, |end| usize::try_from(*end).unwrap_or(0));
        self.bytes.truncate(end);
    }

    pub(super) fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<StringArray> {
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.extend_from_slice(&self.ends);
        self.ends.clear();
        if offsets.last().is_some_and(|end| *end < 0) {
            return Err(Error::bug("more than 2 GiB of text in one batch"));
        }
        let room = self.bytes.len();
        let bytes = Buffer::from_vec(std::mem::replace(&mut self.bytes, Vec::with_capacity(room)));
        StringArray::try_new(OffsetBuffer::new(ScalarBuffer::from(offsets)), bytes, nulls)
            .map_err(|error| Error::bug("a text column").with_source(error))
    }
}

/// Appends bytes; for short ones without a call, as two overlapping words.
#[inline]
fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    let (end, length) = (out.len() + bytes.len(), bytes.len());
    let mut both = [0; 32];
    if let (Some(first), Some(last), 16..=32) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>(), length)
    {
        both[..16].copy_from_slice(first);
        both[length - 16..length].copy_from_slice(last);
        out.extend_from_slice(&both);
        out.truncate(end);
    } else if let (Some(first), Some(last), 8..=16) =
        (bytes.first_chunk::<8>(), bytes.last_chunk::<8>(), length)
    {
        both[..8].copy_from_slice(first);
        both[length - 8..length].copy_from_slice(last);
        out.extend_from_slice(&both[..16]);
        out.truncate(end);
    } else if length < 8 {
        for &byte in bytes {
            out.push(byte);
        }
    } else {
        out.extend_from_slice(bytes);
    }
}
