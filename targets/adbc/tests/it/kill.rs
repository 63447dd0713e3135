//! A run that is killed, and the next one.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::database::{Database, KNOWN, Kind, duckdb, record, schema, sqlite, state};

/// Rows of a stream without keys and of one with keys, a STATE after each hundred.
fn lines(from: usize, to: usize) -> String {
    let properties = json!({"id": {"type": "integer"}, "v": {"type": "string"}});
    let mut lines = vec![
        schema("plain", &properties, &[]),
        schema("keyed", &properties, &["id"]),
    ];
    for id in from..to {
        for stream in ["plain", "keyed"] {
            lines.push(record(stream, &json!({"id": id, "v": "x".repeat(20)})));
        }
        if (id + 1) % 100 == 0 {
            lines.push(state(&json!({"next": id + 1})));
        }
    }
    lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n") + "\n"
}

/// Kills the target when it has emitted this number of STATEs; returns where the next run begins.
fn killed_after(states: usize, config: &Value, from: usize, folder: &std::path::Path) -> usize {
    use std::io::BufRead as _;

    let path = folder.join("killed.json");
    std::fs::write(&path, config.to_string()).expect("written");
    let mut target = Command::new(env!("CARGO_BIN_EXE_target-adbc"))
        .arg("--config")
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let mut input = target.stdin.take().expect("piped");
    let feed = std::thread::spawn(move || {
        // The pipe breaks when the target is killed.
        let _ = input.write_all(lines(from, 100_000).as_bytes());
    });
    let output = std::io::BufReader::new(target.stdout.take().expect("piped"));
    let last = output.lines().take(states).map_while(Result::ok).last();
    target.kill().expect("killed");
    target.wait().expect("ended");
    feed.join().expect("fed");
    let last: Value = serde_json::from_str(&last.expect("a STATE")).expect("JSON");
    usize::try_from(last["next"].as_u64().expect("a number")).expect("fits")
}

#[test]
fn a_run_that_is_killed_and_goes_on_from_its_state_loses_no_row() {
    for kind in KNOWN {
        let database = Database::new(kind);
        let config = match kind {
            Kind::DuckDb => json!({"driver": duckdb(), "options": {"path": database.path()}}),
            Kind::Postgresql => database.config(&json!({})),
            _ => json!({"driver": sqlite(), "uri": database.path()}),
        };
        let mut config = config;
        config["add_record_metadata"] = json!(false);
        config["batch_size_rows"] = json!(150);
        config["state_interval_seconds"] = json!(0);
        let mut next = 0;
        for states in [1, 3, 2] {
            next = killed_after(states, &config, next, database.folder.path());
        }
        let end = next + 250;
        database.load_text(&json!({}), &lines(next, end)).ok();
        let rows = database.rows("SELECT COUNT(DISTINCT id), MAX(id) FROM plain WHERE id < 1000000");
        let most = rows[0][1].as_u64().expect("a number");
        assert!(most + 1 >= end as u64, "{rows}");
        assert_eq!(rows[0][0], json!(most + 1), "{kind:?}: {rows}");
        let rows = database.rows("SELECT COUNT(*), COUNT(DISTINCT id), MAX(id) FROM keyed");
        assert_eq!(rows[0][0], rows[0][1], "{kind:?}: {rows}");
        assert!(rows[0][1].as_u64().expect("a number") >= end as u64, "{rows}");
    }
}
