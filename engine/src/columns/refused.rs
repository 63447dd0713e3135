//! Values that a column cannot hold.

use crate::cell::Cell;
use crate::error::show;

/// Why a value was refused: what was expected, what was found.
pub(super) type Refused = String;

/// Values that became null.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    pub(super) count: u64,
    /// Why the first of them did.
    pub(super) first: String,
}

#[cold]
pub(super) fn refuse(expected: &str, cell: &Cell<'_>) -> Refused {
    let found = match cell {
        Cell::Absent | Cell::Null => "null".to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(value) => value.to_string(),
        Cell::Number(json) | Cell::Json(json) => show(json),
        Cell::Text(text) => format!("\"{}\"", show(text.raw)),
    };
    format!("expected {expected}, found {found}")
}
