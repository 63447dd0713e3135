//! Columns of text. A driver hands them over unchecked, so they are checked to be UTF-8 before a `str` is made of them.

use std::str;

use arrow_array::{Array as _, BinaryViewArray, GenericStringArray, OffsetSizeTrait, StringViewArray};

use super::moments::Wrong;

const SHORT: &str = "the batch is shorter than it says";

/// The texts of a column.
pub(super) enum Texts<'b> {
    Small { offsets: &'b [i32], data: Data<'b> },
    Large { offsets: &'b [i64], data: Data<'b> },
    View(BinaryViewArray),
}

/// The bytes of all texts, and the same as text if they are.
pub(super) struct Data<'b> {
    bytes: &'b [u8],
    text: Option<&'b str>,
}

impl<'b> Data<'b> {
    fn of<O: OffsetSizeTrait>(array: &'b GenericStringArray<O>) -> Self {
        let offsets = array.value_offsets();
        let of = |offset: Option<&O>| offset.map_or(0, |offset| offset.as_usize());
        // A batch may be a part of a longer one, whose other texts do not count.
        let (start, end) = (of(offsets.first()), of(offsets.last()));
        let used = array.value_data().get(start..end).unwrap_or_default();
        let text = str::from_utf8(used).ok().filter(|_| start == 0);
        Self {
            bytes: array.value_data(),
            text,
        }
    }

    #[inline]
    fn get(&self, start: usize, end: usize) -> Result<&str, Wrong> {
        match self.text.and_then(|text| text.get(start..end)) {
            Some(text) => Ok(text),
            None => checked(self.bytes.get(start..end).ok_or(SHORT)?),
        }
    }
}

impl<'b> Texts<'b> {
    pub(super) fn small(array: &'b GenericStringArray<i32>) -> Self {
        Self::Small {
            offsets: array.value_offsets(),
            data: Data::of(array),
        }
    }

    pub(super) fn large(array: &'b GenericStringArray<i64>) -> Self {
        Self::Large {
            offsets: array.value_offsets(),
            data: Data::of(array),
        }
    }

    pub(super) fn view(array: &StringViewArray) -> Self {
        Self::View(array.clone().to_binary_view())
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Result<&str, Wrong> {
        match self {
            Self::Small { offsets, data } => {
                let [start, end] = bounds(offsets, row)?;
                data.get(place(start), place(end))
            }
            Self::Large { offsets, data } => {
                let [start, end] = bounds(offsets, row)?;
                data.get(place(start), place(end))
            }
            Self::View(array) if row < array.len() => checked(array.value(row)),
            Self::View(_) => Err(SHORT.into()),
        }
    }
}

#[inline]
fn bounds<T: Copy>(offsets: &[T], row: usize) -> Result<[T; 2], Wrong> {
    match offsets.get(row..).and_then(<[T]>::first_chunk) {
        Some(bounds) => Ok(*bounds),
        None => Err(SHORT.into()),
    }
}

/// A negative offset is as wrong as one beyond the data.
#[inline]
fn place(offset: impl TryInto<usize>) -> usize {
    offset.try_into().unwrap_or(usize::MAX)
}

#[cold]
fn checked(bytes: &[u8]) -> Result<&str, Wrong> {
    str::from_utf8(bytes).map_err(|_| "expected text in UTF-8, found other bytes".into())
}
