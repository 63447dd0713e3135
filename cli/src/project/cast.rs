//! Casting values of settings to their kinds, and the processors that a definition may name.

use melisma_sdk::{Error, Result};
use serde_json::Value;

use super::setting::Setting;
use super::setting_kind::SettingKind;
use super::{big_integer, dates, python, spelling};
use crate::dotted_keys::nest;

/// Casts `value` of the setting `name` to its kind. The error does not show the value: it may be a secret.
pub(crate) fn cast(kind: SettingKind, name: &str, value: Value) -> Result<Value> {
    let Value::String(text) = value else {
        return Ok(value);
    };
    let cast = match kind {
        SettingKind::Boolean => Some(Value::Bool(truthy(&text))),
        SettingKind::Integer => integer(text.trim()),
        SettingKind::Decimal => text.trim().parse().ok().map(Value::Number),
        SettingKind::Array => structure(&text).filter(Value::is_array),
        SettingKind::Object => structure(&text).filter(Value::is_object),
        _ => return Ok(Value::String(text)),
    };
    cast.ok_or_else(|| wrong(name, kind))
}

fn wrong(name: &str, kind: SettingKind) -> Error {
    Error::config(format!("setting {name}: expected {}", kind.name()))
}

/// The same for a setting with its options and its `value_processor`. Null stays null.
pub(crate) fn cast_setting(setting: &Setting, value: Value) -> Result<Value> {
    // As in Meltano, text that is cast to one of these is not processed any further.
    let simple = matches!(
        setting.kind,
        SettingKind::Boolean | SettingKind::Integer | SettingKind::Decimal
    );
    let is_final = simple && value.is_string();
    let value = cast(setting.kind, &setting.name, value)?;
    if value.is_null() || is_final {
        return Ok(value);
    }
    if setting.kind == SettingKind::Options && !setting.options.contains(&value) {
        return Err(wrong(&setting.name, setting.kind));
    }
    match &setting.processor {
        Some(processor) => process(processor, &setting.name, value),
        None => Ok(value),
    }
}

/// What the config file has of a value: after the `value_post_processor`, or as a date.
pub(super) fn post_process(setting: &Setting, value: Value) -> Result<Value> {
    match &setting.post_processor {
        _ if value.is_null() => Ok(value),
        Some(processor) => process(processor, &setting.name, value),
        None if setting.kind == SettingKind::Date => date(&setting.name, value),
        None => Ok(value),
    }
}

/// What Python takes for yes.
pub(super) fn truthy(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "true" | "1" | "yes" | "on")
}

fn integer(text: &str) -> Option<Value> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits = text.strip_prefix('-').unwrap_or(text);
    // Python accepts underscores between digits.
    let fits = digits
        .split('_')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    fits.then(|| big_integer::parse(&text.replace('_', "")))
}

/// JSON, or a literal of Python.
fn structure(text: &str) -> Option<Value> {
    let literal = || python::parse(text.trim());
    // JSON numbers are read as floats when they are long; Python's literals keep all digits.
    let long = text
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() > 18);
    let first = if long { literal() } else { None };
    first.or_else(|| serde_json::from_str(text).ok()).or_else(literal)
}

fn process(processor: &str, name: &str, value: Value) -> Result<Value> {
    Ok(match (processor, value) {
        ("upcase_string", Value::String(text)) => Value::String(text.to_uppercase()),
        ("stringify", value) if !value.is_string() => Value::String(spelling::json(&value)),
        ("nest_object", Value::Object(map)) => {
            // Meltano makes an empty object of a null here.
            let leaves = map.into_iter().map(|(key, value)| match value {
                Value::Null => (key, Value::Object(serde_json::Map::new())),
                value => (key, value),
            });
            Value::Object(nest(leaves).map_err(|key| conflict(name, &key))?)
        }
        ("parse_date", value) => date(name, value)?,
        (_, value) => value,
    })
}

/// The error for a key that is both a value and the beginning of longer keys.
pub(super) fn conflict(name: &str, key: &str) -> Error {
    Error::config(format!(
        "setting {name}: {key} has a value, and so have keys below it"
    ))
}

fn date(name: &str, value: Value) -> Result<Value> {
    match value {
        Value::String(text) => dates::resolve(&text, jiff::Timestamp::now())
            .map(Value::String)
            .ok_or_else(|| Error::config(format!("setting {name}: {text:?} is neither a date in ISO 8601 nor a relative date that is known; {}", dates::KNOWN))),
        _ => Err(wrong(name, SettingKind::Date)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn casts_text_by_kind() {
        let cast = |kind, text: &str| cast(SettingKind::parse(kind), "x", json!(text)).ok();
        assert_eq!(cast("boolean", "Yes"), Some(json!(true)));
        assert_eq!(cast("boolean", "nope"), Some(json!(false)));
        assert_eq!(cast("integer", "6543"), Some(json!(6543)));
        assert_eq!(cast("integer", " +1_000 "), Some(json!(1000)));
        for text in ["abc", "", "1__0", "_1", "1.5"] {
            assert_eq!(cast("integer", text), None, "{text}");
        }
        assert_eq!(cast("decimal", "1.5"), Some(json!(1.5)));
        assert_eq!(cast("array", "['a']"), Some(json!(["a"])));
        assert_eq!(cast("array", r#"["a"]"#), Some(json!(["a"])));
        assert_eq!(cast("object", "{'z': 2}"), Some(json!({"z": 2})));
        assert_eq!(cast("object", "[1]"), None);
        assert_eq!(cast("password", "1"), Some(json!("1")));
        let big = cast("array", "[123456789012345678901234567890]").expect("a list");
        assert_eq!(spelling::json(&big), "[123456789012345678901234567890]");
    }

    /// Found by random projects: seeds 66, 162, 380, 415 and 499.
    #[test]
    fn text_that_becomes_a_number_or_a_boolean_is_not_processed() {
        let of = |kind, value: Value| {
            let processor = Some("stringify".to_owned());
            let setting = Setting {
                processor,
                ..Setting::new("x", kind)
            };
            cast_setting(&setting, value).ok()
        };
        assert_eq!(of(SettingKind::Integer, json!("8")), Some(json!(8)));
        assert_eq!(of(SettingKind::Boolean, json!("yes")), Some(json!(true)));
        assert_eq!(of(SettingKind::Integer, json!(8)), Some(json!("8")));
        assert_eq!(of(SettingKind::Array, json!("[1]")), Some(json!("[1]")));
    }

    #[test]
    fn variables_have_pythons_spelling_without_a_kind_and_json_with_one() {
        let list = json!(["a", true]);
        assert_eq!(SettingKind::Plain.stringify(&list), "['a', True]");
        assert_eq!(SettingKind::Array.stringify(&list), r#"["a", true]"#);
        assert_eq!(SettingKind::Boolean.stringify(&json!(true)), "true");
        assert_eq!(SettingKind::Plain.stringify(&json!(true)), "True");
    }

    #[test]
    fn an_error_names_the_setting_and_not_its_value() {
        let error = cast(SettingKind::Integer, "port", json!("s3cret"))
            .expect_err("no integer")
            .to_string();
        assert!(error.contains("port") && !error.contains("s3cret"), "{error}");
    }
}
