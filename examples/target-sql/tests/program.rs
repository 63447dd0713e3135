//! The program as a user runs it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use melisma_processes::{Outcome, run};
use rusqlite::{Connection, types::Value as Sql};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Target(TempDir);

impl Target {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, settings: &Value, lines: &[Value]) -> Outcome {
        let mut config = settings.clone();
        config["path"] = json!(self.path("s.db"));
        let path = self.path("config.json");
        fs::write(&path, config.to_string()).expect("a config");
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        let input = lines.join("\n") + "\n";
        let mut target = Command::new(env!("CARGO_BIN_EXE_target-sql"));
        run(target.arg("--config").arg(path), input.as_bytes())
    }

    /// The rows of a query, each value as Debug has it.
    fn rows(&self, query: &str) -> Vec<String> {
        let database = Connection::open(self.path("s.db")).expect("a database");
        let mut query = database.prepare(query).expect("a query");
        let columns = query.column_count();
        let rows = query.query_map([], |row| {
            let values: rusqlite::Result<Vec<Sql>> = (0..columns).map(|column| row.get(column)).collect();
            Ok(format!("{:?}", values?))
        });
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    }
}

fn schema(more: &[(&str, Value)]) -> Value {
    let mut properties = json!({"id": {"type": "integer"}, "v": {"type": ["string", "null"]}});
    for (name, property) in more {
        properties[name] = property.clone();
    }
    json!({"type": "SCHEMA", "stream": "a", "schema": {"properties": properties}, "key_properties": ["id"]})
}

fn record(record: &Value) -> Value {
    json!({"type": "RECORD", "stream": "a", "record": record})
}

fn state(n: u64) -> Value {
    json!({"type": "STATE", "value": {"n": n}})
}

#[test]
fn it_stays_small() {
    let source = include_str!("../src/main.rs");
    assert!(source.lines().take_while(|line| *line != "#[cfg(test)]").count() <= 150);
}

#[test]
fn keys_replace_tables_grow_and_what_a_record_lacks_stays() {
    let target = Target::new();
    let first = [
        schema(&[]),
        record(&json!({"id": 1, "v": "one"})),
        record(&json!({"id": 2, "v": "two"})),
    ];
    target.load(&json!({}), &first).ok();
    let second = [
        schema(&[
            ("w", json!({"type": "number"})),
            ("at", json!({"type": "string", "format": "date-time"})),
        ]),
        record(&json!({"id": 2, "w": 1.5})),
        record(&json!({"id": 3, "v": null, "at": "2024-01-31T12:00:00+01:00"})),
        state(1),
    ];
    let run = target.load(&json!({}), &second).ok();
    assert_eq!(run.states(), [r#"{"n":1}"#]);
    assert_eq!(
        target.rows("SELECT id, v, w, at FROM a ORDER BY id"),
        [
            r#"[Integer(1), Text("one"), Null, Null]"#,
            r#"[Integer(2), Text("two"), Real(1.5), Null]"#,
            r#"[Integer(3), Null, Null, Text("2024-01-31T11:00:00.000000Z")]"#
        ]
    );
}

#[test]
fn append_and_overwrite_are_those_of_the_kit() {
    let target = Target::new();
    let lines = [schema(&[]), record(&json!({"id": 1, "v": "x"})), state(1)];
    for _ in 0..2 {
        target.load(&json!({"load_method": "append"}), &lines).ok();
    }
    assert_eq!(target.rows("SELECT id FROM a"), ["[Integer(1)]", "[Integer(1)]"]);
    target.load(&json!({"load_method": "overwrite"}), &lines).ok();
    assert_eq!(target.rows("SELECT id FROM a"), ["[Integer(1)]"]);
}

#[test]
fn the_state_is_stored_with_its_rows_and_a_column_is_put_aside_for_another_type() {
    let target = Target::new();
    let number = |of: &str| schema(&[("w", json!({"type": of}))]);
    let first = [number("number"), record(&json!({"id": 1, "w": 2.5})), state(1)];
    target.load(&json!({"state_in_target": true}), &first).ok();
    assert_eq!(
        target.rows("SELECT state FROM _melisma_state"),
        [r#"[Text("{\"n\":1}")]"#]
    );
    let second = [number("string"), record(&json!({"id": 2, "w": "much"}))];
    target
        .load(&json!({}), &second)
        .fails(78, &["found the column \"w\" of type REAL"]);
    target.load(&json!({"schema_evolution": "version"}), &second).ok();
    assert_eq!(
        target.rows("SELECT id, w FROM a ORDER BY id"),
        ["[Integer(1), Null]", r#"[Integer(2), Text("much")]"#]
    );
    let names = target.rows("SELECT name FROM pragma_table_info('a') WHERE name LIKE 'w\\_2%' ESCAPE '\\'");
    assert_eq!(names.len(), 1);
}
