//! The search of tap-rest-api-msdk: a parameter that asks for what is new.

use melisma_sdk::{Error, Result};
use serde_json::Value;

use super::settings::Common;

/// The parameter and its value, in which `{since}` is the bookmark.
pub(super) fn of(
    common: &Common,
    in_body: bool,
    greater: bool,
    start_date: Option<&str>,
) -> Result<Option<(String, Value)>> {
    let Some(field) = &common.source_search_field else {
        return match &common.source_search_query {
            Some(_) => Err(Error::config(
                "source_search_query: there is no source_search_field that it is for",
            )),
            None => Ok(None),
        };
    };
    let template = match &common.source_search_query {
        Some(template) => template.as_str(),
        None if greater => "gt$last_run_date",
        None => {
            return Err(Error::config(
                "source_search_field: there is no source_search_query; say what the bookmark looks like in it, such as \
                 $last_run_date",
            ));
        }
    };
    let parts = parts(template)?;
    if !in_body {
        return Ok(Some((field.clone(), placeholder(&parts).into())));
    }
    if start_date.is_none() {
        return Err(Error::config(
            "source_search_query: parameters are in the body, and a first run has nothing for $last_run_date; give a start_date",
        ));
    }
    // As JSON, the template has the placeholder where the bookmark goes.
    let marked: String = parts.iter().map(|part| part.as_deref().unwrap_or(MARK)).collect();
    let value: Value = serde_json::from_str(&marked)
        .map_err(|_| Error::config("source_search_query: expected JSON, since parameters are in the body"))?;
    Ok(Some((field.clone(), filled(value))))
}

/// What no template has in it.
const MARK: &str = "\u{e000}since\u{e001}";

/// The texts of a template of Python's `string.Template`, with `None` for each `$last_run_date`.
fn parts(template: &str) -> Result<Vec<Option<String>>> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix('$') {
            plain.push('$');
            rest = after;
            continue;
        }
        let after = ["last_run_date", "{last_run_date}"]
            .iter()
            .find_map(|name| after.strip_prefix(name));
        let Some(after) = after else {
            return Err(Error::config(format!(
                "source_search_query: only $last_run_date stands for something, and a dollar is doubled; found {template}"
            )));
        };
        parts.push(Some(std::mem::take(&mut plain)));
        parts.push(None);
        rest = after;
    }
    plain.push_str(rest);
    parts.push(Some(plain));
    Ok(parts)
}

/// The same as a text of a definition.
fn placeholder(parts: &[Option<String>]) -> String {
    let part = |part: &Option<String>| match part {
        Some(text) => escaped(text),
        None => "{since}".to_owned(),
    };
    parts.iter().map(part).collect()
}

fn escaped(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

fn filled(value: Value) -> Value {
    match value {
        Value::String(text) => escaped(&text).replace(MARK, "{since}").into(),
        Value::Array(items) => items.into_iter().map(filled).collect(),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name, filled(value)))
                .collect(),
        ),
        other => other,
    }
}

/// How GitHub sorts by this key: `sort` and `direction`.
pub(super) fn github(key: &str) -> (Option<&'static str>, Option<&'static str>) {
    match key {
        "updated_at" => (Some("updated"), Some("asc")),
        "starred_at" | "created_at" => (Some("created"), Some("desc")),
        "commit_timestamp" => (None, Some("desc")),
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn search(query: &str, in_body: bool) -> Result<Option<(String, Value)>> {
        let common = Common {
            source_search_field: Some("q".to_owned()),
            source_search_query: Some(query.to_owned()),
            ..Common::default()
        };
        of(&common, in_body, false, Some("2026-01-01"))
    }

    #[test]
    fn the_bookmark_takes_its_place_in_texts_and_in_json() {
        let value = |query: &str, in_body| search(query, in_body).expect("valid").expect("given").1;
        assert_eq!(value("gt$last_run_date", false), "gt{since}");
        assert_eq!(value("a{b}$$${last_run_date}c", false), "a{{b}}${since}c");
        let body = value(r#"{"range": {"at": {"gt": "$last_run_date"}}, "x": "{y}"}"#, true);
        assert_eq!(body, json!({"range": {"at": {"gt": "{since}"}}, "x": "{{y}}"}));
        assert!(search("$other", false).is_err() && search("{", true).is_err());
    }
}
