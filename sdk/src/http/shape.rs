//! The types that a schema says, for formats whose values are all texts.

use std::collections::HashMap;

use serde_json::Value;

/// What a text is, as the schema says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// It stays a text, or may be of several types.
    Any,
    Integer,
    Number,
    Boolean,
    List(Box<Shape>),
    Object(HashMap<Box<str>, Shape>),
}

impl Shape {
    /// The shape of values with this schema.
    pub(super) fn of(schema: &Value) -> Self {
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => return Self::Any,
        };
        let mut types = types.into_iter().filter(|name| *name != "null");
        match (types.next(), types.next()) {
            (Some("integer"), None) => Self::Integer,
            (Some("number"), None) => Self::Number,
            (Some("boolean"), None) => Self::Boolean,
            (Some("array"), None) => Self::List(Box::new(schema.get("items").map_or(Self::Any, Self::of))),
            (Some("object"), None) => {
                let members = schema.get("properties").and_then(Value::as_object);
                let members = members.into_iter().flatten();
                let shapes = members.map(|(name, schema)| (name.as_str().into(), Self::of(schema)));
                Self::Object(shapes.filter(|(_, shape)| *shape != Self::Any).collect())
            }
            _ => Self::Any,
        }
    }

    /// The shape of a member, when that has one.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(name),
            _ => None,
        }
    }
}
