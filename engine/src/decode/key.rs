//! A key of a record, resolved.

use crate::schema::types::Types;

/// What is known about a value from its key alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) column: usize,
    /// The types that need no look at the value.
    pub(crate) unchecked: Types,
}
