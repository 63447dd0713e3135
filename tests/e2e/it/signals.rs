//! SIGINT and SIGTERM: the commit in hand ends, its STATE is emitted, the exit code says which signal it was. A second
//! signal ends a process at once, and still no STATE is ahead of the rows.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Every, Kind, Live, Outcome, Target, kill, melisma, records, schema_line, state_line, wait_for,
};

/// Batches of two rows; only the first STATE and the last are emitted.
fn in_pairs(target: Every) -> Every {
    target
        .with("batch_size_rows", 2)
        .with("state_interval_seconds", 3600)
}

/// Brings a target to where rows 1 to 4 are committed and STATE 4 waits to be emitted; the next row begins a batch.
fn busy(target: &Every) -> Live {
    let mut live = Live::start(&mut target.command());
    live.send([schema_line()]);
    live.send(records([1, 2]).chain([state_line(3)]));
    live.says("3");
    live.send(records([3]).chain([state_line(4)]).chain(records([4])));
    wait_for("the second commit", || (target.ids().len() == 4).then_some(()));
    live.send(records([5]).chain([state_line(6)]));
    live
}

/// The last STATE emitted, checked to be covered by rows.
#[track_caller]
fn covered(name: &str, target: &Every, outcome: &Outcome) -> u64 {
    let emitted: u64 = outcome
        .states()
        .last()
        .map_or(0, |last| last.parse().expect("a number"));
    let ids = target.ids();
    assert!(
        ids.windows(2).all(|pair| pair[0] < pair[1]),
        "{name}: twice: {ids:?}"
    );
    let missing: Vec<u64> = (1..emitted).filter(|id| !ids.contains(id)).collect();
    assert!(
        missing.is_empty(),
        "{name}: STATE {emitted} is ahead: {missing:?} are missing"
    );
    emitted
}

fn a_target_ends_well_on(signal: &str, code: i32) {
    for (name, target) in Every::all() {
        let target = in_pairs(target);
        let live = busy(&target);
        live.signal(signal);
        let outcome = live.end();
        assert_eq!(outcome.code, Some(code), "{name}: {}", outcome.stderr);
        assert!(
            outcome.stderr.contains(&format!("SIG{signal}")),
            "{name}: {}",
            outcome.stderr
        );
        let emitted = covered(name, &target, &outcome);
        // STATE 6 came at the same time as the signal.
        assert!(emitted == 4 || emitted == 6, "{name}: STATE {emitted}");
        // The next run goes on from there.
        let mut next = Live::start(&mut target.command());
        next.send([schema_line()]);
        next.send(records(emitted..8).chain([state_line(8)]));
        drop(next.stdin());
        let ids_before = target.ids().len();
        let outcome = next.end().ok();
        assert_eq!(outcome.states(), ["8"], "{name}");
        let ids = target.ids();
        assert!((1..8).all(|id| ids.contains(&id)), "{name}: {ids:?}");
        // Rows that were committed without their STATE come twice where the target has no keys to know them by.
        assert!(ids.len() <= ids_before + 8, "{name}: {ids:?}");
    }
}

#[test]
fn targets_commit_what_is_in_hand_on_sigterm() {
    a_target_ends_well_on("TERM", 143);
}

#[test]
fn targets_commit_what_is_in_hand_on_sigint() {
    a_target_ends_well_on("INT", 130);
}

#[test]
fn both_signals_are_two() {
    for (name, target) in Every::all() {
        let target = in_pairs(target);
        let live = busy(&target);
        live.signal("INT");
        live.signal("TERM");
        let outcome = live.end();
        // The second may come when the first has ended everything already.
        assert!(matches!(outcome.code, Some(130 | 143)), "{name}: {outcome:?}");
        covered(name, &target, &outcome);
    }
}

