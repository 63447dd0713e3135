//! Rows as lines of PostgreSQL's COPY, between the PostgreSQL connectors.

pub use melisma_engine::copied::{Column, Kind, VARIABLE};

#[cfg(feature = "tap")]
use crate::{Output, Result};

/// Announces that rows may come as lines of COPY with these columns. Returns whether the target takes them.
#[cfg(feature = "tap")]
pub fn announce(output: &mut Output<'_>, columns: &[Column]) -> Result<bool> {
    output.announce_copied(columns)
}

/// Writes a row: fields with tabs between them and a line end, as the server sends them.
#[cfg(feature = "tap")]
#[inline]
pub fn write(output: &mut Output<'_>, fields: &[u8]) -> Result<()> {
    output.copied(fields)
}
