//! A catalog and a source that disagree: what can be read is read, and the run does not say that it is complete.

use serde_json::{Value, json};

use crate::shop::{Outcome, Project};

/// A catalog entry with this schema, its stream and whatever `more` says selected.
fn entry(stream: &str, schema: &Value, more: &Value) -> Value {
    let mut metadata = vec![json!({"breadcrumb": [], "metadata": {"selected": true}})];
    metadata.extend(more.as_array().expect("a list").clone());
    json!({"tap_stream_id": stream, "schema": schema, "metadata": metadata})
}

fn run(streams: &[Value], flags: &[&str]) -> Outcome {
    let project = Project::new(&json!({"orders": [1, 2]})).with("--catalog", &json!({"streams": streams}));
    flags
        .iter()
        .fold(project, |project, flag| project.flag(flag))
        .run()
}

fn numbers(properties: &Value) -> Value {
    json!({"type": "object", "properties": properties, "required": ["a", "gone"]})
}

#[test]
fn a_stream_that_the_source_does_not_have_is_left_out_and_the_run_fails() {
    let gone = entry("gone", &json!({"properties": {"a": {}}}), &json!([]));
    let there = entry("numbers", &json!({}), &json!([]));
    for streams in [[gone.clone(), there.clone()], [there, gone.clone()]] {
        let outcome = run(&streams, &[]);
        assert_eq!(outcome.code, 78);
        assert_eq!(outcome.records("numbers").len(), 3, "all else is read");
        assert_eq!(
            outcome.state(),
            json!({"bookmarks": {"numbers": {}}}),
            "and acknowledged"
        );
        let strict = run(&streams, &["--strict"]);
        assert_eq!((strict.code, strict.stdout.as_str()), (78, ""), "nothing is read");
    }
    assert_eq!(run(&[gone], &[]).code, 78);
}

#[test]
fn a_property_that_the_source_does_not_have_is_left_out_and_the_run_fails() {
    let integer = json!({"type": "integer"});
    let schema = numbers(&json!({"a": integer, "gone": integer}));
    let outcome = run(&[entry("numbers", &schema, &json!([]))], &[]);
    assert_eq!(outcome.code, 78);
    assert_eq!(
        outcome.records("numbers"),
        [json!({"a": 1}), json!({"a": 2}), json!({"a": 3})]
    );
    let written = &outcome.of_type("SCHEMA")[0]["schema"];
    assert_eq!(
        (&written["properties"], &written["required"]),
        (&json!({"a": integer}), &json!(["a"]))
    );
    assert_eq!(
        run(&[entry("numbers", &schema, &json!([]))], &["--strict"]).stdout,
        ""
    );
    // Selected by name alone, or not selected at all.
    let item = |selected| json!([{"breadcrumb": ["properties", "gone"], "metadata": {"selected": selected}}]);
    assert_eq!(run(&[entry("numbers", &json!({}), &item(true))], &[]).code, 78);
    assert_eq!(
        run(&[entry("numbers", &schema, &item(false))], &["--strict"]).code,
        0
    );
    assert_eq!(
        run(&[entry("numbers", &json!({}), &item(false))], &["--strict"]).code,
        0
    );
}

#[test]
fn a_stream_whose_key_is_gone_is_left_out_as_a_whole() {
    let schema = json!({"properties": {"a": {}, "gone": {}}});
    for keys in [
        json!({"key_properties": ["gone"]}),
        json!({"replication_key": "gone"}),
    ] {
        let mut keyed = entry("orders", &schema, &json!([]));
        keyed
            .as_object_mut()
            .expect("an object")
            .extend(keys.as_object().expect("an object").clone());
        let outcome = run(&[keyed, entry("numbers", &json!({}), &json!([]))], &[]);
        assert_eq!(outcome.code, 78);
        assert_eq!(outcome.of_type("SCHEMA").len(), 1);
        assert_eq!(outcome.records("numbers").len(), 3);
    }
}

#[test]
fn a_stream_without_a_schema_has_the_taps_own() {
    for schema in [json!({}), Value::Null] {
        let outcome = run(&[entry("numbers", &schema, &json!([]))], &["--strict"]);
        assert_eq!(
            (outcome.code, outcome.records("numbers").len()),
            (0, 3),
            "{schema}"
        );
    }
}

#[test]
fn a_catalog_that_selects_nothing_is_an_error_in_a_strict_run_alone() {
    let off = json!({"tap_stream_id": "numbers", "metadata": [{"breadcrumb": [], "metadata": {"selected": false}}]});
    assert_eq!(run(std::slice::from_ref(&off), &[]).code, 0);
    assert_eq!(run(std::slice::from_ref(&off), &["--strict"]).code, 78);
    let project = Project::new(&json!({"strict": true})).with("--catalog", &json!({"streams": [off]}));
    assert_eq!(project.run().code, 78, "the setting is the option");
}

#[test]
fn a_test_reads_what_there_is() {
    let gone = entry("gone", &json!({"properties": {"a": {}}}), &json!([]));
    assert_eq!(run(std::slice::from_ref(&gone), &["--test"]).code, 0);
    assert_eq!(run(&[gone], &["--test=schema"]).code, 0);
}

#[test]
fn a_forced_method_counts_in_a_discovered_catalog() {
    let discovered = Project::new(&json!({})).flag("--discover").run();
    let mut catalog: Value = serde_json::from_str(&discovered.stdout).expect("JSON");
    let hidden = catalog["streams"].as_array_mut().expect("a list").remove(3);
    let with = |method: &str, metadata: Value| {
        let mut stream = hidden.clone();
        stream["replication_method"] = method.into();
        let root = stream["metadata"][0]["metadata"]
            .as_object_mut()
            .expect("an object");
        root.insert("selected".into(), true.into());
        root.extend(metadata.as_object().expect("an object").clone());
        run(&[stream], &[])
    };
    let incremental = |outcome: &Outcome| outcome.state()["bookmarks"]["hidden"]["replication_key"] == "id";
    let key = json!({"replication-key": "id"});
    let forced = json!({"forced-replication-method": "INCREMENTAL", "replication-key": "id"});
    assert!(incremental(&with("FULL_TABLE", forced.clone())));
    assert!(incremental(&with("", forced)));
    assert!(incremental(&with("FULL_TABLE", key.clone())));
    assert!(incremental(&with("INCREMENTAL", key)));
    assert!(!incremental(&with("FULL_TABLE", json!({}))));
    let without_key = with("FULL_TABLE", json!({"forced-replication-method": "INCREMENTAL"}));
    assert_eq!(
        (without_key.code, without_key.stdout.as_str()),
        (78, ""),
        "a method without its key"
    );
}
