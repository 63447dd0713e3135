//! What others have chosen reaches a terminal and a log escaped, and a log that nobody reads holds nothing up.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use melisma_processes::wait_for;
use serde_json::{Value, json};

use crate::support::{Folder, assert_code, signal, stderr};

/// Obeyed by terminals, or a line of its own, or the wrong way round.
const EVIL: &str = "evil\u{1b}]0;PWNED\u{7}\u{1b}[2J\n2026-11-26T00:00:00.000000Z [error    ] melisma      FAKE LINE\r\u{9b}31mx\u{202e}\u{2028}\u{7f}";

/// That no line is forged, and nothing in it is for a terminal.
#[track_caller]
fn assert_quiet(output: &[u8]) {
    let text = std::str::from_utf8(output).unwrap();
    for line in text.lines() {
        assert!(!line.starts_with("2026-11-26T00:00:00.000000Z"), "{line}");
        let bad = line
            .chars()
            .find(|c| c.is_control() || "\u{202e}\u{2028}\u{9b}\u{feff}".contains(*c));
        assert_eq!(bad, None, "{line:?}");
    }
    assert!(!text.contains('\r'), "{text:?}");
}

fn messages() -> String {
    let schema = json!({"type": "SCHEMA", "stream": EVIL, "schema": {"properties": {"v": {"type": "integer"}, EVIL: {"type": "string"}}}, "key_properties": []});
    let mut text = format!("{schema}\n");
    for i in 0..3 {
        let record = json!({"type": "RECORD", "stream": EVIL, "record": {"v": i, EVIL: EVIL, format!("unknown {EVIL}"): 1}});
        let _ = writeln!(text, "{record}");
    }
    text + "{\"type\": \"STATE\", \"value\": {\"n\": 1}}\n"
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("in", &messages());
    folder.write(
        "bad",
        &(messages() + &json!({"type": "RECORD", "stream": EVIL, "record": {"v": EVIL}}).to_string()),
    );
    folder.write("cat.sh", "case $* in *--discover*) exit 1;; esac; cat in");
    folder.write("t.json", r#"{"destination_path": "out"}"#);
    folder
}

#[test]
fn names_of_the_input_are_escaped_in_every_line_of_a_plugin() {
    let folder = folder();
    let structured = json!({"formatters": {"f": {"()": "singer_sdk.logging.StructuredFormatter"}}});
    folder.write("log.json", &structured.to_string());
    for target in ["target-jsonl", "target-csv", "target-parquet"] {
        for (input, code) in [("in", 0), ("bad", 65)] {
            for log in ["", "log.json"] {
                let mut command = folder.melisma(&[target, "--config", "t.json"]);
                let stdin = std::fs::File::open(folder.join(input)).unwrap();
                command
                    .stdin(stdin)
                    .env("LOGLEVEL", "debug")
                    .env("SINGER_SDK_LOG_CONFIG", log);
                let output = command.output().unwrap();
                assert_code(&output, code);
                assert_quiet(&output.stderr);
                for line in stderr(&output).lines().filter(|_| !log.is_empty()) {
                    serde_json::from_str::<Value>(line).unwrap();
                }
            }
        }
    }
}

#[test]
fn a_run_and_a_pipe_escape_them_too() {
    let folder = folder();
    let run = |tap: &str, target: &str| {
        let args = ["run", "--no-state-update", "--log-level", "debug", tap, target];
        folder.melisma(&args).output().unwrap()
    };
    for target in ["target-jsonl --config t.json", "bash -c 'cat > /dev/null'"] {
        let output = run("sh cat.sh", target);
        assert_code(&output, 0);
        assert_quiet(&output.stderr);
    }
    let bad = std::fs::File::open(folder.join("bad")).unwrap();
    let args = ["pipe", "--validate", "--on-invalid", "skip"];
    let output = folder.melisma(&args).stdin(bad).output().unwrap();
    assert_code(&output, 0);
    assert_quiet(&output.stderr);
    for args in [
        &[EVIL][..],
        &["run", EVIL, EVIL],
        &["run", "--x", EVIL],
        &["tap-csv", EVIL],
        &["tap-csv", "--config", EVIL],
    ] {
        let output = folder.melisma(args).output().unwrap();
        assert!(!output.status.success());
        assert_quiet(&output.stderr);
    }
}

#[test]
fn names_of_files_are_escaped() {
    let folder = Folder::new();
    let name = format!("x{}.csv", EVIL.replace('/', ""));
    folder.write(&name, "a\n1\n");
    folder.write("empty\n2026 FAKE.csv", "");
    let config = json!({"files": [{"entity": EVIL, "path": "x*.csv", "keys": ["a"]}, {"entity": "e", "path": "empty*", "keys": ["a"]}]});
    folder.write("c.json", &config.to_string());
    let output = folder
        .melisma(&["tap-csv", "--config", "c.json"])
        .env("LOGLEVEL", "debug")
        .output()
        .unwrap();
    assert_quiet(&output.stderr);
}

/// Lines of a plugin are logged under its name, one by one; its colours are not.
#[test]
fn what_a_plugin_writes_to_its_stderr_obeys_the_same_rules() {
    let folder = Folder::new();
    let lines = format!("{EVIL}\nA \u{1b}[1;31mcolour\u{1b}[0m\tand a tab\nbad \\377 byte\n");
    folder.write("lines", &lines);
    let structured = json!({"level": "ERROR", "pid": 1, "logger_name": "l", "ts": 1, "thread_name": "t", "app_name": "a", "message": EVIL,
        "exception": {"type": "E", "message": EVIL, "traceback": format!("at x\nat {EVIL}")}});
    folder.write("structured", &format!("{structured}\n"));
    folder.write(
        "tap.sh",
        "case $* in *--discover*) exit 1;; esac; cat lines structured >&2; printf 'no \\377 UTF-8\\n' >&2",
    );
    let output = folder
        .melisma(&["run", "--no-state-update", "sh tap.sh", "target-jsonl"])
        .output()
        .unwrap();
    assert_code(&output, 0);
    assert_quiet(&output.stderr);
    let log = stderr(&output);
    assert!(log.contains("tap          A colour    and a tab\n"), "{log}");
    assert!(
        log.contains("tap          2026-11-26"),
        "it is logged as the tap's: {log}"
    );
    assert!(log.contains("[error    ] tap          at x\n"), "{log}");
}

#[test]
fn usage_errors_have_real_line_ends_and_name_what_was_meant() {
    let folder = Folder::new();
    for (args, meant) in [
        (&["tap-csv", "--confg", "x.json"][..], "--config"),
        (&["target-jsonl", "--sate-out", "x"], "--state-out"),
        (&["run", "--stat", "x", "a", "b"], "--state"),
        (&["pipe", "--stat", "x"], "--stats"),
    ] {
        let output = folder.melisma(args).output().unwrap();
        assert_code(&output, 64);
        let text = stderr(&output);
        assert!(
            !text.contains("\\n") && text.lines().count() > 2 && text.contains(meant),
            "{text}"
        );
    }
}

#[test]
fn the_help_of_a_built_in_plugin_has_two_ways() {
    let folder = Folder::new();
    for name in melisma_processes::PLUGINS {
        let [one, two] =
            [["help", name], [name, "--help"]].map(|args| folder.melisma(&args).output().unwrap());
        assert_code(&one, 0);
        assert!(one.stdout == two.stdout && String::from_utf8_lossy(&one.stdout).contains("--config"));
    }
    assert_code(&folder.melisma(&["help", "run"]).output().unwrap(), 0);
    assert_code(&folder.melisma(&["help", "tap-cvs"]).output().unwrap(), 64);
}

#[test]
fn a_run_outside_of_a_project_says_so() {
    let folder = Folder::new();
    folder.write("s.csv", "a\n1\n");
    folder.write(
        "c.json",
        r#"{"files": [{"entity": "s", "path": "s.csv", "keys": ["a"]}]}"#,
    );
    let output = folder
        .melisma(&["run", "tap-csv --config c.json", "target-jsonl"])
        .output()
        .unwrap();
    assert_code(&output, 0);
    assert!(
        stderr(&output).contains("there is no meltano.yml here or above"),
        "{}",
        stderr(&output)
    );
}

/// A pipe that is full before the run begins, and that nobody reads.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    use std::io::Write as _;
    let (reader, writer) = std::io::pipe().unwrap();
    let filler = writer.try_clone().unwrap();
    std::thread::spawn(move || {
        let _ = (&filler).write_all(&vec![b'x'; 8 << 20]);
    });
    // The thread fills it, and then waits in the middle of its write for ever.
    std::thread::sleep(Duration::from_millis(200));
    (reader, writer)
}

