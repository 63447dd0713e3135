//! Reading only what is new or was modified.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::run::{Folder, Outcome, run};

/// Sets the modification time, in seconds since 1970, so that a test does not wait for the clock.
fn modify(path: &Path, seconds: u64) {
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds))
        .unwrap();
}

fn config(folder: &Folder) -> Value {
    json!({"files": [folder.entry("", &json!({}))], "incremental": true})
}

fn cells(outcome: &Outcome) -> Vec<&str> {
    outcome
        .records()
        .into_iter()
        .map(|record| record["x"].as_str().unwrap())
        .collect()
}

#[test]
fn a_second_run_reads_new_and_modified_files_only() {
    let folder = Folder::new();
    let a = folder.write("a.csv", b"x\na1\n");
    let b = folder.write("b.csv", b"x\nb1\n");
    modify(&a, 1_700_000_000);
    modify(&b, 1_600_000_000);
    let config = config(&folder);

    let first = run(&config, &[]).good();
    assert_eq!(cells(&first), ["a1", "b1"]);
    let schema = first.of("SCHEMA")[0];
    assert_eq!(schema["bookmark_properties"], json!(["_sdc_source_file_mtime"]));
    let partition = |path: &Path, time: &str| json!({"context": {"file": path}, "replication_key": "_sdc_source_file_mtime", "replication_key_value": time});
    let state = first.state();
    assert_eq!(
        state["bookmarks"]["t"]["partitions"],
        json!([
            partition(&a, "2023-11-14T22:13:20.000000Z"),
            partition(&b, "2020-09-13T12:26:40.000000Z")
        ])
    );

    let second = run(&config, &[("--state", &state)]).good();
    assert_eq!(cells(&second), [""; 0]);
    assert!(second.log.contains("a.csv: skipped"), "{}", second.log);

    // Modified backwards, as when an older version is put in its place: that is a change too. And a new file.
    folder.write("b.csv", b"x\nb1\nb2\n");
    modify(&b, 1_500_000_000);
    let c = folder.write("c.csv", b"x\nc1\n");
    modify(&c, 1_400_000_000);
    let third = run(&config, &[("--state", &state)]).good();
    assert_eq!(cells(&third), ["b1", "b2", "c1"]);

    // A file that is gone leaves the state.
    std::fs::remove_file(&a).unwrap();
    let fourth = run(&config, &[("--state", &third.state())]).good();
    assert_eq!(cells(&fourth), [""; 0]);
    let partitions = fourth.state()["bookmarks"]["t"]["partitions"].clone();
    assert_eq!(
        partitions,
        json!([
            partition(&b, "2017-07-14T02:40:00.000000Z"),
            partition(&c, "2014-05-13T16:53:20.000000Z")
        ])
    );
}

#[test]
fn a_state_follows_each_file_and_covers_no_other() {
    let folder = Folder::with(&[("a.csv", "x,y\n1,2\n"), ("b.csv", "x,y\n3\n")]);
    let found = run(&config(&folder), &[]);
    let state = found.state();
    assert_eq!(found.records().len(), 1);
    let log = found.bad(65);
    assert!(log.contains("b.csv: expected 2 cells"), "{log}");
    let partitions = state["bookmarks"]["t"]["partitions"].as_array().unwrap().clone();
    let done: Vec<&Value> = partitions
        .iter()
        .filter(|p| p.get("replication_key_value").is_some())
        .collect();
    assert_eq!(done.len(), 1);
    assert_eq!(
        done[0]["context"]["file"],
        folder.path().join("a.csv").display().to_string()
    );
}

#[test]
fn by_default_all_files_are_read_each_time() {
    let folder = Folder::with(&[("a.csv", "x\n1\n")]);
    let config = json!({"files": [folder.entry("a.csv", &json!({}))]});
    let first = run(&config, &[]).good();
    let state = first.state();
    let state = if state.is_null() { json!({}) } else { state };
    assert_eq!(cells(&run(&config, &[("--state", &state)]).good()), ["1"]);
}

#[test]
fn the_catalog_may_ask_for_it() {
    let folder = Folder::with(&[("a.csv", "x\n1\n")]);
    let config = json!({"files": [folder.entry("a.csv", &json!({}))], "add_metadata_columns": true});
    let catalog = crate::run::run_args(&config, &[], &["--discover"]).good();
    let mut catalog: Value = serde_json::from_str(&catalog.text).unwrap();
    let stream = &mut catalog["streams"][0];
    stream["replication_method"] = json!("INCREMENTAL");
    stream["replication_key"] = json!("_sdc_source_file_mtime");
    let first = run(&config, &[("--catalog", &catalog)]).good();
    assert_eq!(cells(&first), ["1"]);
    let second = run(&config, &[("--catalog", &catalog), ("--state", &first.state())]).good();
    assert_eq!(cells(&second), [""; 0]);
    catalog["streams"][0]["replication_key"] = json!("x");
    let log = run(&config, &[("--catalog", &catalog)]).bad(78);
    assert!(
        log.contains("replication key: expected _sdc_source_file_mtime"),
        "{log}"
    );
}

#[test]
fn files_whose_names_are_not_utf8_have_a_bookmark_each() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = Folder::new();
    for (name, cell) in [
        (&b"a\xE9.csv"[..], "1"),
        (b"a\xE8.csv", "2"),
        ("a\u{FFFD}.csv".as_bytes(), "3"),
    ] {
        let path = folder.path().join(OsStr::from_bytes(name));
        std::fs::write(&path, format!("x\n{cell}\n")).unwrap();
        modify(&path, 1_700_000_000);
    }
    for path in ["", "*.csv"] {
        let config = json!({"files": [folder.entry(path, &json!({}))], "incremental": true, "add_metadata_columns": true});
        let first = run(&config, &[]).good();
        let mut found = cells(&first);
        found.sort_unstable();
        assert_eq!(found, ["1", "2", "3"], "{path}");
        let mut names: Vec<String> = first
            .records()
            .iter()
            .map(|record| record["_sdc_source_file"].to_string())
            .collect();
        names.dedup();
        assert_eq!(names.len(), 3, "{names:?}");
        let second = run(&config, &[("--state", &first.state())]).good();
        assert_eq!(cells(&second), [""; 0], "{path}");
    }
}
