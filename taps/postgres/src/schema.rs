//! The JSON Schema for each kind of column.

use serde_json::{Map, Value, json};

use crate::config::Values;
use crate::kind::Kind;

/// The JSON Schema of a column: types and keywords as `MeltanoLabs` tap-postgres has them, with bounds and formats
/// where that lets a target choose a closer type.
pub(crate) fn of(kind: &Kind, nullable: bool, values: &Values) -> Map<String, Value> {
    let mut schema = plain(kind, values);
    if nullable && let Some(Value::Array(types)) = schema.get_mut("type") {
        types.push("null".into());
    }
    schema
}

fn plain(kind: &Kind, values: &Values) -> Map<String, Value> {
    let integer =
        |minimum: i64, maximum: i64| json!({"type": ["integer"], "minimum": minimum, "maximum": maximum});
    let time = |format: &str| {
        if values.dates_as_string {
            json!({"type": ["string"]})
        } else {
            json!({"type": ["string"], "format": format})
        }
    };
    let schema = match kind {
        Kind::Bool => json!({"type": ["boolean"]}),
        Kind::Int2 => integer(i16::MIN.into(), i16::MAX.into()),
        Kind::Int4 => integer(i32::MIN.into(), i32::MAX.into()),
        Kind::Int8 => json!({"type": ["integer"]}),
        Kind::Oid => integer(0, u32::MAX.into()),
        Kind::Float4 | Kind::Float8 => json!({"type": ["number"]}),
        Kind::Numeric { limits } => numeric(*limits, values),
        Kind::Text { length: Some(length) } => json!({"type": ["string"], "maxLength": length}),
        Kind::Bytes => json!({"type": ["string"], "contentEncoding": "base16"}),
        Kind::Uuid => json!({"type": ["string"], "format": "uuid"}),
        Kind::Date => time("date"),
        Kind::Timestamp | Kind::TimestampTz => time("date-time"),
        Kind::Time => json!({"type": ["string"], "format": "time"}),
        // A target that makes a `time` of it loses the zone.
        Kind::TimeTz => json!({"type": ["string"], "format": "time", "x-sql-datatype": "timetz"}),
        Kind::Json | Kind::Jsonb if values.json_as_object => {
            json!({"type": ["object"], "additionalProperties": true})
        }
        Kind::Json | Kind::Jsonb => {
            json!({
                "type": ["string", "number", "integer", "array", "object", "boolean"],
                "additionalProperties": true,
            })
        }
        Kind::Hstore => {
            json!({"type": ["object"], "additionalProperties": true})
        }
        Kind::Array(item, depth) => array(item, *depth, values),
        Kind::Text { length: None }
        | Kind::Interval
        | Kind::Network
        | Kind::Mac
        | Kind::Bits
        | Kind::Other => json!({"type": ["string"]}),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn numeric(limits: Option<(u32, u32)>, values: &Values) -> Value {
    if !values.use_singer_decimal {
        return json!({"type": ["number"]});
    }
    match limits {
        Some((precision, scale)) => {
            json!({"type": ["string"], "format": "singer.decimal", "precision": precision, "scale": scale})
        }
        None => json!({"type": ["string"], "format": "singer.decimal"}),
    }
}

/// Items of an array may be null whatever the column says.
fn array(item: &Kind, depth: u32, values: &Values) -> Value {
    let mut items = Value::Object(of(item, true, values));
    for _ in 1..depth {
        items = json!({"type": ["array", "null"], "items": items});
    }
    json!({"type": ["array"], "items": items})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(kind: &Kind, nullable: bool, values: &Values) -> String {
        Value::Object(of(kind, nullable, values)).to_string()
    }

    #[test]
    fn null_is_a_type_where_it_is_allowed() {
        let values = Values::default();
        assert_eq!(schema(&Kind::Int8, false, &values), r#"{"type":["integer"]}"#);
        assert_eq!(
            schema(&Kind::Int8, true, &values),
            r#"{"type":["integer","null"]}"#
        );
    }

    #[test]
    fn arrays_are_as_deep_as_declared() {
        let matrix = Kind::Array(Box::new(Kind::Bool), 2);
        assert_eq!(
            schema(&matrix, false, &Values::default()),
            r#"{"type":["array"],"items":{"type":["array","null"],"items":{"type":["boolean","null"]}}}"#
        );
    }

    #[test]
    fn settings_change_the_form() {
        let values = Values {
            dates_as_string: true,
            json_as_object: true,
            use_singer_decimal: true,
            ..Values::default()
        };
        assert_eq!(schema(&Kind::Date, false, &values), r#"{"type":["string"]}"#);
        assert_eq!(
            schema(&Kind::Jsonb, true, &values),
            r#"{"type":["object","null"],"additionalProperties":true}"#
        );
        let price = Kind::Numeric {
            limits: Some((10, 2)),
        };
        assert_eq!(
            schema(&price, true, &values),
            r#"{"type":["string","null"],"format":"singer.decimal","precision":10,"scale":2}"#
        );
    }
}
