//! A manifest with its references replaced and its parameters handed down, as Airbyte's framework does both.

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

/// References in references.
const DEPTH: usize = 200;

/// The manifest without references.
pub(super) fn resolve(manifest: &Value) -> Result<Value> {
    node(manifest, manifest, &mut Vec::new())
}

fn node<'m>(value: &'m Value, manifest: &'m Value, visited: &mut Vec<&'m str>) -> Result<Value> {
    if visited.len() > DEPTH {
        return Err(Error::config("too many references in references"));
    }
    match value {
        Value::Object(members) => {
            let mut own = Map::new();
            for (name, value) in members.iter().filter(|(name, _)| *name != "$ref") {
                own.insert(name.clone(), node(value, manifest, visited)?);
            }
            let Some(reference) = members.get("$ref") else {
                return Ok(Value::Object(own));
            };
            // What stands beside a reference goes before what it refers to.
            match node(reference, manifest, visited)? {
                Value::Object(mut referred) => {
                    referred.extend(own);
                    Ok(Value::Object(referred))
                }
                other => Ok(other),
            }
        }
        Value::Array(items) => items.iter().map(|item| node(item, manifest, visited)).collect(),
        Value::String(text) if text.starts_with("#/") => {
            if visited.contains(&text.as_str()) {
                return Err(Error::config(format!("{text}: the reference refers to itself")));
            }
            let referred = look_up(&text[2..], manifest)
                .ok_or_else(|| Error::config(format!("{text}: the reference refers to nothing")))?;
            visited.push(text);
            let referred = node(referred, manifest, visited);
            visited.pop();
            referred
        }
        other => Ok(other.clone()),
    }
}

/// `definitions/a/b`, where a name may have slashes of its own.
fn look_up<'m>(path: &str, value: &'m Value) -> Option<&'m Value> {
    if path.is_empty() {
        return Some(value);
    }
    if let Some(found) = value.get(path) {
        return Some(found);
    }
    let (head, rest) = path.split_once('/').unwrap_or((path, ""));
    let below = match value {
        Value::Array(items) => items.get(head.parse::<usize>().ok()?)?,
        value => value.get(head)?,
    };
    look_up(rest, below)
}

/// What a component is whose type is not said.
const DEFAULTS: &[(&str, &str)] = &[
    ("AddFields.fields", "AddedFieldDefinition"),
    ("CompositeErrorHandler.error_handlers", "DefaultErrorHandler"),
    ("DatetimeBasedCursor.end_datetime", "MinMaxDatetime"),
    ("DatetimeBasedCursor.end_time_option", "RequestOption"),
    ("DatetimeBasedCursor.start_datetime", "MinMaxDatetime"),
    ("DatetimeBasedCursor.start_time_option", "RequestOption"),
    ("DeclarativeSource.check", "CheckStream"),
    ("DeclarativeSource.spec", "Spec"),
    ("DeclarativeSource.streams", "DeclarativeStream"),
    ("DeclarativeStream.retriever", "SimpleRetriever"),
    ("DeclarativeStream.schema_loader", "JsonFileSchemaLoader"),
    ("DefaultErrorHandler.response_filters", "HttpResponseFilter"),
    ("DefaultPaginator.page_size_option", "RequestOption"),
    ("DpathExtractor.record_expander", "RecordExpander"),
    ("HttpRequester.error_handler", "DefaultErrorHandler"),
    ("ListPartitionRouter.request_option", "RequestOption"),
    ("ParentStreamConfig.request_option", "RequestOption"),
    ("ParentStreamConfig.stream", "DeclarativeStream"),
    ("RecordSelector.extractor", "DpathExtractor"),
    ("RecordSelector.record_filter", "RecordFilter"),
    ("SimpleRetriever.paginator", "NoPagination"),
    ("SimpleRetriever.record_selector", "RecordSelector"),
    ("SimpleRetriever.requester", "HttpRequester"),
    (
        "SubstreamPartitionRouter.parent_stream_configs",
        "ParentStreamConfig",
    ),
];

/// A component and those in it with their types, and with the parameters of all above them: each fills a member that is absent.
pub(super) fn hand_down(
    identifier: &str,
    component: &Map<String, Value>,
    above: &Map<String, Value>,
) -> Map<String, Value> {
    let mut component = component.clone();
    if !component.contains_key("type") && !component.contains_key("class_name") {
        let default = DEFAULTS.iter().find(|(known, _)| *known == identifier);
        if let Some((_, kind)) = default {
            component.insert("type".to_owned(), (*kind).into());
        }
    }
    let mut parameters = above.clone();
    if let Some(Value::Object(own)) = component.shift_remove("$parameters") {
        parameters.extend(own);
    }
    let kind = component.get("type").cloned();
    // A JSON Schema, which has types of its own.
    if matches!(kind, Some(Value::Array(_) | Value::Object(_)))
        || kind.as_ref().is_some_and(|kind| kind == "object")
    {
        return component;
    }
    let Some(Value::String(kind)) = kind else {
        // No component: but there may be some in it.
        for value in component.values_mut() {
            if let Value::Object(inner) = value
                && inner.get("type").is_some_and(Value::is_string)
            {
                *inner = hand_down(identifier, inner, &parameters);
            }
        }
        return component;
    };
    for (name, value) in &parameters {
        let empty = component
            .get(name)
            .is_none_or(|known| !super::jinja::python_truth(known));
        if empty {
            component.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in &mut component {
        // A parameter of the same name would be handed down without end.
        let mut below = parameters.clone();
        below.shift_remove(name);
        let identifier = format!("{kind}.{name}");
        match value {
            Value::Object(inner) => *inner = hand_down(&identifier, inner, &below),
            Value::Array(items) => {
                for item in items {
                    if let Value::Object(inner) = item {
                        *inner = hand_down(&identifier, inner, &below);
                    }
                }
            }
            _ => {}
        }
    }
    if !parameters.is_empty() {
        component.insert("$parameters".to_owned(), Value::Object(parameters));
    }
    component
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_replaced_and_what_stands_beside_them_wins() {
        let manifest = json!({
            "definitions": {"a": {"x": 1, "y": {"$ref": "#/definitions/b/c"}}, "b/c": {"z": "#/definitions/list/1"}, "list": [7, 8]},
            "streams": [{"$ref": "#/definitions/a", "x": 2}]
        });
        let resolved = resolve(&manifest).expect("resolves");
        assert_eq!(resolved["streams"], json!([{"x": 2, "y": {"z": 8}}]));
        assert!(resolve(&json!({"a": "#/b"})).is_err());
        assert!(resolve(&json!({"a": {"$ref": "#/a"}})).is_err());
    }

    #[test]
    fn parameters_fill_what_is_absent_below_them() {
        let stream = json!({"type": "DeclarativeStream", "$parameters": {"path": "/a", "name": "n"}, "retriever": {
            "requester": {"url_base": "u"}, "record_selector": {"extractor": {"field_path": []}, "path": "own"}
        }});
        let Value::Object(stream) = stream else {
            unreachable!()
        };
        let made = Value::Object(hand_down("DeclarativeSource.streams", &stream, &Map::new()));
        assert_eq!(made["name"], "n");
        assert_eq!(made["retriever"]["type"], "SimpleRetriever");
        assert_eq!(made["retriever"]["requester"]["path"], "/a");
        assert_eq!(
            made["retriever"]["requester"]["$parameters"],
            json!({"path": "/a", "name": "n"})
        );
        assert_eq!(made["retriever"]["record_selector"]["path"], "own");
        assert_eq!(
            made["retriever"]["record_selector"]["extractor"]["type"],
            "DpathExtractor"
        );
    }
}
