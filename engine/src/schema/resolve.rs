//! Resolves local `$ref`s by substitution, so that no later step has to follow them.

use serde_json::{Map, Value};

use crate::error::{Error, Result, show};

/// How many nodes a schema may have once its references are in place: a guard against references that double.
const MAX_NODES: usize = 200_000;
const MAX_DEPTH: usize = 128;

/// Puts every local reference in place. One that leads back to itself, as in the array types of
/// pipelinewise-tap-postgres, ends as `{}`, which allows anything. Singer schemas that are not referenced
/// themselves (`definitions`, `$defs`) are left out.
pub(super) fn resolve(schema: &Value) -> Result<Value> {
    let mut resolver = Resolver {
        root: schema,
        open: Vec::new(),
        nodes: 0,
    };
    resolver.node(schema, 0)
}

struct Resolver<'a> {
    root: &'a Value,
    /// The references that are being put in place.
    open: Vec<&'a str>,
    nodes: usize,
}

impl<'a> Resolver<'a> {
    fn node(&mut self, node: &'a Value, depth: usize) -> Result<Value> {
        self.count(depth)?;
        match node {
            Value::Object(members) => self.object(members, depth),
            Value::Array(items) => items
                .iter()
                .map(|item| self.node(item, depth + 1))
                .collect::<Result<_>>()
                .map(Value::Array),
            other => Ok(other.clone()),
        }
    }

    fn object(&mut self, members: &'a Map<String, Value>, depth: usize) -> Result<Value> {
        let mut resolved = Map::new();
        if let Some(Value::String(reference)) = members.get("$ref") {
            match self.target(reference, depth)? {
                Value::Object(target) => resolved = target,
                Value::Bool(true) => {}
                Value::Bool(false) => drop(resolved.insert("not".to_owned(), Value::Object(Map::new()))),
                _ => {
                    return Err(Error::input(format!(
                        "schema: expected a $ref to a schema, found \"{}\"",
                        show(reference)
                    )));
                }
            }
        }
        for (name, value) in members {
            let value = match (name.as_str(), value) {
                ("$ref", Value::String(_)) | ("$defs" | "definitions", Value::Object(_)) => continue,
                // Inside, names are those of properties: one may be called `definitions` or `$ref`.
                ("properties" | "patternProperties", Value::Object(named)) => self.named(named, depth + 1)?,
                _ => self.node(value, depth + 1)?,
            };
            resolved.insert(name.clone(), value);
        }
        Ok(Value::Object(resolved))
    }

    fn named(&mut self, schemas: &'a Map<String, Value>, depth: usize) -> Result<Value> {
        self.count(depth)?;
        schemas
            .iter()
            .map(|(name, schema)| Ok((name.clone(), self.node(schema, depth + 1)?)))
            .collect::<Result<_>>()
            .map(Value::Object)
    }

    fn count(&mut self, depth: usize) -> Result<()> {
        self.nodes += 1;
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            return Err(Error::input(format!(
                "schema: expected at most {MAX_NODES} nodes and {MAX_DEPTH} levels with references in place"
            )));
        }
        Ok(())
    }

    fn target(&mut self, reference: &'a str, depth: usize) -> Result<Value> {
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err(Error::input(format!(
                "schema: expected a local $ref that starts with #, found \"{}\"",
                show(reference)
            )));
        };
        if self.open.contains(&reference) {
            return Ok(Value::Object(Map::new()));
        }
        let target = self.root.pointer(pointer).ok_or_else(|| {
            Error::input(format!(
                "schema: expected a $ref to a part of the schema, found \"{}\"",
                show(reference)
            ))
        })?;
        self.open.push(reference);
        let resolved = self.node(target, depth + 1);
        self.open.pop();
        resolved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_put_in_place_and_siblings_win() {
        let schema = json!({
            "properties": {"a": {"$ref": "#/definitions/x", "title": "mine"}, "$ref": {"type": "string"}},
            "definitions": {"x": {"type": "integer", "title": "theirs"}},
        });
        assert_eq!(
            resolve(&schema).expect("local"),
            json!({"properties": {"a": {"type": "integer", "title": "mine"}, "$ref": {"type": "string"}}})
        );
    }

    #[test]
    fn a_property_may_be_called_definitions() {
        let schema = json!({
            "properties": {"definitions": {"type": "object"}, "$defs": {"type": "string"}, "$ref": {"type": "string"},
                "x": {"$ref": "#/definitions/x"}},
            "definitions": {"x": {"type": "integer"}},
        });
        let resolved = resolve(&schema).expect("local");
        let names: Vec<_> = resolved["properties"]
            .as_object()
            .expect("properties")
            .keys()
            .collect();
        assert_eq!(names, ["definitions", "$defs", "$ref", "x"]);
        assert_eq!(resolved["properties"]["x"], json!({"type": "integer"}));
    }

    #[test]
    fn a_cycle_ends_as_anything() {
        let schema = json!({
            "properties": {"a": {"$ref": "#/definitions/list"}},
            "definitions": {"list": {"type": "array", "items": {"$ref": "#/definitions/list"}}},
        });
        assert_eq!(
            resolve(&schema).expect("local"),
            json!({"properties": {"a": {"type": "array", "items": {}}}})
        );
    }

    #[test]
    fn remote_dangling_and_exploding_references_are_errors() {
        for reference in [
            "https://example.com/x.json",
            "#/definitions/none",
            "#/properties/a/$ref",
        ] {
            assert!(resolve(&json!({"properties": {"a": {"$ref": reference}}})).is_err());
        }
        let mut definitions = Map::new();
        definitions.insert("x0".into(), json!({"type": "string"}));
        for i in 1..40 {
            let before = format!("#/definitions/x{}", i - 1);
            definitions.insert(
                format!("x{i}"),
                json!({"anyOf": [{"$ref": before}, {"$ref": before}]}),
            );
        }
        let schema = json!({"properties": {"a": {"$ref": "#/definitions/x39"}}, "definitions": definitions});
        assert!(resolve(&schema).is_err());
    }
}
