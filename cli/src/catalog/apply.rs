//! Applying rules to a catalog, as Meltano walks through one: depth first, in the order of the document. Keys that no rule
//! names keep their values and their order.

use serde_json::{Map, Value, json};

use super::rules::{MetadataRule, Rules};
use super::schema;

/// Changes `catalog` in place. Without any rule, a catalog stays as it is.
pub(crate) fn apply(catalog: &mut Value, rules: &Rules) {
    if rules.metadata.is_empty() && rules.schema.is_empty() {
        return;
    }
    let Some(Value::Array(streams)) = catalog.get_mut("streams") else {
        return;
    };
    for stream in streams.iter_mut().filter_map(Value::as_object_mut) {
        let id = id_of(stream).to_owned();
        schema::apply(stream, &id, &rules.schema);
        let own: Vec<&MetadataRule> = rules
            .metadata
            .iter()
            .filter(|rule| rule.is_of_stream(&id))
            .collect();
        apply_metadata(stream, &own);
    }
}

/// The id of a stream; old taps have only its name.
pub(super) fn id_of(stream: &Map<String, Value>) -> &str {
    let found = ["tap_stream_id", "stream"]
        .iter()
        .find_map(|key| stream.get(*key)?.as_str());
    found.unwrap_or_default()
}

fn apply_metadata(stream: &mut Map<String, Value>, rules: &[&MetadataRule]) {
    let position = |key: &str| stream.keys().position(|other| other == key);
    // Rules reach the entries that are added for properties only if the schema comes before the metadata in the document.
    let schema_first =
        position("metadata").is_none_or(|at| position("schema").is_some_and(|schema| schema < at));
    let mut entries = match stream.get_mut("metadata").map(Value::take) {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    };
    stream.entry("metadata").or_insert(Value::Null);
    ensure(&mut entries, &[], "automatic");
    // Old taps read keys of the stream itself, such as `replication_method`.
    for rule in rules.iter().filter(|rule| rule.is_of_breadcrumb("")) {
        rule.set(stream, &rule.key.replace('-', "_"));
    }
    let mut added = Vec::new();
    if let Some(schema) = stream.get("schema") {
        schema::each_property(schema, &mut Vec::new(), &mut |path| added.push(path.to_vec()));
    }
    let before = entries.len();
    for path in &added {
        ensure(
            &mut entries,
            path,
            if path.len() == 2 { "automatic" } else { "available" },
        );
    }
    let reached = if schema_first { entries.len() } else { before };
    for entry in entries.iter_mut().take(reached).filter_map(Value::as_object_mut) {
        let breadcrumb: Vec<&str> = entry
            .get("breadcrumb")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let breadcrumb = breadcrumb.join(".");
        let metadata = entry.entry("metadata").or_insert_with(|| json!({}));
        let Some(metadata) = metadata.as_object_mut() else {
            continue;
        };
        for rule in rules.iter().filter(|rule| rule.is_of_breadcrumb(&breadcrumb)) {
            rule.set(metadata, &rule.key);
        }
    }
    stream.insert("metadata".to_owned(), Value::Array(entries));
}

impl MetadataRule {
    /// Sets the rule's value under `key`; what is unsupported is never selected.
    fn set(&self, node: &mut Map<String, Value>, key: &str) {
        let unsupported = node.get("inclusion").and_then(Value::as_str) == Some("unsupported");
        if !(unsupported && key == "selected" && self.value == Value::Bool(true)) {
            node.insert(key.to_owned(), self.value.clone());
        }
    }
}

fn ensure(entries: &mut Vec<Value>, breadcrumb: &[String], inclusion: &str) {
    let breadcrumb = json!(breadcrumb);
    if !entries
        .iter()
        .any(|entry| entry.get("breadcrumb") == Some(&breadcrumb))
    {
        entries.push(json!({"breadcrumb": breadcrumb, "metadata": {"inclusion": inclusion}}));
    }
}
