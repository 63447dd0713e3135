//! Whatever waits does so by a clock that can not be set; the wall clock is only written down.

use std::path::Path;

use crate::harness::root;

/// Every place that asks the wall clock, and why a clock that jumps does no harm there.
const WALL_CLOCK: &[(&str, &str)] = &[
    (
        "cli/src/commands/bench/mod.rs",
        "when a measurement began, in its report",
    ),
    (
        "cli/src/commands/el.rs",
        "the state id of a run without one, as Meltano has it",
    ),
    (
        "cli/src/commands/runs/entry.rs",
        "how long a run has taken that has not ended, for people",
    ),
    (
        "cli/src/commands/runs/list.rs",
        "how long a run has taken that has not ended, for people",
    ),
    (
        "cli/src/commands/runs/show.rs",
        "how long a run has taken that has not ended, for people",
    ),
    ("cli/src/console.rs", "the time in log lines"),
    (
        "cli/src/project/cast.rs",
        "what relative dates in settings are relative to",
    ),
    (
        "cli/src/run/meter/attempt.rs",
        "when an attempt began and ended, in reports",
    ),
    (
        "cli/src/run/meter/mod.rs",
        "when a run began and ended, in reports",
    ),
    (
        "cli/src/state/backend.rs",
        "the age of a lock, which is in Meltano's files as a time",
    ),
    ("cli/src/state/database.rs", "updated_at, which nothing reads"),
    (
        "cli/src/state/lock.rs",
        "the age of a lock in its message; the system holds the lock",
    ),
    ("cli/src/state/owner.rs", "since when, in messages"),
    (
        "cli/src/state/reports.rs",
        "whether a run without an owner on this machine still has heartbeats",
    ),
    (
        "cli/src/state/runs.rs",
        "heartbeats: an owner on this machine is looked up instead",
    ),
    (
        "cli/src/state/states.rs",
        "when a state was edited, for the list of runs",
    ),
    (
        "engine/src/pipeline/clock.rs",
        "_sdc_ columns; the sequence never goes back within a run",
    ),
    (
        "sdk/src/files/config.rs",
        "names of files; a name that is there is not used again",
    ),
    (
        "sdk/src/http/clock.rs",
        "dates that a server names; a wait is bounded by max_wait",
    ),
    ("sdk/src/internal/logs/format.rs", "the time in log lines"),
    (
        "sdk/src/sql/table/evolve.rs",
        "names of renamed columns; a name that is there is not used again",
    ),
    ("sdk/src/tap/output/emitter.rs", "time_extracted"),
    ("taps/adbc/src/read.rs", "the version of ACTIVATE_VERSION"),
    (
        "taps/postgres/src/full_table/mod.rs",
        "the version of ACTIVATE_VERSION",
    ),
    (
        "taps/rest/src/manifest/cursor.rs",
        "the end of the last window, where the manifest names none",
    ),
    (
        "taps/rest/src/manifest/jinja/functions.rs",
        "now_utc() and today_utc() of expressions",
    ),
    (
        "taps/rest/src/manifest/waits.rs",
        "times that a server names; a wait is bounded",
    ),
    (
        "targets/adbc/src/dialects/mod.rs",
        "names of stages, with the process number beside it",
    ),
    (
        "targets/postgres/src/lib.rs",
        "names of columns that are set aside; a name that is there is not used again",
    ),
];

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "tests" | "target" | "benches") {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && name != "tests.rs" {
            let text = std::fs::read_to_string(&path).expect("a source");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            if ["SystemTime::now", "Timestamp::now", "Zoned::now"]
                .iter()
                .any(|call| code.contains(call))
            {
                let path = path.strip_prefix(root()).expect("below the root");
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
}

#[test]
fn only_what_is_written_down_comes_from_the_wall_clock() {
    let mut found = Vec::new();
    for part in ["bench", "engine", "sdk", "postgres", "taps", "targets", "cli"] {
        sources(&root().join(part), &mut found);
    }
    found.sort();
    let known: Vec<&str> = WALL_CLOCK.iter().map(|(path, _)| *path).collect();
    assert_eq!(
        found, known,
        "waits take std::time::Instant; say here why a wall clock is right"
    );
}
