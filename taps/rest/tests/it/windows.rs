//! Streams that are read in windows of time, and interrupted in each of them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use melisma_sdk::http::Replay;
use serde_json::{Value, json};

use crate::harness::{records, run, tap};

const DEFINITION: &str = "
url: '{url}'
settings: {url: {}}
limits: {concurrent: 1}
streams:
  a:
    path: /a
    since: {field: at, query: from, until: to, step: 30d, start: '2026-01-01'}
    schema: {type: object, properties: {id: {type: integer}, at: {type: string, format: date}}}
";

/// An API that has a record every fifth day of the first half of 2026, and gives those from one day up to another, in no order.
struct Api {
    url: String,
    /// The windows that it was asked for.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

fn days() -> Vec<(usize, String)> {
    let months = [31, 28, 31, 30, 31, 30];
    let all = months.iter().enumerate().flat_map(|(month, days)| {
        let month = month + 1;
        (1..=*days).map(move |day| format!("2026-{month:02}-{day:02}"))
    });
    all.step_by(5).enumerate().collect()
}

impl Api {
    /// Answers all requests but the one of this number, which it is silent about.
    fn start(silent: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asked = Arc::clone(&shared);
                thread::spawn(move || serve(stream, silent, &asked));
            }
        });
        Self { url, asked }
    }

    fn windows(&self) -> Vec<(String, String)> {
        self.asked.lock().expect("no panic").clone()
    }
}

fn serve(stream: TcpStream, silent: usize, asked: &Mutex<Vec<(String, String)>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
    let mut writer = stream;
    loop {
        let mut first = String::new();
        let mut line = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
        }
        let value = |name: &str| {
            let start = first.find(name).expect("a parameter") + name.len();
            let end = first[start..].find(['&', ' ']).expect("an end");
            first[start..start + end].to_owned()
        };
        let (from, to) = (value("from="), value("to="));
        let number = {
            let mut asked = asked.lock().expect("no panic");
            asked.push((from.clone(), to.clone()));
            asked.len()
        };
        if number == silent {
            thread::sleep(Duration::from_mins(10));
        }
        let inside = |(_, day): &(usize, String)| *day >= from && *day < to;
        let rows: Vec<Value> = days()
            .into_iter()
            .rev()
            .filter(inside)
            .map(|(id, day)| json!({"id": id, "at": day}))
            .collect();
        let body = Value::from(rows).to_string();
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// Runs the tap from a state; with `signal` it is sent when the server has got the request that it is silent about.
fn read(api: &Api, state: Option<&Value>, silent: usize, signal: Option<&str>) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let config = json!({"definition": DEFINITION, "settings": {"url": api.url}});
    fs::write(folder.path().join("config.json"), config.to_string()).expect("writes");
    let mut tap = Command::new(env!("CARGO_BIN_EXE_tap-rest"));
    tap.current_dir(folder.path()).args(["--config", "config.json"]);
    if let Some(state) = state {
        fs::write(folder.path().join("state.json"), state.to_string()).expect("writes");
        tap.args(["--state", "state.json"]);
    }
    tap.stdout(Stdio::piped()).stderr(Stdio::piped());
    let tap = tap.spawn().expect("starts");
    if let Some(signal) = signal {
        while api.windows().len() < silent {
            thread::sleep(Duration::from_millis(5));
        }
        let id = tap.id().to_string();
        Command::new("kill").args([signal, &id]).status().expect("kills");
    }
    tap.wait_with_output().expect("ends")
}

