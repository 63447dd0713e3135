//! The program itself.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::run::{Folder, without_times};

fn tap(folder: &Folder, config: &Value, args: &[&str]) -> Output {
    let path = folder.write("config.json", config.to_string().as_bytes());
    Command::new(env!("CARGO_BIN_EXE_tap-csv"))
        .arg("--config")
        .arg(path)
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn reads_a_file_and_exits_with_0() {
    let folder = Folder::with(&[("a.csv", "x,y\n1,\"2\"\n")]);
    let output = tap(
        &folder,
        &json!({"files": [folder.entry("a.csv", &json!({}))]}),
        &[],
    );
    assert!(output.status.success(), "{output:?}");
    let text = without_times(&String::from_utf8(output.stdout).unwrap());
    assert!(
        text.contains(r#"{"type":"RECORD","stream":"t","record":{"x":"1","y":"2"}}"#),
        "{text}"
    );
}

#[test]
fn what_is_wrong_is_on_stderr_and_in_the_exit_code() {
    let folder = Folder::with(&[("a.csv", "x,y\n1\n")]);
    let output = tap(
        &folder,
        &json!({"files": [folder.entry("a.csv", &json!({}))]}),
        &[],
    );
    assert_eq!(output.status.code(), Some(65));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(
        log.contains("a.csv: expected 2 cells, as the header has, found 1"),
        "{log}"
    );
    let output = tap(&folder, &json!({}), &[]);
    assert_eq!(output.status.code(), Some(78));
}

#[test]
fn about_tells_every_setting() {
    let folder = Folder::new();
    let output = tap(&folder, &json!({}), &["--about", "--format", "json"]);
    let about: Value = serde_json::from_slice(&output.stdout).unwrap();
    let settings = about["settings"]["properties"].as_object().unwrap();
    for name in [
        "files",
        "csv_files_definition",
        "add_metadata_columns",
        "infer_types",
        "incremental",
    ] {
        assert!(settings.contains_key(name), "{name}");
        assert!(settings[name]["description"].is_string(), "{name}");
    }
}
