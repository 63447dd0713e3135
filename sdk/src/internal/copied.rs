//! Rows in the forms of PostgreSQL's COPY, from tap-postgres to targets that take them.

pub use melisma_engine::copied::{
    Column, Form, Kind, Numeric, Records, Tabs, VARIABLE, Value, Values, escape, unescape,
};

#[cfg(feature = "tap")]
use crate::{Output, Result};

/// The form in which the target takes such rows; `None` when records of this stream are to come.
#[cfg(feature = "tap")]
pub fn form(output: &Output<'_>) -> Option<Form> {
    output.copied_form()
}

/// Announces that rows may come with these columns, in the [`form`] that the target takes.
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

/// Writes a row of the binary format: its values, each with its length before it.
#[cfg(feature = "tap")]
#[inline]
pub fn write_tuple(output: &mut Output<'_>, tuple: &[u8]) -> Result<()> {
    output.tuple(tuple)
}
