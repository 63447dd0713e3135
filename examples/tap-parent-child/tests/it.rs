//! The example as a program: run, and run again from its own STATE.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// Runs the tap in a folder with its config and, if there is one, its state; returns the messages.
fn run(folder: &Path, state: Option<&Value>) -> Vec<Value> {
    let write = |name: &str, content: &Value| {
        fs::write(folder.join(name), content.to_string()).expect("writes");
    };
    write("config.json", &json!({"projects": 2}));
    let mut tap = Command::new(env!("CARGO_BIN_EXE_tap-parent-child"));
    tap.current_dir(folder).args(["--config", "config.json"]);
    if let Some(state) = state {
        write("state.json", state);
        tap.args(["--state", "state.json"]);
    }
    let output = tap.output().expect("the tap starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn values(messages: &[Value], stream: &str, property: &str) -> Vec<i64> {
    let records = messages
        .iter()
        .filter(|message| message["type"] == "RECORD" && message["stream"] == stream);
    records
        .filter_map(|message| message["record"][property].as_i64())
        .collect()
}

#[test]
fn parents_and_children_come_in_one_pass_and_each_project_resumes_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = run(folder.path(), None);
    assert_eq!(values(&first, "projects", "id"), [1, 2]);
    assert_eq!(values(&first, "issues", "project"), [1, 1, 2, 2]);
    assert_eq!(values(&first, "issues", "number"), [1, 2, 1, 2]);
    let state = &first.last().expect("a STATE")["value"];
    let partition = &state["bookmarks"]["issues"]["partitions"][1];
    assert_eq!(partition["context"], json!({"project": 2}));
    assert_eq!(partition["replication_key_value"], 2);
    let again = run(folder.path(), Some(state));
    assert_eq!(values(&again, "projects", "id"), [1, 2]);
    assert_eq!(values(&again, "issues", "number"), [2, 2]);
}
