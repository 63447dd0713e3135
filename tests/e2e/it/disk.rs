//! A disk that takes no more, in the way that works for any user: a limit on the size of files.

use std::process::Command;

use serde_json::json;

use crate::harness::{Every, Kind, Outcome, Runs, Target, records, run, schema_line, state_line};

/// The same command, whose files may not grow beyond this. (The shell's unit is 512 bytes.)
fn limited(command: &Command, kib: u64) -> Command {
    let mut limited = Command::new("sh");
    limited
        .args(["-c", &format!("ulimit -f {}; exec \"$@\"", kib * 2), "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    limited
}

/// Rows `from..to`, a STATE after every hundred.
fn stream(from: u64, to: u64) -> String {
    let mut lines = schema_line() + "\n";
    for id in from..to {
        lines.extend(records([id]).map(|line| line + "\n"));
        if (id + 1) % 100 == 0 {
            lines += &(state_line(id + 1) + "\n");
        }
    }
    lines
}

#[test]
fn a_full_disk_ends_a_target_with_no_state_ahead_and_the_next_run_goes_on() {
    let files = |kind| Every::Files(Target::new(kind));
    for (name, target, kib) in [
        ("jsonl", files(Kind::Jsonl), 128),
        (
            "jsonl, parts",
            files(Kind::Jsonl)
                .with("write_mode", "parts")
                .with("batch_size_rows", 4000),
            128,
        ),
        ("csv", files(Kind::Csv), 128),
        ("parquet", files(Kind::Parquet).with("batch_size_rows", 4000), 12),
    ] {
        // Small commits first; then, where each commit has a file of its own, one that is too large.
        let target = target.with("state_interval_seconds", 0);
        let small = target.command();
        let emitted = |outcome: &Outcome| {
            let last = outcome
                .states()
                .last()
                .cloned()
                .expect("something was emitted before");
            last.parse::<u64>().expect("a number")
        };
        let first = run(&mut limited(&small, kib), stream(0, 300).as_bytes()).ok();
        assert_eq!(emitted(&first), 300, "{name}");
        let target = target.with(
            "state_interval_seconds",
            if name == "jsonl" || name == "csv" { 0 } else { 3600 },
        );
        let full = run(&mut limited(&target.command(), kib), stream(300, 6000).as_bytes());
        let full = full.fails(74, &["File too large", "cannot write"]);
        let next = full
            .states()
            .last()
            .map_or(300, |last| last.parse().expect("a number"));
        assert!(next < 6000, "{name}: it was full");
        // A run of nothing cuts what was written and not committed: half a line, where the file grows.
        run(&mut target.command(), b"").ok();
        let ids = target.ids();
        assert!(
            (0..next).all(|id| ids.binary_search(&id).is_ok()),
            "{name}: STATE {next} is ahead"
        );
        let last = run(&mut target.command(), stream(next, 6000).as_bytes()).ok();
        assert_eq!(emitted(&last), 6000, "{name}");
        let mut ids = target.ids();
        ids.dedup();
        assert_eq!(ids, (0..6000).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_full_disk_leaves_a_file_that_is_replaced_as_it_was() {
    for kind in Kind::ALL {
        let target = Target::new(kind).with("write_mode", "replace");
        target
            .feed_bytes((stream(0, 10) + &state_line(10)).as_bytes())
            .ok();
        let full = run(&mut limited(&target.command(), 12), stream(0, 6000).as_bytes());
        assert_eq!(full.states(), [""; 0], "{kind:?}");
        full.fails(74, &["File too large"]);
        assert_eq!(target.rows("s").len(), 10, "{kind:?}");
    }
}

#[test]
fn a_full_dead_letter_file_holds_the_state_back() {
    let target = Target::jsonl()
        .with("on_invalid", "dead_letter")
        .with("state_interval_seconds", 0);
    let letters = target.path("letters.jsonl");
    let target = target.with("dead_letter_path", json!(letters));
    let bad =
        "{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{\"id\":\"no\",\"text\":\"x\"}}\n".repeat(500);
    let input = format!("{}\n{bad}{}\n", schema_line(), state_line(500));
    let full = run(&mut limited(&target.command(), 4), input.as_bytes());
    assert_eq!(full.states(), [""; 0], "what was set aside is not on disk");
    full.fails(74, &["dead_letter_path", "File too large"]);
    target.feed_bytes(input.as_bytes()).ok();
    assert!(std::fs::read_to_string(letters).expect("written").lines().count() >= 500);
}

/// Two rows with a small STATE and a large one.
const TAP: &str = "row 1; state '{\"n\":1}'; touch_and_wait ready go; row 2
                   state '{\"n\":2,\"long\":\"'$(head -c 300000 /dev/zero | tr '\\0' x)'\"}'";

#[test]
fn a_full_disk_under_the_state_store_keeps_the_last_state_that_fitted() {
    for (more, stored) in [
        (&[][..], r#"{"singer_state": {"n":1}}"#),
        (&["--state", "state.json"], "{\"n\":1}\n"),
    ] {
        let runs = Runs::new(TAP);
        // SQLite's own files are larger than what the limit leaves when they are new.
        std::fs::create_dir(runs.path(".meltano")).expect("made");
        let mut live = crate::harness::Live::start(&mut limited(&runs.command(more), 100));
        let state = || match more {
            [] => {
                let there = runs.path("ready").exists();
                let rows = if there {
                    runs.query("select completed_state from state")
                } else {
                    Vec::new()
                };
                rows.into_iter().flatten().next()
            }
            _ => std::fs::read_to_string(runs.path("state.json")).ok(),
        };
        crate::harness::wait_for("the first state", || {
            (state().as_deref() == Some(stored)).then_some(())
        });
        runs.touch("go");
        drop(live.stdin());
        live.end().fails(74, &["the state could not be stored"]);
        assert_eq!(state().as_deref(), Some(stored));
        assert_eq!(runs.rows(), 2);
        if more.is_empty() {
            let rows = runs.query("select state, payload like '%could not be stored%' from runs");
            assert_eq!(rows, [["FAIL", "1"]], "the run's row is closed");
        }
        // With room again the next run goes on.
        run(&mut runs.command(more), b"").ok();
        assert!(state().expect("stored").contains("long"));
    }
}

/// The log of a run is its stderr.
#[test]
fn a_log_that_takes_no_more_ends_nothing() {
    let runs = Runs::new("row 1; state 2");
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("it is always there");
    let mut command = runs.command(&["--state", "state.json", "--log-level", "debug"]);
    let status = command.stderr(full).status().expect("starts");
    assert!(status.success(), "{status}");
    assert_eq!(runs.read("state.json"), "2\n");
    for (name, target) in Every::all() {
        let mut command = target.command();
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("it is always there");
        let input = format!("{}\n{}\n", schema_line(), state_line(1));
        std::fs::write(runs.path("in"), input).expect("written");
        let input = std::fs::File::open(runs.path("in")).expect("there");
        let output = command
            .env("LOGLEVEL", "debug")
            .stdin(input)
            .stderr(full)
            .output()
            .expect("starts");
        assert!(output.status.success(), "{name}: {}", output.status);
        assert_eq!(output.stdout, b"1\n", "{name}");
    }
}
