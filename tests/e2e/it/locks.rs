//! Two runs of one state, and a state store that somebody else changes, or that can not be written.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::harness::{Live, Outcome, Runs, run, wait_for};

/// A row and its STATE, then it waits until the test says `go`, then another pair.
const TAP: &str = "row 1; state 2; touch_and_wait ready go; row 2; state 3";

/// Where a run keeps its state: the options, and the file.
const STORES: [(&[&str], &str); 2] = [
    (&[], ".meltano/meltano.db"),
    (&["--state", "state.json"], "state.json"),
];

/// A run whose first STATE is stored and whose tap waits.
fn waiting(runs: &Runs, more: &[&str]) -> Live {
    let live = Live::start(&mut runs.command(more));
    wait_for("the tap", || runs.path("ready").exists().then_some(()));
    wait_for("the first state", || {
        (stored(runs, more) == Some("2".to_owned())).then_some(())
    });
    live
}

/// The state that is stored.
fn stored(runs: &Runs, more: &[&str]) -> Option<String> {
    if more.contains(&"--state") {
        return Some(
            std::fs::read_to_string(runs.path("state.json"))
                .ok()?
                .trim()
                .to_owned(),
        );
    }
    let rows = runs.query("select completed_state from state");
    let state = rows.into_iter().flatten().next()?;
    Some(
        state
            .strip_prefix(r#"{"singer_state": "#)?
            .strip_suffix('}')?
            .to_owned(),
    )
}

fn end(runs: &Runs, mut live: Live) -> Outcome {
    runs.touch("go");
    drop(live.stdin());
    live.end()
}

#[test]
fn a_second_run_of_a_state_is_refused_with_its_owner_and_the_way_out() {
    for (more, _) in STORES {
        let runs = Runs::new(TAP);
        let first = waiting(&runs, more);
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a host");
        let pid = format!("pid {} on host {}", first.id(), host.trim());
        let second = run(&mut runs.command(more), b"");
        let second = second.fails(
            75,
            &[&pid, ", since 20", " s ago)", "wait for it or end it", "--force"],
        );
        assert!(!second.stderr.contains("panicked"), "{}", second.stderr);
        assert_eq!(
            stored(&runs, more).as_deref(),
            Some("2"),
            "the second did nothing"
        );
        // Another state is no business of theirs.
        let other = Runs::new("row 1; state 5");
        let mut beside = other.command(&["--state-id", "other"]);
        beside.env("MELTANO_SYS_DIR_ROOT", runs.path(".meltano"));
        run(&mut beside, b"").ok();
        end(&runs, first).ok();
        assert_eq!(stored(&runs, more).as_deref(), Some("3"));
        run(&mut runs.command(more), b"").ok();
    }
}

#[test]
fn two_state_ids_run_side_by_side() {
    let runs = Runs::new(TAP);
    let first = Live::start(&mut runs.command(&["--state-id", "a"]));
    wait_for("the first", || runs.path("ready").exists().then_some(()));
    std::fs::remove_file(runs.path("ready")).expect("there");
    let config = serde_json::json!({"destination_path": runs.path("out2")});
    std::fs::write(runs.path("second.json"), config.to_string()).expect("written");
    let second =
        Live::start(&mut runs.command_into("target-jsonl --config second.json", &["--state-id", "b"]));
    wait_for("the second", || runs.path("ready").exists().then_some(()));
    end(&runs, first).ok();
    end(&runs, second).ok();
    let rows = runs.query("select state_id, completed_state from state order by 1");
    assert_eq!(
        rows,
        [["a", r#"{"singer_state": 3}"#], ["b", r#"{"singer_state": 3}"#]]
    );
}

#[test]
fn a_lock_whose_owner_was_killed_is_taken_over_at_once() {
    for (more, _) in STORES {
        let runs = Runs::new(TAP);
        let mut first = waiting(&runs, more);
        first.signal("KILL");
        wait_for("its end", || first.ended().then_some(()));
        // Its target gets the end of its input, and ends in good order.
        let journal = runs.path("out/.s.jsonl.melisma-journal");
        wait_for("the end of its target", || (!journal.exists()).then_some(()));
        runs.touch("go");
        run(&mut runs.command(more), b"").ok();
        assert_eq!(stored(&runs, more).as_deref(), Some("3"));
        if more.is_empty() {
            let rows =
                runs.query("select state, payload like '%was killed unceremoniously: pid %' from runs");
            assert_eq!(rows, [["FAIL", "1"], ["SUCCESS", "0"]]);
        }
        let left = std::fs::read_dir(runs.folder()).expect("a folder").flatten();
        let left: Vec<_> = left
            .map(|entry| entry.file_name())
            .filter(|name| name.to_string_lossy().contains("lock"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Heartbeats and owners as other clocks, and other runners, write them.
#[test]
fn who_is_alive_does_not_hang_on_a_clock() {
    let runs = Runs::new("row 1; state 2");
    run(&mut runs.command(&[]), b"").ok();
    let running = |heartbeat: &str, payload: &str| {
        let at = format!("strftime('%Y-%m-%d %H:%M:%f000', 'now', '{heartbeat}')");
        runs.query("delete from runs");
        runs.query(&format!(
            "insert into runs (job_name, state, started_at, payload, payload_flags, run_id, last_heartbeat_at)
             values ((select state_id from state), 'RUNNING', {at}, '{payload}', 0, 'deadbeef', {at})"
        ));
    };
    // Meltano's rows say nothing of their owner: five minutes decide, and a clock that is ahead is reported.
    running("-10 seconds", "{}");
    run(&mut runs.command(&[]), b"").fails(75, &["deadbeef", "last seen 1", " s ago", "--force"]);
    running("+3 hours", "{}");
    run(&mut runs.command(&[]), b"").fails(75, &["ahead of this clock", "--force"]);
    running("-6 minutes", "{}");
    run(&mut runs.command(&[]), b"").ok();
    // Ours do. One that lives was not seen for an hour: it sleeps, or the clock was set forward.
    let mut first = Live::start(&mut Runs::command(&runs, &["--state-id", "x"]));
    drop(first.stdin());
    first.end().ok();
    let sleeper = Runs::new(TAP);
    let live = waiting(&sleeper, &[]);
    live.signal("STOP");
    sleeper.query("update runs set last_heartbeat_at = strftime('%Y-%m-%d %H:%M:%f000', 'now', '-1 hour')");
    run(&mut sleeper.command(&[]), b"").fails(75, &["pid ", "last seen 60 min ago"]);
    live.signal("CONT");
    end(&sleeper, live).ok();
    assert_eq!(stored(&sleeper, &[]).as_deref(), Some("3"));
}

/// The file that the message names.
fn kept_aside(outcome: &Outcome) -> PathBuf {
    let (_, rest) = outcome
        .stderr
        .split_once("the last emitted state was saved to ")
        .expect("it says where");
    PathBuf::from(rest.split_whitespace().next().expect("a path"))
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn a_state_that_somebody_else_changed_is_not_overwritten() {
    for (more, store) in STORES {
        let runs = Runs::new(TAP);
        let live = waiting(&runs, more);
        if more.is_empty() {
            runs.query("update state set completed_state = '{\"singer_state\": 77}'");
        } else {
            std::fs::write(runs.path(store), "77\n").expect("written");
        }
        let outcome = end(&runs, live).fails(75, &["changed by another process", "nothing was overwritten"]);
        assert_eq!(stored(&runs, more).as_deref(), Some("77"));
        let kept = kept_aside(&outcome);
        let kept = runs.folder().join(kept);
        assert_eq!(std::fs::read_to_string(&kept).expect("kept"), "3\n");
        assert_eq!(mode(&kept), 0o600);
        // The rows are there; the next run goes on from what the other has stored.
        assert_eq!(runs.rows(), 2);
        run(&mut runs.command(more), b"").ok();
    }
}

#[test]
fn a_run_that_another_runner_took_for_dead_stores_nothing_more() {
    let runs = Runs::new(TAP);
    let live = waiting(&runs, &[]);
    runs.query("update runs set state = 'FAIL'");
    let outcome = end(&runs, live).fails(75, &["is recorded as FAIL", "nothing was overwritten"]);
    assert_eq!(stored(&runs, &[]).as_deref(), Some("2"));
    assert_eq!(
        std::fs::read_to_string(kept_aside(&outcome)).expect("kept"),
        "3\n"
    );
}

#[test]
fn with_force_the_first_of_two_runs_notices_the_second() {
    for (more, _) in STORES {
        let runs = Runs::new(TAP);
        let first = waiting(&runs, more);
        // The first stores nothing any more, before anybody has what it waits for.
        first.signal("STOP");
        let status = format!("/proc/{}/stat", first.id());
        wait_for("the stop", || {
            std::fs::read_to_string(&status)
                .is_ok_and(|text| text.contains(") T "))
                .then_some(())
        });
        std::fs::write(runs.path("go"), "").expect("written");
        let target = serde_json::json!({"destination_path": runs.path("out2")});
        runs.target(target);
        std::fs::write(
            runs.path("second.sh"),
            runs.read("tap.sh").replace("state 3", "state 33"),
        )
        .expect("written");
        let mut forced: Vec<&str> = more.to_vec();
        forced.push("--force");
        // The second tap is another one.
        forced.push("--adopt-state");
        let id = if more.is_empty() {
            runs.query("select job_name from runs")[0][0].clone()
        } else {
            String::new()
        };
        if more.is_empty() {
            forced.extend(["--state-id", &id]);
        }
        let mut second = std::process::Command::new(crate::harness::melisma());
        second
            .arg("run")
            .args(&forced)
            .args(["sh second.sh", "target-jsonl --config target.json"]);
        run(second.current_dir(runs.folder()), b"").ok();
        first.signal("CONT");
        end(&runs, first).fails(75, &["changed by another process"]);
        assert_eq!(stored(&runs, more).as_deref(), Some("33"));
    }
}

/// In ways that stop root too: a folder in place of the file, and a file system that takes no files.
#[test]
fn a_store_that_can_not_be_written_is_told_before_anything_is_started() {
    let runs = Runs::new("touch started; row 1; state 2");
    for (more, words) in [
        (&["--state", "out"][..], "not a regular file"),
        (&["--state", "/dev/null"], "not a regular file"),
        (
            &["--state", "/proc/self/state.json"],
            "cannot store a state in /proc/self/state.json",
        ),
        (
            &["--state", "missing/state.json"],
            "cannot store a state in missing/state.json",
        ),
    ] {
        std::fs::create_dir_all(runs.path("out")).expect("made");
        let outcome = run(&mut runs.command(more), b"");
        assert!(matches!(outcome.code, Some(74 | 78)), "{more:?}: {outcome:?}");
        outcome.says(&[words]);
    }
    std::fs::create_dir_all(runs.path(".meltano/meltano.db")).expect("made");
    run(&mut runs.command(&[]), b"").fails(74, &["the system database"]);
    let mut elsewhere = runs.command(&[]);
    run(elsewhere.env("MELTANO_SYS_DIR_ROOT", "/proc/self/meltano"), b"")
        .fails(74, &["cannot create /proc/self/meltano"]);
    assert!(!runs.path("started").exists(), "nothing was started");
}

/// Takes the place of the store during the run.
#[test]
fn a_store_that_becomes_unwritable_leaves_the_state_aside() {
    let runs = Runs::new(TAP);
    let live = waiting(&runs, &["--state", "state.json"]);
    std::fs::remove_file(runs.path("state.json")).expect("there");
    std::fs::create_dir(runs.path("state.json")).expect("made");
    let outcome = end(&runs, live).fails(74, &["the state could not be stored"]);
    assert_eq!(
        std::fs::read_to_string(runs.folder().join(kept_aside(&outcome))).expect("kept"),
        "3\n"
    );
}
