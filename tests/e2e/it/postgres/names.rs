//! Names are quoted, always: whatever schemas, tables and columns are called, nothing else is touched and nothing is
//! mixed up.

use std::collections::BTreeMap;
use std::process::Command;

use melisma_testing::postgres::{Database, server};
use serde_json::{Map, Value, json};

use super::{Configs, load, settings, tap};
use crate::harness::{melisma, run};

/// Names that end a quote, a statement or a word too early, or look like others. None has a `-`, which parts a
/// stream's name into schema and table.
fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "a\"b",
        "\"",
        "\"\"; drop table public.innocent; /*",
        "x\"; drop table public.innocent; /*",
        "a'b",
        "'; drop table public.innocent; /*",
        "a.b",
        "public.innocent",
        ";",
        "$1",
        "$$",
        "\\",
        "\\\"",
        "%s",
        "{}",
        "?",
        "select",
        "user",
        "Orders",
        "orders",
        "ORDERS",
        " a",
        "a ",
        "a\tb\nc",
        "é",
        "e\u{301}",
        "а",
        "a",
        "ﬁ",
        "fi",
        "漢字",
        "\u{202e}x",
        "U&\"\\0061\"",
        "E'x'",
        "1",
    ]
    .map(str::to_owned)
    .into();
    // As long as a name may be, in bytes, and alike beyond that.
    names.push("x".repeat(63));
    names.push("x".repeat(64));
    names.push("x".repeat(65));
    names.push(format!("{}é", "y".repeat(62)));
    names.push(format!("{}éz", "y".repeat(62)));
    names
}

fn is_untouched(database: &Database) {
    assert_eq!(database.sql("select * from public.innocent"), "1");
}

#[test]
fn every_table_and_column_has_its_name_there_and_back() {
    let names = names();
    let database = server().database();
    database.sql("create table public.innocent as select 1 as id");
    for schema in [
        "plain",
        "s\"; drop table public.innocent; /*",
        "Schema's . \u{202e}é",
    ] {
        let mut lines = String::new();
        let properties: Map<String, Value> = names
            .iter()
            .map(|name| (name.clone(), json!({"type": "string"})))
            .collect();
        let record: Map<String, Value> = names.iter().map(|name| (name.clone(), json!(name))).collect();
        // Every name as a table and as a key, and all of them as the columns of one table.
        for name in &names {
            let schema = json!({"type": "SCHEMA", "stream": name, "schema": {"properties": {name: {"type": "string"}}}, "key_properties": [name]});
            let record = json!({"type": "RECORD", "stream": name, "record": {name: name}});
            lines.push_str(
                &[&schema, &record, &record]
                    .map(|line| line.to_string() + "\n")
                    .concat(),
            );
        }
        let all = json!({"type": "SCHEMA", "stream": "all", "schema": {"properties": properties}, "key_properties": [names[0]]});
        let one = json!({"type": "RECORD", "stream": "all", "record": record});
        lines.push_str(&[&all, &one].map(|line| line.to_string() + "\n").concat());
        let target = settings(&database, json!({ "default_target_schema": schema }));
        load(&target, lines.as_bytes());
        // Upserts, and a changed SCHEMA, quote too.
        let changed = lines.replace(
            "\"stream\":\"all\",\"schema\":{\"properties\":{",
            "\"stream\":\"all\",\"schema\":{\"properties\":{\"more\\\"\":{\"type\":\"string\"},",
        );
        assert_ne!(changed, lines);
        load(&target, changed.as_bytes());
        is_untouched(&database);

        let said = tap(&settings(&database, json!({ "filter_schemas": [schema] })));
        let mut rows: BTreeMap<String, Vec<Map<String, Value>>> = BTreeMap::new();
        for line in String::from_utf8(said).expect("UTF-8").lines() {
            let message: Value = serde_json::from_str(line).expect("a message");
            if message["type"] == "RECORD" {
                let stream = message["stream"].as_str().expect("a name").to_owned();
                let row = message["record"].as_object().expect("a record").clone();
                rows.entry(stream).or_default().push(row);
            }
        }
        assert_eq!(
            rows.len(),
            names.len() + 1,
            "{schema}: a table each: {:?}",
            rows.keys()
        );
        for name in names.iter().filter(|name| name.len() <= 63) {
            let rows = &rows[&format!("{schema}-{name}")];
            assert_eq!(rows.len(), 1, "{schema}, {name}: the key is known again");
            assert_eq!(rows[0][name], json!(name));
        }
        let all = &rows[&format!("{schema}-all")][0];
        let columns: Vec<&String> = all
            .keys()
            .filter(|column| !column.starts_with("_sdc_") && *column != "more\"")
            .collect();
        assert_eq!(columns.len(), names.len(), "{schema}: a column each: {columns:?}");
        for name in names.iter().filter(|name| name.len() <= 63) {
            assert_eq!(all[name], json!(name));
        }
        is_untouched(&database);
    }
}

