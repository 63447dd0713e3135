//! The rows of a batch, by what is done with them and by the columns that they have.

use std::ops::Range;

use melisma_sdk::files::Lines;

/// The columns that a row has, by their place in the COPY.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mask(Box<[u64]>);

impl Mask {
    /// None of so many columns.
    pub(crate) fn none(columns: usize) -> Self {
        Self(vec![0; columns.div_ceil(64)].into())
    }

    /// The first `present` of so many columns.
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

/// What is done with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// They are added, or put in the place of those with the same key.
    Put,
    /// Those with the same key are deleted. Such rows have the key's columns only. Of one batch they go first.
    Delete,
}

/// Rows of one kind while a batch grows.
#[derive(Debug)]
pub(super) struct Growing {
    pub(super) deed: Deed,
    pub(super) mask: Mask,
    pub(super) lines: Vec<u8>,
    /// Rows that later ones have taken the place of.
    pub(super) dead: Vec<Range<usize>>,
    pub(super) rows: usize,
}

impl Growing {
    pub(super) fn new(deed: Deed, mask: Mask, lines: Vec<u8>) -> Self {
        Self {
            deed,
            mask,
            lines,
            dead: Vec::new(),
            rows: 0,
        }
    }

    pub(super) fn kill(&mut self, row: Range<usize>) {
        self.dead.push(row);
        self.rows -= 1;
    }
}

/// Rows of one kind.
#[derive(Debug)]
pub(crate) struct Group {
    /// What the rows of an ordered batch call it.
    pub(crate) number: usize,
    pub(crate) deed: Deed,
    pub(crate) mask: Mask,
    lines: Lines,
    /// In their order.
    dead: Vec<Range<usize>>,
}

impl Group {
    pub(super) fn new(
        number: usize,
        deed: Deed,
        mask: Mask,
        lines: Lines,
        mut gone: Vec<Range<usize>>,
    ) -> Self {
        gone.sort_unstable_by_key(|row| row.start);
        Self {
            number,
            deed,
            mask,
            lines,
            dead: gone,
        }
    }

    /// The lines that count, in as few pieces as can be.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = self.lines.bytes();
        let ends = self.dead.iter().map(|row| row.start).chain([bytes.len()]);
        let starts = [0].into_iter().chain(self.dead.iter().map(|row| row.end));
        starts
            .zip(ends)
            .filter(|(start, end)| start < end)
            .map(|(start, end)| &bytes[start..end])
    }

    /// Bytes of all lines.
    pub(crate) fn bytes(&self) -> usize {
        self.lines.bytes().len()
    }
}

/// Appends the row that `old` becomes when `new` is put over it: each column of `new`, and of `old` what `new` lacks.
/// Both end in a line end.
pub(super) fn put_over(
    out: &mut Vec<u8>,
    columns: usize,
    (old, old_mask): (&[u8], &Mask),
    (new, new_mask): (&[u8], &Mask),
) {
    // No field has a tab or a line end: they are escaped.
    let fields = |row: &'_ [u8]| row.strip_suffix(b"\n").unwrap_or(row).to_vec();
    let (old, new) = (fields(old), fields(new));
    let (mut old, mut new) = (old.split(|&byte| byte == b'\t'), new.split(|&byte| byte == b'\t'));
    let start = out.len();
    for column in 0..columns {
        let before = if old_mask.has(column) { old.next() } else { None };
        let after = if new_mask.has(column) { new.next() } else { None };
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
        put_over(
            &mut out,
            4,
            (b"1\ta\tb\n", &mask(&[0, 1, 3])),
            (b"1\tx\tY\n", &mask(&[0, 2, 3])),
        );
        assert_eq!(out, b"1\ta\tx\tY\n");
    }
}
