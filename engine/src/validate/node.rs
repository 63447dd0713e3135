//! Compiles a schema into a tree of checks.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::rest::Rest;
use crate::decimal::Decimal;
use crate::error::{Error, Result, show};
use crate::schema::types::Types;

/// A compiled schema. Each column of each stream has one, so what few of them have is in a box.
#[derive(Debug)]
pub(crate) struct Node {
    /// The types that are allowed.
    pub(crate) types: Types,
    /// The types whose values need no check beyond being of that type.
    pub(crate) unchecked: Types,
    pub(super) number: Option<Box<NumberChecks>>,
    pub(super) length: Option<Box<LengthChecks>>,
    /// `enum` and `const`
    pub(super) values: Option<Box<[Value]>>,
    pub(super) object: Option<Box<ObjectChecks>>,
    pub(super) items: Option<Box<Node>>,
    pub(super) rest: Option<Box<Rest>>,
}

#[derive(Debug, Default)]
pub(super) struct NumberChecks {
    /// The bound, and whether it is excluded.
    pub(super) minimum: Option<(Decimal, bool)>,
    pub(super) maximum: Option<(Decimal, bool)>,
    pub(super) multiple_of: Option<Decimal>,
}

/// Lengths of strings, in characters.
#[derive(Debug, Default)]
pub(super) struct LengthChecks {
    pub(super) minimum: Option<usize>,
    pub(super) maximum: Option<usize>,
}

#[derive(Debug)]
pub(super) struct ObjectChecks {
    pub(super) properties: HashMap<String, Property>,
    /// At most 128: one bit each says which were seen.
    pub(super) required: Vec<String>,
    /// `additionalProperties: false`
    pub(super) closed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Property {
    pub(super) node: Option<Node>,
    /// The bit of a required property.
    pub(super) required: u128,
}

/// Keywords that are compiled here, or that say nothing about whether a value is valid.
const KNOWN: [&str; 31] = [
    "$comment",
    "$schema",
    "additionalProperties",
    "anyOf",
    "const",
    "contentEncoding",
    "contentMediaType",
    "default",
    "deprecated",
    "description",
    "enum",
    "example",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxLength",
    "maximum",
    "minLength",
    "minimum",
    "multipleOf",
    "oneOf",
    "precision",
    "properties",
    "readOnly",
    "required",
    "scale",
    "title",
    "type",
    "writeOnly",
];

impl Node {
    /// Compiles a schema whose references are in place.
    pub(crate) fn compile(schema: &Value) -> Result<Self> {
        let types = Types::of(schema)?;
        let empty = Map::new();
        let members = schema.as_object().unwrap_or(&empty);
        let mut node = Self {
            types,
            unchecked: types,
            number: number_checks(members).map(Box::new),
            length: length_checks(members).map(Box::new),
            values: values(members),
            object: None,
            items: None,
            rest: None,
        };
        if Rest::is_needed(members) {
            node.rest = Some(Box::new(Rest::compile(schema)?));
        } else {
            node.object = object_checks(members)?;
            node.items = items(members)?;
        }
        node.unchecked = node.without_checks();
        Ok(node)
    }

