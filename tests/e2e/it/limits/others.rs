//! Of taps, pipes and runs.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{any, as_the_page_says};
use crate::harness::{Live, Runs, melisma, peak_memory, record, run, wait_for};

#[test]
fn of_taps() {
    let folder = TempDir::new().expect("a folder");
    let mut text = String::from("a\n");
    for i in 0..5 {
        let _ = writeln!(text, "{i}");
    }
    std::fs::write(
        folder.path().join("s.csv"),
        format!("{text}x\n{}\n", "y".repeat(200)),
    )
    .expect("written");
    let config = folder.path().join("config.json");
    let tap = |more: Value| {
        let mut settings =
            json!({"files": [{"entity": "s", "path": folder.path().join("s.csv"), "keys": []}]});
        settings
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        std::fs::write(&config, settings.to_string()).expect("written");
        run(
            Command::new(melisma()).args(["tap-csv", "--config"]).arg(&config),
            b"",
        )
    };
    let outcome = tap(json!({"max_row_bytes": 100})).fails(65, &[]);
    as_the_page_says("bytes of a row (tap-csv)", &outcome.stderr);
    tap(json!({"infer_types": true, "infer_rows": 5})).fails(65, &["x"]);
    tap(json!({"infer_types": true, "infer_rows": 6})).ok();
}

#[test]
fn of_a_pipe() {
    let pipe =
        |more: &[&str], input: &str| run(Command::new(melisma()).arg("pipe").args(more), input.as_bytes());
    let (good, long) = (any("s"), format!("{:300}", any("t")));
    let outcome = pipe(
        &["--validate", "--max-line-bytes", "200"],
        &format!("{good}\n{long}\n"),
    );
    let outcome = outcome.fails(65, &["max_line_bytes"]);
    assert_eq!(
        outcome.states(),
        std::slice::from_ref(&good),
        "what came before has passed"
    );
    pipe(&[], &format!("{good}\n{long}\n")).ok();
    for absurd in [
        "100",
        "0",
        "99999999999999",
        "9999999999999999999",
        "1e9",
        "99999999999999999999999",
    ] {
        pipe(&["--buffer", absurd], "").fails(64, &["--buffer"]);
        if absurd != "100" {
            pipe(&["--validate", "--max-line-bytes", absurd], "").fails(64, &["--max-line-bytes"]);
        }
    }
    let largest = [
        "--validate",
        "--buffer",
        "68719476736",
        "--max-line-bytes",
        "4294967295",
    ];
    pipe(&largest, &format!("{good}\n")).ok();
    pipe(&largest[1..3], &format!("{good}\n")).ok();
    let folder = TempDir::new().expect("a folder");
    let stats = folder.path().join("stats.json");
    let mut many = String::new();
    for i in 0..10_003 {
        let _ = writeln!(many, "{}", record(&format!("s{i}"), "{}"));
    }
    pipe(&["--stats", stats.to_str().expect("UTF-8")], &many).ok();
    let stats: Value = serde_json::from_str(&std::fs::read_to_string(stats).expect("written")).expect("JSON");
    let streams = stats["streams"].as_object().map_or_else(
        || stats["streams"].as_array().map_or(0, Vec::len),
        serde_json::Map::len,
    );
    assert!((10_000..=10_001).contains(&streams), "{streams}");
    let many: String = (0..100_001).map(|i| any(&format!("s{i}")) + "\n").collect();
    let outcome = pipe(&["--validate"], &many);
    outcome.fails(65, &["100000 streams"]);
}

fn script(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
}

/// They stay to the end of the run, of whatever streams they are.
#[test]
fn of_the_names_of_all_streams() {
    let long = "x".repeat(65_000);
    let input: String = (0..1040).map(|n| any(&format!("{n:05}{long}")) + "\n").collect();
    let outcome = run(
        Command::new(melisma()).args(["pipe", "--validate"]),
        input.as_bytes(),
    );
    as_the_page_says(
        "bytes of the names of all streams",
        &outcome.fails(65, &[]).stderr,
    );
}

/// Names of a megabyte, 100 of them, in a pipe and in the METRIC lines of a run.
#[test]
fn names_do_not_fill_the_memory() {
    let names = 100;
    let line = |n: usize| {
        format!(
            "{{\"type\":\"RECORD\",\"stream\":\"{n}{}\",\"record\":{{}}}}\n",
            "x".repeat(1_000_000)
        )
    };
    let mut pipe = Live::start(Command::new(melisma()).arg("pipe"));
    let mut stdin = pipe.stdin();
    for n in 0..names {
        stdin.write_all(line(n).as_bytes()).expect("it reads");
    }
    let peak = peak_memory(pipe.id()).expect("it lives");
    drop(stdin);
    pipe.end().ok();
    assert!(peak < 40 << 20, "{peak}");

    let runs = Runs::new(&format!(
        "i=0; x=$(head -c 900000 /dev/zero | tr '\\0' x)
         while [ $i -lt {names} ]; do
           echo \"INFO METRIC: {{\\\"type\\\":\\\"counter\\\",\\\"metric\\\":\\\"record_count\\\",\\\"value\\\":1,\\\"tags\\\":{{\\\"stream\\\":\\\"$i$x\\\"}}}}\" >&2
           i=$((i+1))
         done; touch_and_wait made go; row 1"
    ));
    let mut running = Live::start(&mut runs.command(&["--no-state-update", "--log-level", "error"]));
    drop(running.stdin());
    wait_for("the last of them", || runs.path("made").exists().then_some(()));
    let peak = peak_memory(running.id()).expect("it lives");
    runs.touch("go");
    running.end().ok();
    assert!(peak < 60 << 20, "{peak}");
}

#[test]
fn of_a_run() {
    // A log line of 3 MiB, and a STATE that nobody can keep: what follows its 256 MiB would be a STATE by itself.
    let runs = Runs::new("row 1; head -c 3000000 /dev/zero | tr '\\0' x >&2; echo >&2; state 2");
    script(
        runs.folder(),
        "target",
        "cat > /dev/null; echo 1; head -c 268435456 /dev/zero | tr '\\0' 5; echo 7",
    );
    let outcome = run(
        &mut runs.command_into("./target", &["--state", "state.json"]),
        b"",
    )
    .ok();
    let outcome = outcome.says(&["more than 268435456 bytes", "it was not stored as a state"]);
    let pieces = outcome
        .stderr
        .lines()
        .filter(|line| line.contains("xxxxx"))
        .count();
    assert_eq!((runs.read("state.json").as_str(), pieces), ("1\n", 3));

    let runs = Runs::new("");
    script(runs.folder(), "tap", "head -c 268435457 /dev/zero");
    let mut command = Command::new(melisma());
    command
        .args(["run", "./tap", "target-jsonl --config target.json"])
        .current_dir(runs.folder());
    let outcome = run(&mut command, b"").fails(65, &[]);
    as_the_page_says("bytes of a discovered catalog", &outcome.stderr);
}

/// A target that is killed may leave half a line, and half a number is a number.
#[test]
fn half_a_state_is_none() {
    let runs = Runs::new("row 1; state 2");
    script(
        runs.folder(),
        "target",
        "cat > /dev/null; echo 12; printf 34; kill -9 $$",
    );
    let outcome = run(
        &mut runs.command_into("./target", &["--state", "state.json"]),
        b"",
    );
    outcome.fails(1, &["killed by signal 9", "not JSON"]);
    assert_eq!(runs.read("state.json"), "12\n");
}
