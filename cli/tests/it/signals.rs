//! SIGINT and SIGTERM: the target finishes, its state is kept, nothing is left.

use std::process::Stdio;

use crate::support::{Folder, assert_code, signal, stderr};

const SLEEPY: &str = r#"{"steps": ["records:10", "state:{\"n\":10}", "touch:ready", "sleep:600"]}"#;

fn interrupted(name: &str, code: i32, error: &str) {
    let folder = Folder::new();
    let child = folder
        .run_command(SLEEPY, "{}", &[])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    folder.wait_for("ready");
    signal(&child, name);
    let output = child.wait_with_output().unwrap();
    assert_code(&output, code);
    assert_eq!(folder.read("out").lines().count(), 10);
    assert_eq!(
        folder.query("select completed_state from state"),
        [[r#"{"singer_state": {"n":10}}"#]]
    );
    let rows = folder.query("select state, payload from runs");
    assert_eq!(rows[0][0], "FAIL");
    assert!(rows[0][1].contains(error), "{rows:?}");
    folder.assert_clean();
}

#[test]
fn sigterm_lets_the_target_finish() {
    interrupted("TERM", 143, "The process was terminated");
}

#[test]
fn sigint_lets_the_target_finish() {
    interrupted("INT", 130, "The process was interrupted");
}

#[test]
fn a_second_signal_kills_what_does_not_end() {
    let folder = Folder::new();
    let child = folder
        .run_command(SLEEPY, r#"{"linger": 600}"#, &[])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    folder.wait_for("ready");
    signal(&child, "TERM");
    // Two signals at once count as one; the second must come as one of its own.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    assert_code(&output, 143);
    assert!(
        stderr(&output).contains("all processes are killed"),
        "{}",
        stderr(&output)
    );
    folder.assert_clean();
}
