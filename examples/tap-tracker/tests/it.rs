//! The example as a program: compared with the same tap on the Meltano SDK, killed and resumed, and what it logs.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const SECRET: &str = "s3cr3t-value";

/// The tracker, as a process that ends with the test.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// A server whose tokens live for this many seconds, whose 429 asks for no wait, and that answers this often with a 500.
    fn start(ttl: &str, error_every: &str) -> Self {
        let python = std::env::var("MELISMA_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server.py");
        let mut process = Command::new(python)
            .arg(script)
            .args([ttl, "0", error_every])
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("the port");
        let port = line.trim().parse().expect("a port");
        Self { process, port }
    }

    fn config(&self, folder: &Path, secret: &str) {
        let url = format!("http://127.0.0.1:{}", self.port);
        let config = json!({"url": url, "client_id": "me", "client_secret": secret});
        fs::write(folder.join("config.json"), config.to_string()).expect("writes");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn tap(folder: &Path) -> Command {
    let mut tap = Command::new(env!("CARGO_BIN_EXE_tap-tracker"));
    tap.current_dir(folder).args(["--config", "config.json"]);
    tap
}

/// What a run has written: all records, and the last STATE with the number of records before it.
#[derive(Default)]
struct Written {
    records: Vec<(String, Value)>,
    state: Option<(Value, usize)>,
}

impl Written {
    /// The line is left out when it is not whole.
    fn line(&mut self, line: &str) {
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            return;
        };
        match message["type"].as_str() {
            Some("RECORD") => {
                let stream = message["stream"].as_str().unwrap_or_default().to_owned();
                self.records.push((stream, message["record"].clone()));
            }
            Some("STATE") => self.state = Some((message["value"].clone(), self.records.len())),
            _ => {}
        }
    }

    fn of(text: &[u8]) -> Self {
        let mut written = Self::default();
        String::from_utf8_lossy(text).lines().for_each(|line| written.line(line));
        written
    }
}

/// The records by stream and id.
fn by_id<'r>(records: impl IntoIterator<Item = &'r (String, Value)>) -> BTreeMap<(String, i64), Value> {
    let pair = |(stream, record): &(String, Value)| {
        ((stream.clone(), record["id"].as_i64().expect("an id")), record.clone())
    };
    records.into_iter().map(pair).collect()
}

