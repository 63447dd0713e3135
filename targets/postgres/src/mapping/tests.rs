use super::*;
use melisma_sdk::StreamSchema;
use serde_json::json;

fn wanted(mode: NamingMode, schema: &Value) -> Result<Wanted> {
    let text = json!({"properties": {"x": schema}}).to_string();
    let stream = StreamSchema::compile::<&str>("s", &text, &[], &[]).expect("a schema");
    let mapping = Mapping {
        mode,
        content_encoding: true,
        sql_types: Arc::default(),
    };
    mapping.column(&stream.columns[0])
}

/// The type of a new column.
fn of(mode: NamingMode, schema: &Value) -> String {
    wanted(mode, schema).map_or_else(|error| error.to_string(), |wanted| wanted.usual.sql())
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
            json!({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}),
            "jsonb[]",
        ),
        (
            json!({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
            "jsonb[]",
        ),
        (json!({"type": ["integer", "string"]}), "text"),
        (json!({"type": ["boolean", "integer"]}), "bigint"),
        (json!({"type": ["integer", "number"]}), "numeric"),
        (json!({"type": ["object", "string"]}), "jsonb"),
        (
            json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}),
            "timestamp without time zone",
        ),
        (
            json!({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}),
            "date",
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

/// As MeltanoLabs' target 0.8 with singer-sdk 0.54 answered for each.
#[test]
fn several_types_become_what_meltanolabs_makes_of_them_and_can_become_what_holds_all() {
    let at = json!({"type": "string", "format": "date-time"});
    let date = json!({"type": "string", "format": "date"});
    let text = json!({"type": ["string", "null"]});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    for (schema, usual, all) in [
        (
            json!({"anyOf": [at, text]}),
            "timestamp without time zone",
            "text",
        ),
        (json!({"anyOf": [text, at]}), "text", "text"),
        (
            json!({"anyOf": [{"type": "null"}, at, {"type": "integer"}]}),
            "timestamp without time zone",
            "text",
        ),
        (
            json!({"anyOf": [date, at]}),
            "date",
            "timestamp without time zone",
        ),
        (
            json!({"anyOf": [at, date]}),
            "timestamp without time zone",
            "timestamp without time zone",
        ),
        (
            json!({"oneOf": [at, {"type": "null"}]}),
            "text",
            "timestamp without time zone",
        ),
        (json!({"anyOf": [texts, text]}), "text[]", "jsonb"),
        (json!({"anyOf": [text, texts]}), "text", "jsonb"),
        (
            json!({"type": ["array", "string"], "items": {"type": "string"}}),
            "jsonb",
            "jsonb",
        ),
        (
            json!({"anyOf": [{"type": "integer"}, {"type": "number"}]}),
            "bigint",
            "numeric",
        ),
        (json!({"anyOf": [{"type": "number"}, text]}), "numeric", "text"),
        (
            json!({"anyOf": [{"type": "string", "format": "uuid"}, text]}),
            "uuid",
            "text",
        ),
        (json!({"anyOf": [{"type": "object"}, text]}), "jsonb", "jsonb"),
        (
            json!({"type": ["integer", "string"], "format": "date-time"}),
            "text",
            "text",
        ),
        (json!({"type": ["number", "string"]}), "text", "text"),
        (json!({"type": ["boolean", "string"]}), "text", "text"),
        (json!({"type": ["boolean", "integer"]}), "bigint", "text"),
        (
            json!({"type": ["integer", "number", "null"]}),
            "numeric",
            "numeric",
        ),
        (json!({"type": ["object", "array"]}), "jsonb", "jsonb"),
        (json!({"enum": ["a"]}), "text", "text"),
        (json!({"allOf": [at]}), "text", "text"),
        (
            json!({"type": "integer", "minimum": 0, "maximum": 255}),
            "smallint",
            "smallint",
        ),
    ] {
        let wanted = wanted(NamingMode::Meltanolabs, &schema).expect("types");
        assert_eq!(
            (wanted.usual.sql().as_str(), wanted.all.sql().as_str()),
            (usual, all),
            "{schema}"
        );
    }
}

#[test]
fn several_types_become_what_pipelinewise_makes_of_them() {
    let at = json!({"type": "string", "format": "date-time"});
    for (schema, usual, all) in [
        (
            json!({"anyOf": [at, {"type": ["string", "null"]}]}),
            "timestamp without time zone",
            "character varying",
        ),
        (
            json!({"type": ["number", "string"]}),
            "double precision",
            "character varying",
        ),
        (
            json!({"type": ["integer", "string"]}),
            "character varying",
            "character varying",
        ),
        (
            json!({"type": ["integer", "number"]}),
            "double precision",
            "numeric",
        ),
        (json!({"type": ["boolean", "integer"]}), "boolean", "text"),
        (json!({"type": ["object", "string"]}), "jsonb", "jsonb"),
    ] {
        let wanted = wanted(NamingMode::Pipelinewise, &schema).expect("types");
        assert_eq!(
            (wanted.usual.sql().as_str(), wanted.all.sql().as_str()),
            (usual, all),
            "{schema}"
        );
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
        (NamingMode::Meltanolabs, Type::Timestamp(None)),
    ] {
        let mapping = Mapping {
            mode,
            content_encoding: false,
            sql_types: Arc::default(),
        };
        assert_eq!(mapping.column(&stream.columns[0]).expect("a type").all, expected);
    }
}
