//! Schemas of a catalog, for taps that compare them with their tables: what types they take, and whether null is among them.

use serde_json::{Value, json};

const UNIONS: [&str; 2] = ["anyOf", "oneOf"];

/// The names in `type`; `None` takes any.
pub fn types(schema: &Value) -> Option<Vec<&str>> {
    match schema.get("type")? {
        Value::String(name) => Some(vec![name]),
        Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

/// Whether null is valid: by `type` or a branch of a union, and by `enum`.
pub fn takes_null(schema: &Value) -> bool {
    let listed = schema.get("enum").and_then(Value::as_array);
    if listed.is_some_and(|values| !values.contains(&Value::Null)) {
        return false;
    }
    let branches = UNIONS.iter().filter_map(|union| schema.get(*union)?.as_array());
    let mut branches = branches.flatten().peekable();
    if branches.peek().is_some() {
        return branches.any(takes_null);
    }
    types(schema).is_none_or(|types| types.contains(&"null"))
}

/// The schema with null.
#[must_use]
pub fn nullable(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if takes_null(&schema) {
        return schema;
    }
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut)
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    for union in UNIONS {
        if let Some(branches) = schema.get_mut(union).and_then(Value::as_array_mut)
            && !branches.iter().any(takes_null)
        {
            branches.push(json!({"type": "null"}));
        }
    }
    match schema.get_mut("type") {
        Some(Value::Array(types)) if !types.contains(&"null".into()) => types.push("null".into()),
        Some(Value::String(name)) if name != "null" => {
            let name = std::mem::take(name);
            schema["type"] = json!([name, "null"]);
        }
        _ => {}
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_added_to_any_form_of_schema_and_only_once() {
        for schema in [
            json!({"type": "integer"}),
            json!({"type": ["integer"]}),
            json!({"anyOf": [{"type": "integer"}]}),
            json!({"oneOf": [{"type": "integer"}, {"type": "string", "format": "date-time"}]}),
            json!({"type": "string", "enum": ["a", "b"]}),
            json!({"type": ["string", "null"], "enum": ["a", "b"]}),
            json!({"enum": ["a", 1]}),
        ] {
            assert!(!takes_null(&schema), "{schema}");
            let with = nullable(&schema);
            assert!(takes_null(&with), "{schema} became {with}");
            let valid = jsonschema::is_valid(&with, &Value::Null);
            assert!(valid, "{schema} became {with}");
            assert_eq!(nullable(&with), with);
        }
        for schema in [
            json!({}),
            json!({"type": ["null", "string"]}),
            json!({"enum": [null]}),
        ] {
            assert!(takes_null(&schema), "{schema}");
            assert_eq!(nullable(&schema), schema);
        }
    }
}
