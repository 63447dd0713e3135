//! Rows as lines of PostgreSQL's COPY, from tap-postgres to targets that take them.

pub use melisma_engine::copied::{Column, Kind, Order, Records, Tabs, VARIABLE, unescape};

#[cfg(feature = "tap")]
use crate::{Output, Result};

/// The order in which the target takes the fields of such rows; `None` when records of this stream are to come.
#[cfg(feature = "tap")]
pub fn order(output: &Output<'_>) -> Option<Order> {
    output.copied_order()
}

/// Announces that rows may come as lines of COPY with these columns, in the [`order`] of the target.
#[cfg(feature = "tap")]
pub fn announce(output: &mut Output<'_>, columns: &[Column]) -> Result<()> {
    output.announce_copied(columns)
}

/// Writes a row: fields with tabs between them and a line end, as the server sends them.
#[cfg(feature = "tap")]
#[inline]
pub fn write(output: &mut Output<'_>, fields: &[u8]) -> Result<()> {
    output.copied(fields)
}
