//! `melisma logs`: the runs that the system database has, and their logs.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Folder, assert_code, stderr};

/// A project whose tap says something and whose target fails for `TARGET_X_END=3`.
fn project() -> Folder {
    let folder = Folder::new();
    folder.write(
        "meltano.yml",
        "plugins:
  extractors:
  - {name: tap-x, namespace: tap_x, executable: ./tap-x, config: {steps: ['stderr:hello from the tap', 'records:1']},
     settings: [{name: steps, kind: array}]}
  loaders:
  - {name: target-x, namespace: target_x, executable: ./target-x, settings: [{name: end, kind: integer}]}
",
    );
    folder.write_plugins();
    folder
}

fn run(folder: &Folder, id: &str, end: &str) -> Output {
    let args = ["run", "--state-id", id, "tap-x", "target-x"];
    folder.melisma(&args).env("TARGET_X_END", end).output().unwrap()
}

fn ok(folder: &Folder, args: &[&str]) -> String {
    let output = folder.melisma(&[&["logs"], args].concat()).output().unwrap();
    assert_code(&output, 0);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn runs_are_listed_newest_first_with_the_ids_that_show_their_logs() {
    let folder = project();
    assert_eq!(ok(&folder, &["list", "--format=json"]), "No job runs found.\n");
    assert_code(&run(&folder, "a", "0"), 0);
    assert_code(&run(&folder, "b", "3"), 1);
    let args = ["state", "set", "a", "{\"singer_state\": {}}", "--force"];
    assert_code(&folder.melisma(&args).output().unwrap(), 0);
    folder.query(
        "update runs set started_at = '2026-01-31 12:00:00.000000', ended_at = '2026-01-31 12:01:30.500000', \"trigger\" = null
         where job_name = 'a'",
    );
    let list: Value = serde_json::from_str(&ok(&folder, &["list", "--format", "json"])).unwrap();
    assert_eq!(list["total"], 2, "an edit is no run: {list}");
    assert_eq!(
        (&list["runs"][0]["job_name"], &list["runs"][0]["state"]),
        (&json!("b"), &json!("FAIL"))
    );
    let run = &list["runs"][1];
    let id = run["log_id"].as_str().unwrap();
    let expected = json!({"log_id": id, "job_name": "a", "state": "SUCCESS", "started_at": "2026-01-31T12:00:00+00:00",
        "ended_at": "2026-01-31T12:01:30.500000+00:00", "duration_seconds": 90.5, "trigger": null});
    assert_eq!(*run, expected);
    let text = ok(&folder, &["list", "-l", "1"]);
    assert!(text.contains("✗ FAIL") && !text.contains("PASS"), "{text}");
    let text = ok(&folder, &["list"]);
    let line = text.lines().last().unwrap();
    assert!(
        line.starts_with("✓ PASS") && line.contains(id) && line.ends_with("1.5m      manual"),
        "{text}"
    );

    let head = format!(
        "Job: a\nRun ID: {id}\nState: SUCCESS\nStarted: 2026-01-31 12:00:00+00:00\nEnded: 2026-01-31 12:01:30.500000+00:00\nTrigger: Manual\n\n"
    );
    let log = folder.read(&format!("xdg-state/meltano/log/elt/a/{id}/elt.log"));
    assert!(log.contains("hello from the tap"), "{log}");
    assert_eq!(
        ok(&folder, &["show", id]),
        format!("{head}Log content:\n------------\n{log}")
    );
    let end = log.lines().last().unwrap();
    let end_of_log = ok(&folder, &["show", &id.replace('-', ""), "--tail", "1"]);
    assert_eq!(
        end_of_log,
        format!("{head}Last 1 lines:\n{}\n{end}\n", "-".repeat(40))
    );
    let folder_of_logs = folder.join("xdg-state/meltano/log");
    assert_eq!(ok(&folder, &["dir"]), format!("{}\n", folder_of_logs.display()));
}

#[test]
fn a_run_or_a_log_that_is_not_there_is_named() {
    let folder = project();
    assert_code(&run(&folder, "a", "0"), 0);
    let list: Value = serde_json::from_str(&ok(&folder, &["list", "--format=json"])).unwrap();
    let id = list["runs"][0]["log_id"].as_str().unwrap();
    std::fs::remove_dir_all(folder.join("xdg-state")).unwrap();
    let unknown = "019a9f0e-5a53-7f2c-8d5e-2f1c6f1a2b3c";
    for (asked, said) in [
        (id, "there is no log"),
        (unknown, unknown),
        ("nonsense", "\"nonsense\""),
    ] {
        let output = folder.melisma(&["logs", "show", asked]).output().unwrap();
        assert_code(&output, 78);
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}
