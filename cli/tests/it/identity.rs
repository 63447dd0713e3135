//! Whose state it is: a pipeline never gets that of another.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Folder, assert_code, stderr};

/// A tap of rows 1 to 3 of its stream, which goes on from its state.
const COUNTING: &str = r#"
import json, sys
if "--discover" in sys.argv: sys.exit(1)
n = json.load(open(sys.argv[sys.argv.index("--state") + 1]))["n"] if "--state" in sys.argv else 0
print(json.dumps({"type": "SCHEMA", "stream": "s", "schema": {"properties": {"v": {"type": "integer"}}}, "key_properties": []}))
for i in range(n + 1, n + 4):
    print(json.dumps({"type": "RECORD", "stream": "s", "record": {"v": i}}))
print(json.dumps({"type": "STATE", "value": {"n": n + 3}}))
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    for x in ["a", "b"] {
        folder.write(&format!("tap_{x}.py"), COUNTING);
        folder.write(
            &format!("{x}.json"),
            &json!({"destination_path": format!("out_{x}")}).to_string(),
        );
    }
    folder
}

fn run(folder: &Folder, tap: &str, target: &str, more: &[&str]) -> Output {
    let args = [&["run"], more, &[tap, target]].concat();
    folder.melisma(&args).output().unwrap()
}

/// The rows that are there, by their numbers.
fn rows(folder: &Folder, out: &str) -> Vec<u64> {
    let text = std::fs::read_to_string(folder.join(out).join("s.jsonl")).unwrap_or_default();
    text.lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["v"]
                .as_u64()
                .unwrap()
        })
        .collect()
}

#[test]
fn command_lines_that_differ_in_a_word_have_states_of_their_own() {
    let folder = folder();
    folder.write("tap-a.sh", "exec python3 tap_a.py \"$@\"");
    for (at, (tap, target)) in [
        ("python3 tap_a.py", "target-jsonl --config a.json"),
        ("python3 tap_b.py", "target-jsonl --config a.json"),
        ("python3 tap_a.py", "target-jsonl --config b.json"),
        ("python3 tap_a.py --other x", "target-jsonl --config a.json"),
        ("env X=1 python3 tap_a.py", "target-jsonl --config a.json"),
        ("env X=2 python3 tap_a.py", "target-jsonl --config a.json"),
        (
            "bash -c 'exec python3 tap_a.py \"$@\"'",
            "target-jsonl --config a.json",
        ),
        (
            "bash -c 'exec python3 tap_b.py \"$@\"'",
            "target-jsonl --config a.json",
        ),
        ("sh tap-a.sh", "target-jsonl --config a.json"),
    ]
    .into_iter()
    .enumerate()
    {
        for from in [0, 3] {
            let _ = std::fs::remove_dir_all(folder.join("out_a"));
            let _ = std::fs::remove_dir_all(folder.join("out_b"));
            let output = run(&folder, tap, target, &[]);
            assert_code(&output, 0);
            let out = if target.contains("a.json") {
                "out_a"
            } else {
                "out_b"
            };
            assert_eq!(
                rows(&folder, out),
                [from + 1, from + 2, from + 3],
                "{tap} into {target}"
            );
        }
        assert_eq!(
            folder.query("select count(*) from state"),
            [[(at + 1).to_string()]],
            "{tap}"
        );
    }
    folder.assert_clean();
}

#[test]
fn a_config_that_is_edited_and_another_way_to_write_the_same_keep_the_state() {
    let folder = folder();
    let here = folder.path().canonicalize().unwrap();
    for (tap, target) in [
        ("python3 tap_a.py", "target-jsonl --config a.json".to_owned()),
        (
            "python3  tap_a.py",
            format!("target-jsonl --config={}/a.json", here.display()),
        ),
        ("python3 ./tap_a.py", "target-jsonl --config ./a.json".to_owned()),
    ] {
        assert_code(&run(&folder, tap, &target, &[]), 0);
        folder.write(
            "a.json",
            r#"{"destination_path": "out_a", "validate_records": false}"#,
        );
    }
    assert_eq!(rows(&folder, "out_a"), (1..=9).collect::<Vec<_>>());
    assert_eq!(folder.query("select count(*) from state"), [["1"]]);
}

