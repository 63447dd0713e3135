//! Keys, replication keys and `start_date`: what cannot work is refused before anything is read.

use std::fs;
use std::io;

use melisma_sdk::plugin::{Io, Package};
use melisma_sdk::tap::run_tap_on;
use melisma_sdk::{Context, JsonSchema, Output, Result, Stream, Tap};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const PACKAGE: Package = Package {
    name: "tap-probe",
    version: "1.2.3",
};

/// A probe: streams and records as the config says.
#[derive(Deserialize, JsonSchema)]
struct Config {
    stream: Description,
    #[serde(default)]
    records: Vec<Value>,
    #[expect(dead_code, reason = "the SDK reads it")]
    start_date: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Description {
    schema: Value,
    #[serde(default)]
    key: Vec<String>,
    replication_key: Option<String>,
    #[serde(default)]
    sorted: bool,
    #[serde(default)]
    own_start_date: bool,
}

struct Probe(Config);

impl Tap for Probe {
    type Config = Config;

    fn open(config: Config, _: &Context) -> Result<Self> {
        Ok(Self(config))
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let description = &self.0.stream;
        let mut stream =
            Stream::new("s", description.schema.clone()).key(description.key.iter().map(String::as_str));
        if let Some(key) = &description.replication_key {
            stream = stream.replication_key(key);
        }
        if description.sorted {
            stream = stream.sorted();
        }
        if description.own_start_date {
            stream = stream.own_start_date();
        }
        Ok(vec![stream.sync(|output| self.sync(output))])
    }
}

impl Probe {
    fn sync(&self, output: &mut Output<'_>) -> Result<()> {
        let from: Value = output.bookmark()?.unwrap_or_default();
        for record in &self.0.records {
            let mut record = record.clone();
            record["from"] = from.clone();
            output.record(&record)?;
        }
        Ok(())
    }
}

fn run(config: &Value, args: &[&str]) -> (u8, Vec<Value>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.json");
    fs::write(&path, config.to_string()).expect("writes");
    let path = path.to_str().expect("UTF-8");
    let mut out = Vec::new();
    let words = ["tap-probe", "--config", path];
    let words = words.iter().chain(args).map(|word| (*word).into());
    let code = run_tap_on::<Probe>(PACKAGE, words, Io::buffers(io::empty(), &mut out));
    let lines = String::from_utf8(out).expect("UTF-8");
    if args.contains(&"--discover") {
        return (code, Vec::new());
    }
    let messages = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    (code, messages.collect())
}

fn schema() -> Value {
    json!({"type": "object", "properties": {
        "id": {"type": "integer"}, "updated_at": {"type": "string"}, "open": {"type": "boolean"}, "from": {}}})
}

/// Records with these values of `updated_at`.
fn records(values: &[&str]) -> Value {
    values
        .iter()
        .map(|value| json!({"id": 1, "updated_at": value}))
        .collect()
}

#[test]
fn keys_that_are_no_properties_are_refused_at_discovery_and_at_the_start() {
    for keys in [
        json!({"key": ["idd"]}),
        json!({"replication_key": "update_at"}),
        json!({"replication_key": "open"}),
    ] {
        let mut stream = json!({"schema": schema()});
        stream
            .as_object_mut()
            .expect("an object")
            .extend(keys.as_object().expect("an object").clone());
        let config = json!({"stream": stream});
        assert_eq!(run(&config, &["--discover"]).0, 78, "{keys}");
        assert_eq!(run(&config, &[]), (78, Vec::new()), "{keys}");
    }
}

#[test]
fn keys_of_the_catalog_are_checked_too() {
    let config = json!({"stream": {"schema": schema(), "key": ["id"], "replication_key": "updated_at"}});
    for fields in [
        json!({"key_properties": ["idd"]}),
        json!({"replication_key": "update_at"}),
    ] {
        let mut entry = json!({"tap_stream_id": "s", "schema": schema()});
        entry
            .as_object_mut()
            .expect("an object")
            .extend(fields.as_object().expect("an object").clone());
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("catalog.json");
        fs::write(&path, json!({"streams": [entry]}).to_string()).expect("writes");
        let catalog = path.to_str().expect("UTF-8");
        assert_eq!(
            run(&config, &["--catalog", catalog]),
            (78, Vec::new()),
            "{fields}"
        );
    }
}

#[test]
fn a_record_that_is_no_object_is_refused_at_discovery() {
    for schema in [
        json!({"type": "string"}),
        json!({"oneOf": [{"type": "object"}, {"type": "string"}]}),
    ] {
        assert_eq!(
            run(&json!({"stream": {"schema": schema}}), &["--discover"]).0,
            78,
            "{schema}"
        );
    }
}

/// The record with a fraction of a second was said to be out of order, and `start_date` was ignored.
#[test]
fn a_text_key_with_times_is_in_the_order_of_time_and_starts_at_start_date() {
    let times = [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.5Z",
        "2026-01-01T00:00:01Z",
    ];
    let stream = json!({"schema": schema(), "replication_key": "updated_at", "sorted": true});
    let start = "2025-12-31T00:00:00Z";
    let config = json!({"stream": stream, "records": records(&times), "start_date": start});
    let (code, messages) = run(&config, &[]);
    assert_eq!(code, 0);
    let of_type = |kind: &str| {
        messages
            .iter()
            .filter(|message| message["type"] == kind)
            .collect::<Vec<_>>()
    };
    let written = of_type("RECORD");
    assert_eq!(written.len(), 3);
    assert!(written.iter().all(|message| message["record"]["from"] == start));
    let state = of_type("STATE").pop().expect("a STATE");
    assert_eq!(
        state["value"]["bookmarks"]["s"]["replication_key_value"],
        times[2]
    );
}

#[test]
fn dates_that_do_not_sort_are_refused_at_the_first_record() {
    for sorted in [true, false] {
        let stream = json!({"schema": schema(), "replication_key": "updated_at", "sorted": sorted});
        let config = json!({"stream": stream, "records": records(&["12/31/2025", "01/01/2026"])});
        assert_eq!(run(&config, &[]).0, 65, "{sorted}");
    }
}

#[test]
fn start_date_works_or_is_refused() {
    let with = |key: &str, own: bool, value: &str| {
        let stream = json!({"schema": schema(), "replication_key": key, "own_start_date": own});
        let config = json!({"stream": stream, "records": records(&[value]), "start_date": "2026-01-01"});
        run(&config, &[]).0
    };
    assert_eq!(with("id", false, ""), 78, "a number");
    assert_eq!(with("id", true, ""), 0, "the tap applies it");
    assert_eq!(with("updated_at", false, "v17"), 78, "a text that is no date");
    assert_eq!(with("updated_at", false, "2026-02-01"), 0);
}

/// An author's records without `Serialize` tricks: `Value` members, and an enum of what happened.
mod types {
    use super::*;

