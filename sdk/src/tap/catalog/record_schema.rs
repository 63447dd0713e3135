//! The JSON Schemas of Rust types, in the form that every reader of Singer messages understands.
//!
//! schemars writes correct JSON Schema that many targets cannot read: `true` for any value (Python targets call methods of
//! every schema), `anyOf` with null for an optional struct, and `oneOf` with an object for each variant of an enum. Here
//! `true` becomes `{}`, null becomes a second `type`, and the variants become one object: for
//! `enum Event { Made { id, by }, Gone { id } }` with the tag `event`, the schema has `event` and `id`, which every record
//! has, and `by`, which may be null.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The schema of records that are values of `T`.
pub(crate) fn of<T: JsonSchema + ?Sized>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Some(schema) = schema.as_object_mut() {
        schema.shift_remove("title");
    }
    simplify(&mut schema);
    schema
}

/// Simplifies a schema, the innermost schemas first.
fn simplify(schema: &mut Value) {
    if *schema == Value::Bool(true) {
        *schema = json!({});
    }
    let Some(map) = schema.as_object_mut() else { return };
    for word in ["properties", "$defs"] {
        let members = map.get_mut(word).and_then(Value::as_object_mut);
        members.into_iter().flat_map(Map::values_mut).for_each(simplify);
    }
    for word in ["anyOf", "oneOf", "allOf", "prefixItems"] {
        let items = map.get_mut(word).and_then(Value::as_array_mut);
        items.into_iter().flatten().for_each(simplify);
    }
    // As a boolean, `additionalProperties` is understood everywhere.
    for word in ["items", "additionalProperties"] {
        if let Some(inner) = map
            .get_mut(word)
            .filter(|inner| word == "items" || inner.is_object())
        {
            simplify(inner);
        }
    }
    for word in ["anyOf", "oneOf"] {
        merge_branches(map, word);
    }
}

/// Replaces the branches of `anyOf` or `oneOf` by what they say together, where that is one type and perhaps null.
fn merge_branches(schema: &mut Map<String, Value>, word: &str) {
    let Some(branches) = schema.get(word).and_then(Value::as_array) else {
        return;
    };
    let is_null = |branch: &&Value| branch.get("type").is_some_and(|name| name == "null");
    let (nulls, others): (Vec<&Value>, Vec<&Value>) = branches.iter().partition(is_null);
    let merged = match others.as_slice() {
        [one] if one.get("type").is_some() => Some((*one).clone()),
        several => merge_objects(several).or_else(|| merge_words(several)),
    };
    let Some(Value::Object(mut merged)) = merged.map(|merged| {
        if nulls.is_empty() {
            merged
        } else {
            nullable(merged)
        }
    }) else {
        return;
    };
    schema.shift_remove(word);
    // A struct that flattens an enum has properties of its own beside those of the variants.
    if let Some(Value::Object(own)) = schema.get_mut("properties")
        && let Some(Value::Object(theirs)) = merged.shift_remove("properties")
    {
        for (name, property) in theirs {
            own.entry(name).or_insert(property);
        }
    }
    if let (Some(Value::Array(own)), Some(Value::Array(theirs))) =
        (schema.get_mut("required"), merged.get("required"))
    {
        own.extend(theirs.iter().cloned());
    }
    for (name, value) in merged {
        schema.entry(name).or_insert(value);
    }
}

/// The schema of an enum whose variants are these objects.
pub(crate) fn merge_variants(objects: &[Value]) -> Value {
    let mut schema = json!({"oneOf": objects});
    simplify(&mut schema);
    schema
}

