use serde_json::{Value, json};

use super::*;
use crate::cell::Cell;
use crate::schema::dialect::normalize;

/// The violations of `json` as a nested value, which takes the way of every check.
fn violations(schema: &Value, json: &str) -> Vec<String> {
    let mut schema = json!({"type": "array", "items": schema});
    assert_eq!(normalize(&mut schema), [""; 0]);
    let node = Node::compile(&schema).expect("a schema");
    let mut violations = Violations::default();
    let list = format!("[{json}]");
    if node.unchecked == crate::schema::types::Types::ANY {
        return Vec::new();
    }
    node.check(&Cell::Json(&list), &list, 0, &mut violations);
    violations
        .found()
        .iter()
        .map(|violation| format!("{}: {}", violation.path, violation.message))
        .collect()
}

#[test]
fn agrees_with_the_jsonschema_crate_on_every_keyword_that_is_compiled() {
    let schemas = [
        json!({}),
        json!({"type": "integer"}),
        json!({"type": ["number", "null"], "minimum": 0, "exclusiveMaximum": 10}),
        json!({"type": "integer", "maximum": 9, "multipleOf": 3}),
        json!({"type": "string", "minLength": 1, "maxLength": 2}),
        json!({"enum": [1, "a", null, [1], {"a": 1}]}),
        json!({"const": 1.5}),
        json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a", "c"]}),
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false}),
        json!({"type": "array", "items": {"type": ["integer", "array"], "items": {"type": "null"}}}),
        json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        json!({"anyOf": [{"type": "integer", "minimum": 5}, {"type": "string"}]}),
        json!({"type": "object", "additionalProperties": {"type": "integer"}}),
        json!({"type": "string", "pattern": "^a"}),
        json!({"allOf": [{"type": "integer"}, {"minimum": 3}]}),
        json!({"not": {"type": "null"}}),
    ];
    let values = [
        "null",
        "true",
        "0",
        "1",
        "9",
        "10",
        "-1",
        "1.0",
        "1.5",
        "3",
        "12",
        "2.5",
        "1e1",
        "\"\"",
        "\"a\"",
        "\"é漢\"",
        "\"abc\"",
        "[]",
        "[1]",
        "[1,\"x\"]",
        "[[null]]",
        "[[1]]",
        "{}",
        "{\"a\":1}",
        "{\"a\":1,\"c\":2}",
        "{\"a\":\"x\",\"d\":1}",
        "{ \"a\" : 1 , \"b\" : [ ] , \"c\" : {} }",
    ];
    for schema in &schemas {
        let oracle = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft7)
            .build(schema)
            .expect("a schema");
        for value in values {
            let expected = oracle.is_valid(&serde_json::from_str(value).expect("JSON"));
            let found = violations(schema, value);
            assert_eq!(found.is_empty(), expected, "{schema} {value}: {found:?}");
        }
    }
}

#[test]
fn every_violation_is_reported_with_its_path() {
    let schema = json!({
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {"type": "string"}}},
        "required": ["c"],
    });
    assert_eq!(
        violations(&schema, r#"{"a": "x", "b": ["y", 1]}"#),
        [
            "[0].a: expected an integer, found \"x\"",
            "[0].b[1]: expected a string, found 1",
            "[0]: expected the required property \"c\", found none",
        ]
    );
}

#[test]
fn decimals_are_compared_by_their_digits() {
    let schema = json!({"type": "number", "multipleOf": 0.01, "maximum": 0.3});
    assert_eq!(violations(&schema, "0.3"), Vec::<String>::new());
    assert_eq!(violations(&schema, "0.29"), Vec::<String>::new());
    assert_eq!(violations(&schema, "0.301").len(), 2);
    assert_eq!(
        violations(&json!({"type": "number", "multipleOf": 1e-38}), &"9".repeat(50)),
        Vec::<String>::new()
    );
}

/// Whether each of the values is valid.
fn valid(schema: &Value, values: &[&str]) -> Vec<bool> {
    values
        .iter()
        .map(|value| violations(schema, value).is_empty())
        .collect()
}

