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
