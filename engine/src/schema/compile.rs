//! Compiles the JSON Schema of a SCHEMA message into columns.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::dialect::normalize;
use super::resolve::resolve;
use super::types::Types;
use super::{Column, StreamSchema};
use crate::error::{Error, Result, show};
use crate::validate::rest::Rest;

/// The most columns that a stream may have.
pub const MAX_COLUMNS: usize = 10_000;
/// The longest name that a property or a stream may have, in bytes.
pub const MAX_NAME_BYTES: usize = 64 * 1024;
/// Patterns of one SCHEMA that a warning names, each.
const SHOWN_PATTERNS: usize = 10;

impl StreamSchema {
    /// Compiles a SCHEMA.
    ///
    /// # Errors
    /// ([`Kind::Input`](crate::Kind::Input), with the stream) A schema that is no JSON, has no `properties`, refers
    /// to a remote schema, names types that JSON Schema does not know, or lacks a key property; more than
    /// [`MAX_COLUMNS`] properties.
    /// ```
    /// use melisma_engine::schema::{DataType, StreamSchema};
    ///
    /// let schema = r#"{"properties": {"id": {"type": "integer"}, "price": {"type": ["null", "number"]}}}"#;
    /// let schema = StreamSchema::compile("orders", schema, &["id"], &[])?;
    /// assert_eq!(schema.columns[1].data_type, DataType::Number);
    /// assert_eq!(schema.key_names().collect::<Vec<_>>(), ["id"]);
    ///
    /// let error = StreamSchema::compile("orders", r#"{"properties": {"id": {}}}"#, &["no"], &[]).unwrap_err();
    /// assert!(error.to_string().contains("no"), "{error}");
    /// # Ok::<(), melisma_engine::Error>(())
    /// ```
    pub fn compile<S: AsRef<str>>(
        stream: &str,
        schema: &str,
        key_properties: &[S],
        bookmark_properties: &[S],
    ) -> Result<Self> {
        compile(stream, schema, key_properties, bookmark_properties).map_err(|error| error.in_stream(stream))
    }
}

fn compile<S: AsRef<str>>(stream: &str, schema: &str, keys: &[S], bookmarks: &[S]) -> Result<StreamSchema> {
    let schema: Value = serde_json::from_str(schema)
        .map_err(|error| Error::input("schema: expected a JSON Schema").with_source(error))?;
    let (mut schema, ignored) = prepare(&schema)?;
    for pattern in ignored.iter().take(SHOWN_PATTERNS) {
        log::warn!(
            "stream {}: the pattern of {pattern} cannot be checked, and is ignored",
            show(stream)
        );
    }
    if ignored.len() > SHOWN_PATTERNS {
        let more = ignored.len() - SHOWN_PATTERNS;
        log::warn!(
            "stream {}: {more} more patterns cannot be checked, and are ignored",
            show(stream)
        );
    }
    let required: HashSet<String> = match schema.get("required") {
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => HashSet::new(),
    };
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        let found = schema.to_string();
        return Err(Error::input(format!(
            "schema: expected an object with \"properties\", found {}",
            show(&found)
        )));
    };
    if properties.len() > MAX_COLUMNS {
        let found = properties.len();
        return Err(Error::input(format!(
            "schema: expected at most {MAX_COLUMNS} properties, found {found}"
        )));
    }
    // Each property's schema is with its column from now on, and with all that say the same: a map of one member takes
    // half a kilobyte, which would be most of the memory of many streams.
    let mut shared = Shared::default();
    let columns = properties
        .iter_mut()
        .map(|(name, schema)| {
            let schema = shared.one(std::mem::replace(schema, Value::Bool(true)));
            column(name, schema, required.contains(name.as_str()))
        })
        .collect::<Result<Vec<Column>>>()?;
    let additional = schema.get("additionalProperties");
    let closed = additional == Some(&Value::Bool(false));
    let open = match additional {
        Some(Value::Bool(allowed)) => *allowed,
        Some(Value::Object(_)) => true,
        _ => columns.is_empty() || schema.get("patternProperties").is_some(),
    };
    if let Some(members) = schema.as_object_mut()
        && !Rest::is_of_record(members)
    {
        members.shift_remove("properties");
        members.shift_remove("required");
    }
    let mut compiled = StreamSchema {
        stream: stream.into(),
        columns,
        key: Vec::new(),
        bookmark_properties: bookmarks.iter().map(|name| name.as_ref().into()).collect(),
        closed,
        open,
        schema,
    };
    compiled.key = key(&compiled.columns, keys)?;
    Ok(compiled)
}

/// A schema with its references in place, in the form that everything after this reads; and the patterns in it that are
/// ignored.
pub(super) fn prepare(schema: &Value) -> Result<(Value, Vec<String>)> {
    let mut schema = resolve(schema)?;
    let ignored = normalize(&mut schema);
    Ok((schema, ignored))
}

/// The schemas of properties, each once.
#[derive(Default)]
struct Shared(HashSet<Arc<Value>>);

impl Shared {
    fn one(&mut self, schema: Value) -> Arc<Value> {
        if let Some(known) = self.0.get(&schema) {
            return Arc::clone(known);
        }
        let schema = Arc::new(schema);
        self.0.insert(Arc::clone(&schema));
        schema
    }
}

