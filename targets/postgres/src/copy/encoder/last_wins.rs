//! Of rows with one key the last stays, with the columns of earlier ones that it lacks.

use std::hash::BuildHasher;

use super::CopyEncoder;
use crate::copy::groups::{PartialRow, RowOp, replace_with};
use crate::copy::index::Entry;

impl CopyEncoder {
    /// Removes, or completes this row with, an earlier row of the batch that has the same key. The row is the last of its
    /// group.
    #[inline]
    pub(super) fn deduplicate(&mut self, at: usize, start: usize, key_end: usize) {
        let Self {
            layout,
            groups,
            index,
            tuples,
            ..
        } = self;
        let tuples = *tuples;
        let lines = &groups[at].lines;
        // Without the separator or line end after the key: which of the two follows depends on the group. The values of a tuple
        // have none.
        let key = &lines[start..key_end - usize::from(!tuples)];
        let hash = layout.hashes.hash_one(key);
        let end = lines.len();
        let op = groups[at].op;
        let new = Entry {
            hash,
            group: (op == RowOp::Put).then_some(at as u32),
            start,
            end,
        };
        let found = index.find(hash, |entry| match entry.group {
            Some(group) => {
                let row = &groups[group as usize].lines[entry.start..entry.end];
                row.starts_with(key) && (tuples || matches!(row.get(key.len()), Some(b'\t' | b'\n')))
            }
            None => false,
        });
        match found {
            Err(_) if op == RowOp::Delete => {}
            Err(slot) => index.insert(slot, new),
            Ok(old) => {
                let before = *old;
                *old = new;
                if layout.exact {
                    self.replace_earlier(before, at, start);
                } else {
                    self.supersede(before, at);
                }
            }
        }
    }

    /// In an ordered batch: a row of the group `at` has the same key as an earlier one, byte for byte. The earlier row is
    /// discarded when the new one has all its columns. Otherwise both stay, because there may be a row between them whose
    /// key is written differently and still equal.
    fn supersede(&mut self, old: Entry, at: usize) {
        let Some(before) = old.group.map(|group| group as usize) else {
            return;
        };
        if self.groups[at].op == RowOp::Delete || self.groups[at].mask.covers(&self.groups[before].mask) {
            self.groups[before].discard(old.start..old.end);
        }
    }

    /// The row at `start`, the last of its group `at`, replaces an earlier one. Columns that it lacks it takes over from
    /// that one, and moves to the group of rows with the columns of both.
    #[cold]
    fn replace_earlier(&mut self, old: Entry, at: usize, start: usize) {
        let Some(before) = old.group.map(|group| group as usize) else {
            return;
        };
        let covers =
            self.groups[at].op == RowOp::Delete || self.groups[at].mask.covers(&self.groups[before].mask);
        if !covers {
            let columns = self.layout.columns.len();
            let mut row = std::mem::take(&mut self.scratch);
            row.clear();
            {
                let (old_group, new_group) = (&self.groups[before], &self.groups[at]);
                replace_with(
                    &mut row,
                    columns,
                    PartialRow {
                        line: &old_group.lines[old.start..old.end],
                        mask: &old_group.mask,
                    },
                    PartialRow {
                        line: &new_group.lines[start..],
                        mask: &new_group.mask,
                    },
                );
                self.mask = old_group.mask.union(&new_group.mask);
            }
            self.groups[at].lines.truncate(start);
            self.groups[at].rows -= 1;
            let both = self.find_group(RowOp::Put);
            let group = &mut self.groups[both];
            let moved_to = group.lines.len();
            group.lines.extend_from_slice(&row);
            group.rows += 1;
            let moved = Entry {
                hash: old.hash,
                group: Some(both as u32),
                start: moved_to,
                end: moved_to + row.len(),
            };
            self.scratch = row;
            self.moved(at, start, moved);
        }
        self.groups[before].discard(old.start..old.end);
    }

    /// Updates the entry of the row that was at `start` in the group `at`: the row is elsewhere now.
    fn moved(&mut self, at: usize, start: usize, moved: Entry) {
        let found = self.index.find(moved.hash, |entry| {
            entry.group == Some(at as u32) && entry.start == start
        });
        if let Ok(entry) = found {
            *entry = moved;
        }
    }
}
