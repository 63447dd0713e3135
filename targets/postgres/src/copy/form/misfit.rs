//! Values that a column does not hold.

use melisma_sdk::Cell;

use super::{CopyColumn, Form, InvalidValuePolicy, Refused};

/// What happens to a value that its column cannot hold (`invalid_values`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum InvalidValues {
    /// The record is refused.
    #[default]
    Error,
    /// The value is replaced with null.
    Null,
}

/// What a column becomes for a value that does not fit it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Wider {
    /// It holds whatever the schema allows: what does not fit does not fit the schema either.
    #[default]
    Never,
    /// It stays as it is, for this reason.
    Stays(Box<str>),
    /// It can become one that takes such cells.
    To(Form),
}

impl CopyColumn {
    /// Whether the column holds its cell of a row.
    pub(crate) fn holds(&self, cells: &[Cell<'_>], policy: InvalidValuePolicy) -> bool {
        let cell = cells.get(self.cell).unwrap_or(&Cell::Absent);
        self.refusal(cell, policy).is_none()
    }

    /// Whether the column can become one that holds it.
    pub(crate) fn widens_for(&self, cells: &[Cell<'_>], policy: InvalidValuePolicy) -> bool {
        let Wider::To(form) = &self.wider else {
            return false;
        };
        let wide = Self {
            form: form.clone(),
            ..self.clone()
        };
        wide.holds(cells, policy)
    }

    /// Why the column does not hold a cell.
    pub(crate) fn refusal(&self, cell: &Cell<'_>, policy: InvalidValuePolicy) -> Option<Refused> {
        self.write(&mut Vec::new(), cell, policy).err()
    }

    /// Why the column does not become wider, when that is for a reason that the user can change.
    pub(crate) fn stays(&self) -> Option<&str> {
        match &self.wider {
            Wider::Stays(why) => Some(why),
            Wider::Never | Wider::To(_) => None,
        }
    }
}
