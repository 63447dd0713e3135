//! The kinds of settings.

use serde_json::Value;

use super::{big_integer, spelling};

/// The kind of a setting; only text is cast to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingKind {
    /// Text, or no kind: in variables, other values are spelled as Python's `str()` does.
    Plain,
    Boolean,
    Integer,
    Decimal,
    Array,
    Object,
    /// A date in ISO 8601, or a phrase such as `3 days ago`.
    Date,
    /// One of the definition's options.
    Options,
    /// Every other kind that is stored as text: passwords, files.
    Other,
}

impl SettingKind {
    /// The kind of that name.
    pub(crate) fn parse(name: &str) -> Self {
        match name {
            "string" => Self::Plain,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "decimal" | "number" => Self::Decimal,
            "array" => Self::Array,
            "object" => Self::Object,
            "date_iso8601" => Self::Date,
            "options" => Self::Options,
            _ => Self::Other,
        }
    }

    /// The kind of a value whose setting has no definition.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            _ if big_integer::digits(value).is_some() => Self::Integer,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Decimal,
            Value::Number(_) => Self::Integer,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
            Value::Null | Value::String(_) => Self::Plain,
        }
    }

    /// The kind in a sentence about what was expected.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Decimal => "a number",
            Self::Array => "a list",
            Self::Object => "an object",
            Self::Date => "a date",
            Self::Options => "one of its options",
            Self::Plain | Self::Other => "text",
        }
    }

    /// A value as the text of an environment variable.
    pub(crate) fn stringify(self, value: &Value) -> String {
        match (self, value) {
            (_, Value::String(text)) => text.clone(),
            (Self::Plain | Self::Decimal, value) => spelling::str(value),
            (_, value) => spelling::json(value),
        }
    }
}
