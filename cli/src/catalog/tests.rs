//! What Meltano 4.4 selects with the same patterns.

use serde_json::{Map, Value, json};

use super::*;

fn catalog() -> Value {
    json!({"streams": [
        {"tap_stream_id": "users", "custom": 1, "schema": {"type": "object", "properties": {
            "id": {"type": "integer"}, "x": {"type": "object", "properties": {"y": {}}}, "arr": {"type": "array"}}},
         "metadata": [{"breadcrumb": [], "metadata": {"inclusion": "available", "vendor": true}}]},
        {"tap_stream_id": "other", "schema": {"type": "object", "properties": {"id": {}}}, "metadata": []},
    ]})
}

fn strings(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(|&pattern| pattern.to_owned()).collect()
}

/// The names of what is selected in a stream; `S` is the stream.
fn selected(catalog: &Value, stream: usize) -> String {
    let entries = catalog["streams"][stream]["metadata"].as_array().expect("a list");
    let names: Vec<String> = entries
        .iter()
        .filter(|entry| entry["metadata"]["selected"] == json!(true))
        .map(|entry| {
            let parts: Vec<&str> = entry["breadcrumb"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let name = parts
                .iter()
                .filter(|&&part| part != "properties")
                .copied()
                .collect::<Vec<_>>()
                .join(".");
            if name.is_empty() { "S".to_owned() } else { name }
        })
        .collect();
    names.join(" ")
}

fn with_select(patterns: &[&str]) -> Value {
    let mut catalog = catalog();
    apply(
        &mut catalog,
        &Rules::new(&strings(patterns), &Map::new(), &Map::new(), &[]),
    );
    catalog
}

#[test]
fn select_patterns_choose_what_meltano_chooses() {
    for (patterns, expected) in [
        (&["users"][..], "S id x x.y arr"),
        (&["users.*"], "S id x x.y arr"),
        (&["us*"], "S id x x.y arr"),
        (&["users.id"], "S id"),
        (&["*.id"], "S id"),
        (&["users.i?"], "S id"),
        (&["users.x"], "S x"),
        (&["users.x.*"], "S x x.y"),
        (&["users.x.y"], "S x x.y"),
        (&["users.*", "!users.x"], "S id x.y arr"),
        (&["users.*", "!users.x.*"], "S id x arr"),
        (&["!users.id", "users.*"], "S x x.y arr"),
        (&["!users", "users.id"], ""),
        (&["users\\.x"], ""),
        (&["*", "!*.id"], "S x x.y arr"),
    ] {
        assert_eq!(selected(&with_select(patterns), 0), expected, "{patterns:?}");
    }
}

#[test]
fn the_old_key_follows_and_unknown_keys_stay() {
    let catalog = with_select(&["users.id"]);
    assert_eq!(catalog["streams"][0]["selected"], json!(true));
    assert_eq!(catalog["streams"][1]["selected"], json!(false));
    assert_eq!(catalog["streams"][0]["custom"], json!(1));
    assert_eq!(
        catalog["streams"][0]["metadata"][0]["metadata"]["vendor"],
        json!(true)
    );
}

#[test]
fn a_filter_deselects_whole_streams() {
    let mut catalog = catalog();
    apply(
        &mut catalog,
        &Rules::new(
            &strings(&["*.*"]),
            &Map::new(),
            &Map::new(),
            &strings(&["users.id", "!oth*"]),
        ),
    );
    assert_eq!(selected(&catalog, 0), "S id x x.y arr");
    assert_eq!(catalog["streams"][1]["selected"], json!(false));
    assert_eq!(selected(&catalog, 1), "id");
}

#[test]
fn metadata_and_schema_rules_are_laid_over() {
    let Value::Object(metadata) = json!({"users.replication-method": "INCREMENTAL", "*.id.is-key": true})
    else {
        panic!("an object")
    };
    let Value::Object(schema) = json!({"users": {"id": {"type": ["string", "null"]}, "new": {"type": "integer"}, "*_at": {"type": "string"}}})
    else {
        panic!("an object")
    };
    let mut catalog = catalog();
    apply(
        &mut catalog,
        &Rules::new(&strings(&["*.*"]), &metadata, &schema, &[]),
    );
    let users = &catalog["streams"][0];
    assert_eq!(users["replication_method"], json!("INCREMENTAL"));
    assert_eq!(
        users["metadata"][0]["metadata"]["replication-method"],
        json!("INCREMENTAL")
    );
    assert_eq!(users["metadata"][1]["metadata"]["is-key"], json!(true));
    assert_eq!(
        users["schema"]["properties"]["id"],
        json!({"type": ["string", "null"]})
    );
    // A pattern changes the properties that it matches, and adds none.
    assert_eq!(users["schema"]["properties"].get("*_at"), None);
    assert_eq!(selected(&catalog, 0), "S id x x.y arr new");
}

#[test]
fn what_the_tap_lacks_is_warned_of_once() {
    let Value::Object(metadata) =
        json!({"userz": {"replication-method": "INCREMENTAL"}, "*": {"typo": {"x": 1}}})
    else {
        panic!("an object")
    };
    let select = strings(&[
        "userz.*",
        "users.idd",
        "users.x.z",
        "users.x.y",
        "users.*",
        "oth*.typo",
    ]);
    let rules = Rules::new(&select, &metadata, &Map::new(), &strings(&["gone"]));
    assert_eq!(
        missing(&catalog(), &rules),
        [
            "Stream `userz` was not found in the catalog",
            "Property `idd` was not found in the schema of stream `users`",
            "Property `x.z` was not found in the schema of stream `users`",
        ]
    );
}

/// Meltano walks through a stream in the order of the document.
#[test]
fn entries_that_are_added_behind_the_walk_get_no_rules() {
    let mut catalog: Value = serde_json::from_str(
        r#"{"streams": [{"tap_stream_id": "s", "metadata": [], "schema": {"properties": {"a": {}}}}]}"#,
    )
    .expect("JSON");
    apply(&mut catalog, &Rules::everything());
    assert_eq!(selected(&catalog, 0), "S");
}

#[test]
fn what_is_unsupported_is_never_selected() {
    let mut catalog = json!({"streams": [{"tap_stream_id": "s", "schema": {"properties": {"a": {}}}, "metadata": [
        {"breadcrumb": ["properties", "a"], "metadata": {"inclusion": "unsupported"}}]}]});
    apply(&mut catalog, &Rules::everything());
    assert_eq!(selected(&catalog, 0), "S");
}
