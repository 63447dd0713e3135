//! `--report`: one file at the end of a run, whatever the end is.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Folder, assert_code, signal, stderr};

const STEPS: &str = r#"{"steps": ["records:2", "state:{\"n\":2}"]}"#;

fn report(folder: &Folder) -> Value {
    serde_json::from_str(&folder.read("r.json")).unwrap()
}

fn run(folder: &Folder, tap: &str, target: &str, more: &[&str]) -> Output {
    folder.run(tap, target, &[&["--report", "r.json"], more].concat())
}

#[track_caller]
fn assert_end(folder: &Folder, outcome: &str, code: u8, error: Option<&str>) -> Value {
    let report = report(folder);
    assert_eq!(
        (&report["version"], &report["outcome"]),
        (&json!(1), &json!(outcome)),
        "{report:#}"
    );
    assert_eq!(report["exit_code"], code, "{report:#}");
    match error {
        None => assert_eq!(report["error"], Value::Null),
        Some(error) => assert!(
            report["error"].as_str().unwrap_or_default().contains(error),
            "{report:#}"
        ),
    }
    report
}

#[test]
fn a_run_that_succeeds_reports_all_it_did() {
    let folder = Folder::new();
    assert_code(&run(&folder, STEPS, "{}", &["--state", "s.json"]), 0);
    let report = assert_end(&folder, "success", 0, None);
    assert_eq!(report["blocks"].as_array().unwrap().len(), 1);
    let block = &report["blocks"][0];
    assert_eq!(
        (&block["kind"], &block["name"], &block["retries"]),
        (&json!("pair"), &json!("tap > target"), &json!(0))
    );
    let attempt = &block["attempts"][0];
    assert_eq!(
        (&attempt["outcome"], &attempt["target_input"]["records"]),
        (&json!("success"), &json!(2))
    );
    assert_eq!(attempt["streams"][0]["stream"], "s");
    assert_eq!(
        (&attempt["states"]["emitted"], &attempt["states"]["stored"]),
        (&json!(1), &json!(1))
    );
    assert!(
        attempt["states"]["location"]
            .as_str()
            .unwrap()
            .ends_with("s.json")
    );
    for time in ["started_at", "ended_at"] {
        assert!(report[time].as_str().unwrap().ends_with('Z') && attempt[time].is_string());
    }
    assert!(report["run_id"].as_str().unwrap().len() == 36);
}

#[test]
fn a_run_that_fails_reports_each_attempt() {
    let folder = Folder::new();
    let output = run(&folder, STEPS, r#"{"end": 3}"#, &["--retries", "1"]);
    assert_code(&output, 1);
    let report = assert_end(&folder, "failed", 1, Some("Loader failed (exit code 3)"));
    let block = &report["blocks"][0];
    assert_eq!(
        (&block["retries"], &block["outcome"]),
        (&json!(1), &json!("failed"))
    );
    let attempts = block["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[1]["attempt"]), (2, &json!(2)));
    assert_eq!(attempts[1]["processes"][1]["exit_code"], 3);
}

#[test]
fn a_run_that_cannot_begin_reports_why() {
    let folder = Folder::new();
    let output = folder
        .melisma(&["run", "--report", "r.json", "no-such-program", "target-jsonl"])
        .output()
        .unwrap();
    let code = u8::try_from(output.status.code().unwrap()).unwrap();
    assert_ne!(code, 0);
    assert_end(&folder, "failed", code, Some("no-such-program"));
    folder.write("meltano.yml", "plugins: [");
    assert_code(
        &folder
            .melisma(&["run", "--report", "r.json", "a", "b"])
            .output()
            .unwrap(),
        78,
    );
    let report = assert_end(&folder, "failed", 78, Some("meltano.yml"));
    assert_eq!(report["blocks"], json!([]));
}

#[test]
fn a_run_that_is_ended_reports_that() {
    let waits = r#"{"steps": ["records:2", "state:{\"n\":2}", "touch:ready", "sleep:60"]}"#;
    let folder = Folder::new();
    let mut command = folder.run_command(waits, "{}", &["--report", "r.json", "--state", "s.json"]);
    let mut child = command.spawn().unwrap();
    folder.wait_for("ready");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let report = assert_end(&folder, "interrupted", 143, Some("SIGTERM"));
    assert_eq!(report["blocks"][0]["attempts"][0]["outcome"], "interrupted");
    assert_eq!(report["blocks"][0]["attempts"][0]["states"]["stored"], 1);

    let output = run(&folder, waits, "{}", &["--timeout", "1"]);
    assert_code(&output, 1);
    assert_end(&folder, "interrupted", 1, Some("--timeout"));
}

#[test]
fn blocks_that_were_not_run_are_in_the_report() {
    let folder = Folder::new();
    folder.write(
        "meltano.yml",
        "default_environment: dev
environments: [{name: dev}]
plugins:
  extractors:
  - {name: tap-x, namespace: tap_x, executable: ./tap-x}
  loaders:
  - {name: target-x, namespace: target_x, executable: ./target-x}
  utilities:
  - {name: ok, namespace: ok, executable: /bin/true}
  - {name: no, namespace: no, executable: /bin/false}
",
    );
    folder.write_plugins();
    let args = ["run", "--report", "r.json", "ok", "tap-x", "target-x", "no", "ok"];
    assert_code(&folder.melisma(&args).output().unwrap(), 1);
    let report = assert_end(&folder, "failed", 1, Some("no failed (exit code 1)"));
    let of = |key: &str| -> Vec<Value> {
        let blocks = report["blocks"].as_array().unwrap();
        blocks.iter().map(|block| block[key].clone()).collect()
    };
    assert_eq!(of("outcome"), ["success", "success", "failed", "not_run"]);
    assert_eq!(of("kind"), ["command", "pair", "command", "command"]);
    let args = [
        "el",
        "tap-x",
        "target-x",
        "--state-id",
        "e",
        "--report",
        "el.json",
    ];
    assert_code(&folder.melisma(&args).output().unwrap(), 0);
    let report: Value = serde_json::from_str(&folder.read("el.json")).unwrap();
    assert_eq!(report["blocks"][0]["attempts"][0]["state_id"], "e");
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_anything_starts() {
    let folder = Folder::new();
    std::fs::create_dir(folder.join("folder")).unwrap();
    for path in ["no/such/folder/r.json", "folder", "/dev/null"] {
        let output = folder.run(STEPS, "{}", &["--report", path]);
        assert_code(&output, 78);
        assert!(stderr(&output).contains(path), "{}", stderr(&output));
    }
    assert!(!folder.join("tap.args").exists(), "the tap was started");
    let output = folder.run(STEPS, "{}", &["--report", "r.json", "--dry-run"]);
    assert_code(&output, 64);
    assert!(!folder.join("r.json").exists());
}
