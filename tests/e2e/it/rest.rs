//! tap-rest against a server in another language, compared with the same tap on the Meltano SDK.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{melisma, python, root, run};

/// The tracker of examples/tap-tracker, as a process that ends with the test.
struct Tracker {
    process: Child,
    folder: TempDir,
}

fn example(name: &str) -> PathBuf {
    root().join("examples/tap-tracker").join(name)
}

impl Tracker {
    /// Starts it, and writes the configs of both taps.
    fn start() -> Self {
        let mut server = Command::new(python("python"));
        server.arg(example("tests/server.py")).args(["2", "0", "17"]);
        let mut process = server.stdout(Stdio::piped()).spawn().expect("Python starts");
        let mut port = String::new();
        let stdout = process.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut port).expect("a port");
        let folder = TempDir::new().expect("a folder");
        let settings = json!({
            "url": format!("http://127.0.0.1:{}", port.trim()), "client_id": "me", "client_secret": "s3cr3t-value"
        });
        let rest = json!({"definition": example("tracker.yaml"), "settings": settings});
        for (name, config) in [("sdk.json", &settings), ("rest.json", &rest)] {
            std::fs::write(folder.path().join(name), config.to_string()).expect("written");
        }
        Self { process, folder }
    }

    fn melisma(&self, args: &[&str]) -> Command {
        let mut command = Command::new(melisma());
        command.args(args).current_dir(self.folder.path());
        command
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The records of a run by stream and id.
fn records(mut tap: Command) -> BTreeMap<(String, i64), Value> {
    let output = run(&mut tap, b"").ok().stdout;
    let text = String::from_utf8(output).expect("UTF-8");
    let messages = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let records = messages.filter(|message| message["type"] == "RECORD");
    let by_id = records.map(|message| {
        let stream = message["stream"].as_str().unwrap_or_default().to_owned();
        (
            (stream, message["record"]["id"].as_i64().expect("an id")),
            message["record"].clone(),
        )
    });
    by_id.collect()
}

#[test]
fn a_definition_of_22_lines_reads_what_a_tap_on_the_meltano_sdk_reads() {
    let lines = std::fs::read_to_string(example("tracker.yaml"))
        .expect("a file")
        .lines()
        .count();
    assert!(lines <= 25, "{lines}");
    let tracker = Tracker::start();
    let ours = records(tracker.melisma(&["tap-rest", "--config", "rest.json"]));
    assert_eq!(ours.len(), 1180);
    let mut theirs = Command::new(python("python"));
    theirs
        .arg(example("tests/tap_tracker.py"))
        .args(["--config", "sdk.json"]);
    theirs.current_dir(tracker.folder.path());
    assert_eq!(ours, records(theirs));
}

#[test]
fn a_run_into_a_target_stores_a_state_that_the_next_one_resumes_from() {
    let tracker = Tracker::start();
    let target = json!({"destination_path": "out"});
    std::fs::write(tracker.folder.path().join("target.json"), target.to_string()).expect("written");
    let pair = ["tap-rest --config rest.json", "target-jsonl --config target.json"];
    let again = |state: &str| {
        let mut command = tracker.melisma(&["run", "--state", state]);
        run(command.args(pair), b"").ok();
        let rows = |name: &str| {
            let path = tracker.folder.path().join("out").join(format!("{name}.jsonl"));
            std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
        };
        (rows("projects"), rows("issues"), rows("events"))
    };
    assert_eq!(again("state.json"), (45, 135, 1000));
    // Each bookmark once more: a record may have come at the same moment.
    assert_eq!(again("state.json"), (90, 180, 1001));
}
