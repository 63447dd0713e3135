//! Low-code manifests, run by Airbyte's own framework and by tap-rest, which are to read the same records.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{melisma, python, root, run, script};

/// The APIs of `manifest_server.py`, as a process that ends with the test.
struct Server {
    process: Child,
    folder: TempDir,
}

/// Records by their streams, as texts, in an order of their own: which partition comes first differs.
type Records = BTreeMap<String, Vec<String>>;

fn manifest(name: &str) -> PathBuf {
    root().join("tests/e2e/manifests").join(format!("{name}.yaml"))
}

impl Server {
    /// Starts it, and writes the config of all manifests.
    fn start() -> Self {
        let mut server = script("python", "manifest_server.py");
        let mut process = server.stdout(Stdio::piped()).spawn().expect("Python starts");
        let mut port = String::new();
        let stdout = process.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut port).expect("a port");
        let server = Self {
            process,
            folder: TempDir::new().expect("a folder"),
        };
        server.write("config.json", &json!({
            "url": format!("http://127.0.0.1:{}", port.trim()), "token": "t0ken-value", "key": "k3y-value", "tag": "x",
            "start": "2026-01-01", "regions": ["eu", "us"], "user": "me", "password": "s3cr3t", "ids": [0, 1, 2],
            "client": {"kind": "oauth", "id": "c", "secret": "s3cr3t", "refresh": "r3fresh-value"}
        }));
        server
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::write(self.folder.path().join(name), value.to_string()).expect("written");
    }

    fn ours(&self, name: &str) -> Command {
        let mut tap = Command::new(melisma());
        tap.current_dir(self.folder.path())
            .arg("tap-rest")
            .arg("--manifest")
            .arg(manifest(name));
        tap.args(["--config", "config.json"]);
        tap
    }

    fn read_ours(&self, name: &str, state: Option<&Value>) -> (Records, Value) {
        let mut tap = self.ours(name);
        if let Some(state) = state {
            self.write("state.json", state);
            tap.args(["--state", "state.json"]);
        }
        let (mut records, mut last) = (Records::new(), Value::Null);
        for message in messages(&run(&mut tap, b"").ok().stdout) {
            match message["type"].as_str() {
                Some("RECORD") => add(&mut records, &message["stream"], &message["record"]),
                Some("STATE") => last = message["value"].clone(),
                _ => {}
            }
        }
        (sorted(records), last)
    }

    fn read_theirs(&self, name: &str, state: Option<&Value>) -> (Records, Value) {
        let catalog = run(self.ours(name).arg("--discover"), b"").ok().stdout;
        let catalog: Value = serde_json::from_slice(&catalog).expect("a catalog");
        let stream = |entry: &Value| {
            let mode = if entry.get("replication_key").is_some() {
                "incremental"
            } else {
                "full_refresh"
            };
            json!({
                "stream": {"name": entry["stream"], "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]},
                "sync_mode": mode, "destination_sync_mode": "append"
            })
        };
        let streams: Vec<Value> = catalog["streams"]
            .as_array()
            .into_iter()
            .flatten()
            .map(stream)
            .collect();
        self.write("catalog.json", &json!({"streams": streams}));
        let mut source = Command::new(python("python-airbyte").with_file_name("source-declarative-manifest"));
        source.current_dir(self.folder.path()).args([
            "read",
            "--config",
            "config.json",
            "--catalog",
            "catalog.json",
        ]);
        source.arg("--manifest-path").arg(manifest(name));
        if let Some(state) = state {
            self.write("their_state.json", state);
            source.args(["--state", "their_state.json"]);
        }
        let (mut records, mut states) = (Records::new(), BTreeMap::new());
        for message in messages(&run(&mut source, b"").ok().stdout) {
            match message["type"].as_str() {
                Some("RECORD") => add(
                    &mut records,
                    &message["record"]["stream"],
                    &message["record"]["data"],
                ),
                Some("STATE") => {
                    let of = message["state"]["stream"]["stream_descriptor"]["name"].to_string();
                    states.insert(of, message["state"].clone());
                }
                _ => {}
            }
        }
        (sorted(records), states.into_values().collect())
    }

    /// Reads with both, and again from the states of both; `first` and `second` are how many records there are.
    fn compare(&self, name: &str, first: &[(&str, usize)], second: &[(&str, usize)]) {
        let counts = |records: &Records| -> Vec<(String, usize)> {
            records
                .iter()
                .map(|(stream, records)| (stream.clone(), records.len()))
                .collect()
        };
        let wanted = |all: &[(&str, usize)]| -> Vec<(String, usize)> {
            all.iter()
                .map(|(stream, count)| ((*stream).to_owned(), *count))
                .collect()
        };
        let (ours, state) = self.read_ours(name, None);
        let (theirs, their_state) = self.read_theirs(name, None);
        assert_eq!(counts(&ours), wanted(first), "{name}");
        assert_eq!(ours, theirs, "{name}");
        if second.is_empty() {
            return;
        }
        let (again, _) = self.read_ours(name, Some(&state));
        assert_eq!(counts(&again), wanted(second), "{name}: again");
        assert_eq!(
            again,
            self.read_theirs(name, Some(&their_state)).0,
            "{name}: again"
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn messages(stdout: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(stdout);
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn add(records: &mut Records, stream: &Value, record: &Value) {
    let stream = stream.as_str().unwrap_or_default().to_owned();
    // By their names, as serde_json compares objects; their order says nothing.
    let members: BTreeMap<&String, &Value> = record.as_object().into_iter().flatten().collect();
    records.entry(stream).or_default().push(format!("{members:?}"));
}

fn sorted(mut records: Records) -> Records {
    for records in records.values_mut() {
        records.sort();
    }
    records
}

#[test]
fn pages_by_number_with_parameters_references_and_added_fields() {
    Server::start().compare("pages", &[("items", 8), ("some", 3)], &[]);
}

#[test]
fn offsets_with_a_retry_and_flattened_fields() {
    Server::start().compare("offsets", &[("rows", 9)], &[]);
}

#[test]
fn tokens_with_a_stop_condition_and_normalized_values() {
    Server::start().compare("cursor", &[("amounts", 7)], &[]);
}

#[test]
fn links_in_the_body_and_in_a_header() {
    Server::start().compare("links", &[("body", 5), ("header", 5)], &[]);
}

#[test]
fn windows_of_two_days_with_a_lookback() {
    Server::start().compare("windows", &[("windows", 109)], &[("windows", 3)]);
}

#[test]
fn children_of_projects_and_products_of_lists() {
    let first = [("issues", 8), ("projects", 4), ("usage", 4)];
    Server::start().compare(
        "children",
        &first,
        &[("issues", 3), ("projects", 4), ("usage", 4)],
    );
}

#[test]
fn a_feed_that_ends_at_the_bookmark_and_a_filter_of_our_own() {
    Server::start().compare(
        "feed",
        &[("feed", 11), ("filtered", 17)],
        &[("feed", 1), ("filtered", 1)],
    );
}

#[test]
fn searches_by_post_with_json_and_with_a_form() {
    Server::start().compare("search", &[("form", 1), ("search", 5)], &[]);
}

#[test]
fn tokens_by_oauth_and_by_a_login() {
    Server::start().compare("private", &[("private", 3), ("session", 2)], &[]);
}

#[test]
fn an_error_with_status_200_and_changed_keys() {
    Server::start().compare("quirks", &[("quirks", 3)], &[]);
}

#[test]
fn a_stream_that_is_not_taken_is_left_out_with_its_component_and_place() {
    let server = Server::start();
    let text = std::fs::read_to_string(manifest("links")).expect("a manifest");
    let text = text.replace(
        "spec: {type: Spec",
        "  - {type: DeclarativeStream, name: reports, retriever: {type: AsyncRetriever}}\n  - {type: DeclarativeStream, name: \
         own, retriever: {type: CustomRetriever, class_name: a.B}}\nspec: {type: Spec",
    );
    std::fs::write(server.folder.path().join("some.yaml"), text).expect("written");
    let tap = |args: &[&str]| {
        let mut tap = Command::new(melisma());
        tap.current_dir(server.folder.path());
        tap.args(["tap-rest", "--manifest", "some.yaml", "--config", "config.json"])
            .args(args);
        tap.output().expect("starts")
    };
    let all = tap(&[]);
    let log = String::from_utf8_lossy(&all.stderr);
    assert_eq!(all.status.code(), Some(78), "{log}");
    assert_eq!(
        messages(&all.stdout)
            .iter()
            .filter(|message| message["type"] == "RECORD")
            .count(),
        10
    );
    for said in [
        "stream reports (streams[2].retriever: AsyncRetriever is not supported)",
        "stream own (streams[3].retriever: CustomRetriever (a.B) is Python code, which is not run)",
    ] {
        assert!(log.contains(said), "{log}");
    }
    let discovered = tap(&["--discover"]);
    assert_eq!(discovered.status.code(), Some(0));
    std::fs::write(server.folder.path().join("catalog.json"), &discovered.stdout).expect("written");
    assert_eq!(tap(&["--catalog", "catalog.json"]).status.code(), Some(0));
}

#[test]
fn secrets_of_the_config_and_tokens_are_masked() {
    let server = Server::start();
    for name in ["pages", "private", "cursor"] {
        let output = server
            .ours(name)
            .env("LOGLEVEL", "TRACE")
            .output()
            .expect("starts");
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{log}");
        for secret in [
            "t0ken-value",
            "k3y-value",
            "r3fresh-value",
            "acc3ss-value",
            "s3ssion-value",
        ] {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
    }
}

#[test]
fn the_table_names_every_component_of_the_framework() {
    let program = "import pathlib, re, airbyte_cdk.sources.declarative.models as m\n\
                   text = pathlib.Path(m.__file__).with_name('declarative_component_schema.py').read_text()\n\
                   print(*sorted(set(re.findall(r'type: Literal\\[\"(\\w+)\"\\]', text))))";
    let output = run(Command::new(python("python-airbyte")).args(["-c", program]), b"")
        .ok()
        .stdout;
    let names = String::from_utf8(output).expect("UTF-8");
    let page = std::fs::read_to_string(root().join("docs/tap-rest-manifests.md")).expect("a page");
    let missing: Vec<&str> = names
        .split_whitespace()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(
        missing.is_empty() && names.contains("DeclarativeStream"),
        "{missing:?}"
    );
}
