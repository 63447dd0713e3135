//! New values as YAML text.

use melisma_sdk::{Error, Result};
use serde_json::Value;

/// A value as text.
pub(super) enum Text {
    /// It goes behind its key or its dash.
    Inline(String),
    /// Lines without indentation, which go under the key.
    Lines(Vec<String>),
}

/// A value in block style.
pub(super) fn block(value: &Value) -> Result<Text> {
    let nested = matches!(value, Value::Object(map) if !map.is_empty())
        || matches!(value, Value::Array(list) if !list.is_empty());
    let text = yaml(value)?;
    Ok(if nested {
        Text::Lines(text.lines().map(str::to_owned).collect())
    } else {
        Text::Inline(text.trim_end().to_owned())
    })
}

/// A value on one line, for a place inside `{}` or `[]`.
pub(super) fn flow(value: &Value) -> Result<String> {
    Ok(match value {
        Value::Object(map) => {
            let members: Vec<String> = map
                .iter()
                .map(|(key, value)| Ok(format!("{}: {}", self::key(key)?, flow(value)?)))
                .collect::<Result<_>>()?;
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(list) => {
            let items: Vec<String> = list.iter().map(flow).collect::<Result<_>>()?;
            format!("[{}]", items.join(", "))
        }
        // Plain text may hold `,` and `]`, which end it here.
        Value::String(_) => value.to_string(),
        other => yaml(other)?.trim_end().to_owned(),
    })
}

/// A key.
pub(super) fn key(name: &str) -> Result<String> {
    let plain = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let text = Value::from(name);
    Ok(if plain {
        yaml(&text)?.trim_end().to_owned()
    } else {
        text.to_string()
    })
}

fn yaml(value: &Value) -> Result<String> {
    let options = serde_saphyr::ser_options! {
        indent_step: 2,
        compact_list_indent: true,
        prefer_block_scalars: false,
    };
    serde_saphyr::to_string_with_options(value, options)
        .map_err(|error| Error::bug(format!("a value cannot be written as YAML: {error}")))
}
