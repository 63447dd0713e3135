//! What the code that `#[derive(Record)]` makes refers to. No part of the interface.

use schemars::JsonSchema;
pub use schemars::{Schema, SchemaGenerator};
pub use serde::ser::{Serialize, SerializeStruct, Serializer};
pub use serde_json::Value;
use serde_json::json;

use super::{Field, Properties, Record};
use crate::tap::{merge_variants, schema_of_type};

/// A field with `Field`, for serializers.
pub struct Written<'a, T: ?Sized>(pub &'a T);

impl<T: Field + ?Sized> Serialize for Written<'_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// Writes a record as a struct.
#[inline]
pub fn write<R: Record, S: Serializer>(
    name: &'static str,
    record: &R,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut members = serializer.serialize_struct(name, R::COUNT)?;
    record.write_members(&mut members)?;
    members.end()
}

/// The schema of a field, for schemars.
pub fn schema_of<F: Field>() -> Schema {
    match F::schema() {
        Value::Object(schema) => schema.into(),
        _ => Schema::default(),
    }
}

/// The schema of an enum of words.
pub fn words(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

/// The schema of an enum whose variants have fields: one object with those of all.
pub fn variants(tag: &str, variants: Vec<(&str, Properties)>) -> Value {
    let objects = variants.into_iter().map(|(word, of)| {
        let mut properties = Properties::default();
        let tag_schema = words(&[word]);
        properties.add(tag, Property::new(tag_schema));
        properties.flatten(of);
        properties.schema()
    });
    merge_variants(&objects.collect::<Vec<_>>())
}

/// One property of a record.
pub struct Property {
    pub(super) schema: Value,
    pub(super) may_be_absent: bool,
}

impl Property {
    fn new(schema: Value) -> Self {
        Self {
            schema,
            may_be_absent: false,
        }
    }

    /// Of a type with `Field`. What may be null may be absent: APIs leave out what they have no value for.
    pub fn of<F: Field>() -> Self {
        Self {
            may_be_absent: F::NULLABLE,
            ..Self::new(F::schema())
        }
    }

    /// Of a type with `Serialize` and `JsonSchema`.
    pub fn by_serde<T: JsonSchema>() -> Self {
        let schema = schema_of_type::<T>();
        Self {
            may_be_absent: may_be_null(&schema),
            ..Self::new(schema)
        }
    }

    /// Sets the `format`.
    #[must_use]
    pub fn format(mut self, format: &str) -> Self {
        self.schema["format"] = format.into();
        self
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        self.schema["description"] = text.into();
        self
    }

    /// It is not in every record.
    #[must_use]
    pub fn may_be_absent(mut self) -> Self {
        self.may_be_absent = true;
        self
    }
}

fn may_be_null(schema: &Value) -> bool {
    let in_type = match schema.get("type") {
        Some(Value::String(name)) => name == "null",
        Some(Value::Array(names)) => names.iter().any(|name| name == "null"),
        _ => false,
    };
    let mut branches = ["anyOf", "oneOf"]
        .iter()
        .filter_map(|word| schema.get(word)?.as_array())
        .flatten();
    in_type || branches.any(may_be_null)
}
