//! The built-in plugins: alone, and run into each other.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Folder, assert_code, stderr};

const ORDERS: &str = "id,price,day\n1,1.10,2024-01-01\n2,20.05,2024-01-02\n3,3.00,2024-01-03\n";

fn project() -> Folder {
    let folder = Folder::new();
    folder.write("data/orders.csv", ORDERS);
    folder.write(
        "meltano.yml",
        "default_environment: dev
environments: [{name: dev}]
plugins:
  extractors:
  - name: tap-csv
    config:
      incremental: true
      infer_types: true
      files: [{entity: orders, path: data/orders.csv, keys: [id]}]
  - {name: tap-some, inherit_from: tap-csv, select: [orders.id, orders.day]}
  loaders:
  - {name: target-jsonl, config: {destination_path: $OUT}}
  - {name: target-csv, config: {destination_path: out}}
",
    );
    std::fs::create_dir_all(folder.join("out")).unwrap();
    folder
}

fn lines(folder: &Folder) -> Vec<Value> {
    let files: Vec<_> = std::fs::read_dir(folder.join("out")).unwrap().flatten().collect();
    let jsonl = files
        .iter()
        .find(|file| file.file_name().to_string_lossy().ends_with(".jsonl"));
    let text = jsonl
        .map(|file| std::fs::read_to_string(file.path()).unwrap())
        .unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_project_of_built_in_plugins_needs_no_install_and_resumes() {
    let folder = project();
    for _ in 0..2 {
        let output = folder
            .melisma(&["run", "tap-csv", "target-jsonl"])
            .env("OUT", "out")
            .output()
            .unwrap();
        assert_code(&output, 0);
    }
    let rows = lines(&folder);
    assert_eq!(rows.len(), 3, "the second run has nothing new");
    assert_eq!(rows[1]["day"], "2024-01-02");
    assert_eq!(
        folder.query("select state, payload_flags from runs"),
        [["SUCCESS", "1"], ["SUCCESS", "1"]]
    );
    folder.assert_clean();
}

#[test]
fn a_full_refresh_reads_everything_again() {
    let folder = project();
    for more in [&[][..], &["--full-refresh"]] {
        let args = [&["run", "tap-csv", "target-jsonl"], more].concat();
        assert_code(&folder.melisma(&args).env("OUT", "out").output().unwrap(), 0);
    }
    assert_eq!(lines(&folder).len(), 6);
}

#[test]
fn selection_reaches_the_records() {
    let folder = project();
    let output = folder
        .melisma(&["run", "tap-some", "target-jsonl"])
        .env("OUT", "out")
        .output()
        .unwrap();
    assert_code(&output, 0);
    let row = lines(&folder).remove(0);
    let mut keys: Vec<_> = row
        .as_object()
        .unwrap()
        .keys()
        .filter(|key| !key.starts_with('_'))
        .collect();
    keys.sort();
    assert_eq!(keys, ["day", "id"]);
}

#[test]
fn settings_of_built_in_plugins_are_read_from_variables() {
    let folder = project();
    let files = r#"[{"entity": "other", "path": "data/orders.csv", "keys": ["id"]}]"#;
    let output = folder
        .melisma(&["run", "tap-csv", "target-jsonl"])
        .env("OUT", "nowhere")
        .env("TARGET_JSONL_DESTINATION_PATH", "out")
        .env("TAP_CSV_FILES", files)
        .output()
        .unwrap();
    assert_code(&output, 0);
    assert!(folder.join("out/other.jsonl").exists());
}

#[test]
fn command_lines_may_begin_with_a_built_in_plugin() {
    let folder = Folder::new();
    folder.write("orders.csv", ORDERS);
    folder.write(
        "tap.json",
        r#"{"files": [{"entity": "orders", "path": "orders.csv", "keys": ["id"]}]}"#,
    );
    folder.write("target.json", r#"{"destination_path": "."}"#);
    let output = folder
        .melisma(&[
            "run",
            "tap-csv --config tap.json",
            "target-csv --config target.json",
        ])
        .output()
        .unwrap();
    assert_code(&output, 0);
    assert!(folder.read("orders.csv").contains("20.05"));
    assert_eq!(
        folder.query("select job_name like 'tap-csv-to-target-csv-________' from runs"),
        [["1"]]
    );
}

#[test]
fn a_bad_config_of_a_plugin_is_told_under_its_name() {
    let folder = Folder::new();
    folder.write("tap.json", r#"{"filez": []}"#);
    folder.write("target.json", "{}");
    let output = folder
        .melisma(&[
            "run",
            "tap-csv --config tap.json",
            "target-jsonl --config target.json",
        ])
        .output()
        .unwrap();
    assert_code(&output, 78);
    let log = stderr(&output);
    assert!(
        log.contains("tap-csv") && log.contains("Extractor failed"),
        "{log}"
    );
}

#[test]
fn a_plugin_runs_alone_by_its_name_or_by_a_link_of_that_name() {
    let folder = Folder::new();
    let about = |command: &mut Command| {
        let output = command
            .args(["--about", "--format", "json"])
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        assert_code(&output, 0);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    for name in melisma_processes::PLUGINS {
        assert_eq!(about(&mut folder.melisma(&[name]))["name"], name);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_melisma"), folder.join(name)).unwrap();
        assert_eq!(about(&mut Command::new(folder.join(name)))["name"], name);
    }
}
