//! Objects whose names and values may have expressions.

use melisma_sdk::Result;
use serde_json::{Map, Value};

use super::jinja::{Names, Scope, Templates, Text};
use super::part::Part;
use crate::python;

/// A mapping whose names and values may have expressions.
#[derive(Clone, Default)]
pub(super) struct Mapping(Vec<(Text, Nested)>);

/// A value whose texts may have expressions.
#[derive(Clone)]
pub(super) enum Nested {
    Fixed(Value),
    Text(Text),
    List(Vec<Nested>),
    Object(Vec<(Text, Nested)>),
}

impl Nested {
    pub(super) fn of(
        value: &Value,
        part: &Part<'_>,
        templates: &Templates,
        name: &str,
        names: Names<'_>,
    ) -> Result<Self> {
        Ok(match value {
            Value::String(text) => Self::Text(part.compile(templates, text, name, names)?),
            Value::Array(items) => {
                let items = items
                    .iter()
                    .map(|item| Self::of(item, part, templates, name, names));
                Self::List(items.collect::<Result<_>>()?)
            }
            Value::Object(members) => Self::Object(Mapping::members(members, part, templates, name, names)?),
            other => Self::Fixed(other.clone()),
        })
    }

    pub(super) fn value(&self, scope: &Scope) -> Result<Option<Value>> {
        Ok(match self {
            Self::Fixed(value) => Some(value.clone()),
            Self::Text(text) => text.member(scope, |_| true)?,
            Self::List(items) => {
                let items = items
                    .iter()
                    .map(|item| Ok(item.value(scope)?.unwrap_or_default()));
                Some(Value::Array(items.collect::<Result<_>>()?))
            }
            Self::Object(members) => {
                let mut made = Map::new();
                for (name, value) in members {
                    if let Some(value) = value.value(scope)? {
                        made.insert(name.text(scope)?, value);
                    }
                }
                Some(Value::Object(made))
            }
        })
    }
}

impl Mapping {
    pub(super) fn of(part: &Part<'_>, templates: &Templates, name: &str, names: Names<'_>) -> Result<Self> {
        match part.get(name) {
            None => Ok(Self::default()),
            Some(Value::Object(members)) => Self::members(members, part, templates, name, names).map(Self),
            Some(Value::String(text)) if text.is_empty() => Ok(Self::default()),
            Some(_) => Err(part.refuse(name, "is taken as an object only")),
        }
    }

    fn members(
        members: &Map<String, Value>,
        part: &Part<'_>,
        templates: &Templates,
        name: &str,
        names: Names<'_>,
    ) -> Result<Vec<(Text, Nested)>> {
        let mut made = Vec::new();
        for (member, value) in members {
            let at = format!("{name}.{member}");
            if let Value::Object(inner) = value
                && inner.get("type").is_some_and(Value::is_string)
            {
                // A component, which is one that is refused if it has a name.
                Part::of(value, part.at(&at))?;
            }
            let key = part.compile(templates, member, name, names)?;
            made.push((key, Nested::of(value, part, templates, &at, names)?));
        }
        Ok(made)
    }

    /// The members; texts stay texts unless they are of these kinds.
    pub(super) fn value(&self, scope: &Scope, kinds: fn(&Value) -> bool) -> Result<Map<String, Value>> {
        let mut made = Map::new();
        for (name, value) in &self.0 {
            let value = match value {
                Nested::Text(text) => text.member(scope, kinds)?,
                other => other.value(scope)?,
            };
            if let Some(value) = value {
                made.insert(python::str(&name.value_of(scope, Value::is_string)?), value);
            }
        }
        Ok(made)
    }
}
