//! From rows to batches of COPY lines.
//!
//! Of equal keys the last counts. Where equal keys are equal bytes ([`Layout::exact`]) the encoder sees to that, and
//! no two rows of a batch have the same key. Where only the server knows which keys are equal, each line ends with the
//! number of its group and its place in the batch, and the server finds out (`ordered.rs`):
//!
//! ```text
//! 1 day     a   0 0      three rows of one interval: the last decides what the columns hold that it has
//! 24:00:00  b   0 1
//! 24:00         1 2      of the group without the second column
//! ```

mod misfit;

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use melisma_sdk::files::{Lines, Pool, write_int};
use melisma_sdk::{Cell, Error, Result, Row, show};

use super::expand::Expand;
use super::form::{Mercy, Place};
use super::groups::{Deed, Group, Growing, Mask, put_over};
use super::index::{Entry, Index};
use super::long;
use misfit::Misfit;

/// How the rows of a stream become lines.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The columns of the COPY, those of the key first.
    pub(crate) places: Vec<Place>,
    /// The property of each, for errors.
    pub(crate) names: Vec<Box<str>>,
    /// How many of them are the key that rows replace each other by; 0 when every row is added.
    pub(crate) keys: usize,
    /// Equal keys are equal bytes. When not, only the server knows which are equal.
    pub(crate) exact: bool,
    /// The cell that makes a row delete those with its key, when it is not null.
    pub(crate) deletes: Option<usize>,
    pub(crate) mercy: Mercy,
    /// One for all encoders of a stream, so that their batches' hashes can be compared.
    pub(crate) hashes: RandomState,
    /// How rows are flattened first.
    pub(crate) expand: Option<Arc<Expand>>,
}

/// Why a row was not written.
pub(crate) enum Unwritten {
    /// The record is refused.
    Refused(Error),
    /// These columns do not hold its values, and can become what does ([`Wider::To`](super::form::Wider::To)).
    Widens(Vec<usize>),
}

/// Groups of partial rows that are kept for the next batch; more are made anew.
const KEPT_GROUPS: usize = 16;

/// Rows of one stream, in the text format of COPY.
#[derive(Debug)]
pub(crate) struct CopyBatch {
    pub(crate) layout: Arc<Layout>,
    /// Deletions first. Without a key one group of whole rows.
    pub(crate) groups: Vec<Group>,
    /// A hash of each key. When keys are exact, two rows of one batch never have the same key; two batches may.
    pub(crate) keys: Vec<u64>,
    /// Some key is so long that the server may not take it into an index.
    pub(crate) long_keys: bool,
}

impl CopyBatch {
    /// Whether it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Bytes of its lines.
    pub(crate) fn bytes(&self) -> usize {
        self.groups.iter().map(Group::bytes).sum()
    }

    /// Whether every row has every column, and none deletes.
    pub(crate) fn is_plain(&self) -> bool {
        let whole = |group: &Group| {
            group.deed == Deed::Put && (0..self.layout.places.len()).all(|column| group.mask.has(column))
        };
        self.groups.iter().all(whole)
    }
}

fn write_count(out: &mut Vec<u8>, count: usize) {
    write_int(
        out,
        i64::try_from(count).expect("rows in memory are fewer than 2^63"),
    );
}

/// Writes rows as lines of COPY.
#[derive(Debug)]
pub(crate) struct CopyEncoder {
    layout: Arc<Layout>,
    pool: Arc<Pool>,
    /// The first has the rows with all columns.
    groups: Vec<Growing>,
    index: Index,
    /// Rows taken, those replaced since among them.
    rows: usize,
    long_keys: bool,
    mask: Mask,
    scratch: Vec<u8>,
    /// The memory of flattened rows.
    spare: Vec<Cell<'static>>,
}

