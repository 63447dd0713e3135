//! Schemas from samples: every property that a record of the sample has, with all types that its values have.

use melisma_sdk::json;
use serde_json::{Map, Value};

/// The schema of records like these. The properties in `keys` are in every record; all others may be null. Texts that are dates
/// are dates, unless they are to be plain.
pub(crate) fn schema(records: &[Value], keys: &[&str], plain_texts: bool) -> Value {
    let mut seen = Seen::default();
    for record in records {
        seen.add(record);
    }
    let mut schema = seen.schema(false);
    if plain_texts {
        without_formats(&mut schema);
    }
    // An empty stream.
    if schema.get("properties").is_none() {
        schema = json!({"type": "object", "properties": {}});
    }
    // A key that no sample has: an empty stream has its schema all the same.
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in &mut *properties {
            if keys.contains(&name.as_str()) {
                not_null(property);
            }
        }
        for key in keys {
            properties
                .entry(*key)
                .or_insert_with(|| json!({"type": "string"}));
        }
    }
    schema
}

/// What the values at one place are.
#[derive(Default)]
struct Seen {
    boolean: bool,
    integer: bool,
    number: bool,
    /// Texts, and how many of them are dates or moments.
    texts: usize,
    dates: usize,
    moments: usize,
    items: Option<Box<Seen>>,
    members: Option<Vec<(String, Seen)>>,
}

impl Seen {
    fn add(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(_) => self.boolean = true,
            Value::Number(number) if number.is_f64() => self.number = true,
            Value::Number(_) => self.integer = true,
            Value::String(text) => {
                self.texts += 1;
                self.dates += usize::from(is_date(text));
                self.moments += usize::from(is_moment(text));
            }
            Value::Array(items) => {
                let seen = self.items.get_or_insert_default();
                for item in items {
                    seen.add(item);
                }
            }
            Value::Object(members) => {
                let seen = self.members.get_or_insert_default();
                for (name, value) in members {
                    match seen.iter_mut().find(|(known, _)| known == name) {
                        Some((_, seen)) => seen.add(value),
                        None => {
                            let mut new = Self::default();
                            new.add(value);
                            seen.push((name.clone(), new));
                        }
                    }
                }
            }
        }
    }

    fn schema(&self, nullable: bool) -> Value {
        let mut types = Vec::new();
        let mut schema = Map::new();
        if self.boolean {
            types.push("boolean");
        }
        // A whole number is a number, too.
        if self.integer && !self.number {
            types.push("integer");
        }
        if self.number {
            types.push("number");
        }
        if self.texts > 0 {
            types.push("string");
            let format = match self.texts {
                all if all == self.moments => Some("date-time"),
                all if all == self.dates => Some("date"),
                _ => None,
            };
            if let Some(format) = format {
                schema.insert("format".into(), format.into());
            }
        }
        if let Some(items) = &self.items {
            types.push("array");
            schema.insert("items".into(), items.schema(true));
        }
        if let Some(members) = &self.members {
            types.push("object");
            let properties = members
                .iter()
                .map(|(name, seen)| (name.clone(), seen.schema(true)));
            schema.insert("properties".into(), Value::Object(properties.collect()));
        }
        if types.is_empty() {
            // Only nulls, or nothing: any value may come.
            return json!({});
        }
        if nullable {
            types.push("null");
        }
        let types: Value = match types.as_slice() {
            [one] => (*one).into(),
            many => json!(many),
        };
        let mut whole = Map::new();
        whole.insert("type".into(), types);
        whole.extend(schema);
        Value::Object(whole)
    }
}

fn not_null(property: &mut Value) {
    let Some(Value::Array(types)) = property.get_mut("type") else {
        return;
    };
    types.retain(|name| name != "null");
    if let [one] = types.as_slice() {
        property["type"] = one.clone();
    }
}

fn without_formats(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.shift_remove("format");
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.values_mut().for_each(without_formats);
        }
        if let Some(items) = schema.get_mut("items") {
            without_formats(items);
        }
    }
}

fn is_date(text: &str) -> bool {
    text.len() == "2026-01-31".len() && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_moment(text: &str) -> bool {
    text.len() > "2026-01-31".len() && text.parse::<jiff::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_joined_and_all_but_keys_may_be_null() {
        let records = [
            json!({"id": 1, "a": 1, "b": null, "at": "2026-01-01T00:00:00Z", "day": "2026-01-01", "o": {"x": true}, "l": [1, 2.5]}),
            json!({"id": 2, "a": 1.5, "b": null, "at": "2026-01-01T00:00:00+01:00", "day": "soon", "o": {"y": "z"}, "l": []}),
        ];
        let expected = json!({"type": "object", "properties": {
            "id": {"type": "integer"},
            "a": {"type": ["number", "null"]},
            "b": {},
            "at": {"type": ["string", "null"], "format": "date-time"},
            "day": {"type": ["string", "null"]},
            "o": {"type": ["object", "null"], "properties": {
                "x": {"type": ["boolean", "null"]}, "y": {"type": ["string", "null"]}}},
            "l": {"type": ["array", "null"], "items": {"type": ["number", "null"]}}
        }});
        assert_eq!(schema(&records, &["id"], false), expected);
    }

    #[test]
    fn texts_may_be_plain() {
        let records = [json!({"id": 1, "at": "2026-01-01T00:00:00Z", "o": [{"x": "2026-01-01"}]})];
        let made = schema(&records, &["id"], true).to_string();
        assert!(made.contains("\"at\"") && !made.contains("format"), "{made}");
    }

    #[test]
    fn an_empty_stream_has_its_keys() {
        let expected = json!({"type": "object", "properties": {"id": {"type": "string"}}});
        assert_eq!(schema(&[], &["id"], true), expected);
    }
}
