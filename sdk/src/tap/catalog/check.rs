//! What a stream must be before it is listed or read: its records are objects, its keys are properties of them, and its
//! replication key has an order.

use melisma_engine::{Error, Result};
use serde_json::{Map, Value};

use super::stream::Stream;
use crate::names::{near, show_name};
use crate::tap::bookmark::comparison::KeyType;

/// Checks the streams that discovery lists.
pub(in crate::tap) fn streams(streams: &[Stream<'_>]) -> Result<()> {
    if let Some(stream) = streams.iter().find(|stream| stream.sync.is_none()) {
        return Err(without_sync(&stream.name));
    }
    streams.iter().flat_map(Stream::family).try_for_each(|stream| {
        let replication_key = stream
            .replication_key
            .as_deref()
            .map(|key| (key, !stream.manual_bookmark));
        keys(&stream.schema, &stream.key, replication_key).map_err(|error| error.in_stream(&stream.name))
    })
}

/// Checks that records are objects and that the keys are properties of them; the replication key comes with whether its
/// values move the bookmark.
pub(super) fn keys(schema: &Value, key: &[Box<str>], replication_key: Option<(&str, bool)>) -> Result<()> {
    let is_object = match schema.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => ["anyOf", "oneOf", "allOf", "$ref"]
            .iter()
            .all(|word| schema.get(word).is_none()),
    };
    if !is_object {
        return Err(Error::config(
            "a record must be an object with properties; for an enum, use one whose variants are structs",
        ));
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for name in key {
        property(properties, "key property", name)?;
    }
    if let Some((name, moves_bookmark)) = replication_key {
        let property = property(properties, "replication key", name)?;
        if moves_bookmark && !KeyType::has_order(property) {
            return Err(Error::config(format!(
                "replication key {}: its values have no order; a replication key is a number, a date, a date-time or \
                 another text that sorts",
                show_name(name)
            )));
        }
    }
    Ok(())
}

fn property<'a>(properties: Option<&'a Map<String, Value>>, what: &str, name: &str) -> Result<&'a Value> {
    let names = || properties.into_iter().flat_map(Map::keys).map(String::as_str);
    properties
        .and_then(|properties| properties.get(name))
        .ok_or_else(|| {
            let remedy = match near(names(), name) {
                Some(near) => format!("did you mean {}?", show_name(near)),
                None if names().next().is_none() => "its schema lists none".to_owned(),
                None => {
                    let some: Vec<String> = names().take(20).map(show_name).collect();
                    format!("it has {}", some.join(", "))
                }
            };
            let name = show_name(name);
            Error::config(format!(
                "{what} {name}: the stream has no such property; {remedy}"
            ))
        })
}

/// The error of a stream that nothing reads.
pub(super) fn without_sync(stream: &str) -> Error {
    Error::bug("the tap does not say how the stream is read: see Stream::sync").in_stream(stream)
}