#[test]
fn an_option_of_the_interpreter_is_not_the_taps() {
    for (tap, name) in [
        ("python3 -s tap_a.py", "tap_a"),
        ("env -i PATH=/usr/bin:/bin python3 -s tap_a.py", "tap_a"),
        ("bash -c 'exec python3 tap_a.py \"$@\"'", "bash"),
        ("nice -n 1 python3 -s -u tap_a.py", "tap_a"),
    ] {
        let folder = folder();
        for more in [&["--state", "s.json"][..], &[]] {
            for _ in 0..2 {
                let output = run(&folder, tap, "target-jsonl --config a.json", more);
                assert_code(&output, 0);
                assert!(
                    stderr(&output).contains(&format!("{name} into target-jsonl")),
                    "{}",
                    stderr(&output)
                );
            }
        }
        assert_eq!(folder.read("s.json"), "{\"n\": 6}\n", "{tap}");
        assert_eq!(
            rows(&folder, "out_a"),
            [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6],
            "{tap}"
        );
    }
}

#[test]
fn a_tap_that_can_not_get_the_state_or_has_one_of_its_own_is_told() {
    let folder = folder();
    folder.write("own.json", r#"{"n": 40}"#);
    for (tap, says, first) in [
        ("bash -c 'python3 tap_a.py'", "does not pass its arguments on", 1),
        (
            "python3 tap_a.py --state own.json",
            "does not get the stored one",
            41,
        ),
    ] {
        for _ in 0..2 {
            let _ = std::fs::remove_dir_all(folder.join("out_a"));
            let output = run(&folder, tap, "target-jsonl --config a.json", &[]);
            assert_code(&output, 0);
            let log = stderr(&output);
            assert!(log.contains(says) && !log.contains("resumes from"), "{log}");
            assert_eq!(rows(&folder, "out_a"), [first, first + 1, first + 2]);
        }
    }
}

/// By an id that was asked for, and by a file.
#[test]
fn a_state_of_another_pipeline_is_refused_and_stays() {
    for store in [&["--state-id", "nightly"][..], &["--state", "s.json"]] {
        let folder = folder();
        let target = "target-jsonl --config b.json";
        assert_code(
            &run(&folder, "python3 tap_a.py", "target-jsonl --config a.json", store),
            0,
        );
        let others = [
            ("python3 tap_b.py", target),
            ("python3 tap_a.py", "python3 target.py"),
        ];
        for (tap, target) in others {
            let output = run(&folder, tap, target, store);
            assert_code(&output, 78);
            let log = stderr(&output);
            for word in ["tap_a into target-jsonl", "--full-refresh", "--adopt-state"] {
                assert!(log.contains(word), "{word}: {log}");
            }
            assert!(
                !folder.join("out_b").exists() && !folder.join("out").exists(),
                "nothing was started"
            );
            folder.assert_clean();
        }
        // The pipeline itself goes on, with another config too: the state was asked for by its name.
        let output = run(
            &folder,
            "python3 tap_a.py --more",
            "target-jsonl --config a.json",
            store,
        );
        assert_code(&output, 0);
        assert!(
            stderr(&output).contains("other command lines of the same names"),
            "{}",
            stderr(&output)
        );
        assert_eq!(rows(&folder, "out_a"), [1, 2, 3, 4, 5, 6]);
        let adopt = [store, &["--adopt-state"]].concat();
        assert_code(&run(&folder, "python3 tap_b.py", target, &adopt), 0);
        assert_eq!(rows(&folder, "out_b"), [7, 8, 9]);
        // It is the second one's now.
        assert_code(&run(&folder, "python3 tap_b.py", target, store), 0);
        assert_eq!(rows(&folder, "out_b"), [7, 8, 9, 10, 11, 12]);
        assert_code(
            &run(&folder, "python3 tap_a.py", "target-jsonl --config a.json", store),
            78,
        );
    }
}

#[test]
fn a_full_refresh_leaves_nothing_of_another_pipelines_state() {
    for (store, stored) in [
        (
            &["--state-id", "nightly"][..],
            "select completed_state, partial_state from state",
        ),
        (&["--state", "s.json"], ""),
    ] {
        let folder = Folder::new();
        folder.write("other.py", crate::support::TAP);
        let tap = |state: &str| json!({"steps": [format!("state:{state}")]}).to_string();
        let old = r#"{"bookmarks":{"s":{"k":1},"t":{"z":1}}}"#;
        assert_code(&folder.run(&tap(old), "{}", store), 0);
        folder.write("tap.json", &tap(r#"{"bookmarks":{"s":{"k":2}}}"#));
        let refresh = [store, &["--full-refresh"]].concat();
        let output = run(
            &folder,
            "python3 other.py --config tap.json",
            "python3 target.py",
            &refresh,
        );
        assert_code(&output, 0);
        if stored.is_empty() {
            assert_eq!(folder.read("s.json"), "{\"bookmarks\":{\"s\":{\"k\":2}}}\n");
        } else {
            assert_eq!(
                folder.query(stored),
                [[r#"{"singer_state": {"bookmarks":{"s":{"k":2}}}}"#, "{}"]]
            );
        }
    }
}

/// Older versions had one id for `python3 tap_a.py` and `python3 tap_b.py`.
#[test]
fn the_state_of_an_older_version_is_asked_about_and_not_guessed() {
    let old = |folder: &Folder| {
        assert_code(
            &run(
                folder,
                "python3 tap_a.py",
                "target-jsonl --config a.json",
                &["--state-id", "x"],
            ),
            0,
        );
        folder.query("update state set state_id = 'python3-to-target-jsonl'");
        folder.query("delete from melisma_pipelines");
    };
    let both = |folder: &Folder, more: &[&str]| {
        run(folder, "python3 tap_a.py", "target-jsonl --config a.json", more)
    };
    let folder = folder();
    old(&folder);
    let output = both(&folder, &[]);
    assert_code(&output, 78);
    for word in ["python3-to-target-jsonl", "--adopt-state", "--full-refresh"] {
        assert!(stderr(&output).contains(word), "{}", stderr(&output));
    }
    assert_eq!(rows(&folder, "out_a"), [1, 2, 3]);
    assert_code(&both(&folder, &["--adopt-state"]), 0);
    assert_code(&both(&folder, &[]), 0);
    assert_eq!(rows(&folder, "out_a"), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    // It has found its pipeline: another one begins with nothing.
    assert_code(
        &run(&folder, "python3 tap_b.py", "target-jsonl --config b.json", &[]),
        0,
    );
    assert_eq!(rows(&folder, "out_b"), [1, 2, 3]);

    let folder = self::folder();
    old(&folder);
    assert_code(&both(&folder, &["--full-refresh"]), 0);
    assert_code(&both(&folder, &[]), 0);
    assert_eq!(rows(&folder, "out_a"), [1, 2, 3, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_second_pipeline_of_the_same_names_is_told_of_the_first() {
    let folder = folder();
    assert_code(
        &run(&folder, "python3 tap_a.py", "target-jsonl --config a.json", &[]),
        0,
    );
    let id = folder.query("select state_id from state")[0][0].clone();
    let output = run(&folder, "python3 tap_a.py x", "target-jsonl --config b.json", &[]);
    assert_code(&output, 0);
    assert!(stderr(&output).contains(&id), "{}", stderr(&output));
    assert_eq!(rows(&folder, "out_b"), [1, 2, 3]);
}

/// A folder for the system's files that several working folders share.
#[test]
fn the_same_words_in_another_folder_are_another_pipeline() {
    let (one, two) = (folder(), folder());
    for folder in [&one, &two, &one] {
        let output = folder
            .melisma(&["run", "python3 tap_a.py", "target-jsonl --config a.json"])
            .env("MELTANO_SYS_DIR_ROOT", one.join("system"))
            .output()
            .unwrap();
        assert_code(&output, 0);
    }
    assert_eq!(rows(&one, "out_a"), [1, 2, 3, 4, 5, 6]);
    assert_eq!(rows(&two, "out_a"), [1, 2, 3]);
}
