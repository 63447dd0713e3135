//! The members of a JSON object, each with its text as it is: a number keeps its digits, and members their order.

use crate::state::{members, object};

/// An object that can be changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Of the text of an object; `None` when it is something else.
    pub(super) fn parse(json: &str) -> Option<Self> {
        members(json).map(Self)
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let member = self.0.iter().find(|(name, _)| name == key);
        member.map(|(_, value)| value.as_str())
    }

    /// A member that is an object.
    pub(super) fn object(&self, key: &str) -> Option<Self> {
        self.get(key).and_then(Self::parse)
    }

    /// A member that is a string, without its quotes.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(|value| serde_json::from_str(value).ok())
    }

    /// Replaces a member where it is, or adds it at the end.
    pub(super) fn set(&mut self, key: &str, value: String) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.0.retain(|(name, _)| name != key);
    }

    /// Keeps the members that one of these names.
    pub(super) fn keep(&mut self, keys: &[&str]) {
        self.0.retain(|(name, _)| keys.contains(&name.as_str()));
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, value)| value.as_str())
    }

    pub(super) fn to_json(&self) -> String {
        object(&self.0)
    }
}