/// The places of the key properties, each once.
fn key<S: AsRef<str>>(columns: &[Column], names: &[S]) -> Result<Vec<usize>> {
    let places: HashMap<&str, usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| (&*column.name, at))
        .collect();
    let mut seen = HashSet::new();
    let mut key = Vec::new();
    for name in names {
        let name = name.as_ref();
        let at = *places.get(name).ok_or_else(|| {
            Error::input(format!(
                "key_properties: expected a property of the schema, found \"{}\"",
                show(name)
            ))
        })?;
        if seen.insert(at) {
            key.push(at);
        }
    }
    Ok(key)
}

fn column(name: &str, schema: Arc<Value>, required: bool) -> Result<Column> {
    if name.len() > MAX_NAME_BYTES {
        let found = name.len();
        return Err(Error::input(format!(
            "schema: expected property names of at most {MAX_NAME_BYTES} bytes, found one of {found}"
        )));
    }
    let types = Types::of(&schema).map_err(|error| Error::input(format!("{}: {error}", show(name))))?;
    Ok(Column {
        name: name.into(),
        data_type: types.data_type(&schema),
        nullable: types.has(Types::NULL),
        required,
        metadata: None,
        schema,
    })
}

#[cfg(test)]
mod tests {
    use super::super::DataType;
    use super::*;
    use serde_json::json;

    fn data_type(schema: &Value) -> (DataType, bool) {
        let schema = json!({"properties": {"x": schema}}).to_string();
        let compiled = StreamSchema::compile("s", &schema, &[""; 0], &[]).expect("a schema");
        (compiled.columns[0].data_type, compiled.columns[0].nullable)
    }

    const TEXT: DataType = DataType::Text { max_length: None };
    const INTEGER: DataType = DataType::Integer {
        minimum: None,
        maximum: None,
    };

    #[test]
    fn types_and_formats_become_column_types() {
        for (schema, expected, nullable) in [
            (json!({"type": "integer"}), INTEGER, false),
            (json!({"type": ["null", "number"]}), DataType::Number, true),
            (json!({"type": ["integer", "number"]}), DataType::Number, false),
            (json!({"type": "boolean"}), DataType::Boolean, false),
            (
                json!({"type": "string", "maxLength": 9}),
                DataType::Text { max_length: Some(9) },
                false,
            ),
            (
                json!({"type": ["string", "null"], "format": "date-time"}),
                DataType::DateTime,
                true,
            ),
            (json!({"type": ["date-time", "null"]}), DataType::DateTime, true),
            (json!({"type": "string", "format": "date"}), DataType::Date, false),
            (json!({"type": "string", "format": "time"}), DataType::Time, false),
            (json!({"type": "string", "format": "uuid"}), DataType::Uuid, false),
            (
                json!({"type": "string", "format": "x-singer.decimal", "precision": 38, "scale": 9}),
                DataType::Decimal {
                    precision: Some(38),
                    scale: Some(9),
                },
                false,
            ),
            (
                json!({"type": ["number", "string"], "format": "singer.decimal"}),
                DataType::Decimal {
                    precision: None,
                    scale: None,
                },
                false,
            ),
            (json!({"type": "object"}), DataType::Json, false),
            (json!({}), DataType::Json, true),
            (json!({"enum": ["a", null]}), TEXT, true),
            (
                json!({"type": "integer", "minimum": 0, "exclusiveMinimum": true, "exclusiveMaximum": 10}),
                DataType::Integer {
                    minimum: Some(1),
                    maximum: Some(9),
                },
                false,
            ),
        ] {
            assert_eq!(data_type(&schema), (expected, nullable), "{schema}");
        }
    }

    #[test]
    fn unions_take_the_narrowest_type_that_holds_every_branch() {
        for (schema, expected, nullable) in [
            (
                json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}),
                INTEGER,
                true,
            ),
            (
                json!({"oneOf": [{"type": "integer"}, {"type": "number"}]}),
                DataType::Number,
                false,
            ),
            (
                json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
                TEXT,
                false,
            ),
            (
                json!({"anyOf": [{"type": "boolean"}, {"type": "integer"}]}),
                TEXT,
                false,
            ),
            (
                json!({"anyOf": [{"type": "string"}, {"type": "array"}]}),
                DataType::Json,
                false,
            ),
            (
                json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}),
                DataType::DateTime,
                true,
            ),
            (
                json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]}),
                TEXT,
                true,
            ),
        ] {
            assert_eq!(data_type(&schema), (expected, nullable), "{schema}");
        }
    }

    #[test]
    fn a_schema_that_is_none_is_an_error_that_says_why() {
        let error = |schema: &str, keys: &[&str]| {
            StreamSchema::compile("s", schema, keys, &[])
                .expect_err("refused")
                .to_string()
        };
        assert_eq!(
            error("{}", &[]),
            "stream s: schema: expected an object with \"properties\", found {}"
        );
        assert_eq!(
            error(r#"{"properties": {"a": {"type": "strng"}}}"#, &[]),
            "stream s: a: schema: expected the name of a JSON type, found \"strng\""
        );
        assert_eq!(
            error(r#"{"properties": {"a": {}}}"#, &["id"]),
            "stream s: key_properties: expected a property of the schema, found \"id\""
        );
    }

    #[test]
    fn metadata_columns_are_added_once_and_removed_again() {
        let schema = r#"{"properties": {"a": {}, "_sdc_deleted_at": {"type": "string"}}}"#;
        let plain = StreamSchema::compile("s", schema, &["a"], &[]).expect("a schema");
        let with = plain.clone().with_metadata();
        assert_eq!(with.columns.len(), 8);
        assert_eq!(with.columns[1].metadata, None);
        assert_eq!(with.without_metadata().columns.len(), 1);
    }
}