    fn without_checks(&self) -> Types {
        if self.values.is_some() || self.rest.is_some() {
            return Types::NONE;
        }
        let mut unchecked = self.types;
        for (checked, types) in [
            (self.number.is_some(), Types::NUMBER),
            (self.length.is_some(), Types::STRING),
            (self.object.is_some(), Types::OBJECT),
            (self.items.is_some(), Types::ARRAY),
        ] {
            if checked {
                unchecked = unchecked.without(types);
            }
        }
        unchecked
    }
}

impl Rest {
    /// Whether a schema says what only the `jsonschema` crate checks.
    pub(super) fn is_needed(members: &Map<String, Value>) -> bool {
        let unknown = members
            .keys()
            .any(|key| KNOWN.binary_search(&key.as_str()).is_err() && !is_annotation(key));
        let union = ["anyOf", "oneOf"]
            .into_iter()
            .filter_map(|key| members.get(key)?.as_array())
            .flatten();
        let closed_by_schema = members.get("additionalProperties").is_some_and(Value::is_object);
        let tuple = members.get("items").is_some_and(Value::is_array);
        let many = names(members.get("required")).len() > 128;
        unknown || closed_by_schema || tuple || many || union.into_iter().any(|branch| !is_plain(branch))
    }
}

/// Taps put keywords of their own beside those of JSON Schema: `x-`, `sql-datatype`, `inclusion`, `selected`.
fn is_annotation(key: &str) -> bool {
    key.starts_with("x-")
        || matches!(
            key,
            "inclusion" | "selected" | "sql-datatype" | "secret" | "definitions" | "$id" | "id"
        )
}

/// A branch of a union that says no more than types and formats: the set of types holds all of it.
fn is_plain(branch: &Value) -> bool {
    branch.as_object().is_none_or(|members| {
        members
            .keys()
            .all(|key| matches!(key.as_str(), "type" | "format" | "title" | "description"))
    })
}

fn number_checks(members: &Map<String, Value>) -> Option<NumberChecks> {
    let number = |name: &str| {
        members
            .get(name)
            .filter(|v| v.is_number())
            .and_then(|v| Decimal::parse(&v.to_string()))
    };
    // Of two bounds the tighter one counts, and of two equal ones the one that is excluded.
    let bound = |plain: &str, exclusive: &str, tighter: Ordering| {
        let plain = number(plain).map(|bound| (bound, false));
        let excluded = number(exclusive).map(|bound| (bound, true));
        match (plain, excluded) {
            (Some(plain), Some(excluded)) if plain.0.cmp(&excluded.0) == tighter => Some(plain),
            (plain, excluded) => excluded.or(plain),
        }
    };
    let checks = NumberChecks {
        minimum: bound("minimum", "exclusiveMinimum", Ordering::Greater),
        maximum: bound("maximum", "exclusiveMaximum", Ordering::Less),
        multiple_of: number("multipleOf"),
    };
    let any = checks.minimum.is_some() || checks.maximum.is_some() || checks.multiple_of.is_some();
    any.then_some(checks)
}

fn length_checks(members: &Map<String, Value>) -> Option<LengthChecks> {
    let length = |name: &str| {
        members
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|n| usize::try_from(n).ok())
    };
    let checks = LengthChecks {
        minimum: length("minLength"),
        maximum: length("maxLength"),
    };
    (checks.minimum.is_some() || checks.maximum.is_some()).then_some(checks)
}

fn values(members: &Map<String, Value>) -> Option<Box<[Value]>> {
    if let Some(value) = members.get("const") {
        return Some(Box::new([value.clone()]));
    }
    let values = members.get("enum").and_then(Value::as_array)?;
    Some(values.clone().into_boxed_slice())
}

fn object_checks(members: &Map<String, Value>) -> Result<Option<Box<ObjectChecks>>> {
    let closed = members.get("additionalProperties") == Some(&Value::Bool(false));
    let required = names(members.get("required"));
    let mut properties: HashMap<String, Property> = HashMap::new();
    let mut free = true;
    if let Some(Value::Object(schemas)) = members.get("properties") {
        for (name, schema) in schemas {
            let node =
                Node::compile(schema).map_err(|error| Error::input(format!("{}: {error}", show(name))))?;
            free &= node.unchecked == Types::ANY;
            properties.entry(name.clone()).or_default().node = Some(node);
        }
    }
    for (bit, name) in required.iter().enumerate() {
        properties.entry(name.clone()).or_default().required |= 1 << bit;
    }
    if !closed && required.is_empty() && free {
        return Ok(None);
    }
    Ok(Some(Box::new(ObjectChecks {
        properties,
        required,
        closed,
    })))
}

fn items(members: &Map<String, Value>) -> Result<Option<Box<Node>>> {
    let Some(schema) = members.get("items") else {
        return Ok(None);
    };
    let node = Node::compile(schema).map_err(|error| Error::input(format!("[]: {error}")))?;
    Ok((node.unchecked != Types::ANY).then(|| Box::new(node)))
}

/// The names of a `required` list.
pub(crate) fn names(required: Option<&Value>) -> Vec<String> {
    let names = required
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    names
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_known_keywords_are_sorted_for_the_search() {
        assert!(super::KNOWN.is_sorted());
    }
}
