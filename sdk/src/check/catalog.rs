//! The rules of a catalog, and what a run is held against.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::report::{Broken, Report};
use super::rule::Rule;
use super::schema;
use crate::names::show_name;

/// What a catalog says of a stream.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) replication_key: Option<String>,
}

/// Checks a catalog, as text; returns its streams, and itself with every stream selected.
pub(super) fn check(text: &str, report: &mut Report) -> (Vec<Listed>, Value) {
    let mut broken = |stream: Option<&str>, message: String| {
        report.add(Broken {
            rule: Rule::CatalogIsValid,
            run: "discovery",
            line: None,
            stream: stream.map(str::to_owned),
            message,
            more: 0,
        });
    };
    let mut catalog: Value = match serde_json::from_str(text) {
        Ok(catalog) => catalog,
        Err(error) => {
            broken(None, format!("expected JSON: {error}"));
            return (Vec::new(), Value::Null);
        }
    };
    let mut listed = Vec::new();
    let mut ids = HashSet::new();
    let streams = catalog["streams"].as_array_mut();
    if streams.as_ref().is_none_or(|streams| streams.is_empty()) {
        broken(None, "expected a list of streams that is not empty".to_owned());
    }
    for entry in streams.into_iter().flatten() {
        let Some(id) = entry["tap_stream_id"].as_str().map(str::to_owned) else {
            broken(None, "expected tap_stream_id, a text, in each stream".to_owned());
            continue;
        };
        if !ids.insert(id.clone()) {
            broken(
                Some(&id),
                "expected streams with different ids, found this one twice".to_owned(),
            );
        }
        for message in wrong(entry) {
            broken(Some(&id), message);
        }
        listed.push(Listed {
            name: entry["stream"].as_str().unwrap_or(&id).to_owned(),
            replication_key: replication_key(entry),
        });
        select(entry);
    }
    (listed, catalog)
}

/// What is wrong with the schema and the keys of a stream.
fn wrong(entry: &Value) -> Vec<String> {
    let mut all = Vec::new();
    all.extend(schema::compile(&entry["schema"]).err());
    let Some(properties) = entry["schema"]["properties"]
        .as_object()
        .filter(|all| !all.is_empty())
    else {
        all.push("expected a schema with properties".to_owned());
        return all;
    };
    let keys = entry["key_properties"].as_array().into_iter().flatten();
    let keys = keys.filter_map(Value::as_str).map(|name| ("key property", name));
    let replication_key = entry["replication_key"]
        .as_str()
        .map(|name| ("replication key", name));
    for (what, name) in keys
        .chain(replication_key)
        .filter(|(_, name)| !properties.contains_key(*name))
    {
        all.push(format!(
            "the {what} {} is not among the properties of the schema",
            show_name(name)
        ));
    }
    all
}

fn replication_key(entry: &Value) -> Option<String> {
    let incremental = entry["replication_method"] == "INCREMENTAL";
    entry["replication_key"]
        .as_str()
        .filter(|_| incremental)
        .map(str::to_owned)
}

/// Selects a stream that is not selected by default, too.
fn select(entry: &mut Value) {
    let items = entry["metadata"].as_array_mut();
    let root = items.and_then(|items| items.iter_mut().find(|item| item["breadcrumb"] == json!([])));
    if let Some(Value::Object(metadata)) = root.and_then(|root| root.get_mut("metadata")) {
        metadata.insert("selected".to_owned(), true.into());
    }
}
