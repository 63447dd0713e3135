//! A built-in tap and a built-in target share one pipe: the run is reported as it is with a relay.

use std::fmt::Write as _;

use crate::support::{Folder, assert_code, stderr};

/// More than a pipe holds.
const ROWS: u32 = 50_000;

fn folder(more_rows: &str) -> Folder {
    let folder = Folder::new();
    let mut csv = "id,text\n".to_owned();
    for id in 0..ROWS {
        let _ = writeln!(csv, "{id},xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    }
    csv.push_str(more_rows);
    folder.write("s.csv", &csv);
    folder.write("empty.csv", "id\n");
    folder.write(
        "tap.json",
        r#"{"files": [{"entity": "empty", "path": "empty.csv", "keys": ["id"]},
                      {"entity": "s", "path": "s.csv", "keys": ["id"]}]}"#,
    );
    folder.write("target.json", r#"{"destination_path": "out"}"#);
    folder
}

/// Rows are records: as lines of COPY they would have fewer bytes than through a relay.
fn run(folder: &Folder, tap: &str, target: &str) -> std::process::Output {
    let (tap, target) = (
        format!("{tap} --config tap.json"),
        format!("{target} --config target.json"),
    );
    let args = ["run", "--no-state-update", "--log-level", "debug", &tap, &target];
    folder
        .melisma(&args)
        .env("MELISMA_COPIED_ROWS", "0")
        .output()
        .unwrap()
}

/// The lines that say what was moved, without their times.
fn moved(log: &str) -> Vec<String> {
    let moved = log
        .lines()
        .filter(|line| line.contains(" melisma ") && line.contains(" records"))
        // A slow machine shows its progress as well.
        .filter(|line| !line.contains(" so far;"));
    let without_times = |line: &str| {
        let (_, words) = line.split_once(" melisma ").unwrap_or_default();
        words.split(" in ").next().unwrap_or_default().to_owned()
    };
    moved.map(without_times).collect()
}

#[test]
fn a_direct_pipe_and_the_relay_count_the_same() {
    let folder = folder("");
    let direct = run(&folder, "tap-csv", "target-jsonl");
    assert_code(&direct, 0);
    let log = stderr(&direct);
    assert!(log.contains("one pipe"), "{log}");
    // A path is a program of somebody else's, whatever it is called.
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_melisma"), folder.join("tap-csv")).unwrap();
    let relayed = run(&folder, "./tap-csv", "target-jsonl");
    assert_code(&relayed, 0);
    assert!(!stderr(&relayed).contains("one pipe"), "{}", stderr(&relayed));
    let moved_directly = moved(&log);
    assert_eq!(moved_directly, moved(&stderr(&relayed)));
    assert!(
        moved_directly[0].contains("s: 50,000 records, ") && moved_directly.len() == 2,
        "{moved_directly:?}"
    );
    let rows = usize::try_from(ROWS).unwrap();
    assert_eq!(folder.read("out/s.jsonl").lines().count(), 2 * rows);
    folder.assert_clean();
}

/// The tap is still writing then, and hears of it; whose fault it is must not depend on who is heard of first.
#[test]
fn a_target_that_fails_is_to_blame_and_not_its_tap() {
    let folder = folder("");
    for target in ["target-jsonl", "target-csv"] {
        folder.write("target.json", r#"{"destination_path": "s.csv"}"#);
        let output = run(&folder, "tap-csv", target);
        assert_code(&output, 74);
        let log = stderr(&output);
        assert!(
            log.contains("Loader failed") && !log.contains("Extractor"),
            "{log}"
        );
    }
    folder.assert_clean();
}

#[test]
fn a_tap_that_fails_is_to_blame_and_what_it_wrote_is_kept() {
    let folder = folder("1,2,3\n");
    let output = run(&folder, "tap-csv", "target-jsonl");
    assert_code(&output, 65);
    let log = stderr(&output);
    assert!(log.contains("Extractor failed (exit code 65)"), "{log}");
    assert!(log.contains("s: 50,000 records"), "{log}");
    let rows = usize::try_from(ROWS).unwrap();
    assert_eq!(folder.read("out/s.jsonl").lines().count(), rows);
    folder.assert_clean();
}
