//! The URLs of requests.

use melisma_sdk::http::Request;
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use crate::python;

/// As a browser does it, below the address.
pub(super) fn joined(base: &str, path: &str) -> Result<String> {
    if path.is_empty() {
        return Ok(base.to_owned());
    }
    let slash = if base.ends_with('/') { "" } else { "/" };
    let whole = path.starts_with("http://") || path.starts_with("https://");
    // A colon in the first segment is no scheme.
    let colon = !whole
        && path
            .split(['/', '?'])
            .next()
            .is_some_and(|first| first.contains(':'));
    let path = if colon {
        format!("./{path}")
    } else {
        path.to_owned()
    };
    Request::resolve(&format!("{base}{slash}"), &path)
        .map_err(|error| Error::config(error.message().to_owned()))
}

/// The URL with parameters, but for those that it has with the same value.
pub(super) fn with_params(url: String, params: &Map<String, Value>) -> Result<String> {
    let mut url = url;
    let known: Vec<String> = url.split_once('?').map_or_else(Vec::new, |(_, query)| {
        query.split('&').map(str::to_owned).collect()
    });
    for (name, value) in params {
        if value.is_object() {
            return Err(Error::config(format!(
                "the parameter {} is an object",
                melisma_sdk::show(name)
            )));
        }
        for (name, value) in texts_of(name, value) {
            let pair = format!("{}={}", encoded(&name), encoded(&value));
            let plain = format!("{name}={value}");
            if known.contains(&pair) || known.contains(&plain) {
                continue;
            }
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&pair);
        }
    }
    Ok(url)
}

/// A value as texts of a query or form: a list is many.
pub(super) fn texts_of(name: &str, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items
            .iter()
            .map(|item| (name.to_owned(), python::str(item)))
            .collect(),
        other => vec![(name.to_owned(), python::str(other))],
    }
}

fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut made, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            made.push(char::from(byte));
        } else {
            let _ = write!(made, "%{byte:02X}");
        }
        made
    })
}