fn run(mut tap: Command) -> Written {
    let output = tap.output().expect("the tap starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Written::of(&output.stdout)
}

#[test]
fn the_records_are_those_of_the_same_tap_on_the_meltano_sdk() {
    let server = Server::start("2", "17");
    let folder = tempfile::tempdir().expect("a folder");
    server.config(folder.path(), SECRET);
    let ours = run(tap(folder.path()));
    assert_eq!(ours.records.len(), 1180);
    let Ok(python) = std::env::var("MELISMA_TEST_PYTHON") else {
        panic!("MELISMA_TEST_PYTHON is not set: run cargo xtask test");
    };
    let mut theirs = Command::new(python);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tap_tracker.py");
    theirs.current_dir(folder.path()).arg(script).args(["--config", "config.json"]);
    let theirs = run(theirs);
    assert_eq!(theirs.records.len(), 1180);
    // Their order differs: children before their parent.
    assert_eq!(by_id(&ours.records), by_id(&theirs.records));
}

#[test]
fn a_second_run_reads_what_is_new_and_every_bookmark_again() {
    let server = Server::start("60", "0");
    let folder = tempfile::tempdir().expect("a folder");
    server.config(folder.path(), SECRET);
    let (state, _) = run(tap(folder.path())).state.expect("a STATE");
    fs::write(folder.path().join("state.json"), state.to_string()).expect("writes");
    let mut again = tap(folder.path());
    again.args(["--state", "state.json"]);
    let again = run(again);
    let count = |stream: &str| again.records.iter().filter(|(name, _)| name == stream).count();
    assert_eq!((count("projects"), count("issues"), count("events")), (45, 45, 1));
    let (state, _) = again.state.expect("a STATE");
    let partitions = state["bookmarks"]["issues"]["partitions"].as_array().expect("partitions");
    assert_eq!(partitions.len(), 45);
}

/// Starts a run, ends it after this number of lines, and returns what came until then.
fn killed(folder: &TempDir, lines: usize, signal: &str) -> Written {
    let mut tap = tap(folder.path());
    let mut tap = tap.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
    let mut stdout = BufReader::new(tap.stdout.take().expect("piped"));
    let mut written = Written::default();
    let mut line = String::new();
    for _ in 0..lines {
        line.clear();
        if stdout.read_line(&mut line).expect("UTF-8") == 0 {
            break;
        }
        written.line(&line);
    }
    let id = tap.id().to_string();
    let _ = Command::new("kill").args([signal, &id]).status();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("UTF-8");
    rest.lines().for_each(|line| written.line(line));
    tap.wait().expect("ends");
    written
}

#[test]
fn killed_at_any_moment_and_resumed_no_record_is_missing() {
    let server = Server::start("60", "0");
    let folder = tempfile::tempdir().expect("a folder");
    server.config(folder.path(), SECRET);
    let all = by_id(&run(tap(folder.path())).records);
    for moment in 0..20 {
        // SIGTERM lets it emit a STATE in the middle of a stream; SIGKILL leaves what was there.
        let signal = if moment % 2 == 0 { "-TERM" } else { "-KILL" };
        let first = killed(&folder, 1 + moment * 59, signal);
        let mut resumed = tap(folder.path());
        // A target has made durable what came before the last STATE, and no more.
        let durable = match &first.state {
            Some((state, records)) => {
                fs::write(folder.path().join("state.json"), state.to_string()).expect("writes");
                resumed.args(["--state", "state.json"]);
                *records
            }
            None => 0,
        };
        let second = run(resumed);
        let both = first.records.iter().take(durable).chain(&second.records);
        assert_eq!(by_id(both), all, "{signal} after line {}", 1 + moment * 59);
    }
}

#[test]
fn neither_tokens_nor_secrets_are_logged_at_any_level() {
    let server = Server::start("60", "0");
    let folder = tempfile::tempdir().expect("a folder");
    server.config(folder.path(), SECRET);
    let output = tap(folder.path()).env("LOGLEVEL", "TRACE").output().expect("starts");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && log.contains("429 Too Many Requests"), "{log}");
    assert!(!log.contains("token-") && !log.contains(SECRET), "{log}");
    let wrong = "wrong-s3cr3t/value";
    server.config(folder.path(), wrong);
    let output = tap(folder.path()).env("LOGLEVEL", "TRACE").output().expect("starts");
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{log}");
    assert!(log.contains("401 Unauthorized") && log.contains("no token was obtained"), "{log}");
    assert!(!log.contains(wrong) && !log.contains("wrong-s3cr3t%2Fvalue"), "{log}");
}

#[test]
fn each_request_is_measured() {
    let server = Server::start("60", "0");
    let folder = tempfile::tempdir().expect("a folder");
    server.config(folder.path(), SECRET);
    let output = tap(folder.path()).output().expect("starts");
    let log = String::from_utf8_lossy(&output.stderr);
    let metrics = log.lines().filter_map(|line| line.strip_prefix("INFO METRIC: "));
    let metrics: Vec<Value> = metrics.map(|text| serde_json::from_str(text).expect("JSON")).collect();
    let good = |metric: &&Value| {
        metric["metric"] == "http_request_duration"
            && metric["tags"]["endpoint"] == "/projects/{project_id}/issues"
            && metric["tags"]["http_status_code"] == 200
    };
    assert_eq!(metrics.iter().filter(good).count(), 45);
    let counted =
        |metric: &&Value| metric["metric"] == "http_request_count" && metric["tags"]["stream"] == "issues";
    let counted = metrics.iter().find(counted).expect("a count");
    assert!(counted["value"].as_i64() >= Some(45), "{counted}");
}
