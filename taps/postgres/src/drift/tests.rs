use serde_json::json;

use super::*;

fn fits(kind: &Kind, schema: &Value, values: &Values, unchanged: bool) -> bool {
    let live = Live {
        kind,
        values,
        unchanged,
    };
    live.fits(schema)
}

fn text(length: Option<u32>) -> Kind {
    Kind::Text { length }
}

fn numeric(limits: Option<(u32, u32)>) -> Kind {
    Kind::Numeric { limits }
}

#[test]
fn what_every_value_fits_stays() {
    let values = Values::default();
    let int4 = json!({"type": ["integer", "null"], "minimum": -2_147_483_648_i64, "maximum": 2_147_483_647});
    for (kind, schema) in [
        (Kind::Int4, int4.clone()),
        (Kind::Int2, int4),
        (Kind::Int8, json!({"type": "integer"})),
        (Kind::Int8, json!({"type": ["null", "number"]})),
        (
            Kind::Int8,
            json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX}),
        ),
        (text(Some(5)), json!({"type": "string", "maxLength": 10})),
        (text(None), json!({"type": "string", "format": "email"})),
        (
            Kind::Date,
            json!({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}),
        ),
        (Kind::Uuid, json!({"type": ["string", "null"]})),
        (Kind::Jsonb, json!({"type": ["string", "object", "array"]})),
        (Kind::Bool, json!({})),
        // pipelinewise
        (
            numeric(Some((10, 2))),
            json!({"type": ["null", "number"], "multipleOf": 0.01, "maximum": 100_000_000, "exclusiveMaximum": true,
                   "minimum": -100_000_000, "exclusiveMinimum": true}),
        ),
        (
            Kind::Array(Box::new(Kind::Int4), 2),
            json!({"type": ["null", "array"], "items": {"$ref": "#/definitions/x"}}),
        ),
        (
            Kind::Array(Box::new(Kind::Int4), 1),
            json!({"type": "array", "items": {"type": ["array", "null"], "items": {"type": "integer"}}}),
        ),
    ] {
        assert!(fits(&kind, &schema, &values, false), "{kind:?} {schema}");
    }
}

#[test]
fn what_a_value_may_not_fit_does_not() {
    let values = Values::default();
    let int4 = json!({"type": ["integer", "null"], "minimum": -2_147_483_648_i64, "maximum": 2_147_483_647});
    for (kind, schema) in [
        (Kind::Int8, int4.clone()),
        (Kind::Oid, int4.clone()),
        (numeric(None), int4.clone()),
        (text(None), int4),
        (text(Some(6)), json!({"type": "string", "maxLength": 5})),
        (text(None), json!({"type": "string", "maxLength": 5})),
        (text(None), json!({"type": "string", "format": "date"})),
        (Kind::Timestamp, json!({"type": "string", "format": "date"})),
        (Kind::Date, json!({"type": "string", "format": "date-time"})),
        (Kind::Interval, json!({"type": "string", "format": "time"})),
        (Kind::Float8, json!({"type": "integer"})),
        (Kind::Float8, json!({"type": "number", "multipleOf": 0.01})),
        (
            numeric(Some((12, 4))),
            json!({"type": "number", "multipleOf": 0.01}),
        ),
        (
            numeric(Some((12, 2))),
            json!({"type": "number", "maximum": 100_000_000}),
        ),
        (Kind::Jsonb, json!({"type": ["string", "null"]})),
        (Kind::Array(Box::new(Kind::Int4), 1), json!({"type": "integer"})),
        (
            Kind::Array(Box::new(text(None)), 1),
            json!({"type": "array", "items": {"type": ["integer", "null"]}}),
        ),
    ] {
        assert!(!fits(&kind, &schema, &values, false), "{kind:?} {schema}");
    }
}

#[test]
fn a_narrower_schema_of_the_same_type_is_the_users_and_settings_change_values() {
    let values = Values::default();
    assert!(fits(
        &text(None),
        &json!({"type": "string", "format": "date-time"}),
        &values,
        true
    ));
    assert!(fits(
        &text(None),
        &json!({"type": "string", "maxLength": 5}),
        &values,
        true
    ));
    assert!(!fits(&Kind::Int8, &json!({"type": "string"}), &values, true));
    let other = Values {
        use_singer_decimal: true,
        dates_as_string: true,
        ..Values::default()
    };
    let number = json!({"type": ["number", "null"]});
    assert!(!fits(&numeric(None), &number, &other, true));
    let date = json!({"type": "string", "format": "date"});
    assert!(!fits(&Kind::Date, &date, &other, true));
    let decimal = json!({"type": "string", "format": "singer.decimal", "precision": 10, "scale": 2});
    assert!(fits(&numeric(Some((10, 2))), &decimal, &other, false));
    assert!(!fits(&numeric(Some((10, 4))), &decimal, &other, false));
    assert!(!fits(&numeric(None), &decimal, &other, false));
}

#[test]
fn null_is_added_to_what_there_is() {
    for schema in [
        json!({"type": "integer", "minimum": 1}),
        json!({"type": ["integer"], "minimum": 1}),
        json!({"anyOf": [{"type": "integer"}]}),
    ] {
        assert!(!takes_null(&schema));
        assert!(takes_null(&nullable(&schema)), "{schema}");
    }
    assert!(takes_null(&json!({})));
}
