//! The program as a user runs it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use melisma_processes::{Outcome, run};
use rusqlite::{Connection, types::Value as Sql};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Target {
    folder: TempDir,
    settings: Value,
}

impl Target {
    fn new(settings: Value) -> Self {
        let folder = TempDir::new().expect("a folder");
        Self { folder, settings }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn load(&self, input: &str) -> Outcome {
        let mut config = json!({"path": self.path("s.db")});
        for (name, value) in self.settings.as_object().expect("settings") {
            config[name] = value.clone();
        }
        let path = self.path("config.json");
        fs::write(&path, config.to_string()).expect("a config");
        let mut target = Command::new(env!("CARGO_BIN_EXE_target-sqlite"));
        run(target.arg("--config").arg(path), input.as_bytes())
    }

    /// The rows of a query, each value as Debug has it.
    fn rows(&self, query: &str) -> Vec<String> {
        rows(&self.path("s.db"), query)
    }
}

fn rows(database: &Path, query: &str) -> Vec<String> {
    let database = Connection::open(database).expect("a database");
    let mut query = database.prepare(query).expect("a query");
    let columns = query.column_count();
    let rows = query.query_map([], |row| {
        let values: Vec<Sql> = (0..columns)
            .map(|column| row.get(column))
            .collect::<Result<_, _>>()?;
        Ok(format!("{values:?}"))
    });
    rows.expect("rows").map(|row| row.expect("a row")).collect()
}

fn schema(stream: &str, more: &str) -> String {
    format!(
        r#"{{"type":"SCHEMA","stream":"{stream}","schema":{{"type":"object","properties":{{"id":{{"type":"integer"}},"v":{{"type":["string","null"]}}{more}}}}},"key_properties":["id"]}}
"#
    )
}

fn record(stream: &str, record: &str) -> String {
    format!("{{\"type\":\"RECORD\",\"stream\":\"{stream}\",\"record\":{record}}}\n")
}

fn state(value: u64) -> String {
    format!("{{\"type\":\"STATE\",\"value\":{{\"n\":{value}}}}}\n")
}

#[test]
fn it_stays_small() {
    let source = include_str!("../src/main.rs");
    assert!(source.lines().take_while(|line| *line != "#[cfg(test)]").count() <= 81);
}

/// With a connection for each stream the second would wait for the first, whose commit comes after it.
#[test]
fn streams_that_alternate_do_not_lock_each_other_out() {
    let mut input = schema("a", "") + &schema("b", "");
    for n in 0..50 {
        for stream in ["a", "b"] {
            input += &record(stream, &format!(r#"{{"id":{n},"v":"x{n}"}}"#));
        }
        let _ = write!(input, "{}", state(n));
    }
    for settings in [
        json!({}),
        json!({"batch_size_rows": 1}),
        json!({"batch_size_rows": 3, "state_interval_seconds": 0}),
        json!({"batch_size_rows": 2, "max_parallelism": 4}),
    ] {
        let target = Target::new(settings);
        let started = Instant::now();
        let states = target.load(&input).ok().states();
        assert!(
            started.elapsed() < Duration::from_secs(4),
            "nobody waits for a lock"
        );
        assert_eq!(states.last().map(String::as_str), Some(r#"{"n":49}"#));
        let both = target.rows("SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)");
        assert_eq!(both, ["[Integer(50), Integer(50)]"]);
    }
}

#[test]
fn keys_replace_and_schemas_change() {
    let target = Target::new(json!({}));
    let first =
        schema("a", "") + &record("a", r#"{"id":1,"v":"one"}"#) + &record("a", r#"{"id":2,"v":"two"}"#);
    target.load(&first).ok();
    let second = schema("a", r#","w":{"type":"number"}"#)
        + &record("a", r#"{"id":2,"w":1.70}"#)
        + &record("a", r#"{"id":3,"v":null,"w":2}"#);
    target.load(&(second + &state(1))).ok();
    assert_eq!(
        target.rows("SELECT id, v, w FROM a ORDER BY id"),
        [
            r#"[Integer(1), Text("one"), Null]"#,
            r#"[Integer(2), Text("two"), Real(1.7)]"#,
            "[Integer(3), Null, Real(2.0)]"
        ]
    );
}

#[test]
fn append_keeps_every_row_and_overwrite_is_refused() {
    let target = Target::new(json!({"load_method": "append"}));
    let input = schema("a", "") + &record("a", r#"{"id":1,"v":"x"}"#);
    for _ in 0..2 {
        target.load(&input).ok();
    }
    assert_eq!(target.rows("SELECT id FROM a"), ["[Integer(1)]", "[Integer(1)]"]);
    Target::new(json!({"load_method": "overwrite"}))
        .load(&input)
        .fails(78, &["load_method"]);
}

/// A table that cannot take the row: what was written before it is there if a STATE says so, and the run fails.
#[test]
fn after_an_error_no_stream_commits() {
    let target = Target::new(json!({"state_interval_seconds": 0}));
    target.load(&schema("b", "")).ok();
    Connection::open(target.path("s.db"))
        .and_then(|database| {
            database.execute_batch("DROP TABLE b; CREATE TABLE b (id INTEGER PRIMARY KEY CHECK (id < 5), v)")
        })
        .expect("a table");
    let input = schema("a", "")
        + &schema("b", "")
        + &record("a", r#"{"id":1}"#)
        + &state(1)
        + &record("a", r#"{"id":2}"#)
        + &record("b", r#"{"id":9}"#)
        + &state(2)
        + &record("a", r#"{"id":3}"#)
        + &state(3);
    let outcome = target.load(&input).fails(74, &["SQLite refused", "CHECK"]);
    assert_eq!(outcome.states(), [r#"{"n":1}"#]);
    // Row 2 was committed before b failed; row 3 came after it.
    assert_eq!(target.rows("SELECT max(id) FROM a"), ["[Integer(2)]"]);
}