    #[derive(Serialize, JsonSchema)]
    #[serde(tag = "event")]
    enum Event {
        Made { id: i64, by: String, more: Value },
        Gone { id: i64 },
    }

    /// A tap of events.
    #[derive(Deserialize, JsonSchema)]
    struct Nothing {}

    struct Events;

    impl Tap for Events {
        type Config = Nothing;

        fn open(_: Nothing, _: &Context) -> Result<Self> {
            Ok(Self)
        }

        fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
            Ok(vec![Stream::of::<Event>("events").key(["id"]).sync(events)])
        }
    }

    fn events(output: &mut Output<'_>) -> Result<()> {
        let by = "me".to_owned();
        output.record(&Event::Made {
            id: 1,
            by,
            more: json!({"a": [1]}),
        })?;
        output.record(&Event::Gone { id: 2 })
    }

    #[test]
    fn the_variants_of_an_enum_are_records_of_one_object() {
        let mut out = Vec::new();
        let code = run_tap_on::<Events>(PACKAGE, ["tap-events".into()], Io::buffers(io::empty(), &mut out));
        assert_eq!(code, 0);
        let text = String::from_utf8(out).expect("UTF-8");
        let messages: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let properties = &messages[0]["schema"]["properties"];
        assert_eq!(properties["more"], json!({}));
        assert_eq!(properties["by"]["type"], json!(["string", "null"]));
        assert_eq!(
            messages[1]["record"],
            json!({"event": "Made", "id": 1, "by": "me", "more": {"a": [1]}})
        );
        assert_eq!(messages[2]["record"], json!({"event": "Gone", "id": 2}));
    }
}
