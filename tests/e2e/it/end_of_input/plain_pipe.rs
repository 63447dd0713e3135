//! A pipe of the shell, or another runner: nobody says how the tap ended, so the messages must show it.

use std::process::{Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use super::{replacing, whole};
use crate::harness::{Every, Outcome, melisma, record, records, run, schema, schema_line, state, state_line};

fn feed(target: &Every, lines: &[String]) -> Outcome {
    let mut text = lines.join("\n");
    text.push('\n');
    run(&mut target.command(), text.as_bytes())
}

/// A SCHEMA of another stream, and a RECORD of it.
fn other() -> [String; 2] {
    let schema = schema("other", &json!({"id": {"type": "integer"}}), &[]);
    [schema, record("other", r#"{"id":1}"#)]
}

/// Nothing can have died at the other end of a file while it was read. With a STATE in it the rule is that of a pipe.
#[test]
fn a_file_without_any_state_is_taken_as_it_is() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("in.singer");
    let write = |lines: &[String]| std::fs::write(&path, lines.join("\n") + "\n").expect("written");
    for (name, target) in replacing() {
        run(&mut target.command(), whole(0..4).as_bytes()).ok();
        let rows = |ids| [schema_line()].into_iter().chain(records(ids));
        write(
            &rows(10..13)
                .chain([state_line(12)])
                .chain(records(13..14))
                .collect::<Vec<_>>(),
        );
        let stdin = || Stdio::from(std::fs::File::open(&path).expect("there"));
        let code = |command: &mut Command| command.status().expect("runs").code();
        assert_eq!(code(target.command().stdin(stdin())), Some(65), "{name}");
        assert_eq!(target.ids(), [0, 1, 2, 3], "{name}");
        write(&rows(20..22).collect::<Vec<_>>());
        assert_eq!(code(target.command().stdin(stdin())), Some(0), "{name}");
        assert_eq!(target.ids(), [20, 21], "{name}");
        write(&rows(30..32).collect::<Vec<_>>());
        let mut command = target.command();
        command.arg("--input").arg(&path).stdin(Stdio::null());
        assert_eq!(code(&mut command), Some(0), "{name}");
        assert_eq!(target.ids(), [30, 31], "{name}");
    }
}

#[test]
fn only_an_input_that_ends_in_a_state_replaces_what_is_there() {
    for (name, target) in replacing() {
        run(&mut target.command(), whole(0..4).as_bytes()).ok();
        let rows = || [schema_line()].into_iter().chain(records(10..13));
        let [other_schema, other_record] = other();
        let cut: [Vec<String>; 6] = [
            vec![schema_line()],
            rows().collect(),
            rows().chain([state_line(12)]).chain(records(13..14)).collect(),
            [state_line(12)].into_iter().chain(rows()).collect(),
            // The first stream is whole, the second was begun.
            rows().chain([state_line(13), other_schema.clone()]).collect(),
            rows()
                .chain([state_line(13), other_schema, other_record])
                .collect(),
        ];
        for lines in &cut {
            let outcome = feed(&target, lines).fails(65, &["expected a STATE", "require_final_state"]);
            assert!(outcome.states().is_empty(), "{name}: {lines:?}");
            assert_eq!(target.ids(), [0, 1, 2, 3], "{name}: {lines:?}");
        }
        let good: Vec<String> = rows().chain([state_line(13)]).collect();
        assert_eq!(feed(&target, &good).ok().states(), ["13"], "{name}");
        assert_eq!(target.ids(), [10, 11, 12], "{name}");
    }
}

#[test]
fn a_state_of_an_unfinished_read_replaces_nothing() {
    for (name, target) in replacing() {
        run(&mut target.command(), whole(0..4).as_bytes()).ok();
        for unfinished in [
            r#"{"bookmarks":{"s":{"at":1}},"currently_syncing":"s"}"#,
            r#"{"bookmarks":{"s":{"progress_markers":{"Note":"x"}}}}"#,
            r#"{"bookmarks":{"s":{"full_table":{"parts":[]}}}}"#,
            r#"{"bookmarks":{"s":{"xmin":731}}}"#,
            r#"{"bookmarks":{"s":{"last_pk_fetched":{"id":2}}}}"#,
        ] {
            let lines: Vec<String> = [schema_line()]
                .into_iter()
                .chain(records(10..13))
                .chain([state(unfinished)])
                .collect();
            let outcome = feed(&target, &lines).fails(65, &["unfinished read"]);
            assert!(outcome.states().is_empty(), "{name}: {unfinished}");
            assert_eq!(target.ids(), [0, 1, 2, 3], "{name}: {unfinished}");
        }
    }
}

#[test]
fn a_line_that_was_torn_is_no_end_though_invalid_lines_are_skipped() {
    for (name, target) in replacing() {
        let target = target.with("invalid_line", "warn");
        run(&mut target.command(), whole(0..4).as_bytes()).ok();
        let torn = whole(10..13) + r#"{"type":"RECORD","stream":"s","rec"#;
        run(&mut target.command(), torn.as_bytes()).fails(65, &["require_final_state"]);
        assert_eq!(target.ids(), [0, 1, 2, 3], "{name}");
        let noise = whole(10..13) + "done\n";
        run(&mut target.command(), noise.as_bytes()).ok();
        assert_eq!(target.ids(), [10, 11, 12], "{name}");
    }
}

#[test]
fn without_the_rule_the_end_of_the_input_is_enough() {
    for (name, target) in replacing() {
        let target = target.with("require_final_state", false);
        let rows = |ids| -> Vec<String> { [schema_line()].into_iter().chain(records(ids)).collect() };
        feed(&target, &rows(0..4)).ok();
        feed(&target, &rows(7..9)).ok();
        assert_eq!(target.ids(), [7, 8], "{name}");
    }
}

#[test]
fn an_empty_input_replaces_nothing_and_a_stream_without_rows_empties_its_own() {
    for (name, target) in replacing() {
        run(&mut target.command(), whole(0..4).as_bytes()).ok();
        for nothing in [String::new(), "\n".into(), state_line(7) + "\n"] {
            run(&mut target.command(), nothing.as_bytes()).ok();
            assert_eq!(target.ids(), [0, 1, 2, 3], "{name}: {nothing:?}");
        }
        // Another stream alone: the first was not reached.
        let [other_schema, other_record] = other();
        feed(&target, &[other_schema, other_record, state_line(1)]).ok();
        assert_eq!(target.ids(), [0, 1, 2, 3], "{name}");
        feed(&target, &[schema_line(), state_line(0)]).ok();
        assert_eq!(target.ids(), Vec::<u64>::new(), "{name}");
    }
}

/// What a target that only adds does with an input that was cut: the rows stay, and so does the STATE.
#[test]
fn a_target_that_adds_keeps_what_came() {
    for (name, target) in Every::all() {
        let lines: Vec<String> = [schema_line()]
            .into_iter()
            .chain(records(0..2))
            .chain([state_line(2)])
            .chain(records(2..3))
            .collect();
        assert_eq!(feed(&target, &lines).ok().states(), ["2"], "{name}");
        assert_eq!(target.ids(), [0, 1, 2], "{name}");
    }
}

#[test]
fn our_taps_end_in_such_a_state_and_their_failures_do_not() {
    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let file =
        |entity: &str| json!({"entity": entity, "path": path(&format!("{entity}.csv")), "keys": ["id"]});
    for incremental in [false, true] {
        let tap = json!({"infer_types": true, "incremental": incremental, "files": [file("empty"), file("s"), file("t")]});
        std::fs::write(path("tap.json"), tap.to_string()).expect("written");
        std::fs::write(path("empty.csv"), "id,text\n").expect("written");
        for (name, target) in replacing() {
            run(&mut target.command(), whole(0..4).as_bytes()).ok();
            std::fs::write(path("s.csv"), "id,text\n7,row 7 \n14,row 14 \n").expect("written");
            for bad in ["id,text\n1,x,surplus\n", "id,text\n1,x\n2,x,surplus\n"] {
                std::fs::write(path("t.csv"), bad).expect("written");
                let (tap, target_outcome) = pipe(&path("tap.json"), &target);
                assert_eq!(tap, Some(65));
                target_outcome.fails(65, &["nothing is replaced"]);
                assert_eq!(target.ids(), [0, 1, 2, 3], "{name}");
            }
            std::fs::write(path("t.csv"), "id,text\n").expect("written");
            let (tap, target_outcome) = pipe(&path("tap.json"), &target);
            assert_eq!(tap, Some(0));
            target_outcome.ok();
            assert_eq!(target.ids(), [7, 14], "{name}");
        }
    }
}

/// `tap-csv | target`: the tap's exit code, and the target's end.
fn pipe(tap: &std::path::Path, target: &Every) -> (Option<i32>, Outcome) {
    let mut tap = Command::new(melisma())
        .arg("tap-csv")
        .arg("--config")
        .arg(tap)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let output = target
        .command()
        .stdin(tap.stdout.take().expect("piped"))
        .output()
        .expect("starts");
    let outcome = Outcome {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    (tap.wait().expect("a child").code(), outcome)
}
