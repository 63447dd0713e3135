//! One component of a manifest, and where it stands in it.

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::components;
use super::jinja::{Names, Templates, Text};
use crate::python;

/// A component.
#[derive(Clone)]
pub(super) struct Part<'m> {
    members: &'m Map<String, Value>,
    pub(super) place: String,
}

impl<'m> Part<'m> {
    /// The component at this place; one that is not taken is an error that names it.
    pub(super) fn of(value: &'m Value, place: impl Into<String>) -> Result<Self> {
        let place = place.into();
        let Value::Object(members) = value else {
            return Err(Error::config(format!("{place}: expected an object")));
        };
        components::check(members, &place)?;
        Ok(Self { members, place })
    }

    /// Its type; empty for what has none.
    pub(super) fn kind(&self) -> &'m str {
        self.members
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(super) fn get(&self, name: &str) -> Option<&'m Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn str(&self, name: &str) -> Option<&'m str> {
        self.get(name)?.as_str()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// The place of a member.
    pub(super) fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.place)
    }

    pub(super) fn child(&self, name: &str) -> Result<Option<Part<'m>>> {
        self.get(name)
            .map(|value| Self::of(value, self.at(name)))
            .transpose()
    }

    pub(super) fn needed(&self, name: &str) -> Result<Part<'m>> {
        self.child(name)?.ok_or_else(|| self.missing(name))
    }

    /// The components of a list; one alone is a list of one.
    pub(super) fn children(&self, name: &str) -> Result<Vec<Part<'m>>> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                let items = items.iter().enumerate();
                items
                    .map(|(at, item)| Self::of(item, format!("{}[{at}]", self.at(name))))
                    .collect()
            }
            Some(one) => Ok(vec![Self::of(one, self.at(name))?]),
        }
    }

    pub(super) fn parameters(&self) -> Map<String, Value> {
        let parameters = self.members.get("$parameters").and_then(Value::as_object);
        parameters.cloned().unwrap_or_default()
    }

    /// A member as a text with expressions; a number or a boolean is one, too.
    pub(super) fn text(&self, templates: &Templates, name: &str, names: Names<'_>) -> Result<Option<Text>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        if value.is_object() || value.is_array() {
            return Err(Error::config(format!("{}: expected a text", self.at(name))));
        }
        let source = python::str(value);
        templates
            .compile(&source, &self.parameters(), names, &self.at(name))
            .map(Some)
    }

    /// Another text of this component.
    pub(super) fn compile(
        &self,
        templates: &Templates,
        source: &str,
        name: &str,
        names: Names<'_>,
    ) -> Result<Text> {
        templates.compile(source, &self.parameters(), names, &self.at(name))
    }

    pub(super) fn missing(&self, name: &str) -> Error {
        Error::config(format!("{}: {} needs it", self.at(name), self.kind()))
    }

    /// That a member is not taken.
    pub(super) fn refuse(&self, name: &str, why: &str) -> Error {
        Error::config(format!("{}: {} of {} {why}", self.at(name), name, self.kind()))
    }
}