fn messages(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    // A killed process may leave a part of a line.
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn ids(messages: &[Value]) -> BTreeSet<u64> {
    records(messages, "a")
        .iter()
        .filter_map(|record| record["id"].as_u64())
        .collect()
}

fn bookmark(state: &Value) -> &str {
    state["bookmarks"]["a"]["replication_key_value"]
        .as_str()
        .unwrap_or_default()
}

#[test]
fn windows_follow_each_other_and_the_bookmark_is_that_of_the_data() {
    let api = Api::start(0);
    let output = read(&api, None, 0, None);
    let messages = messages(&output);
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert_eq!(ids(&messages).len(), days().len());
    assert_eq!(records(&messages, "a").len(), days().len(), "a record comes once");
    let windows = api.windows();
    assert_eq!(windows[0], ("2026-01-01".to_owned(), "2026-01-31".to_owned()));
    assert!(
        windows.windows(2).all(|pair| pair[0].1 == pair[1].0),
        "{windows:?}"
    );
    let (_, last) = days().pop().expect("a day");
    let state = messages
        .iter()
        .rfind(|message| message["type"] == "STATE")
        .expect("a STATE");
    assert_eq!(bookmark(&state["value"]), last);
    // The next run begins there.
    let again = Api::start(0);
    let output = read(&again, Some(&state["value"]), 0, None);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(again.windows()[0].0, last);
}

#[test]
fn a_run_that_is_interrupted_in_any_window_resumes_without_a_loss() {
    for (silent, signal) in (1..=6).flat_map(|silent| [(silent, "-TERM"), (silent, "-KILL")]) {
        let api = Api::start(silent);
        let output = read(&api, None, silent, Some(signal));
        let messages_of_first = messages(&output);
        let mut seen = ids(&messages_of_first);
        let states: Vec<&Value> = messages_of_first
            .iter()
            .filter(|message| message["type"] == "STATE")
            .map(|message| &message["value"])
            .collect();
        for state in &states {
            let missing = days()
                .into_iter()
                .filter(|(id, day)| day.as_str() <= bookmark(state) && !seen.contains(&(*id as u64)));
            assert_eq!(
                missing.count(),
                0,
                "{silent} {signal}: {state} is ahead of its records"
            );
        }
        if signal == "-TERM" {
            assert_eq!(output.status.code(), Some(143));
            let reached = states.last().map_or("", |state| bookmark(state));
            let (_, end) = &api.windows()[silent - 1];
            assert!(
                silent == 1 || !reached.is_empty() && reached < end.as_str(),
                "{silent}: {reached}"
            );
            assert_eq!(
                reached.is_empty(),
                silent == 1,
                "each complete window moves the bookmark"
            );
        }
        let rest = Api::start(0);
        let output = read(&rest, states.last().copied(), 0, None);
        assert_eq!(output.status.code(), Some(0));
        seen.extend(ids(&messages(&output)));
        assert_eq!(seen.len(), days().len(), "{silent} {signal}");
    }
}

#[test]
fn the_placeholders_are_those_of_the_window_and_the_end_may_stand_alone() {
    let server = Replay::serve(
        json!([{"path": "/2026-01-01/****", "body": []}, {"path": "/b?until=****", "body": []}]),
    )
    .expect("serves");
    let definition = "
url: '{url}'
settings: {url: {}}
streams:
  a:
    path: /{since}/{until:epoch}
    since: {field: at, step: 36500d, start: '2026-01-01'}
    schema: {type: object, properties: {at: {type: string, format: date-time}}}
  b:
    path: /b
    since: {field: at, query: since, until: until}
    schema: {type: object, properties: {at: {type: string, format: date-time}}}
";
    run(definition, &server, None);
    let paths: Vec<String> = server
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    let until = paths[0].rsplit('/').next().expect("a moment");
    assert!(
        until.len() == 10 && until.bytes().all(|digit| digit.is_ascii_digit()),
        "{paths:?}"
    );
}

#[test]
fn each_partition_and_each_parent_has_its_windows() {
    let server = Replay::serve(json!([
        {"path": "/parents", "body": [{"id": 7}]},
        {"path": "/7/c?from=2026-01-01&to=****", "body": [{"at": "2026-02-01"}]},
        {"path": "/p/eu?from=2026-01-01&to=****", "body": [{"at": "2026-03-01"}]},
        {"path": "/p/us?from=2026-01-01&to=****", "body": [{"at": "2026-04-01"}]}
    ]))
    .expect("serves");
    let definition = "
url: '{url}'
settings: {url: {}}
streams:
  parents: {path: /parents, schema: {type: object}}
  c:
    parent: parents
    path: /{parent.id}/c
    since: {field: at, query: from, until: to, step: 36500d, start: '2026-01-01'}
    schema: {type: object, properties: {at: {type: string, format: date}}}
  p:
    path: /p/{region}
    each: {region: [eu, us]}
    since: {field: at, query: from, until: to, step: 36500d, start: '2026-01-01'}
    schema: {type: object, properties: {at: {type: string, format: date}}}
";
    let messages = run(definition, &server, None);
    let bookmarks = &messages.last().expect("a STATE")["value"]["bookmarks"];
    assert_eq!(
        bookmarks["c"]["partitions"][0]["replication_key_value"],
        "2026-02-01"
    );
    assert_eq!(
        bookmarks["p"]["partitions"][1]["replication_key_value"],
        "2026-04-01"
    );
}

#[test]
fn windows_that_cannot_be_are_refused() {
    for since in [
        "{field: at, step: 0s}",
        "{field: at, step: soon}",
        "{field: at, step: 1d}",
        "{field: at, granularity: 1d}",
        "{field: at, step: 1d, start: never}",
        "{field: at, setp: 1d}",
    ] {
        let definition = format!(
            "url: http://127.0.0.1:1\nstreams: {{a: {{path: /a, schema: {{type: object, properties: {{at: {{type: string}}}}}}, \
             since: {since}}}}}\n"
        );
        let (code, out) = tap(&definition, &json!({}), &[], "");
        assert_eq!(code, 78, "{since}: {out}");
    }
}
