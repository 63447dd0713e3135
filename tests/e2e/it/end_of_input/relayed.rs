//! A tap of somebody else's, in Python: everything passes through the runner.

use std::path::Path;

use tempfile::TempDir;

use super::{gone, replacing, runner, whole};
use crate::harness::{Every, Live, kill, process, run, wait_for};

/// Sends the file `rows.singer`, then ends as its argument says.
const TAP: &str = r#"
import os, signal, sys, time
if "--discover" in sys.argv: sys.exit(1)
how = sys.argv[1]
text = open("rows.singer").read()
lines = text.splitlines(keepends=True)
def send(part):
    sys.stdout.write("".join(part)); sys.stdout.flush()
def wait():
    open("begun", "w").close()
    parent = os.getppid()
    while os.getppid() == parent: time.sleep(0.01)
if how == "well": send(lines)
if how == "without a state": send(lines[:-1])
if how == "at once": sys.exit(1)
if how == "after its schema": send(lines[:1]); sys.exit(1)
if how == "in the middle": send(lines[:4]); raise RuntimeError("the source went away")
if how == "in a line": send(lines[:4] + [lines[4][:20]]); sys.exit(1)
if how == "after its last state": send(lines); sys.exit(1)
if how == "killed": send(lines[:4]); os.kill(os.getpid(), signal.SIGKILL)
if how == "killed after its last state": send(lines); os.kill(os.getpid(), signal.SIGKILL)
if how == "waits": send(lines[:4]); wait()
if how == "waits after its last state": send(lines); wait()
if how == "closes and fails": send(lines); os.close(1); time.sleep(0.2); os._exit(1)
if how == "obeys":
    # As the Meltano SDK's: a signal ends the sync in good order, and with success.
    def stop(*_): send(lines[-1:]); os._exit(0)
    signal.signal(signal.SIGINT, stop); signal.signal(signal.SIGTERM, stop)
    send(lines[:4]); wait()
"#;

fn folder(rows: std::ops::Range<u64>) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("tap.py"), TAP).expect("written");
    send(folder.path(), rows);
    folder
}

/// What the tap sends from now on.
fn send(folder: &Path, rows: std::ops::Range<u64>) {
    std::fs::write(folder.join("rows.singer"), whole(rows)).expect("written");
}

fn tap(how: &str) -> String {
    format!("python3 tap.py '{how}'")
}

/// The rows, and the state, of the run before.
#[track_caller]
fn nothing_has_changed(folder: &Path, target: &Every, case: &str) {
    assert_eq!(target.ids(), [0, 1, 2, 3, 4, 5], "{case}");
    let state = std::fs::read_to_string(folder.join("state.json")).expect("a state");
    assert_eq!(state.trim(), "6", "{case}");
}

#[test]
fn a_tap_that_fails_leaves_what_was_there_in_every_target() {
    for (name, target) in replacing() {
        let folder = folder(0..6);
        let folder = folder.path();
        run(&mut runner(folder, &tap("well"), &target), b"").ok();
        nothing_has_changed(folder, &target, name);
        send(folder, 10..20);
        for how in [
            "at once",
            "after its schema",
            "in the middle",
            "after its last state",
            "killed",
            "killed after its last state",
            "closes and fails",
        ] {
            let case = format!("{name}, {how}");
            let outcome = run(&mut runner(folder, &tap(how), &target), b"");
            let killed = how.starts_with("killed");
            let why = if killed {
                "killed by signal 9"
            } else {
                "exit code 1"
            };
            let outcome = outcome.fails(1, &[&format!("Extractor failed ({why})"), "nothing is replaced"]);
            assert!(
                !outcome.stderr.contains("run completed"),
                "{case}: {}",
                outcome.stderr
            );
            nothing_has_changed(folder, &target, &case);
        }
        let outcome = run(&mut runner(folder, &tap("in a line"), &target), b"");
        outcome.fails(1, &["Extractor"]);
        nothing_has_changed(folder, &target, name);
        run(&mut runner(folder, &tap("well"), &target), b"").ok();
        assert_eq!(target.ids(), (10..20).collect::<Vec<_>>(), "{name}");
    }
}

