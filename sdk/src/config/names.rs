//! Lists of names that may also be written as one text.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

/// Names: a list, or a text with commas between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let names = match Value::deserialize(deserializer)? {
            Value::String(text) => serde_json::from_str(&text)
                .unwrap_or_else(|_| text.split(',').map(|name| name.trim().to_owned()).collect()),
            list => serde_json::from_value::<Vec<String>>(list)
                .map_err(|_| D::Error::custom("expected a list of names"))?,
        };
        Ok(Self(names.into_iter().filter(|name| !name.is_empty()).collect()))
    }
}

impl JsonSchema for Names {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["array", "string"], "items": {"type": "string"}})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_a_list_or_a_text() {
        let read = |value: Value| serde_json::from_value::<Names>(value).expect("names").0;
        for value in [
            json!(["a", "b c"]),
            json!("a, b c"),
            json!("[\"a\", \"b c\"]"),
            json!("a,,b c,"),
        ] {
            assert_eq!(read(value.clone()), ["a", "b c"], "{value}");
        }
        assert_eq!(read(json!("")), Vec::<String>::new());
        assert!(serde_json::from_value::<Names>(json!([1])).is_err());
    }
}
