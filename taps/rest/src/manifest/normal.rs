//! Values made what the schema says: `schema_normalization: Default`.

use serde_json::{Map, Number, Value};

use crate::manifest::jinja::python_truth;
use crate::python;

/// Changes the members of a record, and what is in them, to the types of their schemas.
pub(super) fn object(record: &mut Map<String, Value>, schema: &Value) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, schema) in properties {
        if let Some(value) = record.get_mut(name) {
            convert(value, schema);
            within(value, schema);
        }
    }
}

fn within(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(members) => object(members, schema),
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    convert(item, schema);
                    within(item, schema);
                }
            }
        }
        _ => {}
    }
}

fn convert(value: &mut Value, schema: &Value) {
    let words: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    if value.is_null() && words.contains(&"null") {
        return;
    }
    let words: Vec<&str> = words.into_iter().filter(|word| *word != "null").collect();
    let [word] = words.as_slice() else { return };
    let converted = match *word {
        "string" => Some(Value::String(python::str(value))),
        "number" => float(value),
        "integer" => whole(value),
        "boolean" => boolean(value),
        "array" if value.is_string() || value.is_number() || value.is_boolean() => {
            let items = schema.get("items").and_then(|items| items.get("type"));
            let simple =
                |word: &Value| matches!(word.as_str(), Some("string" | "number" | "integer" | "boolean"));
            let fits = match items {
                Some(Value::Array(words)) => words.iter().all(simple),
                Some(word) => simple(word),
                None => true,
            };
            fits.then(|| Value::Array(vec![value.clone()]))
        }
        _ => None,
    };
    if let Some(converted) = converted {
        *value = converted;
    }
}

fn float(value: &Value) -> Option<Value> {
    let double = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Bool(yes) => f64::from(u8::from(*yes)),
        _ => return None,
    };
    Number::from_f64(double).map(Value::Number)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "Python cuts the fraction off, too"
)]
fn whole(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Number(number) if !number.is_f64() => return None,
        Value::Number(number) => (number.as_f64()? as i64).into(),
        Value::String(text) => text.trim().replace('_', "").parse::<i64>().ok()?.into(),
        Value::Bool(yes) => i64::from(*yes).into(),
        _ => return None,
    })
}

fn boolean(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" | "t" | "true" | "on" | "1" => Some(true.into()),
            "n" | "no" | "f" | "false" | "off" | "0" => Some(false.into()),
            _ => None,
        },
        Value::Number(number) => Some((number.as_f64() != Some(0.0)).into()),
        other => Some(python_truth(other).into()),
    }
}
