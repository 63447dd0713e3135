//! The program as a user runs it.

use std::fs;
use std::path::Path;
use std::process::Command;

use melisma_processes::{Outcome, run};
use serde_json::{Value, json};
use tempfile::TempDir;

const INPUT: &str = r#"{"type":"SCHEMA","stream":"a","schema":{"type":"object","properties":{"id":{"type":"integer"},"v":{"type":["string","null"]}}},"key_properties":["id"]}
{"type":"RECORD","stream":"a","version":1,"record":{"id":1,"v":"old"}}
{"type":"RECORD","stream":"a","version":2,"record":{"id":2,"v":"new"}}
{"type":"ACTIVATE_VERSION","stream":"a","version":2}
{"type":"SCHEMA","stream":"a","schema":{"type":"object","properties":{"id":{"type":"integer"},"v":{"type":["string","null"]},"w":{"type":"number"}}},"key_properties":["id"]}
{"type":"RECORD","stream":"a","version":2,"record":{"id":2,"w":1.70}}
{"type":"STATE","value":{"x":1}}
"#;

fn target(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_target-smallest"));
    command.args(args);
    command
}

fn load(folder: &Path, settings: &Value) -> Outcome {
    let mut config = json!({"folder": folder});
    for (name, value) in settings.as_object().expect("settings") {
        config[name] = value.clone();
    }
    let path = folder.join("config.json");
    fs::write(&path, config.to_string()).expect("a config");
    run(
        &mut target(&["--config", path.to_str().expect("UTF-8")]),
        INPUT.as_bytes(),
    )
}

#[test]
fn it_stays_the_smallest() {
    let source = include_str!("../src/main.rs");
    assert!(source.lines().take_while(|line| *line != "#[cfg(test)]").count() <= 41);
}

#[test]
fn records_are_lines_and_state_follows() {
    let folder = TempDir::new().expect("a folder");
    let outcome = load(folder.path(), &json!({})).ok();
    assert_eq!(outcome.states(), [r#"{"x":1}"#]);
    let text = fs::read_to_string(folder.path().join("a.txt")).expect("a file");
    assert_eq!(text, "id=1\tv=old\t\nid=2\tv=new\t\nid=2\tv=\tw=1.70\t\n");
}

#[test]
fn a_load_method_that_it_cannot_do_is_refused() {
    for method in ["upsert", "upsert-on-conflict", "overwrite", "replace"] {
        let folder = TempDir::new().expect("a folder");
        load(folder.path(), &json!({"load_method": method})).fails(78, &["load_method"]);
        assert!(!folder.path().join("a.txt").exists(), "{method}");
    }
    for method in ["append-only", "append"] {
        let folder = TempDir::new().expect("a folder");
        load(folder.path(), &json!({"load_method": method})).ok();
    }
}

#[test]
fn a_version_that_no_sink_activates_is_warned_of_and_no_capability() {
    let folder = TempDir::new().expect("a folder");
    load(folder.path(), &json!({}))
        .ok()
        .says(&["stream a: ACTIVATE_VERSION is ignored"]);
    let about = run(&mut target(&["--about", "--format", "json"]), b"").ok();
    let about: Value = serde_json::from_slice(&about.stdout).expect("JSON");
    assert_eq!(
        about["capabilities"],
        json!(["about", "structured-logging", "validate-records"])
    );
    assert!(about["settings"]["properties"]["process_activate_version_messages"].is_null());
}

#[test]
fn name_and_version_are_those_of_its_crate() {
    let version = run(&mut target(&["--version"]), b"").ok();
    assert_eq!(version.stdout, b"target-smallest 9.9.9\n");
    let about = run(&mut target(&["--about"]), b"").ok();
    let about = String::from_utf8(about.stdout).expect("UTF-8");
    assert!(
        about.contains("Version: 9.9.9\n") && about.contains("TARGET_SMALLEST_FOLDER"),
        "{about}"
    );
}
