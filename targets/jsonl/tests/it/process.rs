//! The process: bytes in, files and STATE out, and what a kill leaves.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use melisma_processes::{Live, Outcome};
use serde_json::{Value, json};
use tempfile::TempDir;

const SCHEMA: &str = r#"{"type":"SCHEMA","stream":"a/b","schema":{"properties":{"id":{"type":"integer"},"text":{"type":"string"}}},"key_properties":["id"]}"#;

fn record(id: u32) -> String {
    format!(r#"{{"id": {id}, "text": "caf\u00e9 {id}"}}"#)
}

fn message(id: u32) -> String {
    format!(
        "{{\"type\": \"RECORD\", \"stream\": \"a/b\", \"record\": {}}}\n",
        record(id)
    )
}

fn command(folder: &Path, settings: &Value) -> Command {
    let mut config = json!({"destination_path": folder.join("out")});
    for (name, value) in settings.as_object().expect("settings") {
        config[name] = value.clone();
    }
    fs::write(folder.join("config.json"), config.to_string()).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_target-jsonl"));
    command.arg("--config").arg(folder.join("config.json"));
    command
}

/// Runs to the end, which must be a good one.
fn run(folder: &Path, settings: &Value, input: &str) -> Outcome {
    melisma_processes::run(&mut command(folder, settings), input.as_bytes()).ok()
}

#[test]
fn records_and_state_keep_their_bytes() {
    let folder = TempDir::new().expect("a folder");
    let state = r#"{"bookmarks":  {"a/b": {"at": 1.10}}}"#;
    let odd = r#"{"text":"x","id":2.0 }"#;
    let input = format!(
        "{SCHEMA}\n{}{{\"type\":\"RECORD\",\"stream\":\"a/b\",\"record\":{odd}}}\n\
         {{\"type\":\"RECORD\",\"stream\":\"a/b\",\"record\":{{\"id\":3,\"x\":[1],\"text\":\"a\",\"text\":\"b\"}}}}\n\
         {{\"type\":\"STATE\",\"value\":{state}}}\n",
        message(1)
    );
    let outcome = run(folder.path(), &json!({}), &input);
    assert_eq!(outcome.stdout, format!("{state}\n").as_bytes());
    let file = folder.path().join("out/a%2Fb.jsonl");
    let expected = format!("{}\n{odd}\n{{\"id\":3,\"text\":\"b\"}}\n", record(1));
    assert_eq!(fs::read_to_string(&file).expect("the file"), expected);

    // A file for each run, as other JSONL targets have it.
    run(folder.path(), &json!({"do_timestamp_file": true}), &input);
    assert_eq!(
        fs::read_dir(folder.path().join("out")).expect("a folder").count(),
        2
    );
}

#[test]
fn replacing_tells_state_at_the_end() {
    let folder = TempDir::new().expect("a folder");
    let input = format!(
        "{SCHEMA}\n{}{{\"type\":\"STATE\",\"value\":{{\"at\":1}}}}\n",
        message(1)
    );
    for _ in 0..2 {
        let outcome = run(folder.path(), &json!({"load_method": "overwrite"}), &input);
        assert_eq!(outcome.stdout, b"{\"at\":1}\n");
        let text = fs::read_to_string(folder.path().join("out/a%2Fb.jsonl")).expect("the file");
        assert_eq!(text, format!("{}\n", record(1)));
    }
}

/// Killed while rows are in the file that no STATE covers: the next start cuts them, and sending them again from the
/// last STATE makes each row stand once.
#[test]
fn a_killed_run_leaves_no_row_twice_and_loses_none() {
    let folder = TempDir::new().expect("a folder");
    let settings = json!({"state_interval_seconds": 0, "batch_size_rows": 10_000_000, "batch_size_bytes": 1_000_000_000});
    let mut child = Live::start(&mut command(folder.path(), &settings));
    let head: String = (0..1_000).map(message).collect();
    child.send([
        SCHEMA,
        head.trim_end(),
        "{\"type\":\"STATE\",\"value\":{\"at\":1000}}",
    ]);
    child.says("{\"at\":1000}");
    let file = folder.path().join("out/a%2Fb.jsonl");
    let committed = fs::read(&file).expect("the file");
    assert_eq!(committed.split(|&byte| byte == b'\n').count(), 1_001);

    // More rows than the target keeps in memory, so that some get into the file without a commit.
    let more: String = (1_000..400_000).map(message).collect();
    let mut stdin = child.stdin();
    let feeder = thread::spawn(move || stdin.write_all(more.as_bytes()).map(|()| stdin));
    while fs::metadata(&file).expect("the file").len() <= committed.len() as u64 {
        thread::sleep(Duration::from_millis(5));
    }
    child.kill();
    // The pipe may have broken.
    drop(feeder.join().expect("fed"));
    assert!(fs::metadata(&file).expect("the file").len() > committed.len() as u64);

    run(folder.path(), &settings, "").says(&["that a killed run had written but not committed"]);
    assert!(
        fs::read(&file).expect("the file") == committed,
        "the file is cut to what was committed"
    );

    let rest: String = (1_000..2_000).map(message).collect();
    run(folder.path(), &settings, &format!("{SCHEMA}\n{rest}"));
    let expected: String = (0..2_000).map(|id| record(id) + "\n").collect();
    assert!(
        fs::read_to_string(&file).expect("the file") == expected,
        "every row stands once, in order"
    );
    assert_eq!(
        fs::read_dir(folder.path().join("out")).expect("a folder").count(),
        1
    );
}
