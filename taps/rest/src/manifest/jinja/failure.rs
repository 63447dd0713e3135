//! What an expression fails with.

use minijinja::{Error, ErrorKind};

/// An operation that cannot be, for this reason.
pub(super) fn wrong(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}
