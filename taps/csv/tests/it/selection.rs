//! What the catalog selects.

use serde_json::{Value, json};

use crate::run::{Folder, run, run_args};

/// The records when `field` is not selected.
fn without(config: &Value, field: &str) -> Vec<Value> {
    let catalog = run_args(config, &[], &["--discover"]).good();
    let mut catalog: Value = serde_json::from_str(&catalog.text).unwrap();
    let metadata = catalog["streams"][0]["metadata"].as_array_mut().unwrap();
    let item = metadata
        .iter_mut()
        .find(|item| item["breadcrumb"] == json!(["properties", field]))
        .unwrap();
    item["metadata"]["selected"] = json!(false);
    let root = metadata
        .iter_mut()
        .find(|item| item["breadcrumb"] == json!([]))
        .unwrap();
    root["metadata"]["selected"] = json!(true);
    let found = run(config, &[("--catalog", &catalog)]).good();
    assert_eq!(found.of("SCHEMA")[0]["schema"]["properties"].get(field), None);
    found.records().into_iter().cloned().collect()
}

#[test]
fn deselected_columns_are_not_read_nor_checked() {
    let folder = Folder::with(&[("a.csv", "id,n,x\n1,2,a\n2,oops,b\n")]);
    let config = json!({"files": [folder.entry("a.csv", &json!({"keys": ["id"]}))], "infer_types": true, "infer_rows": 1});
    let records = without(&config, "n");
    assert_eq!(records, [json!({"id": 1, "x": "a"}), json!({"id": 2, "x": "b"})]);
}

/// A catalog of the stream `t`, selected, with this schema.
fn catalog(schema: &Value) -> Value {
    json!({"streams": [{
        "tap_stream_id": "t", "schema": schema, "metadata": [{"breadcrumb": [], "metadata": {"selected": true}}],
    }]})
}

#[test]
fn a_selected_stream_without_a_schema_has_that_of_its_files() {
    let folder = Folder::with(&[("a.csv", "id,x\n1,a\n")]);
    let config = json!({"files": [folder.entry("a.csv", &json!({}))]});
    for schema in [json!({}), Value::Null] {
        let found = run(&config, &[("--catalog", &catalog(&schema))]).good();
        assert_eq!(found.records(), [&json!({"id": "1", "x": "a"})], "{schema}");
    }
}

#[test]
fn a_column_that_no_file_has_any_more_is_named_and_the_run_fails() {
    let folder = Folder::with(&[("d/a.csv", "id,x\n1,a\n"), ("d/b.csv", "id,y\n2,b\n")]);
    let config = json!({"files": [folder.entry("d", &json!({}))]});
    let text = json!({"type": ["string", "null"]});
    let of = |names: &[&str]| {
        let properties: serde_json::Map<String, Value> = names
            .iter()
            .map(|&name| (name.to_owned(), text.clone()))
            .collect();
        catalog(&json!({"type": "object", "properties": properties}))
    };
    run(&config, &[("--catalog", &of(&["id", "x", "y"]))]).good();
    let found = run(&config, &[("--catalog", &of(&["id", "x", "gone"]))]);
    assert_eq!((found.code, found.records().len()), (78, 2), "{}", found.log);
    assert!(found.log.contains("property gone of stream t"), "{}", found.log);
}

#[test]
fn a_selected_stream_that_no_entry_has_is_named_and_the_run_fails() {
    let folder = Folder::with(&[("a.csv", "id\n1\n")]);
    let config = json!({"files": [folder.entry("a.csv", &json!({}))]});
    let mut catalog = catalog(&json!({"properties": {"id": {"type": "string"}}}));
    let mut gone = catalog["streams"][0].clone();
    gone["tap_stream_id"] = "gone".into();
    catalog["streams"].as_array_mut().unwrap().push(gone);
    let found = run(&config, &[("--catalog", &catalog)]);
    assert_eq!((found.code, found.records().len()), (78, 1), "{}", found.log);
}
