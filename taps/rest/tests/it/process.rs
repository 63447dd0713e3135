//! The tap as a process: signals and long waits, and the STATE that is left.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use melisma_sdk::http::Replay;
use serde_json::{Value, json};
use tempfile::TempDir;

const DEFINITION: &str = "
url: '{url}'
settings: {url: {}}
pages: link_header
limits: {max_wait: 10s}
streams:
  a:
    path: /a
    since: {field: at, query: since, sorted: true}
    schema: {type: object, properties: {id: {type: integer}, at: {type: string, format: date-time}}}
";

/// A first page with a record, and a second one that is answered so.
fn server(second: &Value) -> Replay {
    let mut second = second.clone();
    second["path"] = "/a?page=2".into();
    let first = json!({
        "path": "/a", "headers": {"Link": "<?page=2>; rel=next"}, "body": [{"id": 1, "at": "2026-01-01T00:00:00Z"}]
    });
    Replay::serve(json!([first, second])).expect("serves")
}

fn tap(server: &Replay) -> (Command, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = json!({"definition": DEFINITION, "settings": {"url": server.url()}});
    fs::write(folder.path().join("config.json"), config.to_string()).expect("writes");
    let mut tap = Command::new(env!("CARGO_BIN_EXE_tap-rest"));
    tap.current_dir(folder.path()).args(["--config", "config.json"]);
    tap.stdout(Stdio::piped()).stderr(Stdio::piped());
    (tap, folder)
}

/// The bookmark in the last STATE of what a run wrote.
fn bookmark(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut states = messages.filter(|message| message["type"] == "STATE");
    let state = states.next_back().expect("a STATE");
    state["value"]["bookmarks"]["a"]["replication_key_value"].clone()
}

#[test]
fn a_wait_that_is_too_long_ends_the_run_with_75_and_its_state() {
    let server = server(&json!({"status": 429, "headers": {"Retry-After": "3600"}}));
    let (mut tap, _folder) = tap(&server);
    let output = tap.output().expect("starts");
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{log}");
    assert!(log.contains("max_wait"), "{log}");
    assert_eq!(bookmark(&output), "2026-01-01T00:00:00Z");
}

#[test]
fn sigterm_ends_a_request_that_waits_and_a_wait_before_a_retry() {
    for second in [
        json!({"delay_ms": 600_000}),
        json!({"status": 429, "headers": {"Retry-After": "9"}}),
    ] {
        let server = server(&second);
        let (mut tap, _folder) = tap(&server);
        let tap = tap.spawn().expect("starts");
        while server.requests().len() < 2 {
            thread::sleep(Duration::from_millis(5));
        }
        let begin = Instant::now();
        let id = tap.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kills");
        let output = tap.wait_with_output().expect("ends");
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(143), "{log}");
        assert_eq!(bookmark(&output), "2026-01-01T00:00:00Z");
        assert!(
            begin.elapsed() < Duration::from_mins(5),
            "the answer is not waited for"
        );
    }
}
