//! Whole outputs, byte for byte.

use serde_json::{Value, json};

use crate::run::{data, run, run_args};

/// Compares with `tests/data/NAME`; `MELISMA_BLESS=1` writes it instead.
#[track_caller]
fn compare(name: &str, found: &str) {
    let path = data(name);
    if std::env::var_os("MELISMA_BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name}: expected\n{expected}found\n{found}");
}

fn orders(more: &Value) -> Value {
    let mut config = json!({"files": [{"entity": "orders", "path": data("orders.csv"), "keys": ["id"]}]});
    config
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    config
}

#[test]
fn without_settings_every_cell_is_a_string() {
    compare("orders.singer", &run(&orders(&json!({})), &[]).good().text);
}

#[test]
fn inferred_types_keep_every_digit() {
    compare(
        "orders-typed.singer",
        &run(&orders(&json!({"infer_types": true})), &[]).good().text,
    );
}

#[test]
fn the_catalog_has_the_names_of_the_peer() {
    let found = run_args(&orders(&json!({"infer_types": true})), &[], &["--discover"])
        .good()
        .text;
    compare("orders-catalog.json", &found);
}

#[test]
fn metadata_columns_come_first() {
    let found = run(&orders(&json!({"add_metadata_columns": true})), &[]).good();
    let path = data("orders.csv");
    for (number, record) in found.records().into_iter().enumerate() {
        let names: Vec<&String> = record.as_object().unwrap().keys().collect();
        assert_eq!(
            names[..4],
            [
                "_sdc_source_file",
                "_sdc_source_file_mtime",
                "_sdc_source_lineno",
                "id"
            ]
        );
        assert_eq!(record["_sdc_source_file"], path.display().to_string());
        assert_eq!(record["_sdc_source_lineno"], number + 1);
        let time = record["_sdc_source_file_mtime"].as_str().unwrap();
        assert!(
            time.parse::<jiff::Timestamp>().is_ok() && time.len() == 27,
            "{time}"
        );
    }
    let properties = &found.of("SCHEMA")[0]["schema"]["properties"];
    assert_eq!(
        properties["_sdc_source_file"],
        json!({"type": ["string", "null"]})
    );
    assert_eq!(
        properties["_sdc_source_file_mtime"],
        json!({"type": ["string", "null"], "format": "date-time"})
    );
    assert_eq!(
        properties["_sdc_source_lineno"],
        json!({"type": ["integer", "null"]})
    );
}