/// What older drafts and real taps write, a value that it allows and one that it does not.
fn departures() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (
            json!({"type": "number", "minimum": 0, "exclusiveMinimum": true}),
            "1",
            "0",
        ),
        (
            json!({"type": "number", "maximum": 9, "exclusiveMaximum": true}),
            "1",
            "9",
        ),
        (
            json!({"type": "number", "minimum": 0, "exclusiveMinimum": false}),
            "0",
            "-1",
        ),
        (json!({"type": "number", "exclusiveMinimum": true}), "0", "\"x\""),
        (json!({"type": "integer", "divisibleBy": 3}), "3", "4"),
        (json!({"type": "string", "required": true}), "\"a\"", "1"),
        (
            json!({"type": "string", "maxLength": null, "minLength": 1.0}),
            "\"a\"",
            "\"\"",
        ),
        (
            json!({"type": "integer", "minimum": "5", "title": null, "description": 7, "examples": 1}),
            "1",
            "\"a\"",
        ),
        (json!({"type": ["date-time", "string"]}), "\"a\"", "1"),
        (
            json!({"type": "date-time", "format": ["date-time"]}),
            "\"a\"",
            "1",
        ),
        (
            json!({"type": ["null", "datetime", "string"], "enum": ["a"]}),
            "\"a\"",
            "1",
        ),
        (
            json!({"type": "array", "minItems": 0, "items": {"type": ["date-time", "string"]}}),
            "[\"a\"]",
            "[1]",
        ),
        (json!({"type": "array", "items": []}), "[1]", "1"),
        (
            json!({"type": "array", "items": [], "additionalItems": {"type": "integer"}}),
            "[1]",
            "[\"a\"]",
        ),
        (
            json!({"type": "array", "uniqueItems": true, "items": {"type": "any"}}),
            "[1]",
            "[1,1]",
        ),
        (
            json!({"type": "object", "dependencies": {"a": "b"}}),
            r#"{"a":1,"b":1}"#,
            r#"{"a":1}"#,
        ),
        (
            json!({"type": "object", "required": ["a", "a"]}),
            r#"{"a":1}"#,
            "{}",
        ),
        (json!({"type": ["any"], "disallow": ["string"]}), "1", "\"a\""),
        (json!({"type": "string", "pattern": "\\Aa\\Z"}), "\"a\"", "\"b\""),
        (json!({"type": "string", "pattern": "(?i)^A$"}), "\"a\"", "\"b\""),
        (
            json!({"type": "object", "patternProperties": {"\\Ax_": {"type": "integer"}}}),
            r#"{"x_a":1}"#,
            r#"{"x_a":"a"}"#,
        ),
        (
            json!({"type": "object", "propertyNames": {"pattern": "(?P<q>a|b)(?P=q)"}}),
            r#"{"aa":1}"#,
            r#"{"ab":1}"#,
        ),
        (
            json!({"type": "array", "items": [{"type": "integer"}], "minContains": 0}),
            "[1,\"a\"]",
            "[\"a\"]",
        ),
    ]
}

/// What older drafts and real taps write, where it stands and below every keyword that holds schemas.
#[test]
fn other_drafts_are_understood_at_any_depth() {
    let wraps: [fn(Value) -> Value; 9] = [
        |schema| schema,
        |schema| json!({"anyOf": [schema, {"type": "null"}]}),
        |schema| json!({"oneOf": [{"type": "null"}, schema]}),
        |schema| json!({"allOf": [schema]}),
        |schema| json!({"not": {"not": schema}}),
        |schema| json!({"if": {"minItems": 0}, "then": schema}),
        |schema| json!({"type": ["null", schema]}),
        |schema| json!({"extends": [schema]}),
        |schema| json!({"dependencies": {}, "allOf": [{"anyOf": [schema]}]}),
    ];
    for (schema, right, wrong) in departures() {
        for wrap in wraps {
            let schema = wrap(schema.clone());
            assert_eq!(
                valid(&schema, &[right, wrong]),
                [true, false],
                "{schema} {right} {wrong}"
            );
        }
        for (keyword, open, close) in [
            ("items", "[", "]"),
            ("additionalProperties", r#"{"k":"#, "}"),
            ("contains", "[", "]"),
        ] {
            let schema = json!({keyword: schema, "minProperties": 0});
            let [right, wrong] = [right, wrong].map(|value| format!("{open}{value}{close}"));
            assert_eq!(valid(&schema, &[&right, &wrong]), [true, false], "{schema}");
        }
    }
}

#[test]
fn a_pattern_that_cannot_be_said_is_ignored_by_name() {
    let mut schema =
        json!({"properties": {"a": {"properties": {"b": {"pattern": "(x)?(?(1)y|z)", "maxLength": 1}}}}});
    let ignored = normalize(&mut schema);
    assert_eq!(ignored, [r#"a.b: "(x)?(?(1)y|z)""#]);
    assert_eq!(
        schema,
        json!({"properties": {"a": {"properties": {"b": {"maxLength": 1}}}}})
    );
    // One that is none in any language stays, and is refused.
    let mut schema = json!({"pattern": "("});
    assert_eq!(normalize(&mut schema), [""; 0]);
    assert!(Node::compile(&schema).is_err());
}

#[test]
fn of_two_bounds_the_tighter_one_counts() {
    let schema = json!({"minimum": 10, "exclusiveMinimum": 5, "maximum": 20, "exclusiveMaximum": 20});
    assert_eq!(
        valid(&schema, &["9", "10", "19", "20"]),
        [false, true, true, false]
    );
}

#[test]
fn draft_4_booleans_are_understood() {
    let schema = json!({"type": "number", "minimum": 0, "exclusiveMinimum": true});
    assert_eq!(violations(&schema, "0"), ["[0]: expected more than 0, found 0"]);
    assert_eq!(violations(&schema, "1e-30"), Vec::<String>::new());
}