impl CopyEncoder {
    pub(crate) fn new(layout: &Arc<Layout>, pool: &Arc<Pool>) -> Self {
        let columns = layout.places.len();
        Self {
            layout: Arc::clone(layout),
            pool: Arc::clone(pool),
            groups: vec![Growing::new(
                Deed::Put,
                Mask::first(columns, columns),
                pool.take(),
            )],
            index: Index::default(),
            rows: 0,
            long_keys: false,
            mask: Mask::none(columns),
            scratch: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Lines for the same columns, some of which hold more, come next. What was written before is finished.
    pub(crate) fn change_layout(&mut self, layout: &Arc<Layout>) {
        self.layout = Arc::clone(layout);
    }

    /// Writes a row.
    #[inline]
    pub(crate) fn push(&mut self, row: &Row<'_>) -> std::result::Result<(), Unwritten> {
        if self.layout.expand.is_some() {
            return self.push_flat(&row.cells);
        }
        self.push_cells(&row.cells)
    }

    /// Rows since the last batch, those replaced since among them.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The memory that they take.
    pub(crate) fn bytes(&self) -> usize {
        let groups = self.groups.iter().map(|group| group.lines.len()).sum::<usize>();
        groups + self.index.bytes()
    }

    #[inline]
    fn push_cells(&mut self, cells: &[Cell<'_>]) -> std::result::Result<(), Unwritten> {
        match self.push_fitting(cells) {
            Ok(()) => Ok(()),
            Err(misfit) => self.push_misfit(cells, misfit),
        }
    }

    #[inline]
    fn push_fitting(&mut self, cells: &[Cell<'_>]) -> std::result::Result<(), Misfit> {
        let at = self.group_of(cells);
        let start = self.groups[at].lines.len();
        let key_end = self.write(at, cells)?;
        if self.layout.keys > 0 {
            if key_end - start > long::LONG {
                self.check_long(at, start, key_end).map_err(Misfit::Row)?;
            }
            self.replace(at, start, key_end);
        }
        self.rows += 1;
        Ok(())
    }

    fn push_flat(&mut self, row: &[Cell<'_>]) -> std::result::Result<(), Unwritten> {
        let mut cells: Vec<Cell<'_>> = std::mem::take(&mut self.spare);
        let layout = Arc::clone(&self.layout);
        let filled = layout
            .expand
            .as_ref()
            .map_or(Ok(()), |expand| expand.fill(row, &mut cells));
        let filled = filled.map_err(Unwritten::Refused);
        let pushed = filled.and_then(|()| self.push_cells(&cells));
        cells.clear();
        // An empty vector collected in place: the allocation stays, the lifetime does not.
        self.spare = cells.into_iter().map(|_| Cell::Absent).collect();
        pushed
    }

    /// The group of rows like this one. Without a key a column that is not there is null.
    #[inline]
    fn group_of(&mut self, cells: &[Cell<'_>]) -> usize {
        let layout = &self.layout;
        if layout.keys == 0 {
            return 0;
        }
        let is = |cell: usize| cells.get(cell).unwrap_or(&Cell::Absent);
        if let Some(cell) = layout.deletes
            && !matches!(is(cell), Cell::Absent | Cell::Null)
        {
            self.mask = Mask::first(layout.keys, layout.places.len());
            return self.find_group(Deed::Delete);
        }
        if !layout
            .places
            .iter()
            .any(|place| matches!(is(place.cell), Cell::Absent))
        {
            return 0;
        }
        self.mask.clear();
        for (column, place) in self.layout.places.iter().enumerate() {
            // An absent key is refused when it is written.
            if column < self.layout.keys || !matches!(is(place.cell), Cell::Absent) {
                self.mask.add(column);
            }
        }
        self.find_group(Deed::Put)
    }

    /// The group with `self.mask`, made when there is none.
    fn find_group(&mut self, deed: Deed) -> usize {
        let known = self
            .groups
            .iter()
            .position(|group| group.deed == deed && group.mask == self.mask);
        known.unwrap_or_else(|| {
            self.groups
                .push(Growing::new(deed, self.mask.clone(), self.pool.take()));
            self.groups.len() - 1
        })
    }

    /// Appends the row to its group; returns where its key ends.
    #[inline]
    fn write(&mut self, at: usize, cells: &[Cell<'_>]) -> std::result::Result<usize, Misfit> {
        let Self { layout, groups, .. } = self;
        let group = &mut groups[at];
        let out = &mut group.lines;
        let start = out.len();
        let mut key_end = start;
        // Group 0 has all of them.
        let partial = at > 0;
        for (column, place) in layout.places.iter().enumerate() {
            if partial && !group.mask.has(column) {
                continue;
            }
            let cell = cells.get(place.cell).unwrap_or(&Cell::Absent);
            if let Err(refused) = place.write(out, cell, layout.mercy) {
                out.truncate(start);
                return Err(Misfit::Value {
                    group: at,
                    column,
                    refused,
                });
            }
            out.push(b'\t');
            if column + 1 == layout.keys {
                key_end = out.len();
            }
        }
        if layout.keys > 0 && !layout.exact {
            write_count(out, at);
            out.push(b'\t');
            write_count(out, self.rows);
            out.push(b'\t');
        }
        // Nothing is there to be put an end to when the table has no column of ours.
        if out.len() > start {
            out.pop();
        }
        out.push(b'\n');
        group.rows += 1;
        Ok(key_end)
    }

    /// Refuses the row, the last of its group, when no index can hold its key.
    #[cold]
    fn check_long(&mut self, at: usize, start: usize, key_end: usize) -> Result<()> {
        self.long_keys = true;
        let group = &mut self.groups[at];
        let places = &self.layout.places[..self.layout.keys];
        let key = &group.lines[start..key_end - 1];
        if !long::never_fits(places, key) {
            return Ok(());
        }
        let found = show(&String::from_utf8_lossy(key));
        let length = key.len();
        group.lines.truncate(start);
        group.rows -= 1;
        Err(Error::input(format!(
            "{}: expected a key that an index of PostgreSQL can hold ({} bytes), found one of {length} bytes: \"{found}\"",
            show(&self.layout.names[..self.layout.keys].join(", ")),
            long::MOST
        )))
    }

    /// Sees to it that of equal keys the last counts. The row is the last of its group.
    #[inline]
    fn replace(&mut self, at: usize, start: usize, key_end: usize) {
        let Self {
            layout,
            groups,
            index,
            ..
        } = self;
        let lines = &groups[at].lines;
        // Without the separator or line end behind the key: which of the two follows says nothing.
        let key = &lines[start..key_end - 1];
        let hash = layout.hashes.hash_one(key);
        let end = lines.len();
        let deed = groups[at].deed;
        let new = Entry {
            hash,
            group: (deed == Deed::Put).then_some(at as u32),
            start,
            end,
        };
        let found = index.find(hash, |entry| match entry.group {
            Some(group) => {
                let row = &groups[group as usize].lines[entry.start..entry.end];
                row.starts_with(key) && matches!(row.get(key.len()), Some(b'\t' | b'\n'))
            }
            None => false,
        });
        match found {
            Err(_) if deed == Deed::Delete => {}
            Err(slot) => index.insert(slot, new),
            Ok(old) => {
                let before = *old;
                *old = new;
                if layout.exact {
                    self.put_over(before, at, start);
                } else {
                    self.supersede(before, at);
                }
            }
        }
    }

    /// Of an ordered batch: a row of the group `at` has the same key as an earlier one, byte for byte. That one is
    /// dropped when the new one has all that it has. Otherwise both stay, because a row with another spelling of the
    /// key may stand between them.
    fn supersede(&mut self, old: Entry, at: usize) {
        let Some(before) = old.group.map(|group| group as usize) else {
            return;
        };
        if self.groups[at].deed == Deed::Delete || self.groups[at].mask.covers(&self.groups[before].mask) {
            self.groups[before].kill(old.start..old.end);
        }
    }

    /// The row at `start`, the last of its group, takes the place of an earlier one; what it lacks it takes over.
    #[cold]
    fn put_over(&mut self, old: Entry, at: usize, start: usize) {
        let Some(before) = old.group.map(|group| group as usize) else {
            return;
        };
        let covers =
            self.groups[at].deed == Deed::Delete || self.groups[at].mask.covers(&self.groups[before].mask);
        if !covers {
            let columns = self.layout.places.len();
            let mut row = std::mem::take(&mut self.scratch);
            row.clear();
            {
                let (old_group, new_group) = (&self.groups[before], &self.groups[at]);
                put_over(
                    &mut row,
                    columns,
                    (&old_group.lines[old.start..old.end], &old_group.mask),
                    (&new_group.lines[start..], &new_group.mask),
                );
                self.mask = old_group.mask.union(&new_group.mask);
            }
            self.groups[at].lines.truncate(start);
            self.groups[at].rows -= 1;
            let both = self.find_group(Deed::Put);
            let group = &mut self.groups[both];
            let place = (group.lines.len(), group.lines.len() + row.len());
            group.lines.extend_from_slice(&row);
            group.rows += 1;
            self.scratch = row;
            self.moved(old.hash, (at, start), (both, place));
        }
        self.groups[before].kill(old.start..old.end);
    }

    /// Takes the rows out.
    pub(crate) fn finish(&mut self) -> CopyBatch {
        let mut groups = Vec::with_capacity(self.groups.len());
        for (number, group) in self.groups.iter_mut().enumerate() {
            // The rest of the group is left empty, for the next batch.
            let dead = std::mem::take(&mut group.dead);
            let rows = std::mem::take(&mut group.rows);
            let lines = Lines::take(&mut group.lines, &self.pool);
            if rows > 0 {
                groups.push(Group::new(number, group.deed, group.mask.clone(), lines, dead));
            }
        }
        if self.groups.len() > KEPT_GROUPS {
            self.groups.truncate(1);
        }
        groups.sort_by_key(|group| group.deed != Deed::Delete);
        let keys = self.index.hashes().collect();
        self.index.clear();
        self.rows = 0;
        CopyBatch {
            layout: Arc::clone(&self.layout),
            groups,
            keys,
            long_keys: std::mem::take(&mut self.long_keys),
        }
    }

    /// The entry that points at a row says where the row went.
    fn moved(&mut self, hash: u64, from: (usize, usize), (group, (start, end)): (usize, (usize, usize))) {
        let found = self.index.find(hash, |entry| {
            entry.group == Some(from.0 as u32) && entry.start == from.1
        });
        if let Ok(entry) = found {
            entry.group = Some(group as u32);
            (entry.start, entry.end) = (start, end);
        }
    }
}