#[test]
fn a_name_that_postgresql_can_not_have_is_refused() {
    let database = server().database();
    let target = settings(&database, json!({ "default_target_schema": "s" }));
    for (stream, property) in [("a\0b", "id"), ("", "id"), ("s", "a\0b"), ("s", "")] {
        let schema = json!({"type": "SCHEMA", "stream": stream, "schema": {"properties": {property: {"type": "string"}}}, "key_properties": []});
        let outcome = Configs::new().ours("target-postgres", &target, format!("{schema}\n").as_bytes());
        outcome.fails(65, &["expected a name that a table or column can have"]);
    }
}

/// Values are no names: they travel by COPY, and where a statement has them, as parameters or quoted literals.
#[test]
fn values_are_never_statements() {
    let database = server().database();
    database.sql("create table public.innocent as select 1 as id");
    let value = "'; drop table public.innocent; --\\";
    let target = settings(
        &database,
        json!({ "default_target_schema": "loaded", "state_in_target": true }),
    );
    let properties = json!({"id": {"type": "string"}, "_sdc_deleted_at": {"type": ["null", "string"]}});
    let schema = json!({"type": "SCHEMA", "stream": "t", "schema": {"properties": properties}, "key_properties": ["id"]});
    let record = json!({"type": "RECORD", "stream": "t", "record": {"id": value}});
    let state = json!({"type": "STATE", "value": {"bookmark": value}});
    let input = format!("{schema}\n{record}\n{state}\n{record}\n{state}\n");
    load(&target, input.as_bytes());
    load(&target, input.as_bytes());
    assert_eq!(
        database.sql("select count(*), min(id) from loaded.t"),
        format!("1|{value}")
    );
    is_untouched(&database);

    // And as the bookmark of an incremental sync.
    let tap = settings(
        &database,
        json!({ "filter_schemas": ["loaded"], "filter_tables": ["t"] }),
    );
    let configs = Configs::new();
    let run_tap = |more: &[(&str, &Value)]| {
        let mut command = Command::new(melisma());
        command.arg("tap-postgres");
        configs.plugin("tap", &mut command, &tap);
        for (option, file) in more {
            let path = configs.0.path().join(option);
            std::fs::write(&path, file.to_string()).expect("written");
            command.arg(format!("--{option}")).arg(path);
        }
        if more.is_empty() {
            command.arg("--discover");
        }
        run(&mut command, b"").ok().stdout
    };
    let mut catalog: Value = serde_json::from_slice(&run_tap(&[])).expect("a catalog");
    let stream = catalog["streams"]
        .as_array_mut()
        .expect("streams")
        .iter_mut()
        .find(|stream| stream["tap_stream_id"] == "loaded-t");
    let stream = stream.expect("the table");
    let all = stream["metadata"]
        .as_array_mut()
        .expect("metadata")
        .iter_mut()
        .find(|entry| entry["breadcrumb"] == json!([]));
    let all = &mut all.expect("of the stream")["metadata"];
    all["selected"] = true.into();
    all["replication-method"] = "INCREMENTAL".into();
    all["replication-key"] = "id".into();
    let bookmark =
        json!({"bookmarks": {"loaded-t": {"replication_key": "id", "replication_key_value": value}}});
    let said = run_tap(&[("catalog", &catalog), ("state", &bookmark)]);
    let said = String::from_utf8(said).expect("UTF-8");
    assert_eq!(said.matches("RECORD").count(), 1, "{said}");
    is_untouched(&database);
}
