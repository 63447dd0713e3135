//! Which properties the records of a batch lack.

use arrow_array::StringArray;

use super::texts::Texts;
use crate::error::Result;

/// The name of the column that [`ColumnOptions::absent`](super::ColumnOptions::absent) adds.
pub const ABSENT: &str = "_melisma_absent";

/// One text a row: a `1` for each column whose property the record lacks, a `0` for each before it that it has.
#[derive(Debug, Default)]
pub(super) struct Absent {
    texts: Texts,
    /// Complete rows after the last text.
    complete: usize,
    /// The text of the row in hand.
    mask: Vec<u8>,
}

impl Absent {
    /// Adds a row that lacks these columns. `None`: there is no room for it in this batch.
    pub(super) fn push(&mut self, lacks: impl Iterator<Item = usize>) -> Option<()> {
        self.mask.clear();
        for column in lacks {
            if self.mask.len() <= column {
                self.mask.resize(column + 1, b'0');
            }
            self.mask[column] = b'1';
        }
        if self.mask.is_empty() {
            self.complete += 1;
            return Some(());
        }
        self.settle();
        self.texts
            .push_plain(std::str::from_utf8(&self.mask).unwrap_or_default())
    }

    /// Runs of complete rows are only counted, until one comes that is not complete.
    fn settle(&mut self) {
        self.texts.push_nulls(std::mem::take(&mut self.complete));
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.texts.size()
    }

    /// Takes the texts out; null for rows that lack nothing.
    pub(super) fn finish(&mut self) -> Result<StringArray> {
        self.settle();
        self.texts.finish()
    }
}
