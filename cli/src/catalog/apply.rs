//! Applying rules to a catalog. Keys that no rule names keep their values and their order.

use serde_json::{Map, Value, json};

use super::rules::{MetadataRule, Rules};

/// Changes `catalog` in place.
pub(crate) fn apply(catalog: &mut Value, rules: &Rules) {
    let Some(Value::Array(streams)) = catalog.get_mut("streams") else {
        return;
    };
    for stream in streams.iter_mut().filter_map(Value::as_object_mut) {
        let id = ["tap_stream_id", "stream"]
            .iter()
            .find_map(|key| stream.get(*key)?.as_str())
            .unwrap_or_default();
        let id = id.to_owned();
        apply_schema(stream, &id, rules);
        let own: Vec<&MetadataRule> = rules
            .metadata
            .iter()
            .filter(|rule| rule.is_of_stream(&id))
            .collect();
        apply_metadata(stream, &own);
    }
}

fn apply_schema(stream: &mut Map<String, Value>, id: &str, rules: &Rules) {
    for rule in rules
        .schema
        .iter()
        .filter(|rule| super::glob::matches(&rule.stream, id))
    {
        let schema = object(stream.entry("schema").or_insert_with(|| json!({})));
        let properties = schema.map(|schema| schema.entry("properties").or_insert_with(|| json!({})));
        let Some(properties) = properties.and_then(object) else {
            continue;
        };
        let names: Vec<String> = properties
            .keys()
            .filter(|name| super::glob::matches(&rule.property, name))
            .cloned()
            .collect();
        for name in names {
            properties.insert(name, rule.schema.clone());
        }
        properties
            .entry(rule.property.clone())
            .or_insert_with(|| rule.schema.clone());
    }
}

fn apply_metadata(stream: &mut Map<String, Value>, rules: &[&MetadataRule]) {
    let mut entries = match stream.get_mut("metadata").map(Value::take) {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    };
    ensure(&mut entries, &[], "automatic");
    if let Some(schema) = stream.get("schema") {
        add_properties(schema, &mut Vec::new(), &mut entries);
    }
    // Old taps read keys of the stream itself, such as `replication_method`.
    for rule in rules.iter().filter(|rule| rule.is_of_breadcrumb("")) {
        stream.insert(rule.key.replace('-', "_"), rule.value.clone());
    }
    for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
        let breadcrumb: Vec<&str> = entry
            .get("breadcrumb")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let breadcrumb = breadcrumb.join(".");
        let Some(metadata) = object(entry.entry("metadata").or_insert_with(|| json!({}))) else {
            continue;
        };
        let unsupported = metadata.get("inclusion").and_then(Value::as_str) == Some("unsupported");
        for rule in rules.iter().filter(|rule| rule.is_of_breadcrumb(&breadcrumb)) {
            if unsupported && rule.key == "selected" && rule.value == Value::Bool(true) {
                continue;
            }
            metadata.insert(rule.key.clone(), rule.value.clone());
        }
    }
    stream.insert("metadata".to_owned(), Value::Array(entries));
}

/// An entry for each property whose name is a plain word, as Meltano makes them.
fn add_properties<'a>(schema: &'a Value, path: &mut Vec<&'a str>, entries: &mut Vec<Value>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, schema) in properties.iter().filter(|(name, _)| is_word(name)) {
        path.extend(["properties", name]);
        ensure(
            entries,
            path,
            if path.len() == 2 { "automatic" } else { "available" },
        );
        add_properties(schema, path, entries);
        path.truncate(path.len() - 2);
    }
}

fn ensure(entries: &mut Vec<Value>, breadcrumb: &[&str], inclusion: &str) {
    let breadcrumb = json!(breadcrumb);
    if !entries
        .iter()
        .any(|entry| entry.get("breadcrumb") == Some(&breadcrumb))
    {
        entries.push(json!({"breadcrumb": breadcrumb, "metadata": {"inclusion": inclusion}}));
    }
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn object(value: &mut Value) -> Option<&mut Map<String, Value>> {
    value.as_object_mut()
}
