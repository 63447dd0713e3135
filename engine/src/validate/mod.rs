//! Whether a value is what its schema says.
//!
//! The keywords that Singer schemas use are compiled into a tree of [`Node`]s, so that the decoder needs one
//! bit test for most values: a type that is allowed and has no further checks. Everything else of JSON Schema goes
//! to the `jsonschema` crate. Formats are annotations, as in Meltano's SDK: a typed sink reads dates for itself,
//! and refuses what is none.

mod check;
mod node;
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

/// Collects the violations of one record.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    found: Vec<Violation>,
    path: Vec<Segment>,
}

#[derive(Debug)]
enum Segment {
    Key(String),
    Index(usize),
}

impl Violations {
    pub(crate) fn clear(&mut self) {
        self.found.clear();
        self.path.clear();
    }

    pub(crate) fn found(&self) -> &[Violation] {
        &self.found
    }

    #[cold]
    pub(crate) fn add(&mut self, at: usize, message: String) {
        self.found.push(Violation {
            path: self.path(),
            at,
            message,
        });
    }

    /// Runs `check` with `name` at the end of the path.
    pub(crate) fn within(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        self.path.push(Segment::Key(name.to_owned()));
        check(self);
        self.path.pop();
    }

    /// Runs `check` with `index` at the end of the path.
    fn at_index(&mut self, index: usize, check: impl FnOnce(&mut Self)) {
        self.path.push(Segment::Index(index));
        check(self);
        self.path.pop();
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for segment in &self.path {
            match segment {
                Segment::Key(key) if path.is_empty() => path.push_str(key),
                Segment::Key(key) => {
                    path.push('.');
                    path.push_str(key);
                }
                Segment::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }
}

#[cfg(test)]
mod tests;
