//! Streams of real Python taps, as in `cat x.singer | target-jsonl --config c.json > state.json`.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::Value;
use serde_json::value::RawValue;

use crate::harness::{Kind, Target, script};

/// What a tap said: the records of each stream and the STATEs, all as the bytes they were.
struct Said {
    input: Vec<u8>,
    records: BTreeMap<String, Vec<String>>,
    states: Vec<String>,
}

fn tap(environment: &str, name: &str) -> Said {
    let output = script(environment, name)
        .stderr(Stdio::null())
        .output()
        .expect("the tap starts");
    assert!(output.status.success(), "{name} failed");
    let mut said = Said {
        input: output.stdout,
        records: BTreeMap::new(),
        states: Vec::new(),
    };
    for line in std::str::from_utf8(&said.input).expect("UTF-8").lines() {
        let mut message: BTreeMap<String, Box<RawValue>> = serde_json::from_str(line).expect("a message");
        let raw = |part: Option<Box<RawValue>>| part.map(|raw| raw.get().to_owned()).unwrap_or_default();
        match raw(message.remove("type")).as_str() {
            r#""RECORD""# => {
                let stream = raw(message.remove("stream")).trim_matches('"').to_owned();
                said.records
                    .entry(stream)
                    .or_default()
                    .push(raw(message.remove("record")));
            }
            r#""STATE""# => said.states.push(raw(message.remove("value"))),
            _ => {}
        }
    }
    said
}

/// Feeds what a tap said to each target; `target-jsonl` runs in a shell pipe, as people run it.
fn check(said: &Said, streams: &[(&str, usize)]) {
    let found: Vec<(&str, usize)> = said
        .records
        .iter()
        .map(|(name, records)| (name.as_str(), records.len()))
        .collect();
    assert_eq!(found, streams, "what the tap sent");
    let last = said.states.last().expect("the tap sent STATE");
    for kind in Kind::ALL {
        let target = Target::new(kind);
        let emitted = if kind == Kind::Jsonl {
            in_a_shell(&target, &said.input)
        } else {
            target.feed_bytes(&said.input).ok().stdout
        };
        let emitted = String::from_utf8(emitted).expect("UTF-8");
        assert!(
            emitted.ends_with('\n') && emitted.lines().last() == Some(last),
            "{kind:?}: the last STATE, byte for byte: {emitted}"
        );
        let mut sent = said.states.iter();
        assert!(
            emitted.lines().all(|state| sent.any(|sent| sent == state)),
            "{kind:?}: STATEs in their order"
        );
        for (stream, records) in &said.records {
            assert_eq!(target.rows(stream).len(), records.len(), "{kind:?} {stream}");
            if kind == Kind::Jsonl {
                let rows: Vec<Value> = records
                    .iter()
                    .map(|record| serde_json::from_str(record).expect("JSON"))
                    .collect();
                assert_eq!(target.rows(stream), rows, "{stream}");
                assert_eq!(
                    target.text(stream).lines().collect::<Vec<_>>(),
                    *records,
                    "untouched bytes"
                );
            }
        }
    }
}

fn in_a_shell(target: &Target, input: &[u8]) -> Vec<u8> {
    let [stream, state] = ["x.singer", "state.json"].map(|name| target.path(name));
    std::fs::write(&stream, input).expect("x.singer");
    let command = target.command();
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        r#"stream=$1; state=$2; shift 2; cat "$stream" | "$@" > "$state""#,
        "sh",
    ]);
    shell
        .arg(&stream)
        .arg(&state)
        .arg(command.get_program())
        .args(command.get_args());
    assert!(shell.status().expect("sh starts").success(), "the pipe failed");
    std::fs::read(&state).expect("state.json")
}

#[test]
fn singer_sdk() {
    check(
        &tap("python", "tap_sdk.py"),
        &[("orders", 5000), ("visits", 1400)],
    );
}

#[test]
fn singer_sdk_database() {
    check(&tap("python", "tap_sqlite.py"), &[("main-customers", 2500)]);
}

#[test]
fn singer_python() {
    check(&tap("python-singer", "tap_singer.py"), &[("items", 3000)]);
}