/// One object with the properties of all: what one of them lacks may be null.
fn merge_objects(branches: &[&Value]) -> Option<Value> {
    let properties: Option<Vec<&Map<String, Value>>> = branches
        .iter()
        .map(|branch| branch.get("properties")?.as_object())
        .collect();
    let properties = properties.filter(|properties| !properties.is_empty())?;
    let mut names: Vec<&String> = Vec::new();
    for name in properties.iter().flat_map(|properties| properties.keys()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut merged = Map::new();
    let mut required = Vec::new();
    for name in names {
        let of_name: Vec<&Value> = properties
            .iter()
            .filter_map(|properties| properties.get(name))
            .collect();
        let everywhere = branches.iter().all(|branch| requires(branch, name));
        let schema = merge_property(&of_name);
        merged.insert(name.clone(), if everywhere { schema } else { nullable(schema) });
        if everywhere {
            required.push(name.as_str());
        }
    }
    Some(json!({"type": "object", "properties": merged, "required": required}))
}

fn requires(branch: &Value, name: &str) -> bool {
    let required = branch.get("required").and_then(Value::as_array);
    required.is_some_and(|required| required.iter().any(|other| other == name))
}

/// What several schemas of one property say together.
fn merge_property(schemas: &[&Value]) -> Value {
    let mut distinct: Vec<Value> = Vec::new();
    for schema in schemas {
        let mut schema = (*schema).clone();
        if schemas.len() > 1
            && let Some(schema) = schema.as_object_mut()
        {
            schema.shift_remove("description");
        }
        if !distinct.contains(&schema) {
            distinct.push(schema);
        }
    }
    let references: Vec<&Value> = distinct.iter().collect();
    match references.as_slice() {
        [one] => (*one).clone(),
        several => merge_objects(several)
            .or_else(|| merge_words(several))
            .unwrap_or_else(|| json!({"anyOf": distinct})),
    }
}

/// The words of several enumerations of texts.
fn merge_words(branches: &[&Value]) -> Option<Value> {
    let mut words: Vec<Value> = Vec::new();
    for branch in branches {
        let named = branch.get("const").map(std::slice::from_ref);
        let named = named.or_else(|| branch.get("enum")?.as_array().map(Vec::as_slice))?;
        for word in named.iter().filter(|word| word.is_string()) {
            if !words.contains(word) {
                words.push(word.clone());
            }
        }
    }
    (!words.is_empty()).then(|| json!({"type": "string", "enum": words}))
}

/// The schema of a value that may also be null.
pub(crate) fn nullable(mut schema: Value) -> Value {
    let Some(map) = schema.as_object_mut() else {
        return schema;
    };
    if let Some(word) = map.shift_remove("const") {
        map.insert("enum".into(), json!([word]));
    }
    if let Some(Value::Array(words)) = map.get_mut("enum")
        && !words.contains(&Value::Null)
    {
        words.push(Value::Null);
    }
    match map.get_mut("type") {
        Some(Value::Array(names)) if names.iter().any(|name| name == "null") => {}
        Some(Value::Array(names)) => names.push("null".into()),
        Some(name) => *name = json!([name.take(), "null"]),
        // Without a type anything is allowed, null too.
        None => {
            if let Some(Value::Array(branches)) = map.get_mut("anyOf") {
                branches.push(json!({"type": "null"}));
            }
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    #![allow(dead_code, reason = "only the schemas of these types count")]

    use std::collections::HashMap;

    use serde::Serialize;

    use super::*;

    fn properties<T: JsonSchema>() -> Value {
        of::<T>()["properties"].clone()
    }

    #[test]
    fn any_value_is_an_empty_schema_wherever_it_is() {
        #[derive(Serialize, JsonSchema)]
        struct Record {
            any: Value,
            maybe: Option<Value>,
            list: Vec<Value>,
            map: HashMap<String, Value>,
            inner: Inner,
        }
        #[derive(Serialize, JsonSchema)]
        struct Inner {
            any: Value,
        }
        let expected = json!({
            "any": {}, "maybe": {}, "list": {"type": "array", "items": {}},
            "map": {"type": "object", "additionalProperties": true},
            "inner": {"type": "object", "properties": {"any": {}}, "required": ["any"]},
        });
        assert_eq!(properties::<Record>(), expected);
    }

    #[test]
    fn an_optional_struct_has_two_types() {
        #[derive(Serialize, JsonSchema)]
        struct Record {
            inner: Option<Inner>,
        }
        #[derive(Serialize, JsonSchema)]
        struct Inner {
            a: bool,
        }
        let inner =
            json!({"type": ["object", "null"], "properties": {"a": {"type": "boolean"}}, "required": ["a"]});
        assert_eq!(properties::<Record>(), json!({"inner": inner}));
    }

    #[test]
    fn the_variants_of_an_enum_are_one_object() {
        #[derive(Serialize, JsonSchema)]
        #[serde(tag = "event")]
        enum Event {
            Made { id: i64, by: String, how: Option<u8> },
            Gone { id: i64 },
        }
        let schema = of::<Event>();
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["required"], json!(["event", "id"]));
        let properties = &schema["properties"];
        assert_eq!(
            properties["event"],
            json!({"type": "string", "enum": ["Made", "Gone"]})
        );
        assert_eq!(properties["id"], json!({"type": "integer", "format": "int64"}));
        assert_eq!(properties["by"], json!({"type": ["string", "null"]}));
        assert_eq!(properties["how"]["type"], json!(["integer", "null"]));
        assert_eq!(schema.get("oneOf"), None);
    }

    #[test]
    fn variants_that_disagree_and_enums_inside_a_record() {
        #[derive(Serialize, JsonSchema)]
        struct Record {
            #[serde(flatten)]
            value: Tagged,
            kind: Option<Unit>,
            same: bool,
        }
        #[derive(Serialize, JsonSchema)]
        #[serde(tag = "type", content = "value")]
        enum Tagged {
            Number(f64),
            Text(String),
            Nothing,
        }
        #[derive(Serialize, JsonSchema)]
        enum Unit {
            /// Described, so that schemars lists it alone.
            A,
            B,
        }
        let schema = of::<Record>();
        let properties = &schema["properties"];
        assert_eq!(properties["type"]["enum"], json!(["Number", "Text", "Nothing"]));
        assert_eq!(
            properties["value"]["anyOf"],
            json!([{"type": "number", "format": "double"}, {"type": "string"}, {"type": "null"}])
        );
        assert_eq!(
            properties["kind"],
            json!({"type": ["string", "null"], "enum": ["B", "A", null]})
        );
        assert_eq!(properties["same"], json!({"type": "boolean"}));
        assert_eq!(schema.get("oneOf"), None);
    }
}
