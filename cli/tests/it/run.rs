//! Runs of two command lines: what arrives, and what happens when a side fails.

use crate::support::{Folder, assert_code, stderr};

#[test]
fn moves_every_record_and_says_how_many() {
    let folder = Folder::new();
    let output = folder.run(r#"{"steps": ["records:5000", "state:{\"n\":1}"]}"#, "{}", &[]);
    assert_code(&output, 0);
    assert_eq!(folder.read("out").lines().count(), 5000);
    let log = stderr(&output);
    assert!(
        log.contains("s: 5,000 records") && log.contains("run completed"),
        "{log}"
    );
    assert!(output.stdout.is_empty());
    folder.assert_clean();
}

#[test]
fn a_target_that_dies_first_ends_an_endless_tap() {
    let folder = Folder::new();
    let output = folder.run(
        r#"{"steps": ["forever"]}"#,
        r#"{"fail_after": 10, "code": 3}"#,
        &[],
    );
    assert_code(&output, 1);
    let log = stderr(&output);
    assert!(
        log.contains("Loader failed (exit code 3)") && !log.contains("Extractor"),
        "{log}"
    );
    assert_eq!(
        folder.query("select state, payload, payload_flags from runs"),
        [["FAIL", "{\"error\": \"Loader failed\"}", "0"]]
    );
    assert!(folder.query("select * from state").is_empty());
    folder.assert_clean();
}

#[test]
fn a_tap_that_dies_first_lets_the_target_finish_and_keeps_its_state() {
    let folder = Folder::new();
    let steps = r#"{"steps": ["records:10", "state:{\"n\":10}", "records:5", "exit:4"]}"#;
    let output = folder.run(steps, "{}", &[]);
    assert_code(&output, 1);
    assert!(
        stderr(&output).contains("Extractor failed (exit code 4)"),
        "{}",
        stderr(&output)
    );
    assert_eq!(folder.read("out").lines().count(), 15);
    assert_eq!(
        folder.query(
            "select state_id like 'tap-to-target-________', completed_state, partial_state from state"
        ),
        [["1", r#"{"singer_state": {"n":10}}"#, "{}"]]
    );
    assert_eq!(
        folder.query("select state, payload, payload_flags from runs"),
        [[
            "FAIL",
            r#"{"singer_state": {"n":10}, "error": "Extractor failed"}"#,
            "1"
        ]]
    );
    folder.assert_clean();
}

#[test]
fn both_can_fail() {
    let folder = Folder::new();
    let output = folder.run(r#"{"steps": ["exit:2"]}"#, r#"{"end": 5}"#, &[]);
    assert_code(&output, 1);
    assert!(
        stderr(&output).contains("Extractor and loader failed (exit code 2 and exit code 5)"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_lines_of_both_sides_are_told_under_their_names_and_levels() {
    let folder = Folder::new();
    let line = r#"{\"level\": \"ERROR\", \"pid\": 1, \"logger_name\": \"l\", \"ts\": 1, \"thread_name\": \"t\", \"app_name\": \"a\", \"message\": \"structured\"}"#;
    let output = folder.run(
        &format!(r#"{{"steps": ["stderr:plain", "stderr:{line}"]}}"#),
        "{}",
        &[],
    );
    let log = stderr(&output);
    assert!(log.contains("[info     ] tap          plain\n"), "{log}");
    assert!(log.contains("[error    ] tap          structured\n"), "{log}");
}

#[test]
fn a_program_that_is_not_there_is_named_with_a_suggestion() {
    let folder = Folder::new();
    let output = folder
        .melisma(&["run", "python3 tap.py", "no-such-target --config x"])
        .output()
        .unwrap();
    assert_code(&output, 64);
    assert!(stderr(&output).contains("no-such-target"), "{}", stderr(&output));
    folder.assert_clean();
}

#[test]
fn a_tap_that_can_discover_gets_its_catalog_with_everything_selected() {
    let folder = Folder::new();
    let catalog = r#"{"streams": [{"tap_stream_id": "s", "schema": {"properties": {"i": {}}}, "metadata": [
        {"breadcrumb": [], "metadata": {"selected-by-default": false}}]}]}"#;
    let output = folder.run(&format!(r#"{{"catalog": {catalog}}}"#), "{}", &[]);
    assert_code(&output, 0);
    let catalog = &folder.notes("tap.catalog")[0];
    assert_eq!(catalog["streams"][0]["metadata"][0]["metadata"]["selected"], true);
    assert_eq!(folder.notes("discovered").len(), 1);
}
