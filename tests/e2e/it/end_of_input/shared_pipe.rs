//! A built-in tap and a built-in target on one pipe: no record passes through the runner, but its word does.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::{gone, replacing, runner};
use crate::harness::{Every, Live, kill, process, run};

const TAP: &str = "tap-csv --config tap.json";
/// More than fits into the pipe and the target's memory for lines that wait.
const MANY: u64 = 400_000;

/// A folder where tap-csv reads `s.csv`.
fn folder() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let files = json!([{"entity": "s", "path": folder.path().join("s.csv"), "keys": ["id"]}]);
    let tap = json!({"infer_types": true, "files": files});
    std::fs::write(folder.path().join("tap.json"), tap.to_string()).expect("written");
    rows(folder.path(), 0..6, "");
    folder
}

/// Makes the file anew, with something after its rows.
fn rows(folder: &Path, ids: std::ops::Range<u64>, more: &str) {
    let mut csv = "id,text\n".to_owned();
    for id in ids {
        // As the harness has it for a row whose number is a multiple of 7.
        let _ = writeln!(csv, "{},row {} ", id * 7, id * 7);
    }
    std::fs::write(folder.join("s.csv"), csv + more).expect("written");
}

#[track_caller]
fn nothing_has_changed(target: &Every, case: &str) {
    assert_eq!(target.ids(), [0, 7, 14, 21, 28, 35], "{case}");
}

/// A run that is stuck in its middle: the target is stopped, and the tap waits for it.
fn stuck(folder: &Path, name: &str, target: &Every) -> (Live, u32, u32) {
    let mut command = runner(folder, TAP, target);
    command.arg("--force");
    let live = Live::start(&mut command);
    let (tap, target) = (process(&live, "tap-csv"), process(&live, name));
    kill("STOP", &target.to_string());
    (live, tap, target)
}

#[test]
fn a_bad_row_in_the_source_leaves_what_was_there() {
    for (name, target) in replacing() {
        let folder = folder();
        let folder = folder.path();
        run(&mut runner(folder, TAP, &target), b"").ok();
        nothing_has_changed(&target, name);
        rows(folder, 10..20, "x,y,surplus\n");
        run(&mut runner(folder, TAP, &target), b"")
            .fails(65, &["Extractor failed (exit code 65)", "nothing is replaced"]);
        nothing_has_changed(&target, name);
        rows(folder, 10..12, "");
        run(&mut runner(folder, TAP, &target), b"").ok();
        assert_eq!(target.ids(), [70, 77], "{name}");
    }
}

#[test]
fn a_tap_or_a_runner_that_is_killed_or_interrupted_leaves_what_was_there() {
    for (name, target) in replacing() {
        let folder = folder();
        let folder = folder.path();
        run(&mut runner(folder, TAP, &target), b"").ok();
        rows(folder, 10..MANY, "");
        for how in ["tap", "runner", "tap, then runner", "INT", "TERM"] {
            let case = format!("{name}, {how}");
            let (live, tap, target_id) = stuck(folder, name, &target);
            let go_on = || kill("CONT", &target_id.to_string());
            match how {
                "tap" => {
                    kill("KILL", &tap.to_string());
                    go_on();
                    live.end().fails(1, &["Extractor", "killed by signal 9"]);
                }
                "runner" | "tap, then runner" => {
                    if how != "runner" {
                        kill("KILL", &tap.to_string());
                    }
                    live.signal("KILL");
                    go_on();
                    drop(live);
                    gone(tap);
                    gone(target_id);
                }
                signal => {
                    live.signal(signal);
                    go_on();
                    let code = if signal == "INT" { 130 } else { 143 };
                    live.end().fails(code, &["nothing is replaced"]);
                }
            }
            nothing_has_changed(&target, &case);
        }
    }
}
