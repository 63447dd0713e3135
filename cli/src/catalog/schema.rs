//! The properties of a stream's schema that Meltano reaches, and rules that replace their schemas.

use serde_json::{Map, Value, json};

use super::glob;
use super::rules::SchemaRule;

/// Calls `found` with the breadcrumb of each property, parents first. Properties whose names are not plain words are not
/// reached, and neither is what is below `anyOf` or `items`.
pub(super) fn each_property(schema: &Value, path: &mut Vec<String>, found: &mut impl FnMut(&[String])) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, property) in properties
        .iter()
        .filter(|(name, property)| is_word(name) && property.is_object())
    {
        path.extend(["properties".to_owned(), name.clone()]);
        found(path);
        each_property(property, path, found);
        path.truncate(path.len() - 2);
    }
}

fn is_word(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Replaces the schemas of the stream's properties that match a rule, and adds those that a rule names and the stream lacks.
pub(super) fn apply(stream: &mut Map<String, Value>, id: &str, rules: &[SchemaRule]) {
    let own: Vec<&SchemaRule> = rules
        .iter()
        .filter(|rule| glob::matches(&rule.stream, id))
        .collect();
    if rules.is_empty() {
        return;
    }
    let schema = stream
        .entry("schema")
        .or_insert_with(|| json!({"type": "object"}));
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    if !own.is_empty() {
        let properties = schema.entry("properties").or_insert_with(|| json!({}));
        let Some(properties) = properties.as_object_mut() else {
            return;
        };
        for rule in &own {
            // A name with a wildcard later on is taken for a name here, as in Meltano, and gets an empty schema.
            if !rule.property.starts_with(['*', '?', '[', ']']) {
                properties
                    .entry(rule.property.clone())
                    .or_insert_with(|| json!({}));
            }
        }
    }
    replace(schema, "", &own);
}

fn replace(schema: &mut Map<String, Value>, path: &str, rules: &[&SchemaRule]) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, property) in properties.iter_mut().filter(|(name, _)| is_word(name)) {
        let Some(inner) = property.as_object_mut() else {
            continue;
        };
        let path = format!("{path}properties.{name}");
        let matching = |rule: &&&SchemaRule| glob::matches(&format!("properties.{}", rule.property), &path);
        let found: Vec<&&SchemaRule> = rules.iter().filter(matching).collect();
        for rule in &found {
            if let Value::Object(new) = &rule.schema {
                inner.clone_from(new);
            }
        }
        // What a rule has put there stays as it is.
        if found.is_empty() {
            replace(inner, &format!("{path}."), rules);
        }
    }
}
