//! `melisma state`: what it prints, stores and refuses, in the database and in a state backend.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Folder, assert_code, stderr};

const A: &str = "dev:tap-a-to-target-b";

/// A project whose states are in the database, or in the folder `states`.
fn project(in_files: bool) -> Folder {
    let folder = Folder::new();
    let states = folder.join("states");
    let backend = if in_files {
        format!("state_backend: {{uri: 'file://{}'}}\n", states.display())
    } else {
        String::new()
    };
    folder.write(
        "meltano.yml",
        &format!("environments: [{{name: dev}}]\n{backend}"),
    );
    folder
}

fn state(folder: &Folder, args: &[&str]) -> Output {
    folder.melisma(&[&["state"], args].concat()).output().unwrap()
}

fn ok(folder: &Folder, args: &[&str]) -> String {
    let output = state(folder, args);
    assert_code(&output, 0);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_is_set_is_shown_listed_and_cleared() {
    for in_files in [false, true] {
        let folder = project(in_files);
        assert_eq!(ok(&folder, &["get", A]), "{}\n");
        assert_eq!(ok(&folder, &["list"]), "");
        folder.write(
            "new.json",
            "{\"singer_state\":\n {\"é\": 1.0, \"big\": 12345678901234567890123}}\n",
        );
        assert_eq!(
            ok(&folder, &["set", "--force", A, "--input-file", "new.json"]),
            ""
        );
        for id in ["prod:x", "mine"] {
            ok(&folder, &["set", id, "{\"singer_state\": {}}", "--force"]);
        }
        assert_eq!(
            ok(&folder, &["get", A]),
            "{\"singer_state\":{\"\\u00e9\":1.0,\"big\":12345678901234567890123}}\n"
        );
        assert_eq!(
            ok(&folder, &["get", "mine", "--format=pretty"]),
            "{\n  \"singer_state\": {}\n}\n"
        );
        assert_eq!(ok(&folder, &["list"]), format!("{A}\nmine\nprod:x\n"));
        assert_eq!(
            ok(&folder, &["list", "--pattern", "*:*"]),
            format!("{A}\nprod:x\n")
        );
        ok(&folder, &["clear", "--force", A]);
        ok(&folder, &["clear", "--force", "never stored"]);
        assert_eq!(ok(&folder, &["list"]), "mine\nprod:x\n");
        if in_files {
            assert!(!folder.join("states").join(A).exists() && !folder.join("states/never stored").exists());
        }
        let output = state(&folder, &["clear", "--force", "--all"]);
        assert!(
            stderr(&output).contains("2 state(s) were successfully cleared"),
            "{}",
            stderr(&output)
        );
        assert_eq!(ok(&folder, &["list"]), "");
    }
}

#[test]
fn a_run_resumes_from_a_state_that_was_set_and_from_none_that_was_cleared() {
    let folder = Folder::new();
    let tap = r#"{"steps": ["records:1", "state:{\"n\": 1}"]}"#;
    let run = || assert_code(&folder.run(tap, "{}", &["--state-id", "mine"]), 0);
    run();
    ok(
        &folder,
        &["set", "mine", "{\"singer_state\": {\"n\": 0.50}}", "--force"],
    );
    run();
    ok(&folder, &["clear", "mine", "--force"]);
    run();
    assert_eq!(
        folder.notes("tap.state"),
        [json!(null), json!({"n": 0.50}), json!(null)]
    );
}

#[test]
fn an_edit_is_in_the_history_of_runs_as_meltano_has_it() {
    for in_files in [false, true] {
        let folder = project(in_files);
        ok(&folder, &["set", A, "{\"singer_state\": {\"a\": 1}}", "--force"]);
        assert_eq!(
            folder.query(
                "select job_name, state, payload, payload_flags, length(run_id), \"trigger\", started_at = ended_at from runs"
            ),
            [[A, "STATE_EDIT", "{\"singer_state\":{\"a\":1}}", "1", "32", "cli", "1"]]
        );
    }
}

#[test]
fn a_state_that_is_wrong_or_not_confirmed_is_refused_and_nothing_changes() {
    let folder = project(false);
    let stored = "{\"singer_state\":{\"a\":1}}";
    ok(&folder, &["set", A, stored, "--force"]);
    folder.write("new.json", "[]");
    for (args, code, said) in [
        (&["set", A, "{\"a\": 1}", "--force"][..], 65, "singer_state"),
        (&["set", A, "{oops", "--force"], 65, "not a JSON object"),
        (
            &["set", A, "--input-file", "new.json", "--force"],
            65,
            "not a JSON object",
        ),
        (
            &["set", A, "{}", "--input-file", "new.json", "--force"],
            64,
            "--input-file",
        ),
        (&["set", A, "--force"], 64, "STATE"),
        (&["set", A, stored], 64, "--force"),
        (&["clear", A], 64, "--force"),
        (&["clear", "--force"], 64, "STATE_ID"),
        (&["clear", A, "--all", "--force"], 64, "--all"),
        (&["list", "--pattern", "["], 64, "--pattern"),
    ] {
        let output = state(&folder, args);
        assert_code(&output, code);
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
    }
    assert_eq!(ok(&folder, &["get", A]), format!("{stored}\n"));
    let output = state(&folder, &["set", A, "{\"a\": 1}", "--force", "--no-validate"]);
    assert_code(&output, 0);
    assert!(stderr(&output).contains("not validated"), "{}", stderr(&output));
    let state: Value = serde_json::from_str(&ok(&folder, &["get", A])).unwrap();
    assert_eq!(state, json!({"a": 1}));
}
