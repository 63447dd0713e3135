//! Validates values against their JSON Schema.
//!
//! The keywords that Singer schemas use are compiled into a tree of nodes, so that the decoder needs one
//! bit test for most values: a type that is allowed and has no further checks. Everything else of JSON Schema goes
//! to the `jsonschema` crate. Formats are annotations, as in Meltano's SDK: a typed sink reads dates for itself,
//! and refuses what is none.

mod check;
mod node;
pub(crate) mod pattern;
pub(crate) mod rest;

pub(crate) use node::Node;

use crate::error::{Error, Position, show};
use crate::line::Line;

/// One way in which a record breaks its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The property: `l_tax`, or `address.lines[2]` inside a nested value; empty for the record itself.
    pub path: String,
    /// Where in the line the value starts.
    pub at: usize,
    /// What was expected and what was found.
    pub message: String,
    /// The column whose value it is, if it is one's.
    column: Option<usize>,
}

impl Violation {
    /// As the error of a record in this line.
    pub fn error(&self, line: &Line<'_>, stream: &str) -> Error {
        let message = match self.path.as_str() {
            "" => self.message.clone(),
            path => format!("{}: {}", show(path), self.message),
        };
        let at = Position {
            line: line.at.line,
            byte: line.at.byte + self.at as u64,
        };
        Error::input(message).at(at).in_stream(stream)
    }
}

/// Collects the violations of one record. Nothing is allocated for a record that has none.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    found: Vec<Violation>,
    /// Where the check is: `address.lines[2]`.
    path: String,
    column: Option<usize>,
}

impl Violations {
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.found.clear();
    }

    pub(crate) fn found(&self) -> &[Violation] {
        &self.found
    }

    #[cold]
    pub(crate) fn add(&mut self, at: usize, message: String) {
        self.found.push(Violation {
            path: self.path.clone(),
            at,
            message,
            column: self.column,
        });
    }

    /// Runs `check` on the value of a column.
    pub(crate) fn of_column(&mut self, column: usize, name: &str, check: impl FnOnce(&mut Self)) {
        self.column = Some(column);
        self.within(name, check);
        self.column = None;
    }

    /// A later value of the column took the place of the one that was checked.
    #[cold]
    pub(crate) fn forget(&mut self, column: usize) {
        self.found.retain(|violation| violation.column != Some(column));
    }

    /// Takes those after the first `before` back.
    fn truncate(&mut self, before: usize) {
        self.found.truncate(before);
    }

    /// Runs `check` with `name` at the end of the path.
    pub(crate) fn within(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        let outer = self.path.len();
        if outer > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        check(self);
        self.path.truncate(outer);
    }

    /// Runs `check` with `index` at the end of the path.
    fn at_index(&mut self, index: usize, check: impl FnOnce(&mut Self)) {
        let outer = self.path.len();
        self.path.push('[');
        self.path.push_str(itoa::Buffer::new().format(index));
        self.path.push(']');
        check(self);
        self.path.truncate(outer);
    }
}

#[cfg(test)]
mod tests;
