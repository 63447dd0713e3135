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

#[test]
fn states_are_merged_copied_and_moved() {
    for in_files in [false, true] {
        let folder = project(in_files);
        let bookmarks = |json: &str| format!("{{\"singer_state\":{{\"bookmarks\":{json}}}}}");
        ok(
            &folder,
            &["set", A, &bookmarks(r#"{"s":{"k":1},"t":{"z":1}}"#), "--force"],
        );
        ok(&folder, &["merge", A, &bookmarks(r#"{"s":{"k":2}}"#)]);
        let merged = bookmarks(r#"{"s":{"k":2},"t":{"z":1}}"#);
        assert_eq!(ok(&folder, &["get", A]), format!("{merged}\n"));
        ok(&folder, &["copy", A, "copied", "--force"]);
        ok(&folder, &["merge", "other", "--from-state-id", A]);
        folder.write("more.json", &bookmarks(r#"{"u":1.0}"#));
        ok(&folder, &["merge", "other", "--input-file", "more.json"]);
        ok(&folder, &["move", A, "moved", "--force"]);
        assert_eq!(ok(&folder, &["list"]), "copied\nmoved\nother\n");
        for id in ["copied", "moved"] {
            assert_eq!(ok(&folder, &["get", id]), format!("{merged}\n"));
        }
        assert_eq!(
            ok(&folder, &["get", "other"]),
            format!("{}\n", bookmarks(r#"{"s":{"k":2},"t":{"z":1},"u":1.0}"#))
        );
        assert_eq!(
            folder.query("select group_concat(payload_flags, '') from runs where state = 'STATE_EDIT'"),
            [["121221"]]
        );
        for (args, code, said) in [
            (&["copy", "nosuch", "x", "--force"][..], 78, "nosuch"),
            (&["move", "copied", "copied", "--force"], 64, "would be lost"),
            (&["move", "copied", "x"], 64, "--force"),
            (&["copy", "copied", "x"], 64, "--force"),
            (&["edit", "copied"], 64, "--force"),
            (&["merge", "x", "--from-state-id", "nosuch"], 78, "nosuch"),
            (
                &["merge", "x", "{}", "--from-state-id", "copied"],
                64,
                "--from-state-id",
            ),
            (&["merge", "x", "{\"a\": 1}"], 65, "singer_state"),
        ] {
            let output = state(&folder, args);
            assert_code(&output, code);
            assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
        }
        assert_eq!(ok(&folder, &["list"]), "copied\nmoved\nother\n");
    }
}

#[test]
fn all_states_go_to_another_project_with_both_their_parts() {
    let from = project(false);
    ok(&from, &["set", A, r#"{"singer_state": {"a": 1.0}}"#, "--force"]);
    ok(
        &from,
        &["merge", A, r#"{"singer_state": {"b": 12345678901234567890123}}"#],
    );
    ok(&from, &["merge", "é", r#"{"singer_state": {"c": 1}}"#]);
    let all = ok(&from, &["export"]);
    let a = r#"{"completed":{"singer_state":{"a":1.0}},"partial":{"singer_state":{"b":12345678901234567890123}}}"#;
    assert_eq!(
        all,
        format!(
            "{{\"{A}\":{a},\"\\u00e9\":{{\"completed\":{{}},\"partial\":{{\"singer_state\":{{\"c\":1}}}}}}}}\n"
        )
    );
    let to = project(true);
    to.write("all.json", &all);
    ok(&to, &["import", "all.json"]);
    assert_eq!(ok(&to, &["export"]), all);
    assert_eq!(to.query("select count(*) from runs"), [["0"]]);
    for (wrong, said) in [
        ("[]", "states by id"),
        (r#"{"x": {}, "y": 1}"#, "the state of y"),
        (r#"{"x": {"partial": 1}}"#, "the state of x"),
    ] {
        to.write("wrong.json", wrong);
        let output = state(&to, &["import", "wrong.json"]);
        assert_code(&output, 65);
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
    assert_eq!(ok(&to, &["export"]), all, "nothing of it is stored");
}

#[test]
fn a_state_is_edited_in_the_editor_of_the_user() {
    let folder = project(false);
    ok(&folder, &["set", A, r#"{"singer_state": {"a": 1}}"#, "--force"]);
    let edit = |editor: &str| {
        let mut command = folder.melisma(&["state", "edit", A, "--force"]);
        command
            .env_remove("VISUAL")
            .env("EDITOR", editor)
            .output()
            .unwrap()
    };
    assert_code(&edit("sed -i 's/\"a\": 1/\"a\": 2.0/'"), 0);
    assert_eq!(ok(&folder, &["get", A]), "{\"singer_state\":{\"a\":2.0}}\n");
    for editor in ["true", "truncate -s 0"] {
        let output = edit(editor);
        assert_code(&output, 0);
        assert!(
            stderr(&output).contains("nothing was changed"),
            "{}",
            stderr(&output)
        );
    }
    assert_eq!(folder.query("select count(*) from runs"), [["2"]]);
    assert_code(&edit("false"), 78);
    assert_code(&edit("./no-such-editor"), 78);
    let output = edit("sed -i 's/singer_state/oops/'");
    assert_code(&output, 65);
    let log = stderr(&output);
    let draft = log.trim().rsplit("your text is in ").next().unwrap();
    assert!(std::fs::read_to_string(draft).unwrap().contains("oops"), "{log}");
    let left = std::fs::read_dir(folder.join("tmp")).unwrap().count();
    assert_eq!(left, 1, "of all drafts only the refused one");
    assert_eq!(ok(&folder, &["get", A]), "{\"singer_state\":{\"a\":2.0}}\n");
}
