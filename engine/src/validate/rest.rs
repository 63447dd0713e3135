//! Keywords that are rare in Singer schemas, checked by the `jsonschema` crate.

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::Violations;
use crate::error::{Error, Result, show};
use crate::schema::dialect::each_schema;

/// A schema that is checked on a parsed value: slower, and only where a schema asks for it.
#[derive(Debug)]
pub(crate) struct Rest {
    validator: Validator,
}

/// Keywords that came after draft 7.
const LATER: [&str; 7] = [
    "dependentRequired",
    "dependentSchemas",
    "maxContains",
    "minContains",
    "prefixItems",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Writes the keywords that draft 2020-12 has under other names anew.
fn to_2020(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    if members.get("items").is_some_and(Value::is_array)
        && let Some(items) = members.shift_remove("items")
    {
        members.entry("prefixItems").or_insert(items);
        if let Some(rest) = members.shift_remove("additionalItems") {
            members.insert("items".to_owned(), rest);
        }
    }
    if let Some(Value::Object(dependencies)) = members.shift_remove("dependencies") {
        for (name, needs) in dependencies {
            let keyword = if needs.is_array() {
                "dependentRequired"
            } else {
                "dependentSchemas"
            };
            if let Value::Object(all) = members.entry(keyword).or_insert_with(|| json!({})) {
                all.entry(name).or_insert(needs);
            }
        }
    }
    for (keyword, value) in members.iter_mut() {
        each_schema(keyword, value, &mut |_, schema| to_2020(schema));
    }
}

/// Checked on the digits by melisma itself: a binary float would get them wrong, and draft 4 wrote booleans here.
const EXACT: [&str; 5] = [
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maximum",
    "minimum",
    "multipleOf",
];

impl Rest {
    pub(crate) fn compile(schema: &Value) -> Result<Self> {
        let mut schema = schema.clone();
        if let Value::Object(members) = &mut schema {
            for name in EXACT {
                members.remove(name);
            }
        }
        Self::build(schema)
    }

    /// Whether [`of_record`](Self::of_record) has anything to check.
    pub(crate) fn is_of_record(members: &Map<String, Value>) -> bool {
        Self::is_needed(&own(members)) || !required_outside(members).is_empty()
    }

    /// The keywords of a record's own schema, its properties not among them: those are checked one by one.
    pub(crate) fn of_record(schema: &Value) -> Result<Option<Self>> {
        let Some(members) = schema.as_object().filter(|members| Self::is_of_record(members)) else {
            return Ok(None);
        };
        let mut own = own(members);
        let outside = required_outside(members);
        if !outside.is_empty() {
            own.insert("required".to_owned(), Value::Array(outside));
        }
        // `additionalProperties` and `unevaluatedProperties` look at the names beside them.
        if let Some(Value::Object(properties)) = members.get("properties") {
            let names = properties
                .keys()
                .map(|name| (name.clone(), Value::Bool(true)))
                .collect::<Map<_, _>>();
            own.insert("properties".to_owned(), Value::Object(names));
        }
        Self::build(Value::Object(own)).map(Some)
    }

    fn build(mut schema: Value) -> Result<Self> {
        let later = mentions(&schema, &LATER);
        let draft = if later { Draft::Draft202012 } else { Draft::Draft7 };
        if later {
            to_2020(&mut schema);
        }
        let validator = jsonschema::options()
            .with_draft(draft)
            .should_validate_formats(false)
            .build(&schema)
            .map_err(|error| {
                let place = error.instance_path().to_string();
                let error = show(&error.to_string());
                Error::input(match place.as_str() {
                    "" => format!("schema: {error}"),
                    place => format!("schema: at {}: {error}", show(place)),
                })
            })?;
        Ok(Self { validator })
    }

    /// Checks a value given as JSON text.
    pub(crate) fn check(&self, json: &str, at: usize, violations: &mut Violations) {
        let Ok(value) = serde_json::from_str::<Value>(json) else {
            return violations.add(at, "expected a value that a JSON parser takes".to_owned());
        };
        if self.validator.is_valid(&value) {
            return;
        }
        for error in self.validator.iter_errors(&value) {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() {
                String::new()
            } else {
                format!("at {}: ", show(&place))
            };
            violations.add(
                at,
                format!(
                    "{place}expected what the schema says: {}",
                    show(&error.to_string())
                ),
            );
        }
    }
}

/// The required names that are no properties, and so no columns, which know for themselves that they are required.
/// What a record's own schema says of it as a whole.
fn own(members: &Map<String, Value>) -> Map<String, Value> {
    let apart = |name: &str, value: &Value| match name {
        "properties" | "required" | "type" => true,
        "additionalProperties" => value.is_boolean(),
        _ => false,
    };
    let own = members.iter().filter(|(name, value)| !apart(name, value));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn required_outside(members: &Map<String, Value>) -> Vec<Value> {
    let is_property = |name: &Value| {
        let properties = members.get("properties").and_then(Value::as_object);
        let name = name.as_str().unwrap_or_default();
        properties.is_some_and(|properties| properties.contains_key(name))
    };
    let required = members.get("required").and_then(Value::as_array);
    required
        .into_iter()
        .flatten()
        .filter(|name| name.is_string() && !is_property(name))
        .cloned()
        .collect()
}

fn mentions(schema: &Value, keywords: &[&str]) -> bool {
    match schema {
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| keywords.contains(&name.as_str()) || mentions(value, keywords)),
        Value::Array(items) => items.iter().any(|item| mentions(item, keywords)),
        _ => false,
    }
}
