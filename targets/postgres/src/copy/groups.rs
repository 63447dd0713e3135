//! The groups of a batch: rows with the same operation and the same columns, which one statement can load.

use std::ops::Range;

use melisma_sdk::files::Lines;

/// The set of columns that a row has, by their index in the COPY.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mask(Box<[u64]>);

impl Mask {
    /// None of `columns` columns.
    pub(crate) fn none(columns: usize) -> Self {
        Self(vec![0; columns.div_ceil(64)].into())
    }

    /// The first `present` of `columns` columns.
    pub(crate) fn first(present: usize, columns: usize) -> Self {
        let mut mask = Self::none(columns);
        (0..present).for_each(|column| mask.add(column));
        mask
    }

    pub(crate) fn add(&mut self, column: usize) {
        if let Some(word) = self.0.get_mut(column / 64) {
            *word |= 1 << (column % 64);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }

    pub(crate) fn has(&self, column: usize) -> bool {
        self.0
            .get(column / 64)
            .is_some_and(|word| word >> (column % 64) & 1 == 1)
    }

    /// Whether it has every column that `other` has.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & b == *b)
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a | b).collect())
    }
}

/// What a row does to the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowOp {
    /// It is inserted, or replaces the row with the same key.
    Put,
    /// It deletes the row with the same key, and has only the columns of the key. Deletions of a batch come first.
    Delete,
}

/// A group of a batch that is being filled.
#[derive(Debug)]
pub(super) struct GroupBuilder {
    pub(super) op: RowOp,
    pub(super) mask: Mask,
    pub(super) lines: Vec<u8>,
    /// Ranges of `lines` that are no longer part of the batch: later rows have replaced them.
    pub(super) discarded: Vec<Range<usize>>,
    pub(super) rows: usize,
}

impl GroupBuilder {
    pub(super) fn new(op: RowOp, mask: Mask, lines: Vec<u8>) -> Self {
        Self {
            op,
            mask,
            lines,
            discarded: Vec::new(),
            rows: 0,
        }
    }

    /// Removes a row that a later one replaces. Its bytes stay until the batch is written, which skips them.
    pub(super) fn discard(&mut self, row: Range<usize>) {
        self.discarded.push(row);
        self.rows -= 1;
    }
}

/// A group of a finished batch.
#[derive(Debug)]
pub(crate) struct Group {
    /// The number by which the lines of an ordered batch refer to it.
    pub(crate) number: usize,
    pub(crate) op: RowOp,
    pub(crate) mask: Mask,
    /// Whether the rows are tuples, not lines.
    pub(crate) tuples: bool,
    lines: Lines,
    /// In ascending order.
    discarded: Vec<Range<usize>>,
}

impl Group {
    pub(super) fn new(
        number: usize,
        op: RowOp,
        mask: Mask,
        lines: Lines,
        mut discarded: Vec<Range<usize>>,
    ) -> Self {
        discarded.sort_unstable_by_key(|row| row.start);
        Self {
            number,
            op,
            mask,
            tuples: false,
            lines,
            discarded,
        }
    }

    /// The lines, or tuples, without the discarded ones, in as few pieces as possible.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = self.lines.bytes();
        let ends = self.discarded.iter().map(|row| row.start).chain([bytes.len()]);
        let starts = [0].into_iter().chain(self.discarded.iter().map(|row| row.end));
        starts
            .zip(ends)
            .filter(|(start, end)| start < end)
            .map(|(start, end)| &bytes[start..end])
    }

    /// The bytes of all lines.
    pub(crate) fn bytes(&self) -> usize {
        self.lines.bytes().len()
    }
}

/// A row that has some of the columns.
#[derive(Clone, Copy)]
pub(super) struct PartialRow<'a> {
    /// Its line, with the line end.
    pub(super) line: &'a [u8],
    pub(super) mask: &'a Mask,
}

/// Appends the row that results when `new` replaces `old`: all columns of `new`, and those of `old` that `new` lacks.
pub(super) fn replace_with(out: &mut Vec<u8>, columns: usize, old: PartialRow<'_>, new: PartialRow<'_>) {
    // No field has a tab or a line end: they are escaped.
    fn fields(row: PartialRow<'_>) -> impl Iterator<Item = &[u8]> {
        let line = row.line.strip_suffix(b"\n").unwrap_or(row.line);
        line.split(|&byte| byte == b'\t')
    }
    let (mut old_fields, mut new_fields) = (fields(old), fields(new));
    let start = out.len();
    for column in 0..columns {
        let before = if old.mask.has(column) {
            old_fields.next()
        } else {
            None
        };
        let after = if new.mask.has(column) {
            new_fields.next()
        } else {
            None
        };
        if let Some(field) = after.or(before) {
            out.extend_from_slice(field);
            out.push(b'\t');
        }
    }
    if out.len() > start {
        out.pop();
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(columns: &[usize]) -> Mask {
        let mut mask = Mask::none(70);
        for &column in columns {
            mask.add(column);
        }
        mask
    }

    #[test]
    fn masks_are_sets() {
        let (a, b) = (mask(&[0, 3, 69]), mask(&[0, 69]));
        assert!(a.covers(&b) && !b.covers(&a));
        assert_eq!(b.union(&mask(&[3])), a);
        assert_eq!(Mask::first(2, 70), mask(&[0, 1]));
        assert!(a.has(69) && !a.has(68) && !a.has(700));
    }

    #[test]
    fn a_partial_row_leaves_what_it_lacks() {
        let mut out = Vec::new();
        replace_with(
            &mut out,
            4,
            PartialRow {
                line: b"1\ta\tb\n",
                mask: &mask(&[0, 1, 3]),
            },
            PartialRow {
                line: b"1\tx\tY\n",
                mask: &mask(&[0, 2, 3]),
            },
        );
        assert_eq!(out, b"1\ta\tx\tY\n");
    }
}