const LOUD: &str = "case $* in *--discover*) exit 1;; esac; touch ready; i=0; while [ $i -lt 40000 ]; do echo 'noise noise noise noise noise noise noise noise' >&2; i=$((i+1)); done; echo done > done";

#[test]
fn a_run_whose_stderr_nobody_reads_goes_on_and_ends() {
    let folder = Folder::new();
    folder.write("loud.sh", LOUD);
    let (_reader, writer) = full_pipe();
    let mut command = folder.melisma(&["run", "--no-state-update", "sh loud.sh", "target-jsonl"]);
    let status = command.stderr(Stdio::from(writer)).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(folder.join("done").exists(), "the tap came to its end");
    // Errors before a run begins, too.
    let (_reader, writer) = full_pipe();
    let mut command = folder.melisma(&["run", "no-such-program", "target-jsonl"]);
    assert_eq!(
        command.stderr(Stdio::from(writer)).status().unwrap().code(),
        Some(64)
    );
}

#[test]
fn a_second_signal_kills_both_whatever_stderr_does() {
    let folder = Folder::new();
    let deaf =
        "trap '' TERM; case $* in *--discover*) exit 1;; esac; touch ready; while :; do echo noise >&2; done";
    folder.write("deaf.sh", deaf);
    folder.write("target.sh", "trap '' TERM; while :; do sleep 1; done");
    let (_reader, writer) = full_pipe();
    let mut command = folder.melisma(&["run", "--no-state-update", "sh deaf.sh", "sh target.sh"]);
    let mut child = command.stderr(Stdio::from(writer)).spawn().unwrap();
    folder.wait_for("ready");
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(began.elapsed() < Duration::from_mins(2), "it does not end");
        signal(&child, "TERM");
        std::thread::sleep(Duration::from_millis(600));
    };
    assert_eq!(status.code(), Some(143));
    folder.assert_clean();
}

