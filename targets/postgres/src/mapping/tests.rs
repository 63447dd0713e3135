use super::*;
use melisma_sdk::StreamSchema;
use serde_json::json;

fn of(mode: NamingMode, schema: &Value) -> String {
    let text = json!({"properties": {"x": schema}}).to_string();
    let stream = StreamSchema::compile::<&str>("s", &text, &[], &[]).expect("a schema");
    let mapping = Mapping {
        mode,
        content_encoding: true,
    };
    mapping
        .column(&stream.columns[0])
        .map_or_else(|error| error.to_string(), |data_type| data_type.sql())
}

#[test]
fn meltanolabs_types() {
    for (schema, expected) in [
        (json!({"type": "string", "maxLength": 9}), "text"),
        (
            json!({"type": ["null", "string"], "format": "date-time"}),
            "timestamp without time zone",
        ),
        (json!({"type": "string", "format": "date"}), "date"),
        (
            json!({"type": "string", "format": "time"}),
            "time without time zone",
        ),
        (json!({"type": "string", "format": "uuid"}), "uuid"),
        (json!({"type": "string", "format": "email"}), "text"),
        (
            json!({"type": "string", "format": "x-singer.decimal", "precision": 12, "scale": 3}),
            "numeric(12,3)",
        ),
        (
            json!({"type": ["number", "null"], "format": "singer.decimal"}),
            "numeric",
        ),
        (json!({"type": "string", "contentEncoding": "base16"}), "bytea"),
        (json!({"type": "integer"}), "bigint"),
        (
            json!({"type": "integer", "minimum": -32768, "maximum": 32767}),
            "smallint",
        ),
        (
            json!({"type": "integer", "minimum": -2_147_483_648_i64, "maximum": 2_147_483_647}),
            "integer",
        ),
        (json!({"type": "integer", "maximum": 32767}), "bigint"),
        (
            json!({"type": "integer", "minimum": 0, "maximum": 18_446_744_073_709_551_615_u64}),
            "numeric",
        ),
        (json!({"type": "number"}), "numeric"),
        (json!({"type": "boolean"}), "boolean"),
        (json!({"type": "object"}), "jsonb"),
        (json!({"type": "array"}), "jsonb"),
        (
            json!({"type": "array", "items": {"type": "string", "format": "date-time"}}),
            "text[]",
        ),
        (
            json!({"type": "array", "items": {"type": ["integer", "null"]}}),
            "bigint[]",
        ),
        (json!({"type": "array", "items": {"type": "object"}}), "jsonb[]"),
        (json!({"type": "array", "items": {}}), "jsonb[]"),
        (
            json!({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
            "jsonb[]",
        ),
        (json!({"type": ["integer", "string"]}), "text"),
        (json!({"type": ["boolean", "integer"]}), "text"),
        (json!({"type": ["integer", "number"]}), "numeric"),
        (json!({"type": ["object", "string"]}), "jsonb"),
        (
            json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}),
            "timestamp without time zone",
        ),
        (
            json!({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}),
            "timestamp without time zone",
        ),
        (json!({}), "text"),
        (
            json!({"type": ["integer"], "x-sql-datatype": "smallint"}),
            "smallint",
        ),
        (json!({"type": "string", "x-sql-datatype": "pgvector"}), "vector"),
        (
            json!({"type": "string", "x-sql-datatype": "timestamptz"}),
            "timestamp with time zone",
        ),
        (
            json!({"type": "string", "x-sql-datatype": "text); drop table x; --"}),
            "x: x-sql-datatype: expected the name of a PostgreSQL type, found \"text); drop table x; --\"",
        ),
    ] {
        assert_eq!(of(NamingMode::Meltanolabs, &schema), expected, "{schema}");
    }
}

#[test]
fn pipelinewise_types() {
    for (schema, expected) in [
        (json!({"type": "string"}), "character varying"),
        (
            json!({"type": "string", "format": "date-time"}),
            "timestamp without time zone",
        ),
        (json!({"type": "string", "format": "date"}), "date"),
        (json!({"type": "string", "format": "uuid"}), "character varying"),
        (json!({"type": "integer"}), "numeric"),
        (json!({"type": "integer", "maximum": 32767}), "smallint"),
        (json!({"type": "integer", "maximum": 2_147_483_647}), "integer"),
        (
            json!({"type": "integer", "maximum": 9_223_372_036_854_775_807_i64}),
            "bigint",
        ),
        (json!({"type": ["null", "number"]}), "double precision"),
        (json!({"type": ["integer", "string"]}), "character varying"),
        (json!({"type": "array", "items": {"type": "integer"}}), "jsonb"),
        (json!({"type": ["object", "string"]}), "jsonb"),
        (json!({}), "character varying"),
    ] {
        assert_eq!(of(NamingMode::Pipelinewise, &schema), expected, "{schema}");
    }
}

#[test]
fn pipelinewise_has_deletion_dates_as_text_whoever_sends_them() {
    let text =
        json!({"properties": {"_sdc_deleted_at": {"type": "string", "format": "date-time"}}}).to_string();
    let stream = StreamSchema::compile::<&str>("s", &text, &[], &[]).expect("a schema");
    for (mode, expected) in [
        (NamingMode::Pipelinewise, Type::Varchar(None)),
        (NamingMode::Meltanolabs, Type::Timestamp),
    ] {
        let mapping = Mapping {
            mode,
            content_encoding: false,
        };
        assert_eq!(mapping.column(&stream.columns[0]).expect("a type"), expected);
    }
}
