//! Encodes rows as lines of COPY, grouped and without duplicate keys; the [module](super) has a worked example.

mod copied;
mod last_wins;
mod misfit;
mod tuples;

use std::sync::Arc;

use foldhash::fast::RandomState;
use melisma_sdk::files::{Lines, Pool, write_int};
use melisma_sdk::{Cell, Error, Result, Row, show};

use super::expand::Expand;
use super::form::{CopyColumn, InvalidValuePolicy};
use super::groups::{Group, GroupBuilder, Mask, RowOp};
use super::index::Index;
use super::long;
pub(crate) use copied::PassedOn;
use misfit::Misfit;
pub(crate) use tuples::PassedTuples;

/// How the rows of a stream become lines.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The columns of the COPY, those of the key first.
    pub(crate) columns: Vec<CopyColumn>,
    /// The property of each, for errors.
    pub(crate) names: Vec<Box<str>>,
    /// The number of columns of the key by which rows replace each other; 0 when every row is appended.
    pub(crate) keys: usize,
    /// Whether equal keys are equal bytes. If not, only the server knows which keys are equal.
    pub(crate) exact: bool,
    /// The cell that makes a row delete those with its key, when it is not null.
    pub(crate) deletes: Option<usize>,
    pub(crate) policy: InvalidValuePolicy,
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

/// Empty groups are kept for the next batch, up to this number, since its rows will likely have the same columns.
const KEPT_GROUPS: usize = 16;

/// Rows of one stream, as lines of COPY's text format or as tuples of its binary one.
#[derive(Debug)]
pub(crate) struct CopyBatch {
    pub(crate) layout: Arc<Layout>,
    /// Deletions first. Without a key one group of whole rows.
    pub(crate) groups: Vec<Group>,
    /// A hash of each key. When keys are exact, two rows of one batch never have the same key; two batches may.
    pub(crate) keys: Vec<u64>,
    /// Whether some key is so long that the server may refuse to index it.
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
            group.op == RowOp::Put && (0..self.layout.columns.len()).all(|column| group.mask.has(column))
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
    groups: Vec<GroupBuilder>,
    index: Index,
    /// Rows that were pushed, including those that later rows replaced.
    rows: usize,
    long_keys: bool,
    /// Whether the rows are tuples.
    tuples: bool,
    mask: Mask,
    scratch: Vec<u8>,
    /// Where the fields of a row end that comes as a line of COPY.
    ends: Vec<usize>,
    /// The memory of flattened rows.
    spare: Vec<Cell<'static>>,
}