#[test]
fn a_replaced_file_stays_the_old_one() {
    let target = Target::new(Kind::Csv).with("write_mode", "replace");
    target
        .feed(
            [schema_line()]
                .into_iter()
                .chain(records([1]))
                .chain([state_line(2)]),
        )
        .ok();
    let before = target.text("s");
    let mut live = Live::start(&mut target.command());
    live.send([schema_line()]);
    live.send(records([2]).chain([state_line(3)]));
    wait_for("the new file", || {
        let mut files = std::fs::read_dir(target.out()).expect("a folder").flatten();
        files
            .any(|file| file.file_name().to_string_lossy().contains("partial"))
            .then_some(())
    });
    live.signal("TERM");
    let outcome = live.end().fails(143, &["SIGTERM"]);
    assert_eq!(outcome.states(), [""; 0], "nothing is durable before the end");
    assert_eq!(target.text("s"), before);
}

/// Nobody reads the STATE that a target tells, so it hangs in the middle of it.
#[test]
fn a_second_signal_ends_a_target_that_hangs() {
    for (name, target) in Every::all() {
        let target = target.with("state_interval_seconds", 0);
        let mut live = Live::start_unread(&mut target.command());
        let mut stdout = live.stdout();
        let long = json!({"next": 2, "long": "x".repeat(1 << 20)}).to_string();
        live.send([schema_line()]);
        live.send(records([1]).chain([format!(r#"{{"type":"STATE","value":{long}}}"#)]));
        let mut first = [0];
        stdout.read_exact(&mut first).expect("it has begun to tell");
        live.signal_until_it_ends("TERM");
        let mut rest = Vec::new();
        stdout.read_to_end(&mut rest).expect("readable");
        let outcome = live.end();
        assert_eq!(outcome.code, Some(143), "{name}: {}", outcome.stderr);
        assert_ne!(
            rest.last(),
            Some(&b'\n'),
            "{name}: half a STATE, which no runner takes"
        );
        assert_eq!(
            target.ids(),
            [1],
            "{name}: what the half of a STATE stands for is there"
        );
    }
}

#[test]
fn a_second_signal_ends_a_target_that_waits_for_a_lock() {
    let target = Every::postgres().with("state_interval_seconds", 0);
    let mut live = Live::start(&mut target.command());
    live.send([schema_line()]);
    live.send(records([1]).chain([state_line(2)]));
    live.says("2");
    let Every::Table { database, .. } = &target else {
        unreachable!("a table")
    };
    let mut holder = Live::start(&mut database.psql());
    holder.send(["begin; lock table public.s;"]);
    let held = "select count(*) > 0 from pg_locks where granted and mode = 'AccessExclusiveLock'
                and relation = 'public.s'::regclass";
    wait_for("the lock", || (database.sql(held) == "t").then_some(()));
    live.send(records([2]).chain([state_line(3)]));
    let waiting = "select count(*) > 0 from pg_locks where not granted";
    wait_for("the target to wait", || {
        (database.sql(waiting) == "t").then_some(())
    });
    live.signal_until_it_ends("INT");
    let outcome = live.end();
    assert_eq!(
        (outcome.code, outcome.states()),
        (Some(130), vec!["2".to_owned()]),
        "{}",
        outcome.stderr
    );
    holder.send(["commit;"]);
    drop(holder.stdin());
    holder.end();
    wait_for("the session to end", || {
        (database.sql("select count(*) from pg_locks where relation = 'public.s'::regclass") == "0")
            .then_some(())
    });
    assert_eq!(target.ids(), [1]);
}

/// Reads a little, sends the signal, reads the rest.
fn interrupt(command: &mut Command, signal: &str) -> (Option<i32>, Vec<Value>) {
    let mut live = Live::start_unread(command);
    let mut stdout = BufReader::new(live.stdout());
    let mut text = String::new();
    for _ in 0..100 {
        stdout.read_line(&mut text).expect("UTF-8");
    }
    live.signal(signal);
    stdout.read_to_string(&mut text).expect("UTF-8");
    assert!(text.ends_with('\n'), "the last line is whole");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a message"));
    (live.end().code, lines.collect())
}

#[test]
fn taps_end_at_the_end_of_a_line_and_tell_no_state_ahead() {
    const ROWS: usize = 400_000;
    let folder = TempDir::new().expect("a folder");
    let config = folder.path().join("tap.json");
    let csv = folder.path().join("s.csv");
    let mut rows = String::new();
    for id in 0..ROWS {
        writeln!(rows, "{id},row {id} xxxxxxxxxxxxxxxxxxxxxxxxxx").expect("a string");
    }
    std::fs::write(&csv, format!("id,text\n{rows}")).expect("written");
    let Every::Table {
        database,
        config: mut settings,
        ..
    } = Every::postgres()
    else {
        unreachable!("a table")
    };
    database.sql(&format!(
        "create table s as select id, 'row ' || id as text from generate_series(0, {}) id",
        ROWS - 1
    ));
    settings
        .as_object_mut()
        .expect("an object")
        .remove("default_target_schema");
    let csv = json!({"incremental": true, "files": [{"entity": "s", "path": csv, "keys": []}]});
    for (tap, settings) in [("tap-csv", csv), ("tap-postgres", settings)] {
        std::fs::write(&config, settings.to_string()).expect("written");
        for (signal, expected) in [("TERM", 143), ("INT", 130)] {
            let mut command = Command::new(melisma());
            let (code, messages) = interrupt(command.arg(tap).arg("--config").arg(&config), signal);
            assert_eq!(code, Some(expected), "{tap}");
            let of_type = |name: &str| messages.iter().filter(|message| message["type"] == name).count();
            assert!(of_type("RECORD") < ROWS, "{tap}: it was still at work");
            // The state of a file, or a table, that is done. One that goes on from a place in the table says so.
            let done = messages
                .iter()
                .filter(|message| message["type"] == "STATE")
                .any(|state| {
                    let state = state["value"].to_string();
                    state.contains("modified") || state.contains("max_")
                });
            assert!(!done || tap == "tap-postgres", "{tap}: {:?}", messages.last());
        }
    }
}

/// A pipe that is sent a signal in the middle of a line, which is then ended, and followed by another.
fn piped(more: &[&str], signal: &str) -> Outcome {
    let mut pipe = Live::start_unread(Command::new(melisma()).arg("pipe").args(more));
    let mut stdout = pipe.stdout();
    let [first, second] = [1, 2].map(|id| records([id]).next().expect("one"));
    pipe.send([&schema_line(), &first]);
    let (begin, end) = second.split_at(20);
    let mut stdin = pipe.stdin();
    stdin.write_all(begin.as_bytes()).expect("taken");
    let mut length = schema_line().len() + first.len() + 2;
    if !more.contains(&"--validate") {
        // What is not checked passes at once.
        length += begin.len();
    }
    let mut passed = vec![0; length];
    stdout.read_exact(&mut passed).expect("it passes");
    pipe.signal(signal);
    let _ = stdin.write_all(format!("{end}\n{}\n", state_line(3)).as_bytes());
    if signal == "INT" {
        drop(stdin);
    } else {
        // The tap goes on; the pipe does not wait for its end.
        std::mem::forget(stdin);
    }
    stdout.read_to_end(&mut passed).expect("readable");
    let mut outcome = pipe.end();
    outcome.stdout = passed;
    assert_eq!(outcome.stdout.last(), Some(&b'\n'), "whole lines: {outcome:?}");
    if !more.contains(&"--validate") {
        assert!(
            outcome.states().contains(&second),
            "the line in hand: {outcome:?}"
        );
    }
    outcome
}

#[test]
fn a_pipe_alone_ends_at_the_end_of_a_line_on_sigterm() {
    for more in [&[][..], &["--buffer", "1048576"], &["--validate"]] {
        let outcome = piped(more, "TERM");
        assert_eq!(outcome.code, Some(143), "{more:?}: {}", outcome.stderr);
    }
}

#[test]
fn a_pipe_passes_on_what_the_tap_still_sends_on_sigint() {
    for more in [&[][..], &["--buffer", "1048576"], &["--validate"]] {
        let outcome = piped(more, "INT");
        assert_eq!(outcome.code, Some(130), "{more:?}: {}", outcome.stderr);
        assert_eq!(outcome.states().last(), Some(&state_line(3)), "{more:?}");
    }
}

#[test]
fn a_second_signal_ends_a_pipe_whose_reader_sleeps() {
    for more in [&[][..], &["--buffer", "1048576"], &["--validate"]] {
        let mut pipe = Live::start_unread(Command::new(melisma()).arg("pipe").args(more));
        let mut stdout = pipe.stdout();
        let mut stdin = pipe.stdin();
        // More than all pipes and buffers hold.
        let tap = std::thread::spawn(move || {
            let lines: String = records(0..1000).map(|line| line + "\n").collect();
            let _ = writeln!(stdin, "{}", schema_line());
            while stdin.write_all(lines.as_bytes()).is_ok() {}
        });
        stdout.read_exact(&mut [0]).expect("it passes");
        pipe.signal_until_it_ends("TERM");
        tap.join().expect("it hears that nobody reads");
        let outcome = pipe.end();
        assert_eq!(outcome.code, Some(143), "{more:?}: {}", outcome.stderr);
    }
}

/// A tap that sends a row and its STATE again and again.
const TAP: &str = r#"
case "$*" in *--discover*) exit 1 ;; esac
echo '{"type":"SCHEMA","stream":"s","schema":{"properties":{"id":{"type":"integer"}}},"key_properties":[]}'
id=0
while :; do
  echo '{"type":"RECORD","stream":"s","record":{"id":'$id'}}'
  id=$((id + 1))
  echo '{"type":"STATE","value":'$id'}'
done
"#;

fn run_pair(folder: &Path, target: &str) -> Command {
    std::fs::write(folder.join("tap.sh"), TAP).expect("written");
    let config = json!({"destination_path": folder.join("out"), "batch_size_rows": 50});
    std::fs::write(folder.join("target.json"), config.to_string()).expect("written");
    let mut command = Command::new(melisma());
    command
        .args(["run", "--state", "state.json", "sh tap.sh"])
        .arg(format!("{target} --config target.json"))
        .current_dir(folder);
    command
}

/// As a terminal does it, and as a supervisor.
#[test]
fn a_run_ends_well_on_a_signal_to_it_alone_and_to_its_group() {
    for (signal, code, group) in [
        ("INT", 130, true),
        ("TERM", 143, true),
        ("INT", 130, false),
        ("TERM", 143, false),
    ] {
        let folder = TempDir::new().expect("a folder");
        let mut command = run_pair(folder.path(), "target-jsonl");
        let live = Live::start(command.process_group(0));
        wait_for("a state", || {
            folder.path().join("state.json").exists().then_some(())
        });
        let whom = if group {
            format!("-{}", live.id())
        } else {
            live.id().to_string()
        };
        kill(signal, &whom);
        let outcome = live.end();
        assert_eq!(outcome.code, Some(code), "{signal}: {}", outcome.stderr);
        let state = std::fs::read_to_string(folder.path().join("state.json")).expect("stored");
        let rows = std::fs::read_to_string(folder.path().join("out/s.jsonl")).expect("written");
        let (rows, state) = (
            rows.lines().count(),
            state.trim().parse::<usize>().expect("a number"),
        );
        // The tap may have been ended between a row and its STATE.
        assert!(state <= rows && rows <= state + 1, "STATE {state}, {rows} rows");
        assert!(
            outcome.stderr.contains("the last one is stored in"),
            "{}",
            outcome.stderr
        );
    }
}
