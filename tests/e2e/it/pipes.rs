//! Readers and writers that go away: every neighbour ends with a code that is not 0, and what is durable is emitted or
//! stored.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::harness::{
    Every, Live, Runs, children, kill, melisma, records, run, schema_line, state_line, wait_for,
};

#[test]
fn a_target_whose_reader_went_away_fails_and_its_rows_are_there() {
    for (name, target) in Every::all() {
        let target = target.with("state_interval_seconds", 0);
        let mut live = Live::start_unread(&mut target.command());
        drop(live.stdout());
        live.send([schema_line()]);
        live.send(records([1, 2]).chain([state_line(3)]));
        // Its input stays open: it must not wait for the end of it.
        let outcome = live.end();
        assert_eq!(outcome.code, Some(74), "{name}: {}", outcome.stderr);
        assert!(
            outcome.stderr.contains("cannot write STATE"),
            "{name}: {}",
            outcome.stderr
        );
        assert_eq!(target.ids(), [1, 2], "{name}");
    }
}

/// tap-csv on a file that no pipe holds.
fn big_tap(folder: &TempDir) -> Command {
    let csv = folder.path().join("s.csv");
    std::fs::write(
        &csv,
        format!("id,text\n{}", "1,xxxxxxxxxxxxxxxx\n".repeat(200_000)),
    )
    .expect("written");
    let config = json!({"files": [{"entity": "s", "path": csv, "keys": []}]});
    std::fs::write(folder.path().join("tap.json"), config.to_string()).expect("written");
    let mut command = Command::new(melisma());
    command
        .arg("tap-csv")
        .arg("--config")
        .arg(folder.path().join("tap.json"));
    command
}

#[test]
fn a_tap_whose_reader_went_away_fails() {
    let folder = TempDir::new().expect("a folder");
    let mut live = Live::start_unread(&mut big_tap(&folder));
    let mut stdout = BufReader::new(live.stdout());
    stdout.read_line(&mut String::new()).expect("a line");
    drop(stdout);
    live.end()
        .fails(74, &["cannot write to stdout: its reader went away"]);
}

#[test]
fn a_pipe_in_the_middle_hands_the_end_of_the_target_on_to_the_tap() {
    let folder = TempDir::new().expect("a folder");
    for more in [&[][..], &["--buffer", "1048576"], &["--validate"]] {
        let target = Every::all().swap_remove(0).1;
        let mut tap = big_tap(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut pipe = Command::new(melisma())
            .arg("pipe")
            .args(more)
            .stdin(tap.stdout.take().expect("piped"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut target = target
            .command()
            .stdin(pipe.stdout.take().expect("piped"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        target.kill().expect("killed");
        target.wait().expect("a child");
        let pipe = pipe.wait_with_output().expect("a child");
        let tap = tap.wait_with_output().expect("a child");
        let says = String::from_utf8_lossy(&pipe.stderr).into_owned();
        assert_eq!(pipe.status.code(), Some(69), "{more:?}: {says}");
        assert!(says.contains("cannot write to stdout"), "{says}");
        assert_eq!(
            tap.status.code(),
            Some(74),
            "{more:?}: {}",
            String::from_utf8_lossy(&tap.stderr)
        );
    }
}

#[test]
fn a_tap_that_is_killed_in_the_middle_of_a_line_leaves_what_came_before_stored() {
    let runs =
        Runs::new("row 1; row 2; state 3; printf '{\"type\":\"RECORD\",\"stream\":\"s\",\"rec'; kill -9 $$");
    let outcome = run(&mut runs.command(&["--state", "state.json"]), b"");
    let outcome = outcome.fails(
        1,
        &[
            "Extractor and loader failed",
            "killed by signal 9",
            "exit code 65",
        ],
    );
    assert_eq!(
        (runs.read("state.json").as_str(), runs.rows()),
        ("3\n", 2),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_tap_that_dies_is_told_with_its_exit_code() {
    let runs = Runs::new("row 1; row 2; state 3; row 3; exit 41");
    let outcome = run(&mut runs.command(&["--state", "state.json"]), b"");
    outcome.fails(
        1,
        &["Extractor failed (exit code 41)", "the last one is stored in"],
    );
    assert_eq!((runs.read("state.json").as_str(), runs.rows()), ("3\n", 3));
    assert_eq!(run(&mut runs.command(&[]), b"").code, Some(1));
    let rows = runs.query("select state, payload from runs");
    assert_eq!(
        rows,
        [["FAIL", r#"{"singer_state": 3, "error": "Extractor failed"}"#]]
    );
}

#[test]
fn a_target_that_is_killed_ends_the_tap_and_no_state_is_ahead() {
    let runs = Runs::new("id=1; while :; do row $id; id=$((id + 1)); state $id; done");
    let live = Live::start(&mut runs.command(&["--state", "state.json"]));
    wait_for("a state", || runs.path("state.json").exists().then_some(()));
    let is_target = |pid: &u32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains("target-jsonl")
    };
    let target = children(live.id()).into_iter().find(is_target).expect("it runs");
    kill("KILL", &target.to_string());
    let outcome = live.end().fails(1, &["Loader failed (killed by signal 9)"]);
    let stored: usize = runs.read("state.json").trim().parse().expect("a number");
    assert!(
        stored <= runs.rows() + 1,
        "STATE {stored}, {} rows: {}",
        runs.rows(),
        outcome.stderr
    );
    // The next run cuts what was not committed and goes on.
    std::fs::write(runs.path("tap.sh"), "echo '{\"type\":\"STATE\",\"value\":9}'").expect("written");
    run(&mut runs.command(&["--state", "state.json"]), b"").ok();
    assert_eq!(runs.read("state.json"), "9\n");
}