impl CopyEncoder {
    pub(crate) fn new(layout: &Arc<Layout>, pool: &Arc<Pool>) -> Self {
        let columns = layout.columns.len();
        Self {
            layout: Arc::clone(layout),
            pool: Arc::clone(pool),
            groups: vec![GroupBuilder::new(
                RowOp::Put,
                Mask::first(columns, columns),
                pool.take(),
            )],
            index: Index::default(),
            rows: 0,
            long_keys: false,
            tuples: false,
            mask: Mask::none(columns),
            scratch: Vec::new(),
            ends: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Continues with another layout for the same columns, some of which are wider. The batch must be empty.
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
        self.keep(at, start, key_end).map_err(Misfit::Row)
    }

    /// The row that was written last, from `start` on, is part of the batch, unless no index can hold its key.
    #[inline]
    fn keep(&mut self, at: usize, start: usize, key_end: usize) -> Result<()> {
        if self.layout.keys > 0 {
            if key_end - start > long::LONG {
                self.check_long(at, start, key_end)?;
            }
            self.deduplicate(at, start, key_end);
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

    /// The group for rows with the columns of this one. Without a key, an absent column is null.
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
            self.mask = Mask::first(layout.keys, layout.columns.len());
            return self.find_group(RowOp::Delete);
        }
        if !layout
            .columns
            .iter()
            .any(|column| matches!(is(column.cell), Cell::Absent))
        {
            return 0;
        }
        self.mask.clear();
        for (number, column) in self.layout.columns.iter().enumerate() {
            // An absent key is refused when it is written.
            if number < self.layout.keys || !matches!(is(column.cell), Cell::Absent) {
                self.mask.add(number);
            }
        }
        self.find_group(RowOp::Put)
    }

    /// The group for `op` with the columns of `self.mask`; a new one when there is none.
    fn find_group(&mut self, op: RowOp) -> usize {
        let known = self
            .groups
            .iter()
            .position(|group| group.op == op && group.mask == self.mask);
        known.unwrap_or_else(|| {
            self.groups
                .push(GroupBuilder::new(op, self.mask.clone(), self.pool.take()));
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
        // The rows of group 0 have all columns.
        let partial = at > 0;
        for (number, column) in layout.columns.iter().enumerate() {
            if partial && !group.mask.has(number) {
                continue;
            }
            let cell = cells.get(column.cell).unwrap_or(&Cell::Absent);
            if let Err(refused) = column.write(out, cell, layout.policy) {
                out.truncate(start);
                return Err(Misfit::Value {
                    group: at,
                    column: number,
                    refused,
                });
            }
            out.push(b'\t');
            if number + 1 == layout.keys {
                key_end = out.len();
            }
        }
        if layout.keys > 0 && !layout.exact {
            write_count(out, at);
            out.push(b'\t');
            write_count(out, self.rows);
            out.push(b'\t');
        }
        // A row without any column has no separator to remove.
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
        let key_columns = &self.layout.columns[..self.layout.keys];
        let key = &group.lines[start..key_end - 1];
        if !long::never_fits(key_columns, key) {
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

    /// Ends the batch and returns it.
    pub(crate) fn finish(&mut self) -> CopyBatch {
        let mut groups = Vec::with_capacity(self.groups.len());
        for (number, group) in self.groups.iter_mut().enumerate() {
            // The group itself stays, empty, for the next batch.
            let discarded = std::mem::take(&mut group.discarded);
            let rows = std::mem::take(&mut group.rows);
            let lines = Lines::take(&mut group.lines, &self.pool);
            if rows > 0 {
                let mut group = Group::new(number, group.op, group.mask.clone(), lines, discarded);
                group.tuples = self.tuples;
                groups.push(group);
            }
        }
        if self.groups.len() > KEPT_GROUPS {
            self.groups.truncate(1);
        }
        groups.sort_by_key(|group| group.op != RowOp::Delete);
        let keys = self.index.hashes().collect();
        self.index.clear();
        self.rows = 0;
        self.tuples = false;
        CopyBatch {
            layout: Arc::clone(&self.layout),
            groups,
            keys,
            long_keys: std::mem::take(&mut self.long_keys),
        }
    }
}

#[cfg(test)]
mod tests {
    use melisma_sdk::Text;

    use super::*;
    use crate::copy::{Form, InvalidDates, InvalidValues, Nul, Wider};

    /// For a table with the key `id` and the columns `name` and `age`.
    fn layout() -> Arc<Layout> {
        let column = |cell, form, key| CopyColumn {
            cell,
            form,
            key,
            scale: None,
            wider: Wider::Never,
        };
        Arc::new(Layout {
            columns: vec![
                column(0, Form::Integer { bytes: 8 }, true),
                column(1, Form::Text, false),
                column(2, Form::Integer { bytes: 4 }, false),
            ],
            names: ["id", "name", "age"].map(Box::from).into(),
            keys: 1,
            exact: true,
            deletes: None,
            policy: InvalidValuePolicy {
                nul: Nul::Refuse,
                dates: InvalidDates::Error,
                values: InvalidValues::Error,
            },
            hashes: RandomState::default(),
            expand: None,
        })
    }

    /// The example of `copy/mod.rs`.
    #[test]
    fn a_later_row_replaces_an_earlier_one_and_keeps_what_it_lacks() {
        let mut encoder = CopyEncoder::new(&layout(), &Arc::new(Pool::default()));
        let name = |name| Cell::Text(Text::plain(name));
        let records = [
            [Cell::Int(7), name("Ann"), Cell::Int(30)],
            [Cell::Int(8), Cell::Absent, Cell::Int(41)],
            [Cell::Int(7), Cell::Absent, Cell::Int(31)],
            [Cell::Int(8), name("Bob"), Cell::Absent],
        ];
        for record in records {
            assert!(encoder.push_cells(&record).is_ok(), "{record:?}");
        }
        let batch = encoder.finish();
        let groups: Vec<String> = batch
            .groups
            .iter()
            .map(|group| String::from_utf8(group.lines().collect::<Vec<_>>().concat()).expect("UTF-8"))
            .collect();
        assert_eq!(groups, ["7\tAnn\t31\n8\tBob\t41\n"]);
    }
}