/// The plugins have ended, and the run waits for the reader of its log alone: one that reads, but a page at a time.
#[test]
fn a_second_signal_ends_the_wait_for_a_slow_reader() {
    let folder = Folder::new();
    folder.write("loud.sh", LOUD);
    folder.write("target.sh", "cat > /dev/null; touch ended");
    let (mut reader, writer) = std::io::pipe().unwrap();
    std::thread::spawn(move || {
        let mut page = [0; 4096];
        while std::io::Read::read_exact(&mut reader, &mut page).is_ok() {
            std::thread::sleep(Duration::from_millis(800));
        }
    });
    let mut command = folder.melisma(&["run", "--no-state-update", "sh loud.sh", "sh target.sh"]);
    let mut child = command.stderr(Stdio::from(writer)).spawn().unwrap();
    folder.wait_for("ready");
    signal(&child, "TERM");
    folder.wait_for("ended");
    // Then the plugins are behind it.
    wait_for("the end of the pair", || {
        folder.of_runs().is_empty().then_some(())
    });
    assert_eq!(child.try_wait().unwrap(), None, "it waits for the reader");
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_mins(1), "it does not end");
        // Again, as a user does: a signal between the end of the pair and the wait does not count.
        signal(&child, "TERM");
        std::thread::sleep(Duration::from_millis(600));
    }
    assert_eq!(child.wait().unwrap().code(), Some(143));
    folder.assert_clean();
}
