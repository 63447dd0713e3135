//! Casting text from environment variables and files to the kind of a setting.

use melisma_sdk::{Error, Result};
use serde_json::Value;

use super::python;
use crate::dotted_keys::nest;

/// The kind of a setting; only text is cast to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingKind {
    Boolean,
    Integer,
    Decimal,
    Array,
    Object,
    /// Text, and every kind that is stored as text: passwords, dates, options, files.
    Text,
}

impl SettingKind {
    /// The kind of that name.
    pub(crate) fn parse(name: &str) -> Self {
        match name {
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "decimal" | "number" => Self::Decimal,
            "array" => Self::Array,
            "object" => Self::Object,
            _ => Self::Text,
        }
    }

    /// The kind of a value whose setting has no definition.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Decimal,
            Value::Number(_) => Self::Integer,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
            Value::Null | Value::String(_) => Self::Text,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Decimal => "a number",
            Self::Array => "a list",
            Self::Object => "an object",
            Self::Text => "text",
        }
    }
}

/// Casts `value` of the setting `name`. The error does not show the value: it may be a secret.
pub(crate) fn cast(kind: SettingKind, name: &str, value: Value) -> Result<Value> {
    let Value::String(text) = value else {
        return Ok(value);
    };
    let cast = match kind {
        SettingKind::Boolean => Some(Value::Bool(matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "1" | "yes" | "on"
        ))),
        SettingKind::Integer => integer(text.trim()),
        SettingKind::Decimal => text.trim().parse().ok().map(Value::Number),
        SettingKind::Array => structure(&text).filter(Value::is_array),
        SettingKind::Object => structure(&text).filter(Value::is_object),
        SettingKind::Text => return Ok(Value::String(text)),
    };
    cast.ok_or_else(|| Error::config(format!("setting {name}: expected {}", kind.name())))
}

fn integer(text: &str) -> Option<Value> {
    let text = text.strip_prefix('+').unwrap_or(text);
    text.parse::<i64>()
        .map(Value::from)
        .or_else(|_| text.parse::<u64>().map(Value::from))
        .ok()
}

fn structure(text: &str) -> Option<Value> {
    serde_json::from_str(text)
        .ok()
        .or_else(|| python::parse(text.trim()))
}

/// Applies a definition's `value_processor`.
pub(crate) fn process(processor: &str, value: Value) -> Value {
    match (processor, value) {
        ("upcase_string", Value::String(text)) => Value::String(text.to_uppercase()),
        ("stringify", value) if !value.is_string() => Value::String(value.to_string()),
        ("nest_object", Value::Object(map)) => Value::Object(nest(map)),
        (_, value) => value,
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
        assert_eq!(cast("integer", "abc"), None);
        assert_eq!(cast("decimal", "1.5"), Some(json!(1.5)));
        assert_eq!(cast("array", "['a']"), Some(json!(["a"])));
        assert_eq!(cast("array", r#"["a"]"#), Some(json!(["a"])));
        assert_eq!(cast("object", "{'z': 2}"), Some(json!({"z": 2})));
        assert_eq!(cast("object", "[1]"), None);
        assert_eq!(cast("password", "1"), Some(json!("1")));
    }

    #[test]
    fn an_error_names_the_setting_and_not_its_value() {
        let error = cast(SettingKind::Integer, "port", json!("s3cret"))
            .expect_err("no integer")
            .to_string();
        assert!(error.contains("port") && !error.contains("s3cret"), "{error}");
    }
}
