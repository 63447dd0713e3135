//! A built-in tap and a built-in target on one pipe: whoever is killed, the others end, nothing is lost, and the next
//! run goes on.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Live, kill, melisma, process, run, wait_for};

const FILES: usize = 40;
const ROWS: usize = 5_000;

/// Files that tap-csv reads one after the other, each with a bookmark of its own. `slow.json` has commits that are so
/// many that a run is still under way when it is disturbed.
fn pair() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for file in 0..FILES {
        let mut csv = "id,text\n".to_owned();
        for row in 0..ROWS {
            let _ = writeln!(csv, "{},x", file * ROWS + row);
        }
        let path = folder.path().join(format!("s-{file:02}.csv"));
        std::fs::write(path, csv).expect("written");
    }
    let files = json!([{"entity": "s", "path": folder.path().join("s-*.csv"), "keys": ["id"]}]);
    let tap = json!({"incremental": true, "infer_types": true, "files": files});
    let out = folder.path().join("out");
    let slow = json!({"destination_path": out, "state_interval_seconds": 0, "batch_size_rows": 100});
    let fast = json!({"destination_path": out});
    for (name, config) in [("tap.json", tap), ("slow.json", slow), ("fast.json", fast)] {
        std::fs::write(folder.path().join(name), config.to_string()).expect("written");
    }
    folder
}

fn command(folder: &Path, target: &str) -> Command {
    let mut command = Command::new(melisma());
    command
        .args(["run", "--state", "state.json", "tap-csv --config tap.json"])
        .arg(format!("target-jsonl --config {target}"))
        .current_dir(folder);
    command
}

/// Runs until a state is stored; then the rows are under way, and will be for some time.
fn midstream(folder: &Path) -> Live {
    let live = Live::start(&mut command(folder, "slow.json"));
    wait_for("a state", || folder.join("state.json").exists().then_some(()));
    live
}

/// The next run ends well, and every row is there.
#[track_caller]
fn the_next_run_brings_the_rest(folder: &Path) {
    run(&mut command(folder, "fast.json"), b"").ok();
    let rows = std::fs::read_to_string(folder.join("out/s.jsonl")).expect("written");
    let id = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("a whole line");
        row["id"].as_u64().and_then(|id| usize::try_from(id).ok())
    };
    let ids: BTreeSet<usize> = rows.lines().filter_map(id).collect();
    assert!(ids.into_iter().eq(0..FILES * ROWS), "rows are missing");
}

#[test]
fn a_target_that_is_killed_ends_the_tap_and_is_to_blame() {
    let folder = pair();
    let live = midstream(folder.path());
    kill("KILL", &process(&live, "target-jsonl").to_string());
    let outcome = live.end().fails(1, &["Loader failed (killed by signal 9)"]);
    assert!(!outcome.stderr.contains("Extractor"), "{}", outcome.stderr);
    the_next_run_brings_the_rest(folder.path());
}

#[test]
fn a_tap_that_is_killed_leaves_what_it_wrote_stored() {
    let folder = pair();
    let live = midstream(folder.path());
    kill("KILL", &process(&live, "tap-csv").to_string());
    // The last line may be whole or not, so the target may fail as well.
    live.end().fails(
        1,
        &["Extractor", "killed by signal 9", "the last one is stored in"],
    );
    the_next_run_brings_the_rest(folder.path());
}

#[test]
fn a_runner_that_is_killed_leaves_nobody_behind() {
    let folder = pair();
    let live = midstream(folder.path());
    let both = ["tap-csv", "target-jsonl"].map(|name| process(&live, name));
    live.signal("KILL");
    drop(live);
    for pid in both {
        // Nobody reaps an orphan at once everywhere: what has ended has no command line any more.
        let path = format!("/proc/{pid}/cmdline");
        wait_for("the end of an orphan", || {
            std::fs::read(&path).unwrap_or_default().is_empty().then_some(())
        });
    }
    let rows = std::fs::read_to_string(folder.path().join("out/s.jsonl")).expect("written");
    assert!(
        rows.lines().count() < FILES * ROWS,
        "the orphans went on to the end"
    );
    the_next_run_brings_the_rest(folder.path());
}

#[test]
fn a_signal_ends_the_tap_and_the_target_finishes() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let folder = pair();
        let live = midstream(folder.path());
        live.signal(signal);
        live.end().fails(code, &["the last one is stored in"]);
        the_next_run_brings_the_rest(folder.path());
    }
}
