//! Schemas: whatever a SCHEMA says, it compiles or is refused, the same way each time and within its bounds; and
//! records are checked as the `jsonschema` crate checks them, where the documentation does not say otherwise.
//!
//! The first line is the schema, the second the key properties, the others are records.
//!
//! Not compared: numbers that a double can not hold, formats and contents (annotations here), `oneOf` of plain types
//! (a union here), references and drafts, and keywords whose value JSON Schema does not allow.

use std::sync::Arc;

use melisma_engine::decode::{DecodeOptions, Decoder};
use melisma_engine::json::MAX_DEPTH;
use melisma_engine::schema::{MAX_COLUMNS, StreamSchema};
use melisma_sdk::Row;
use serde_json::Value;

use crate::reference;

/// Records that are checked with every schema.
const RECORDS: &[&str] = &[
    "{}",
    r#"{"a":1,"b":"x","c":null}"#,
    r#"{"a":"x","b":[1,"y",{"a":2}],"c":{"a":1,"b":[]}}"#,
    r#"{"a":1.5,"b":true,"d":{}}"#,
    r#"{"a":null,"b":1e3,"c":-7,"id":0}"#,
    r#"{"a":"x","a":1}"#,
];

/// See the [module](self).
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if reference::is_private_to_serde_json(text) {
        return;
    }
    let mut lines = text.split('\n');
    let schema = lines.next().unwrap_or_default();
    let keys: Vec<String> = lines
        .next()
        .and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_default();
    let compile = |keys: &[String]| StreamSchema::compile("s", schema, keys, &[]);
    let compiled = compile(&keys);
    assert_eq!(
        compiled.as_ref().map_err(ToString::to_string),
        compile(&keys).as_ref().map_err(ToString::to_string)
    );
    if let Some((loose, _)) = StreamSchema::loosen(schema, &keys) {
        let loose = StreamSchema::compile::<&str>("s", &loose, &[], &[]).ok();
        let bounded = serde_json::from_str::<Value>(schema).is_ok_and(|schema| {
            schema["properties"]
                .as_object()
                .is_some_and(|all| all.len() <= MAX_COLUMNS)
        });
        assert!(loose.is_some() || !bounded, "a loosened schema compiles");
        if let Some(loose) = loose {
            let options = DecodeOptions {
                validate: true,
                ..DecodeOptions::default()
            };
            assert!(
                Decoder::new(&Arc::new(loose), options).is_ok(),
                "and can be checked"
            );
        }
    }
    if let Ok(compiled) = &compiled {
        assert!(compiled.columns.len() <= MAX_COLUMNS);
        assert!(compiled.key.iter().all(|&at| at < compiled.columns.len()));
    }
    let Ok(compiled) = compile(&[]) else { return };
    let own: Value = serde_json::from_str(schema).expect("it compiled");
    let names = own["properties"].as_object().map_or(0, serde_json::Map::len);
    assert_eq!(compiled.columns.len(), names, "a column for each property");
    let Ok(mut decoder) = Decoder::new(
        &Arc::new(compiled),
        DecodeOptions {
            validate: true,
            ..DecodeOptions::default()
        },
    ) else {
        return;
    };
    let oracle = oracle(&own);
    for record in RECORDS.iter().copied().chain(lines.take(8)) {
        let mut row = Row::default();
        if decoder.decode(record, 0, &mut row) != Ok(record.len()) {
            continue;
        }
        let found = decoder.violations().to_vec();
        if let Some(oracle) = &oracle
            && is_comparable_record(record)
        {
            let value: Value = serde_json::from_str(record).expect("a record");
            assert_eq!(found.is_empty(), oracle.is_valid(&value), "{record}: {found:?}");
        }
    }
}

/// The oracle, where the two may be compared.
fn oracle(schema: &Value) -> Option<jsonschema::Validator> {
    let Value::Object(members) = schema else {
        return None;
    };
    let object = match members.get("type") {
        None => true,
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        Some(_) => false,
    };
    // The record is an object, whatever its own schema says of other types and of whole values.
    let whole = ["enum", "const"].iter().any(|name| members.contains_key(*name));
    if !object || whole || !is_comparable(schema) {
        return None;
    }
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft7)
        .should_validate_formats(false)
        .build(schema)
        .ok()
}

/// Whether the `jsonschema` crate is an oracle for this schema.
fn is_comparable(schema: &Value) -> bool {
    const APART: &[&str] = &[
        "$anchor",
        "$defs",
        "$dynamicAnchor",
        "$dynamicRef",
        "$id",
        "$recursiveAnchor",
        "$recursiveRef",
        "$ref",
        "$schema",
        "contentEncoding",
        "contentMediaType",
        "definitions",
        "dependentRequired",
        "dependentSchemas",
        "disallow",
        "divisibleBy",
        "extends",
        "id",
        "maxContains",
        "minContains",
        "oneOf",
        "prefixItems",
        "unevaluatedItems",
        "unevaluatedProperties",
    ];
    match schema {
        Value::Object(members) => members.iter().all(|(name, value)| {
            let apart = APART.contains(&name.as_str());
            // Bounds: exact here, doubles there; draft 4 wrote booleans.
            let number = matches!(
                name.as_str(),
                "minimum"
                    | "maximum"
                    | "exclusiveMinimum"
                    | "exclusiveMaximum"
                    | "multipleOf"
                    | "minLength"
                    | "maxLength"
            );
            let plain = !number || value.as_i64().is_some_and(|n| n.abs() < 1 << 40);
            !apart && plain && is_comparable(value)
        }),
        Value::Array(items) => items.iter().all(is_comparable),
        Value::Number(number) => number.as_i64().is_some_and(|n| n.abs() < 1 << 40),
        _ => true,
    }
}

/// Whether doubles hold all numbers of a record.
fn is_comparable_record(record: &str) -> bool {
    fn small(value: &reference::Json) -> bool {
        match value {
            reference::Json::Number(digits) => {
                digits.len() < 15
                    && digits
                        .parse::<f64>()
                        .is_ok_and(|n| n.abs() < 1e15 && (n == 0.0 || n.abs() > 1e-6))
            }
            reference::Json::Array(items) => items.iter().all(small),
            reference::Json::Object(members) => members.iter().all(|(_, value)| small(value)),
            _ => true,
        }
    }
    reference::parse(record, MAX_DEPTH as usize).is_some_and(|value| small(&value))
        && serde_json::from_str::<Value>(record).is_ok()
}
