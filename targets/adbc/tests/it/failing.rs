//! What stops a run, and what is there afterwards.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::database::{ALL, Database, FILES, KNOWN, Kind, python, record, schema, state};

fn orders(values: &[&str]) -> Vec<Value> {
    let properties = json!({"id": {"type": "integer"}, "v": {"type": "string"}});
    let mut lines = vec![
        schema("orders", &properties, &["id"]),
        schema("plain", &properties, &[]),
    ];
    for (id, v) in values.iter().enumerate() {
        lines.push(record("orders", &json!({"id": id, "v": v})));
        lines.push(record("plain", &json!({"id": id, "v": v})));
    }
    lines
}

#[test]
fn an_input_that_fails_replaces_nothing() {
    for kind in ALL {
        let database = Database::new(kind);
        let config = json!({"load_method": "overwrite", "batch_size_rows": 1});
        let mut whole = orders(&["old"]);
        whole.push(state(&json!(1)));
        database.load(&config, &whole).ok();

        let no_end = orders(&["new", "new"]);
        database.load(&config, &no_end).fails(65, &["STATE"]);
        let mut broken = orders(&["new", "new"]);
        broken.push(json!({"type": "RECORD", "stream": "orders", "record": {"id": "x"}}));
        broken.push(state(&json!(2)));
        assert_eq!(
            database.load(&config, &broken).fails(65, &["id"]).states(),
            [""; 0]
        );
        for table in ["orders", "plain"] {
            assert_eq!(
                database.rows(&format!("SELECT id, v FROM {table}")),
                json!([[0, "old"]]),
                "{kind:?}"
            );
        }
    }
}

#[test]
fn what_came_before_an_invalid_record_is_committed() {
    for kind in KNOWN {
        let database = Database::new(kind);
        let mut lines = orders(&["a"]);
        lines.push(state(&json!(1)));
        lines.push(record("orders", &json!({"id": "x"})));
        let run = database.load(&json!({}), &lines).fails(65, &["orders", "id"]);
        assert_eq!(run.states(), ["1"], "{kind:?}");
        assert_eq!(database.rows("SELECT id FROM orders"), json!([[0]]), "{kind:?}");
    }
}

#[test]
fn a_driver_that_is_not_there_is_named_with_the_package_to_install() {
    let database = Database::new(Kind::Ansi);
    database.load(&json!({"driver": "snowflake"}), &[]).fails(
        78,
        &["found none named snowflake", "pip install adbc-driver-snowflake"],
    );
    database
        .load(&json!({"driver": "./no.so"}), &[])
        .fails(78, &["found no file ./no.so"]);
    let database = Database::new(Kind::DuckDb);
    let module = std::fs::read_dir(
        crate::database::sqlite()
            .parent()
            .and_then(std::path::Path::parent)
            .expect("a folder"),
    )
    .expect("read")
    .flatten()
    .find(|entry| entry.file_name().to_string_lossy().starts_with("_duckdb."))
    .expect("the module of Python's duckdb");
    database
        .load(&json!({"driver": module.path()}), &[])
        .fails(78, &["inside Python only", "libduckdb"]);
}

#[test]
fn settings_of_other_targets_for_duckdb_work_or_are_refused_by_name() {
    let database = Database::new(Kind::DuckDb);
    for (setting, value) in [
        ("token", json!("secret-token")),
        ("schema_mapping", json!({"a": {}})),
        ("data_flattening_max_level", json!(1)),
    ] {
        let run = database.load(&json!({setting: value}), &[]).fails(78, &[setting]);
        assert!(!run.stderr.contains("secret-token"), "{}", run.stderr);
    }
    let lines = [
        schema("a", &json!({"id": {"type": "integer"}}), &[]),
        record("a", &json!({"id": 1})),
    ];
    database
        .load(
            &json!({"add_metadata_columns": true, "temp_dir": "/nowhere", "flush_all_streams": true}),
            &lines,
        )
        .ok();
    assert_eq!(
        database.rows("SELECT count(_sdc_received_at) FROM a"),
        json!([[1]])
    );
}

#[test]
fn a_database_that_another_process_holds_is_said_with_the_process_and_can_be_tried_again() {
    for kind in FILES {
        let database = Database::new(kind);
        let mut lines = orders(&["a"]);
        lines.push(state(&json!(1)));
        database.load(&json!({}), &lines).ok();
        let hold = match kind {
            Kind::DuckDb => "import duckdb; c = duckdb.connect(sys.argv[1])",
            _ => {
                "import sqlite3; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN EXCLUSIVE')"
            }
        };
        let mut holder = Command::new(python())
            .args([
                "-c",
                &format!("import sys; {hold}\nprint('held', flush=True); sys.stdin.read()"),
            ])
            .arg(database.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().expect("piped"))
            .read_line(&mut line)
            .expect("read");
        assert_eq!(line, "held\n");
        let config = match kind {
            Kind::Sqlite => json!({"lock_timeout_seconds": 0.1}),
            _ => json!({}),
        };
        let run = database.load(&config, &lines);
        drop(holder.stdin.take().map(|mut input| input.flush()));
        holder.wait().expect("ended");
        run.fails(75, &[&holder.id().to_string(), "python"]);
        database.load(&json!({}), &lines).ok();
    }
}
