use serde_json::{Value, json};

use super::*;
use crate::cell::Cell;

/// The violations of `json` as a nested value, which takes the way of every check.
fn violations(schema: &Value, json: &str) -> Vec<String> {
    let node = Node::compile(&json!({"type": "array", "items": schema})).expect("a schema");
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

#[test]
fn draft_4_booleans_are_understood() {
    let schema = json!({"type": "number", "minimum": 0, "exclusiveMinimum": true});
    assert_eq!(violations(&schema, "0"), ["[0]: expected more than 0, found 0"]);
    assert_eq!(violations(&schema, "1e-30"), Vec::<String>::new());
}
