//! One kind of error has one exit code: of a plugin alone, in a run of command lines, in a run of a project.

use serde_json::json;

use crate::support::{Folder, assert_code, stderr};

const DOCUMENTED: [i32; 7] = [64, 65, 69, 70, 74, 75, 78];

#[test]
fn a_config_error_is_78_wherever_it_is_found() {
    let folder = Folder::new();
    folder.write("x.csv", "a\n");
    let config = json!({"infer_types": "maybe", "files": [{"entity": "a", "path": "x.csv", "keys": []}]});
    folder.write("c.json", &config.to_string());
    folder.write("t.json", r#"{"batch_size_rows": "many"}"#);
    folder.write(
        "good.json",
        r#"{"files": [{"entity": "a", "path": "x.csv", "keys": []}]}"#,
    );
    for args in [
        &["tap-csv", "--config", "c.json"][..],
        &["tap-csv", "--config", "c.json", "--discover"],
        &["tap-csv", "--config", "missing.json"],
        &["target-jsonl", "--config", "t.json"],
        &["run", "tap-csv --config c.json", "target-jsonl"],
        &["run", "tap-csv --config missing.json", "target-jsonl"],
        &[
            "run",
            "tap-csv --config good.json",
            "target-jsonl --config t.json",
        ],
        &["run", "tap-csv --config c.json", "target-jsonl --config t.json"],
        &["run", "env A=1 true", "target-postgres --config t.json"],
    ] {
        let output = folder.melisma(args).output().unwrap();
        assert_code(&output, 78);
    }
    let project = |tap: &str, target: &str| {
        format!(
            "default_environment: dev
environments: [{{name: dev}}]
plugins:
  extractors: [{{name: tap-csv, namespace: tap_csv, executable: tap-csv, config: {tap}}}]
  loaders: [{{name: target-jsonl, namespace: target_jsonl, executable: target-jsonl, config: {target}}}]
"
        )
    };
    for (tap, target) in [
        (
            "{infer_types: maybe, files: [{entity: a, path: x.csv, keys: []}]}",
            "{}",
        ),
        (
            "{files: [{entity: a, path: x.csv, keys: []}]}",
            "{batch_size_rows: many}",
        ),
    ] {
        folder.write("meltano.yml", &project(tap, target));
        let output = folder
            .melisma(&["run", "tap-csv", "target-jsonl"])
            .output()
            .unwrap();
        assert_code(&output, 78);
    }
    folder.assert_clean();
}

#[test]
fn a_documented_code_of_either_side_is_the_runs() {
    for code in DOCUMENTED {
        let folder = Folder::new();
        let exits = json!({"steps": ["records:1", format!("exit:{code}")]}).to_string();
        let output = folder.run(&exits, "{}", &["--no-state-update"]);
        assert_code(&output, code);
        assert!(stderr(&output).contains(&format!("Extractor failed (exit code {code})")));
        let output = folder.run("{}", &json!({"end": code}).to_string(), &["--no-state-update"]);
        assert_code(&output, code);
        // The target is ended by what the tap did, or the tap by what the target did: whoever went first decides.
        let output = folder.run(&exits, r#"{"end": 65}"#, &["--no-state-update"]);
        assert_code(&output, code);
        let early = json!({"fail_after": 10, "code": code}).to_string();
        let output = folder.run(r#"{"steps": ["forever"]}"#, &early, &["--no-state-update"]);
        assert_code(&output, code);
    }
}

#[test]
fn another_code_means_what_only_its_plugin_knows_and_is_1() {
    for code in [2, 3, 66, 77, 99, 130, 255] {
        let folder = Folder::new();
        let exits = json!({"steps": [format!("exit:{code}")]}).to_string();
        assert_code(&folder.run(&exits, "{}", &["--no-state-update"]), 1);
        let output = folder.run("{}", &json!({"end": code}).to_string(), &["--no-state-update"]);
        assert_code(&output, 1);
    }
}

/// Before anything runs: discovery of a project's tap, the STATE that a target holds, a program that does not start.
#[test]
fn a_plugin_that_fails_at_a_question_ends_the_run_with_its_kind() {
    let folder = Folder::new();
    for (code, ends) in [(78, 78), (69, 69), (3, 1), (0, 65)] {
        folder.write("tap", &format!("#!/bin/sh\nexit {code}\n"));
        folder.executable("tap");
        folder.write(
            "meltano.yml",
            "default_environment: dev
environments: [{name: dev}]
plugins:
  extractors: [{name: tap-f, namespace: tap_f, executable: ./tap, capabilities: [catalog, discover, state]}]
  loaders: [{name: target-jsonl, namespace: target_jsonl}]
",
        );
        let output = folder
            .melisma(&["run", "tap-f", "target-jsonl"])
            .output()
            .unwrap();
        assert_code(&output, ends);
    }
    std::fs::remove_file(folder.join("tap")).unwrap();
    assert_code(
        &folder
            .melisma(&["run", "tap-f", "target-jsonl"])
            .output()
            .unwrap(),
        78,
    );
    std::fs::remove_file(folder.join("meltano.yml")).unwrap();
    let config =
        json!({"state_in_target": true, "host": "127.0.0.1", "port": 1, "user": "x", "database": "x"});
    folder.write("t.json", &config.to_string());
    let into = |target: &str| folder.melisma(&["run", "sh -c true", target]).output().unwrap();
    assert_code(&into("target-postgres --config t.json"), 69);
    folder.write("t.json", r#"{"state_in_target": "yes please"}"#);
    assert_code(&into("target-postgres --config t.json"), 78);
    folder.write("no-program", "x");
    assert_code(&into("./no-program"), 78);
    folder.assert_clean();
}
