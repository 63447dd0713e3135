//! An overwrite never publishes the rest of a FULL_TABLE read that an earlier run has begun.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use melisma_testing::postgres::{Database, server};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::runner;
use crate::harness::{Every, Kind, Live, Target, kill, melisma, process, run};

const ROWS: u64 = 40_000;
const TAP: &str = "tap-postgres --config tap.json";

/// A table of several ranges in a database of its own, and a folder with the settings of tap-postgres.
fn source() -> (Database<'static>, TempDir) {
    let database = server().database();
    database.sql(&format!(
        "create schema src; create table src.s as select i as id, 'row ' || i || ' ' || repeat('x', 100) as text \
         from generate_series(1, {ROWS}) i"
    ));
    let folder = TempDir::new().expect("a folder");
    let tap = json!({
        "host": database.host(), "port": database.port(), "user": database.user(), "password": database.password(),
        "database": database.name(), "filter_schemas": ["src"], "full_table_range_mb": 1,
    });
    std::fs::write(folder.path().join("tap.json"), tap.to_string()).expect("written");
    (database, folder)
}

/// The STATE of a run that was cut short after its first range.
fn half(folder: &Path) -> String {
    let mut tap = Command::new(melisma())
        .args(["tap-postgres", "--config", "tap.json"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let lines = BufReader::new(tap.stdout.take().expect("piped")).lines();
    let states = lines
        .map(|line| line.expect("UTF-8"))
        .filter(|line| line.starts_with(r#"{"type":"STATE""#));
    let half = states.into_iter().find(|line| line.contains("\"marks\":[["));
    let _ = tap.kill();
    tap.wait().expect("a child");
    let state: Value = serde_json::from_str(&half.expect("a STATE in the middle")).expect("JSON");
    assert_eq!(state["value"]["currently_syncing"], "src-s");
    state["value"].to_string()
}

fn target(kind: Kind) -> Every {
    Every::Files(Target::new(kind).with("load_method", "overwrite"))
}

fn rows(target: &Every) -> u64 {
    let Every::Files(files) = target else { return 0 };
    files.rows("src-s").len() as u64
}

#[test]
fn a_state_of_an_appending_run_does_not_make_the_rest_the_whole() {
    let (_database, folder) = source();
    let folder = folder.path();
    let half = half(folder);
    let target = target(Kind::Jsonl);
    run(&mut runner(folder, TAP, &target), b"").ok();
    assert_eq!(rows(&target), ROWS);
    std::fs::write(folder.join("state.json"), &half).expect("written");
    let refused = run(&mut runner(folder, TAP, &target), b"");
    refused.fails(
        65,
        &[
            "Loader failed (exit code 65)",
            "the rest of a read",
            "--full-refresh",
        ],
    );
    assert_eq!(rows(&target), ROWS);
    assert_eq!(
        std::fs::read_to_string(folder.join("state.json"))
            .expect("there")
            .trim(),
        half
    );

    let mut again = runner(folder, TAP, &target);
    run(again.arg("--full-refresh"), b"").ok();
    assert_eq!(rows(&target), ROWS);
}

#[test]
fn a_read_that_cannot_be_resumed_is_the_whole() {
    let (database, folder) = source();
    let folder = folder.path();
    let half = half(folder);
    let target = target(Kind::Jsonl);
    let begin = || std::fs::write(folder.join("state.json"), &half).expect("written");
    begin();
    database.sql("vacuum full src.s");
    run(&mut runner(folder, TAP, &target), b"").ok();
    assert_eq!(rows(&target), ROWS);

    begin();
    let mut tap: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("tap.json")).expect("there"))
            .expect("JSON");
    tap["full_table_resume"] = json!(false);
    std::fs::write(folder.join("tap.json"), tap.to_string()).expect("written");
    run(&mut runner(folder, TAP, &target), b"").ok();
    assert_eq!(rows(&target), ROWS);
}

/// A run that is interrupted stores no STATE, so the next one brings everything.
#[test]
fn an_interrupted_overwrite_is_followed_by_a_whole_one() {
    let (_database, folder) = source();
    let folder = folder.path();
    for signal in ["INT", "TERM", "KILL"] {
        let target = target(Kind::Csv);
        let _ = std::fs::remove_file(folder.join("state.json"));
        run(&mut runner(folder, TAP, &target), b"").ok();
        let before = std::fs::read_to_string(folder.join("state.json")).expect("there");
        let live = Live::start(&mut runner(folder, TAP, &target));
        let (tap, target_id) = (process(&live, "tap-postgres"), process(&live, "target-csv"));
        kill("STOP", &target_id.to_string());
        match signal {
            // Of the tap alone.
            "KILL" => kill("KILL", &tap.to_string()),
            signal => live.signal(signal),
        }
        kill("CONT", &target_id.to_string());
        assert_ne!(live.end().code, Some(0), "{signal}");
        assert_eq!(rows(&target), ROWS, "{signal}");
        assert_eq!(
            std::fs::read_to_string(folder.join("state.json")).expect("there"),
            before
        );
        run(&mut runner(folder, TAP, &target), b"").ok();
        assert_eq!(rows(&target), ROWS, "{signal}");
    }
}
