//! Where the fast path puts the values of a record.

use super::key::Key;
use super::window::Window;

/// Accepts values one by one while their record is being read: columns, or nothing at all.
pub(crate) trait WriteValue {
    /// Whether a record can be passed on that has a property outside the schema.
    const ANY_PROPERTY: bool;

    /// Begins a record.
    fn begin_record(&mut self);

    /// Writes the value that stands at `at` in `window`, the start of `text`, if it is a short one of its column's type and
    /// needs no check; returns where it ends.
    fn write(&mut self, key: Key, text: &str, window: &Window, at: usize) -> Option<usize>;

    /// Notes that the value of this column is in its cell.
    fn leave_in_cell(&mut self, column: usize);

    /// Rolls the record back.
    fn roll_back(&mut self);
}
