//! Rows with values that their columns do not hold.

use std::sync::Arc;

use melisma_sdk::{Cell, Error, Result, show};

use super::{CopyEncoder, Layout};
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
    /// A row with a value that its column does not hold: the column widens, or null takes the place of the value, or
    /// the row is refused.
    #[cold]
    pub(super) fn push_misfit(&mut self, cells: &[Cell<'_>], misfit: Misfit) -> Result<()> {
        let (group, first, refused) = match misfit {
            Misfit::Value {
                group,
                column,
                refused,
            } => (group, column, refused),
            Misfit::Row(error) => return Err(error),
        };
        let layout = Arc::clone(&self.layout);
        let misfits: Vec<usize> = (0..layout.places.len())
            .filter(|&column| self.groups[group].mask.has(column))
            .filter(|&column| !layout.places[column].holds(cells, layout.mercy))
            .collect();
        let widens = |column: &usize| layout.places[*column].widens_for(cells, layout.mercy);
        let stuck: Vec<usize> = misfits.iter().filter(|column| !widens(column)).copied().collect();
        match &self.widen {
            Some(widen) if stuck.is_empty() && !misfits.is_empty() => {
                let properties: Vec<&str> = misfits.iter().map(|&column| &*layout.names[column]).collect();
                let wide = widen.widen(&properties)?;
                self.seal(wide);
                self.push_fitting(cells).map_err(|misfit| match misfit {
                    Misfit::Value { column, .. } => Error::bug(format!(
                        "{}: does not hold what it was widened for",
                        show(&layout.names[column])
                    )),
                    Misfit::Row(error) => error,
                })
            }
            _ if stuck.is_empty() => self.push_without(cells, &misfits, (first, &refused)),
            _ => self.push_without(cells, &stuck, (first, &refused)),
        }
    }

    /// The row without the values of these columns, when they may be null.
    fn push_without(
        &mut self,
        cells: &[Cell<'_>],
        columns: &[usize],
        (first, refused): (usize, &Refused),
    ) -> Result<()> {
        let layout = Arc::clone(&self.layout);
        let nullable = |&column: &usize| !layout.places[column].key;
        if layout.mercy.values == InvalidValues::Null && !columns.is_empty() && columns.iter().all(nullable) {
            let mut cells = cells.to_vec();
            for &column in columns {
                cells[layout.places[column].cell] = Cell::Null;
            }
            return self.push_cells(&cells);
        }
        let cell = |column: usize| *cells.get(layout.places[column].cell).unwrap_or(&Cell::Absent);
        let column = columns.first().copied().unwrap_or(first);
        let place = &layout.places[column];
        let own = place.refusal(&cell(column), layout.mercy);
        Err(refuse(
            own.as_ref().unwrap_or(refused),
            &layout.names[column],
            &cell(column),
            place.stays(),
        ))
    }

    /// What comes from here on is written as another layout has it.
    fn seal(&mut self, layout: Arc<Layout>) {
        self.earlier_rows += self.rows;
        let batch = self.take_batch();
        if batch.widens || !batch.groups.is_empty() {
            self.earlier.push(batch);
        }
        self.layout = layout;
        self.widens = true;
    }
}
