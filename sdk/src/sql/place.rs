//! What every statement of a writing thread needs.

use super::config::Evolution;
use super::connection::Connection;
use super::dialect::Dialect;
use super::table::Maker;

/// What every statement needs.
pub(super) struct Place<'a> {
    pub(super) connection: &'a mut dyn Connection,
    pub(super) dialect: &'a dyn Dialect,
    pub(super) evolution: Evolution,
    pub(super) hard_delete: bool,
    /// A commit comes before each changed SCHEMA.
    pub(super) commits_per_stream: bool,
}

impl Place<'_> {
    pub(super) fn maker(&mut self, can_alter: bool) -> Maker<'_> {
        Maker {
            connection: self.connection,
            dialect: self.dialect,
            evolution: self.evolution,
            can_alter,
        }
    }

    /// Whether a table can be changed although its rows have changed since the last commit.
    pub(super) fn alters_changed_tables(&self) -> bool {
        self.commits_per_stream || self.dialect.alters_changed_tables()
    }
}
