//! What all databases have in common.

use melisma_sdk::sql::{Dialect, SqlType};

/// The types of a table are those that the driver chooses when it makes one; it is never changed.
#[derive(Debug)]
pub(super) struct Ansi;

impl Dialect for Ansi {
    fn name(&self) -> &'static str {
        "ansi"
    }

    fn identifier_bytes(&self) -> usize {
        63
    }

    /// Which schemas there are, and whether there are any, is not known.
    fn default_schema(&self) -> Option<&str> {
        None
    }

    fn sql_type(&self, _: &SqlType) -> Option<String> {
        None
    }

    fn parse_type(&self, declared: &str) -> SqlType {
        SqlType::Other(declared.to_owned())
    }

    /// The names of types are not known.
    fn cast(&self, expression: &str, _: &SqlType, _: &SqlType) -> String {
        expression.to_owned()
    }
}
