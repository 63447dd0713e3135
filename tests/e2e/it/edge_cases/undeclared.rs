//! Properties that the SCHEMA does not declare, and keys among them.

use serde_json::{Value, json};

use super::BAD_INPUT;
use crate::harness::{Every, Kind, Outcome, Target, record, run};

/// A SCHEMA message of the stream `s`.
fn message(schema: &Value, keys: &[&str]) -> String {
    json!({"type": "SCHEMA", "stream": "s", "schema": schema, "key_properties": keys}).to_string()
}

fn feed(target: &Target, schema: &Value, keys: &[&str], records: &[&str]) -> Outcome {
    let records = records.iter().map(|text| record("s", text));
    target.feed(std::iter::once(message(schema, keys)).chain(records))
}

/// What tap-mongodb says of a collection.
fn anything() -> Value {
    json!({"type": "object"})
}

const DOCUMENTS: [&str; 3] = [
    r#"{"_id":"1","a":2}"#,
    r#"{"b": {"c": [1]}, "_id": "2", "a": 1.50}"#,
    r#"{"_id":"3"}"#,
];

#[test]
fn a_schema_that_declares_nothing_keeps_records_whole_in_jsonl() {
    for (setting, value) in [("invalid_schema", "any"), ("undeclared_properties", "keep")] {
        let target = Target::jsonl().with(setting, value);
        feed(&target, &anything(), &["_id"], &DOCUMENTS).ok();
        assert_eq!(
            target.text("s"),
            DOCUMENTS.map(|line| format!("{line}\n")).concat()
        );
    }
    // singer-sdk's own tests want it refused.
    feed(&Target::jsonl(), &anything(), &["_id"], &DOCUMENTS)
        .fails(BAD_INPUT, &["line 1", "properties", "undeclared_properties"]);
    let keeps = || Target::jsonl().with("undeclared_properties", "keep");
    let lacking = feed(&keeps(), &anything(), &["_id"], &[r#"{"a":1}"#]);
    lacking.fails(BAD_INPUT, &["line 2", "_id", "key"]);
    // The same bytes when the keys come in another order each time, and the last of two.
    let target = keeps();
    let records = [
        r#"{"_id":1,"a":1,"b":2}"#,
        r#"{"b":2,"a":1,"_id":1}"#,
        r#"{"a":1,"_id":1,"a":2}"#,
    ];
    feed(&target, &anything(), &["_id"], &records).ok();
    let expected = [records[0], records[1], r#"{"_id":1,"a":2}"#];
    assert_eq!(
        target.text("s"),
        expected.map(|line| format!("{line}\n")).concat()
    );
}

#[test]
fn a_key_that_is_not_declared_is_a_property_of_any_type_on_request() {
    let scores = json!({"type": "object", "properties": {"score": {"anyOf": [{"type": "number"}, {}]}}});
    let record = r#"{"_id":"1","score":2}"#;
    for kind in Kind::ALL {
        feed(&Target::new(kind), &scores, &["_id"], &[record]).fails(
            BAD_INPUT,
            &["line 1", "key_properties", "_id", "invalid_schema: any"],
        );
        let target = Target::new(kind).with("invalid_schema", "any");
        feed(
            &target,
            &scores,
            &["_id"],
            &[record, r#"{"_id":{"a":1},"score":"x"}"#],
        )
        .ok();
        assert_eq!(target.rows("s").len(), 2, "{kind:?}");
        feed(&target, &scores, &["_id"], &[r#"{"score":2}"#]).fails(BAD_INPUT, &["line 2", "_id"]);
    }
}

#[test]
fn what_a_schema_says_may_come_stays_in_jsonl() {
    for more in [
        json!({"additionalProperties": true}),
        json!({"additionalProperties": {"type": "integer"}}),
        json!({"patternProperties": {"^m": {}}}),
    ] {
        let mut schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
        schema
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        let target = Target::jsonl();
        let outcome = feed(
            &target,
            &schema,
            &["id"],
            &[r#"{"id":1,"more":2}"#, r#"{"more":3,"id":2}"#],
        )
        .ok();
        assert!(
            !outcome.stderr.contains("not in the schema"),
            "{}",
            outcome.stderr
        );
        assert_eq!(
            target.text("s"),
            "{\"id\":1,\"more\":2}\n{\"more\":3,\"id\":2}\n",
            "{schema}"
        );
    }
    let silent = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    let record = r#"{"id":1,"more":2}"#;
    let target = Target::jsonl();
    feed(&target, &silent, &["id"], &[record])
        .ok()
        .says(&["stream s: the property more is not in the schema"]);
    assert_eq!(target.text("s"), "{\"id\":1}\n");
    let target = Target::jsonl().with("undeclared_properties", "keep");
    feed(&target, &silent, &["id"], &[record]).ok();
    assert_eq!(target.text("s"), format!("{record}\n"));
}

#[test]
fn undeclared_properties_may_have_a_column() {
    let declared = json!({"type": "object", "properties": {"_id": {"type": "string"}}});
    let documents = [
        (r#"{"_id":"1","a":2}"#, Some(r#"{"a":2}"#)),
        (
            r#"{"b": {"c": [1]}, "_id": "2", "a": 1.50}"#,
            Some(r#"{"b": {"c": [1]},"a": 1.50}"#),
        ),
        (r#"{"_id":"3"}"#, None),
        (r#"{"a":1,"_id":"4","a":"2"}"#, Some(r#"{"a":"2"}"#)),
    ];
    for kind in Kind::ALL {
        for schema in [&declared, &anything()] {
            for metadata in [false, true] {
                let target = Target::new(kind)
                    .with("undeclared_properties", "column")
                    .with("undeclared_column", "rest")
                    .with("add_record_metadata", metadata);
                feed(
                    &target,
                    schema,
                    &["_id"],
                    &documents.map(|(document, _)| document),
                )
                .ok();
                let rows = target.rows("s");
                let found: Vec<Value> = rows.iter().map(|row| row["rest"].clone()).collect();
                let json = |text: &str| serde_json::from_str(text).expect("JSON");
                let expected = documents.map(|(_, rest)| match (kind, rest) {
                    (Kind::Csv, None) => json!(""),
                    (_, None) => Value::Null,
                    (Kind::Jsonl, Some(rest)) => json(rest),
                    (_, Some(rest)) => json!(rest),
                });
                assert_eq!(found, expected, "{kind:?} {schema}");
            }
        }
    }
}

#[test]
fn undeclared_properties_may_have_a_column_of_a_table() {
    for mode in ["meltanolabs", "pipelinewise"] {
        let target = Every::postgres()
            .with("undeclared_properties", "column")
            .with("naming_mode", mode);
        let messages: Vec<String> = std::iter::once(message(&anything(), &["_id"]))
            .chain(DOCUMENTS.iter().map(|document| record("s", document)))
            .collect();
        run(
            &mut target.command(),
            format!("{}\n", messages.join("\n")).as_bytes(),
        )
        .ok();
        let Every::Table { database, .. } = &target else {
            panic!("a table")
        };
        let rows = database
            .sql("select _id || ' ' || coalesce(_sdc_undeclared::text, 'null') from public.s order by 1");
        assert_eq!(
            rows.trim(),
            "1 {\"a\": 2}\n2 {\"a\": 1.50, \"b\": {\"c\": [1]}}\n3 null",
            "{mode}"
        );
    }
}

#[test]
fn undeclared_properties_may_make_a_record_invalid() {
    let declared = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    for kind in Kind::ALL {
        let target = Target::new(kind).with("undeclared_properties", "fail");
        feed(
            &target,
            &declared,
            &[],
            &[r#"{"id":1,"_sdc_sequence":1}"#, r#"{"id":2,"more":1}"#],
        )
        .fails(
            BAD_INPUT,
            &[
                "line 3",
                "expected no property outside the schema, found \"more\"",
            ],
        );
        assert_eq!(target.rows("s").len(), 1, "{kind:?}");
    }
}

#[test]
fn columns_for_what_is_not_declared_are_asked_for() {
    for kind in [Kind::Csv, Kind::Parquet] {
        feed(&Target::new(kind), &anything(), &["_id"], &DOCUMENTS).fails(
            BAD_INPUT,
            &[
                "line 1",
                "stream s",
                "properties",
                "undeclared_properties says where",
            ],
        );
        let target = Target::new(kind).with("undeclared_properties", "keep");
        feed(&target, &anything(), &["_id"], &DOCUMENTS).fails(78, &["undeclared_properties", "keep"]);
    }
    let taken = json!({"type": "object", "properties": {"_sdc_undeclared": {}}});
    let target = Target::jsonl().with("undeclared_properties", "column");
    feed(&target, &taken, &[], &[]).fails(BAD_INPUT, &["line 1", "_sdc_undeclared", "undeclared_column"]);
}
