//! What a catalog selects and the source does not have: how a run says that it was left out.

use melisma_engine::{Error, Result};

use crate::names::show_name;

/// At most this many are named in an error.
const NAMED: usize = 20;

/// What is said of what is left out.
pub(in crate::tap) fn warning(what: &str) -> String {
    format!(
        "the catalog selects {what}, which the source does not have, or not for this user: it is left out"
    )
}

/// `property note of stream orders`
pub(in crate::tap) fn property_of(property: &str, stream: &str) -> String {
    format!("property {} of stream {}", show_name(property), show_name(stream))
}

/// How a run ends in which everything was read but this.
pub(in crate::tap) fn end(left_out: &[String]) -> Result<()> {
    if left_out.is_empty() {
        return Ok(());
    }
    Err(Error::config(format!(
        "not everything that the catalog selects was read: the source does not have, or not for this user, {}; all else \
         was read. Discover the catalog again, or deselect what is gone",
        list(left_out)
    )))
}

pub(super) fn list(all: &[String]) -> String {
    let named = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match all.len().checked_sub(NAMED) {
        None | Some(0) => named,
        Some(more) => format!("{named}; and {more} more"),
    }
}
