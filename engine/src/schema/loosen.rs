//! Getting along with a schema that is none: the properties that can not be compiled allow anything.

use serde_json::{Map, Value, json};

use super::StreamSchema;
use super::resolve::resolve;
use crate::validate::{Node, rest::Rest};

impl StreamSchema {
    /// The same JSON Schema with `{}` for every property that can not be compiled, and their names; `None` when
    /// it has no properties, which no loosening helps.
    pub fn loosen(schema: &str) -> Option<(String, Vec<String>)> {
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
        let properties: Map<String, Value> = properties
            .into_iter()
            .map(|(name, schema)| {
                if compiles(&schema, &definitions) {
                    return (name, schema);
                }
                loosened.push(name.clone());
                (name, json!({}))
            })
            .collect();
        root.insert("properties".to_owned(), Value::Object(properties));
        let whole = resolve(&Value::Object(root.clone()));
        if !whole.is_ok_and(|whole| Rest::of_record(&whole).is_ok()) {
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
}

fn compiles(schema: &Value, definitions: &Map<String, Value>) -> bool {
    let mut alone = definitions.clone();
    alone.insert("properties".to_owned(), json!({"alone": schema}));
    resolve(&Value::Object(alone))
        .is_ok_and(|resolved| Node::compile(&resolved["properties"]["alone"]).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_not_be_compiled_is_loosened() {
        let schema = json!({
            "properties": {"good": {"$ref": "#/definitions/x"}, "bad": {"type": "strng"}, "far": {"$ref": "http://x/y"}},
            "definitions": {"x": {"type": "integer"}}, "patternProperties": 7,
        });
        let (loose, names) = StreamSchema::loosen(&schema.to_string()).expect("properties");
        assert_eq!(names, ["bad", "far", "the record's own schema"]);
        let compiled = StreamSchema::compile("s", &loose, &["good"], &[]).expect("a schema");
        assert_eq!(compiled.columns[0].schema, json!({"type": "integer"}));
        assert_eq!(compiled.columns[1].schema, json!({}));
        assert_eq!(StreamSchema::loosen("{}"), None);
    }
}
