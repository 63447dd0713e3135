//! Makes invalid or incomplete schemas usable, where the settings allow it (`invalid_schema`, `undeclared_properties`).

use serde_json::{Map, Value, json};

use super::StreamSchema;
use super::compile::prepare;
use crate::error::Error;
use crate::validate::{Node, rest::Rest};

impl StreamSchema {
    /// The same JSON Schema with `{}` for every property that cannot be compiled and for every key that is no property,
    /// and their names; `None` when it has no properties, which no loosening helps.
    pub fn loosen<S: AsRef<str>>(schema: &str, keys: &[S]) -> Option<(String, Vec<String>)> {
        let Value::Object(mut root) = serde_json::from_str(schema).ok()? else {
            return None;
        };
        let Some(Value::Object(properties)) = root.get("properties").cloned() else {
            return None;
        };
        let definitions: Map<String, Value> = root
            .iter()
            .filter(|(name, _)| matches!(name.as_str(), "definitions" | "$defs"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut loosened = Vec::new();
        let mut properties: Map<String, Value> = properties
            .into_iter()
            .map(|(name, schema)| {
                if compiles(&schema, &definitions) {
                    return (name, schema);
                }
                loosened.push(name.clone());
                (name, json!({}))
            })
            .collect();
        loosened.extend(declare(&mut properties, keys));
        root.insert("properties".to_owned(), Value::Object(properties));
        let whole = prepare(&Value::Object(root.clone()));
        if !whole.is_ok_and(|(whole, _)| Rest::of_record(&whole).is_ok()) {
            root.retain(|name, _| {
                matches!(
                    name.as_str(),
                    "type" | "properties" | "required" | "definitions" | "$defs"
                )
            });
            loosened.push("the record's own schema".to_owned());
        }
        Some((Value::Object(root).to_string(), loosened))
    }

    /// The same JSON Schema with a property for each key, of any type, where it leaves open what records have:
    /// `additionalProperties: true` or, if a schema that says nothing is `assumed` to, `{"type": "object"}`, as tap-mongodb
    /// writes it. `None` where it does not, or where nothing is missing.
    pub fn open<S: AsRef<str>>(schema: &str, keys: &[S], assumed: bool) -> Option<String> {
        let Value::Object(mut root) = serde_json::from_str(schema).ok()? else {
            return None;
        };
        let is_object = match root.get("type") {
            None => true,
            Some(Value::String(name)) => name == "object",
            Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
            Some(_) => false,
        };
        let says_nothing = !root.contains_key("properties") && !root.contains_key("$ref");
        let additional = root
            .entry("additionalProperties")
            .or_insert(Value::Bool(says_nothing && assumed));
        if !is_object || !(additional.is_object() || *additional == Value::Bool(true)) {
            return None;
        }
        let properties = root.entry("properties").or_insert_with(|| json!({}));
        let declared = declare(properties.as_object_mut()?, keys);
        (says_nothing || !declared.is_empty()).then(|| Value::Object(root).to_string())
    }

    /// An error of [`compile`](Self::compile), or of the checks of what it made, with the setting that helps.
    #[must_use]
    pub fn advise<S: AsRef<str>>(error: Error, schema: &str, keys: &[S]) -> Error {
        if Self::open(schema, keys, true).is_some() {
            error.hint("undeclared_properties says where a target puts what a schema does not declare")
        } else if Self::loosen(schema, keys).is_some_and(|(_, names)| !names.is_empty()) {
            error.hint("with invalid_schema: any a target lets it hold anything")
        } else {
            error
        }
    }
}

/// Adds a property of any type for each key that is none; returns their names.
fn declare<S: AsRef<str>>(properties: &mut Map<String, Value>, keys: &[S]) -> Vec<String> {
    let mut declared = Vec::new();
    for key in keys.iter().map(AsRef::as_ref) {
        if !properties.contains_key(key) {
            properties.insert(key.to_owned(), json!({}));
            declared.push(key.to_owned());
        }
    }
    declared
}

fn compiles(schema: &Value, definitions: &Map<String, Value>) -> bool {
    let mut alone = definitions.clone();
    alone.insert("properties".to_owned(), json!({"alone": schema}));
    prepare(&Value::Object(alone))
        .is_ok_and(|(alone, _)| Node::compile(&alone["properties"]["alone"]).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_KEYS: [&str; 0] = [];

    #[test]
    fn only_what_can_not_be_compiled_is_loosened() {
        let schema = json!({
            "properties": {"good": {"$ref": "#/definitions/x"}, "bad": {"type": "strng"}, "far": {"$ref": "http://x/y"}},
            "definitions": {"x": {"type": "integer"}}, "patternProperties": 7,
        });
        let (loose, names) = StreamSchema::loosen(&schema.to_string(), &["good", "id"]).expect("properties");
        assert_eq!(names, ["bad", "far", "id", "the record's own schema"]);
        let compiled = StreamSchema::compile("s", &loose, &["good", "id"], &[]).expect("a schema");
        assert_eq!(*compiled.columns[0].schema, json!({"type": "integer"}));
        assert_eq!(*compiled.columns[1].schema, json!({}));
        assert_eq!(StreamSchema::loosen("{}", &NO_KEYS), None);
    }

    #[test]
    fn a_schema_that_leaves_open_what_records_have_is_opened() {
        let open = |schema: Value, keys: &[&str]| StreamSchema::open(&schema.to_string(), keys, true);
        assert_eq!(StreamSchema::open(r#"{"type": "object"}"#, &["_id"], false), None);
        for schema in [
            json!({"type": "object"}),
            json!({}),
            json!({"type": ["null", "object"]}),
        ] {
            let opened = open(schema, &["_id"]).expect("open");
            let compiled = StreamSchema::compile("s", &opened, &["_id"], &[]).expect("a schema");
            assert!(compiled.open && compiled.columns.len() == 1);
        }
        let additional = json!({"properties": {"a": {}}, "additionalProperties": {"type": "string"}});
        assert!(StreamSchema::open(&additional.to_string(), &["_id"], false).is_some());
        assert_eq!(open(additional, &["a"]), None);
        for schema in [
            json!({"type": "array"}),
            json!({"properties": {"a": {}}}),
            json!({"properties": null}),
            json!({"additionalProperties": false}),
            json!([]),
        ] {
            assert_eq!(open(schema.clone(), &["_id"]), None, "{schema}");
        }
    }
}
