//! Rows with values that their columns do not hold.

use std::sync::Arc;

use melisma_sdk::{Cell, Error};

use super::{CopyEncoder, Unwritten};
use crate::copy::form::{InvalidValues, Refused, refuse};

/// Why a row cannot be written.
pub(super) enum Misfit {
    /// The first value that its column does not hold.
    Value {
        group: usize,
        column: usize,
        refused: Refused,
    },
    /// Something about the whole row.
    Row(Error),
}

impl CopyEncoder {
    /// A row with a value that its column does not hold: the column is widened, or the value is replaced with null, or
    /// the row is refused.
    #[cold]
    pub(super) fn push_misfit(
        &mut self,
        cells: &[Cell<'_>],
        misfit: Misfit,
    ) -> std::result::Result<(), Unwritten> {
        let (group, first, refused) = match misfit {
            Misfit::Value {
                group,
                column,
                refused,
            } => (group, column, refused),
            Misfit::Row(error) => return Err(Unwritten::Refused(error)),
        };
        let layout = Arc::clone(&self.layout);
        let misfits: Vec<usize> = (0..layout.columns.len())
            .filter(|&column| self.groups[group].mask.has(column))
            .filter(|&column| !layout.columns[column].holds(cells, layout.policy))
            .collect();
        let widens = |column: &usize| layout.columns[*column].widens_for(cells, layout.policy);
        let stuck: Vec<usize> = misfits.iter().filter(|column| !widens(column)).copied().collect();
        if stuck.is_empty() && !misfits.is_empty() {
            return Err(Unwritten::Widens(misfits));
        }
        self.push_without(cells, &stuck, (first, &refused))
    }

    /// The row without the values of these columns, when they may be null.
    fn push_without(
        &mut self,
        cells: &[Cell<'_>],
        columns: &[usize],
        (first, refused): (usize, &Refused),
    ) -> std::result::Result<(), Unwritten> {
        let layout = Arc::clone(&self.layout);
        let nullable = |&column: &usize| !layout.columns[column].key;
        if layout.policy.values == InvalidValues::Null && !columns.is_empty() && columns.iter().all(nullable)
        {
            let mut cells = cells.to_vec();
            for &column in columns {
                cells[layout.columns[column].cell] = Cell::Null;
            }
            return self.push_cells(&cells);
        }
        let cell = |column: usize| *cells.get(layout.columns[column].cell).unwrap_or(&Cell::Absent);
        let column = columns.first().copied().unwrap_or(first);
        let refusing = &layout.columns[column];
        let own = refusing.refusal(&cell(column), layout.policy);
        Err(Unwritten::Refused(refuse(
            own.as_ref().unwrap_or(refused),
            &layout.names[column],
            &cell(column),
            refusing.stays(),
        )))
    }
}
