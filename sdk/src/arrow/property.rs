//! The JSON Schema of a column.

use arrow_schema::{DataType, Field};
use melisma_engine::error::show;
use melisma_engine::{Error, Result};
use serde_json::{Map, Value, json};

use super::options::ValueOptions;

/// Where a field has the name of its extension type.
const EXTENSION: &str = "ARROW:extension:name";

/// Whether its texts are JSON.
pub(super) fn is_json(field: &Field) -> bool {
    field
        .metadata()
        .get(EXTENSION)
        .is_some_and(|name| name == "arrow.json")
}

/// Whether its bytes are UUIDs.
pub(super) fn is_uuid(field: &Field) -> bool {
    field
        .metadata()
        .get(EXTENSION)
        .is_some_and(|name| name == "arrow.uuid")
        && *field.data_type() == DataType::FixedSizeBinary(16)
}

/// The error of a type that JSON has nothing for.
#[cold]
pub(super) fn unsupported(field: &Field) -> Error {
    Error::config(format!(
        "column {}: expected a type with values of one kind, found a union ({})",
        show(field.name()),
        show(&field.data_type().to_string())
    ))
}

/// The JSON Schema of the values that [`Cells`](super::Cells) writes for this field, with null where the field may be null.
///
/// # Errors
/// The field is a union, or has one inside.
pub fn json_schema(field: &Field, options: ValueOptions) -> Result<Value> {
    let mut schema = plain(field, field.data_type(), options)?;
    if field.is_nullable()
        && let Some(Value::Array(types)) = schema.get_mut("type")
        && !types.iter().any(|name| name == "null")
    {
        types.push("null".into());
    }
    Ok(schema.into())
}

fn plain(field: &Field, data_type: &DataType, options: ValueOptions) -> Result<Map<String, Value>> {
    let time = |format: &str| {
        if options.dates_as_strings {
            json!({"type": ["string"]})
        } else {
            json!({"type": ["string"], "format": format})
        }
    };
    let schema = match data_type {
        DataType::Null => json!({"type": ["string", "null"]}),
        DataType::Boolean => json!({"type": ["boolean"]}),
        DataType::Int8 => integer(i8::MIN, i8::MAX),
        DataType::Int16 => integer(i16::MIN, i16::MAX),
        DataType::Int32 => integer(i32::MIN, i32::MAX),
        DataType::Int64 => json!({"type": ["integer"]}),
        DataType::UInt8 => integer(u8::MIN, u8::MAX),
        DataType::UInt16 => integer(u16::MIN, u16::MAX),
        DataType::UInt32 => integer(u32::MIN, u32::MAX),
        DataType::UInt64 => integer(u64::MIN, u64::MAX),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => json!({"type": ["number"]}),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => decimal(*precision, *scale, options),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if is_json(field) => any_json(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => json!({"type": ["string"]}),
        DataType::FixedSizeBinary(_) if is_uuid(field) => json!({"type": ["string"], "format": "uuid"}),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            json!({"type": ["string"], "contentEncoding": "base16"})
        }
        DataType::Date32 | DataType::Date64 => time("date"),
        DataType::Timestamp(..) => time("date-time"),
        DataType::Time32(_) | DataType::Time64(_) => json!({"type": ["string"], "format": "time"}),
        DataType::Duration(_) | DataType::Interval(_) => json!({"type": ["string"]}),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => {
            json!({"type": ["array"], "items": nullable(plain(item, item.data_type(), options)?)})
        }
        DataType::Struct(fields) => {
            let mut properties = Map::new();
            for field in fields {
                let member = nullable(plain(field, field.data_type(), options)?);
                properties.insert(field.name().clone(), member);
            }
            json!({"type": ["object"], "properties": properties})
        }
        DataType::Map(entries, _) => map(entries, options)?,
        DataType::Dictionary(_, values) => return plain(field, values, options),
        DataType::RunEndEncoded(_, values) => return plain(field, values.data_type(), options),
        DataType::Union(..) => return Err(unsupported(field)),
    };
    Ok(match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    })
}

fn integer(minimum: impl Into<Value>, maximum: impl Into<Value>) -> Value {
    json!({"type": ["integer"], "minimum": minimum.into(), "maximum": maximum.into()})
}

fn any_json() -> Value {
    json!({"type": ["string", "number", "integer", "array", "object", "boolean"], "additionalProperties": true})
}

fn decimal(precision: u8, scale: i8, options: ValueOptions) -> Value {
    if !options.decimals_as_strings {
        return json!({"type": ["number"]});
    }
    // A scale below zero is that number of digits more before the point.
    let (precision, scale) = match u8::try_from(scale) {
        Ok(scale) => (u16::from(precision), scale),
        Err(_) => (u16::from(precision) + u16::from(scale.unsigned_abs()), 0),
    };
    json!({"type": ["string"], "format": "singer.decimal", "precision": precision, "scale": scale})
}

/// Items and members may be null whatever the field says.
fn nullable(mut schema: Map<String, Value>) -> Value {
    if let Some(Value::Array(types)) = schema.get_mut("type")
        && !types.iter().any(|name| name == "null")
    {
        types.push("null".into());
    }
    schema.into()
}

/// An object where the keys are texts, else a list of pairs.
fn map(entries: &Field, options: ValueOptions) -> Result<Value> {
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(unsupported(entries));
    };
    let [key, value] = fields.as_ref() else {
        return Err(unsupported(entries));
    };
    let values = nullable(plain(value, value.data_type(), options)?);
    if is_text(key.data_type()) && !is_json(key) {
        return Ok(json!({"type": ["object"], "additionalProperties": values}));
    }
    let keys: Value = plain(key, key.data_type(), options)?.into();
    Ok(json!({
        "type": ["array"],
        "items": {"type": ["object"], "properties": {"key": keys, "value": values}},
    }))
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}
