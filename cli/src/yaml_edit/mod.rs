//! Edits YAML text in place: comments, layout and every line that an edit is not about stay as they are.
//!
//! An edit changes a range of bytes. Where that range is follows from the positions that the parser reports:
//!
//! ```text
//! - name: tap-a      # by hand        set  plugins.extractors.0.config.port 5433
//!   config:
//!     port: 5432     # the old one    -> `5432` becomes `5433`; the comment behind it stays
//!     host: db                        set  plugins.extractors.0.config.user u
//!   select: ["*.*"]                   -> `    user: u` is inserted after the line of the last key, `host`
//! ```
//!
//! After each edit the text is read again and compared with the edited value. A file in which an edit would change anything
//! else, because of an anchor for instance, is refused and not written. So a mistake in this module cannot damage a file.

mod change;
mod emit;
mod model;
mod tree;

#[cfg(test)]
mod tests;

use std::path::Path;

use melisma_sdk::{Error, Result};
use serde_json::Value;

use crate::project::read_yaml;

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Item(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Item(index)
    }
}

/// A YAML document as text and as a value.
pub(crate) struct Document {
    text: String,
    value: Value,
}

impl Document {
    /// Reads the text of the file at `path`, which errors name.
    pub(crate) fn parse(path: &Path, text: String) -> Result<Self> {
        let value = Value::Object(read_yaml(path, &text)?);
        Ok(Self { text, value })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What is at `path`.
    pub(crate) fn get(&self, path: &[Step]) -> Option<&Value> {
        model::get(&self.value, path)
    }

    /// Sets what is at `path`. Mappings on the way are made, and an index one past the end of a list adds an item.
    pub(crate) fn set(&mut self, path: &[Step], value: &Value) -> Result<()> {
        let mut expected = self.value.clone();
        model::set(&mut expected, path, value.clone())
            .ok_or_else(|| refused("something on the way is not a mapping"))?;
        if expected == self.value {
            return Ok(());
        }
        let tree = tree::parse(&self.text)?;
        self.accept(change::set(&self.text, tree.as_ref(), path, value)?, expected)
    }

    /// Removes what is at `path`, and each mapping or list above it that is empty then, down to a depth of `keep` steps.
    /// Does nothing when there is nothing.
    pub(crate) fn remove(&mut self, path: &[Step], keep: usize) -> Result<()> {
        if self.get(path).is_none() {
            return Ok(());
        }
        let mut end = path.len();
        while end > keep + 1
            && self
                .get(&path[..end - 1])
                .is_some_and(|parent| model::len(parent) == 1)
        {
            end -= 1;
        }
        let path = &path[..end];
        let mut expected = self.value.clone();
        model::remove(&mut expected, path);
        let tree = tree::parse(&self.text)?;
        self.accept(change::remove(&self.text, tree.as_ref(), path)?, expected)
    }

    fn accept(&mut self, change: change::Change, expected: Value) -> Result<()> {
        let mut text = self.text.clone();
        text.replace_range(change.range, &change.with);
        let found = read_yaml(Path::new("the edited text"), &text).map(Value::Object);
        match found {
            Ok(found) if found == expected => {}
            _ => return Err(refused("the edit would change something else as well")),
        }
        self.text = text;
        self.value = expected;
        Ok(())
    }
}

fn refused(why: &str) -> Error {
    Error::config(format!(
        "the file cannot be edited in place: {why}; edit it by hand"
    ))
}
