//! What a run shows to others: metrics that Prometheus' own parser reads, logs that are Meltano's, runs on a server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use melisma_testing::postgres::server;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::harness::{Live, melisma, python, run, script, wait_for};
use crate::system_database::Project;

/// Records with a STATE after the second, and one more record. It waits before its end for a file `go`.
const TAP: &str = r#"#!/bin/sh
case $* in *--discover*) exit 1;; esac
cat << 'END'
{"type":"SCHEMA","stream":"a\"b\\c","schema":{"properties":{"id":{"type":"integer"}}},"key_properties":[]}
{"type":"RECORD","stream":"a\"b\\c","record":{"id":1}}
{"type":"RECORD","stream":"a\"b\\c","record":{"id":2}}
{"type":"STATE","value":{"n": "é"}}
END
while [ ! -e more ]; do sleep 0.05; done
cat << 'END'
{"type":"RECORD","stream":"a\"b\\c","record":{"id":3}}
END
while [ ! -e go ]; do sleep 0.05; done
"#;

/// It emits states in Python's spelling, which is not the tap's.
const TARGET: &str = r#"import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "STATE":
        print(json.dumps(message["value"]), flush=True)
"#;

fn executable(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

/// What the parser says about an endpoint.
fn scrape(url: &str) -> Value {
    let output = script("python-metrics", "metrics_read.py")
        .arg(url)
        .output()
        .expect("Python starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn value(scraped: &Value, name: &str) -> Option<f64> {
    let samples = scraped["samples"].as_array()?;
    samples.iter().find(|sample| sample[0] == name)?[2].as_f64()
}

#[test]
fn the_metrics_of_a_run_are_what_prometheus_reads() {
    let folder = TempDir::new().expect("a folder");
    executable(&folder.path().join("tap"), TAP);
    fs::write(folder.path().join("target.py"), TARGET).expect("written");
    let mut command = Command::new(melisma());
    command
        .current_dir(folder.path())
        .args(["run", "--state", "s.json", "--metrics", ":0"]);
    let live = Live::start(command.args(["./tap", "python3 target.py"]));
    let url = wait_for("the address", || {
        let log = live.stderr();
        let (_, rest) = log.split_once("metrics are at ")?;
        Some(rest.split_once('\n')?.0.to_owned())
    });
    let first = wait_for("the state", || {
        let scraped = scrape(&url);
        (value(&scraped, "melisma_states_stored_total") == Some(1.0)).then_some(scraped)
    });
    assert_eq!(
        first["content_type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert_eq!(first["families"]["melisma_records"], json!(["counter", ""]));
    assert_eq!(
        first["families"]["melisma_state_lag_seconds"],
        json!(["gauge", "seconds"])
    );
    assert_eq!(
        first["families"]["melisma_record_bytes"],
        json!(["counter", "bytes"])
    );
    let records = first["samples"].as_array().expect("samples").iter();
    let records: Vec<&Value> = records
        .filter(|sample| sample[0] == "melisma_records_total")
        .collect();
    assert_eq!(records.len(), 1);
    assert_eq!(
        (&records[0][1]["stream"], records[0][2].as_f64()),
        (&json!("a\"b\\c"), Some(2.0))
    );
    assert_eq!(value(&first, "melisma_pair_running"), Some(1.0));
    assert_eq!(
        value(&first, "melisma_oldest_uncommitted_record_seconds"),
        Some(0.0)
    );
    assert_eq!(value(&first, "melisma_retries_total"), Some(0.0));
    fs::write(folder.path().join("more"), "").expect("written");
    let age =
        |scraped: &Value| value(scraped, "melisma_oldest_uncommitted_record_seconds").expect("a sample");
    let second = wait_for("the third record", || {
        let scraped = scrape(&url);
        (value(&scraped, "melisma_records_total") == Some(3.0) && age(&scraped) > 0.0).then_some(scraped)
    });
    let third = wait_for("its age", || {
        let scraped = scrape(&url);
        (age(&scraped) > age(&second)).then_some(scraped)
    });
    let lag = |scraped: &Value| value(scraped, "melisma_state_lag_seconds").expect("a sample");
    assert!(lag(&third) > lag(&second) && lag(&second) > 0.0);
    fs::write(folder.path().join("go"), "").expect("written");
    live.finish().ok();
}

/// The runs of a database, as `melisma runs` has them.
fn runs(project: &Project) -> Vec<Value> {
    let mut command = Command::new(melisma());
    let folder = project.path("");
    command.current_dir(folder).args(["runs", "--format", "json"]);
    let outcome = run(&mut command, b"").ok();
    let document: Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
    document["runs"].as_array().expect("a list").clone()
}

#[test]
fn runs_on_a_server_are_listed_and_a_role_without_a_table_runs_all_the_same() {
    let database = server().database();
    let url = database.url();
    let project = Project::new(&format!("database_uri: {url}"));
    run(&mut project.command(&[]), b"").ok();
    let listed = runs(&project);
    assert_eq!(listed[0]["outcome"], "success");
    assert_eq!(listed[0]["report"]["target_input"]["records"], 3);
    let id = listed[0]["run_id"].as_str().expect("an id");
    let mut command = Command::new(melisma());
    command
        .current_dir(project.path(""))
        .args(["runs", "show", &id[..20]]);
    let shown = run(&mut command, b"").ok();
    let shown = String::from_utf8(shown.stdout).expect("UTF-8");
    assert!(shown.contains("3 records"), "{shown}");

    // As an administrator may have made the database before melisma had the table.
    database.sql("drop table melisma_runs");
    let role = format!("limited_{}", std::process::id());
    database.sql(&format!("create role {role} login password 'x'"));
    database.sql("revoke create on schema public from public");
    for grant in [
        "usage on schema public",
        "all on all tables in schema public",
        "all on all sequences in schema public",
    ] {
        database.sql(&format!("grant {grant} to {role}"));
    }
    let (_, place) = url.rsplit_once('@').expect("a URL with a user");
    let yaml = fs::read_to_string(project.path("meltano.yml")).expect("read");
    let limited = yaml.replace(&url, &format!("postgresql://{role}:x@{place}"));
    fs::write(project.path("meltano.yml"), limited).expect("written");
    run(&mut project.command(&[]), b"").ok();
    let listed = runs(&project);
    assert_eq!((listed.len(), &listed[0]["report"]), (2, &Value::Null));
    assert_eq!((&listed[0]["outcome"], project.rows()), (&json!("success"), 6));
    database.sql(&format!("drop owned by {role}; drop role {role}"));
}

const PROJECT: &str = "default_environment: dev
environments: [{name: dev}]
plugins:
  extractors:
  - {name: tap-x, namespace: tap_x, executable: ./tap-x, capabilities: [state, structured-logging]}
  mappers:
  - {name: map-x, namespace: map_x, executable: ./map-x, mappings: [{name: m, config: {}}]}
  loaders:
  - {name: target-x, namespace: target_x, executable: ./target-x, capabilities: [structured-logging]}
  utilities:
  - {name: util, namespace: util, executable: ./util, commands: {ok: {args: hello}}}
";

/// A line of the SDK, with what a plugin may say besides.
const STRUCTURED: &str = r#"{"level":"warning","pid":1,"logger_name":"tap-x.s","ts":1.5,"thread_name":"MainThread","app_name":"tap-x","stream_name":"s","message":"structured","extra":{"k":1,"on":true}}"#;

fn write_plugins(folder: &Path) {
    fs::write(folder.join("meltano.yml"), PROJECT).expect("written");
    executable(
        &folder.join("tap-x"),
        &format!(
            "#!/bin/sh\necho '{{\"type\":\"STATE\",\"value\":{{\"n\":1}}}}'\necho plain >&2\necho '{STRUCTURED}' >&2\nexit ${{TAP_END:-0}}\n"
        ),
    );
    executable(
        &folder.join("map-x"),
        "#!/bin/sh\ncat\necho mapped >&2\nexit ${MAP_END:-0}\n",
    );
    executable(
        &folder.join("target-x"),
        "#!/bin/sh\ncat > /dev/null\necho '{\"n\":1}'\necho loaded >&2\nexit ${TARGET_END:-0}\n",
    );
    executable(
        &folder.join("util"),
        "#!/bin/sh\necho \"says $1\"\nexit ${UTIL_END:-0}\n",
    );
}

/// The lines of a log that both tools have: those of plugins, and the ends of blocks and of the run. Without what differs
/// from run to run, and without the two keys in which Meltano names its Python objects.
fn comparable(log: &str) -> Vec<Value> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Map<String, Value>>(line).ok());
    let mut kept: Vec<Value> = lines
        .filter(|line| {
            let event = line["event"].as_str().unwrap_or_default();
            line.contains_key("stdio") || ["Block run completed", "Run completed"].contains(&event)
        })
        .map(|mut line| {
            for key in ["timestamp", "_logger", "_name"] {
                line.shift_remove(key);
            }
            assert!(line.contains_key("run_id"), "{line:?}");
            line.insert("run_id".to_owned(), "of the run".into());
            if let Some(seconds) = line.get_mut("duration_seconds") {
                assert!(seconds.is_f64(), "{seconds}");
                *seconds = "measured".into();
            }
            // Meltano's own lines have no name here, and ours have ours.
            if !line.contains_key("stdio") {
                line.shift_remove("name");
            }
            Value::Object(line)
        })
        .collect();
    // The order of what two processes write is not fixed.
    kept.sort_by_key(sorted);
    kept
}

fn sorted(line: &Value) -> String {
    let line = line.as_object().expect("an object");
    let line: std::collections::BTreeMap<_, _> = line.iter().collect();
    serde_json::to_string(&line).expect("JSON")
}

fn log(tool: &Path, folder: &Path, words: &[&str], ends: &[(&str, &str)]) -> String {
    let mut command = Command::new(tool);
    command
        .args(["--log-format", "json"])
        .args(words)
        .current_dir(folder)
        .env("HOME", folder)
        .env("XDG_STATE_HOME", folder.join("xdg"))
        .envs(ends.iter().copied());
    run(&mut command, b"").stderr
}

/// Field by field, for ends of every kind; docs/runs.md lists what differs.
#[test]
fn the_json_log_has_the_lines_and_the_fields_of_meltano() {
    let meltano = python("python-meltano").with_file_name("meltano");
    let (theirs, ours) = (
        TempDir::new().expect("a folder"),
        TempDir::new().expect("a folder"),
    );
    for folder in [&theirs, &ours] {
        write_plugins(folder.path());
    }
    let blocks = ["run", "tap-x", "m", "target-x", "util:ok"];
    let el = ["el", "tap-x", "target-x", "--state-id", "e"];
    for (words, ends, least) in [
        (&blocks[..], &[][..], 8),
        (&blocks, &[("TAP_END", "3")], 5),
        (&blocks, &[("TARGET_END", "2")], 5),
        (&blocks, &[("TAP_END", "3"), ("TARGET_END", "2")], 5),
        (&blocks, &[("MAP_END", "4")], 5),
        (&blocks, &[("UTIL_END", "5")], 8),
        (&el, &[], 3),
    ] {
        let theirs = comparable(&log(&meltano, theirs.path(), words, ends));
        let ours = comparable(&log(melisma(), ours.path(), words, ends));
        assert!(theirs.len() >= least, "{words:?} {ends:?}: {theirs:#?}");
        let lines = |lines: &[Value]| lines.iter().map(sorted).collect::<Vec<_>>().join("\n");
        let ours: Vec<Value> = match words[0] {
            // What `meltano el` does not write.
            "el" => ours
                .into_iter()
                .filter(|line| line.get("stdio").is_some())
                .collect(),
            _ => ours,
        };
        assert_eq!(lines(&ours), lines(&theirs), "{words:?} {ends:?}");
    }
}
