//! The state between runs: database and file.

use serde_json::json;

use crate::support::{Folder, assert_code, stderr};

const TAP: &str = r#"{"steps": ["records:1", "state:{\"n\": 1.0, \"b\":\"\\u00e9\"}"]}"#;

#[test]
fn a_state_comes_back_to_the_tap_byte_for_byte() {
    let folder = Folder::new();
    assert_code(&folder.run(TAP, "{}", &[]), 0);
    assert_code(&folder.run(TAP, "{}", &[]), 0);
    assert_eq!(
        folder.notes("tap.state"),
        [json!(null), json!({"n": 1.0, "b": "é"})]
    );
    assert_eq!(
        folder.query(
            "select state_id like 'tap-to-target-________', completed_state, partial_state from state"
        ),
        [["1", r#"{"singer_state": {"n": 1.0, "b":"\u00e9"}}"#, "{}"]]
    );
    folder.assert_clean();
}

#[test]
fn the_database_is_one_that_meltano_reads() {
    let folder = Folder::new();
    assert_code(
        &folder.run(TAP, "{}", &["--state-id", "dev:tap-a-to-target-b"]),
        0,
    );
    assert_eq!(
        folder.query("select version_num from alembic_version"),
        [["6828cc5b1a4f"]]
    );
    assert_eq!(folder.query("pragma journal_mode"), [["wal"]]);
    let rows = folder.query(
        "select job_name, state, payload_flags, length(run_id), \"trigger\",
                started_at glob '????-??-?? ??:??:??.??????', ended_at glob '????-??-?? ??:??:??.??????',
                last_heartbeat_at glob '????-??-?? ??:??:??.??????' from runs",
    );
    assert_eq!(
        rows,
        [[
            "dev:tap-a-to-target-b",
            "SUCCESS",
            "1",
            "32",
            "cli",
            "1",
            "1",
            "1"
        ]]
    );
    assert_eq!(
        folder.query("select payload from runs")[0],
        folder.query("select completed_state from state")[0]
    );
    assert_eq!(folder.query("select count(*) from plugin_settings"), [["0"]]);
}

#[test]
fn a_full_refresh_passes_no_state_and_stores_a_partial_one() {
    let folder = Folder::new();
    let tap = |state: &str| json!({"steps": ["records:1", format!("state:{state}")]}).to_string();
    let old = r#"{"bookmarks":{"s":{"k":1},"t":{"z":1}}}"#;
    assert_code(&folder.run(&tap(old), "{}", &[]), 0);
    assert_code(
        &folder.run(&tap(r#"{"bookmarks":{"s":{"k":2}}}"#), "{}", &["--full-refresh"]),
        0,
    );
    assert_eq!(
        folder.query("select completed_state, partial_state from state"),
        [[
            r#"{"singer_state": {"bookmarks":{"s":{"k":1},"t":{"z":1}}}}"#,
            r#"{"singer_state": {"bookmarks":{"s":{"k":2}}}}"#
        ]]
    );
    assert_eq!(folder.query("select payload_flags from runs"), [["1"], ["2"]]);
    assert_code(&folder.run(TAP, "{}", &[]), 0);
    let started = folder.notes("tap.state");
    assert_eq!(started[1], json!(null));
    assert_eq!(started[2], json!({"bookmarks": {"s": {"k": 2}, "t": {"z": 1}}}));
}

#[test]
fn an_empty_state_and_noise_do_not_replace_a_state() {
    let folder = Folder::new();
    assert_code(&folder.run(TAP, r#"{"say": ["{}", "oops", "null"]}"#, &[]), 0);
    assert_eq!(
        folder.query("select completed_state from state"),
        [[r#"{"singer_state": {"n": 1.0, "b":"\u00e9"}}"#]]
    );
}

#[test]
fn without_state_update_nothing_is_read_or_written() {
    let folder = Folder::new();
    assert_code(&folder.run(TAP, "{}", &["--no-state-update"]), 0);
    assert!(!folder.join(".meltano").exists());
}

#[test]
fn a_state_file_is_the_bare_state_and_is_replaced_as_a_whole() {
    let folder = Folder::new();
    let more = ["--state", "state.json"];
    assert_code(&folder.run(TAP, "{}", &more), 0);
    assert_eq!(folder.read("state.json"), "{\"n\": 1.0, \"b\":\"\\u00e9\"}\n");
    assert_code(&folder.run(TAP, "{}", &more), 0);
    assert_eq!(folder.notes("tap.state")[1], json!({"n": 1.0, "b": "é"}));
    assert!(!folder.join(".meltano").exists());
    let left = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains(".tmp"));
    assert_eq!(left.count(), 0);
}

#[test]
fn a_second_run_of_the_same_state_is_refused_while_the_first_one_lives() {
    let folder = Folder::new();
    assert_code(&folder.run(TAP, "{}", &[]), 0);
    insert_running(&folder, "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-7 seconds')");
    let output = folder.run(TAP, "{}", &[]);
    assert_code(&output, 75);
    let log = stderr(&output);
    assert!(
        log.contains("deadbeef") && log.contains("ago") && log.contains("--force"),
        "{log}"
    );
    assert_code(&folder.run(TAP, "{}", &["--force"]), 0);
    assert_code(&folder.run(TAP, "{}", &["--state-id", "another"]), 0);
    folder.assert_clean();
}

#[test]
fn a_dead_run_is_marked_as_failed() {
    let folder = Folder::new();
    assert_code(&folder.run(TAP, "{}", &[]), 0);
    insert_running(&folder, "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-6 minutes')");
    assert_code(&folder.run(TAP, "{}", &[]), 0);
    let rows = folder.query("select state, payload, ended_at is null from runs where run_id = 'deadbeef'");
    assert_eq!(rows[0][0], "FAIL");
    assert!(
        rows[0][1].contains("No heartbeat recorded for 5 minutes"),
        "{rows:?}"
    );
    assert_eq!(rows[0][2], "0");
}

fn insert_running(folder: &Folder, heartbeat: &str) {
    let sql = format!(
        "insert into runs (job_name, state, started_at, payload, payload_flags, run_id, last_heartbeat_at)
         values ((select state_id from state), 'RUNNING', {heartbeat}, '{{}}', 0, 'deadbeef', {heartbeat})"
    );
    folder.query(&sql);
}