/// What was added stays, its STATE is stored, and the first load of a table with a key has got it.
#[test]
fn a_tap_that_fails_leaves_what_it_sent_in_a_target_that_adds() {
    for (name, target) in Every::all() {
        let folder = folder(0..6);
        let folder = folder.path();
        run(&mut runner(folder, &tap("after its last state"), &target), b"")
            .fails(1, &["Extractor failed (exit code 1)"]);
        nothing_has_changed(folder, &target, name);
        if let Every::Table { database, .. } = &target {
            let key =
                "select count(*) from pg_constraint where contype = 'p' and conrelid = 'public.s'::regclass";
            assert_eq!(database.sql(key), "1");
        }
        send(folder, 6..9);
        run(&mut runner(folder, &tap("in the middle"), &target), b"")
            .fails(1, &["Extractor failed (exit code 1)"]);
        assert_eq!(target.ids(), (0..9).collect::<Vec<_>>(), "{name}");
        let state = std::fs::read_to_string(folder.join("state.json")).expect("a state");
        assert_eq!(
            state.trim(),
            "6",
            "{name}: its last rows have no STATE of their own"
        );
    }
}

#[test]
fn the_word_of_the_runner_is_enough_for_a_tap_without_state() {
    for (name, target) in replacing() {
        let folder = folder(0..6);
        run(&mut runner(folder.path(), &tap("well"), &target), b"").ok();
        send(folder.path(), 10..20);
        run(&mut runner(folder.path(), &tap("without a state"), &target), b"").ok();
        assert_eq!(target.ids(), (10..20).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_run_that_is_interrupted_leaves_what_was_there() {
    for (name, target) in replacing() {
        let folder = folder(0..6);
        let folder = folder.path();
        run(&mut runner(folder, &tap("well"), &target), b"").ok();
        send(folder, 10..20);
        for how in ["waits", "waits after its last state", "obeys"] {
            for (signal, code) in [("INT", 130), ("TERM", 143)] {
                let live = begun(folder, how, &target);
                live.signal(signal);
                live.end().fails(code, &["nothing is replaced"]);
                nothing_has_changed(folder, &target, &format!("{name}, {how}, {signal}"));
            }
        }
        run(&mut runner(folder, &tap("well"), &target), b"").ok();
        assert_eq!(target.ids(), (10..20).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_runner_that_is_killed_leaves_what_was_there_and_nobody_behind() {
    for (name, target) in replacing() {
        let folder = folder(0..6);
        let folder = folder.path();
        run(&mut runner(folder, &tap("well"), &target), b"").ok();
        send(folder, 10..20);
        for how in ["waits", "waits after its last state"] {
            let live = begun(folder, how, &target);
            let both = ["tap.py", name].map(|name| process(&live, name));
            live.signal("KILL");
            drop(live);
            both.into_iter().for_each(gone);
            nothing_has_changed(folder, &target, &format!("{name}, {how}"));
        }
    }
}

#[test]
fn whoever_is_killed_first_what_was_there_stays() {
    for (name, target) in replacing() {
        let folder = folder(0..6);
        let folder = folder.path();
        run(&mut runner(folder, &tap("well"), &target), b"").ok();
        send(folder, 10..20);
        for order in [["tap.py", "runner"], ["runner", "tap.py"]] {
            let live = begun(folder, "waits after its last state", &target);
            let (tap, target_id) = (process(&live, "tap.py"), process(&live, name));
            // Neither can do anything in between.
            kill("STOP", &target_id.to_string());
            for who in order {
                let pid = if who == "runner" { live.id() } else { tap };
                kill("KILL", &pid.to_string());
            }
            kill("CONT", &target_id.to_string());
            drop(live);
            gone(target_id);
            nothing_has_changed(folder, &target, &format!("{name}, {order:?}"));
        }
    }
}

/// A run whose tap has sent its rows, and waits.
fn begun(folder: &Path, how: &str, target: &Every) -> Live {
    let _ = std::fs::remove_file(folder.join("begun"));
    let mut command = runner(folder, &tap(how), target);
    // Of a runner that was killed, whose lock may still be looked at.
    command.arg("--force");
    let live = Live::start(&mut command);
    wait_for("the tap's rows", || folder.join("begun").exists().then_some(()));
    live
}
