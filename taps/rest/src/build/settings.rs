//! Values of a definition, with the settings filled in.

use std::time::Duration;

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use crate::definition::Source;

/// The members of an object as texts.
pub(super) fn text_members(
    source: &Source,
    members: &Map<String, Value>,
    place: &str,
) -> Result<Vec<(String, String)>> {
    let texts = members.iter().map(|(name, value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Ok((
            name.clone(),
            source.settings.text(&text, &format!("{place}.{name}"))?,
        ))
    });
    texts.collect()
}

/// A value whose placeholders must all be settings.
pub(super) fn filled_value(source: &Source, value: &Value, place: &str) -> Result<Value> {
    let value = source.settings.value(value)?;
    plain(value, place)
}

/// Doubled braces are braces, and a single one would be a placeholder without a value.
fn plain(value: Value, place: &str) -> Result<Value> {
    Ok(match value {
        Value::String(text) => {
            let plain = text.replace("{{", "").replace("}}", "");
            if let Some((_, after)) = plain.split_once('{') {
                let name = after.split('}').next().unwrap_or_default();
                return Err(Error::config(format!(
                    "{place}: {{{name}}} is no setting that has a value"
                )));
            }
            text.replace("{{", "{").replace("}}", "}").into()
        }
        Value::Array(items) => {
            let items = items.into_iter().map(|item| plain(item, place));
            items.collect::<Result<_>>()?
        }
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| {
                Ok((name.clone(), plain(value, &format!("{place}.{name}"))?))
            };
            Value::Object(members.into_iter().map(member).collect::<Result<_>>()?)
        }
        other => other,
    })
}

/// `90s`, `5m`, `1h 30m`, `30d`.
pub(super) fn duration(text: &str, place: &str) -> Result<Duration> {
    let wrong = || {
        Error::config(format!(
            "{place}: expected a time such as 90s, 5m or 12h, found {text}"
        ))
    };
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.trim().parse::<u64>().ok());
    if let Some(days) = days {
        return Ok(Duration::from_secs(days * 24 * 3600));
    }
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(parsed).map_err(|_| wrong())
}
