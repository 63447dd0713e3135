//! Parents and children in one pass: each stream's records, partitions and bookmark.

use std::fs;
use std::io;

use melisma_sdk::plugin::{Io, Package};
use melisma_sdk::tap::run_tap_on;
use melisma_sdk::{Context, Error, JsonSchema, Output, Result, Stream, Tap, json};
use serde::Deserialize;
use serde_json::Value;

const PACKAGE: Package = Package {
    name: "tap-tracker",
    version: "1.2.3",
};

/// Projects with issues and comments.
#[derive(Deserialize, JsonSchema)]
struct Config {
    #[serde(default)]
    projects: Vec<i64>,
    /// The issue at which the source fails.
    fails_at: Option<i64>,
    /// The issue at which a signal comes.
    stops_at: Option<i64>,
    /// Write all projects before the issues of the first.
    #[serde(default)]
    parents_first: bool,
}

struct Tracker(Config);

fn stream<'t>(name: &str) -> Stream<'t> {
    let integer = json!({"type": "integer"});
    let schema = json!({"type": "object", "properties": {"id": integer, "of": integer}});
    Stream::new(name, schema).key(["id"])
}

impl Tap for Tracker {
    type Config = Config;

    fn open(config: Config, _: &Context) -> Result<Self> {
        Ok(Self(config))
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let comments = stream("comments");
        let issues = stream("issues").replication_key("id").sorted().child(comments);
        let projects = stream("projects").replication_key("id").sorted().child(issues);
        Ok(vec![projects.sync(|output| self.projects(output))])
    }
}

impl Tracker {
    fn projects(&self, output: &mut Output<'_>) -> Result<()> {
        let from: i64 = output.bookmark()?.unwrap_or(0);
        let projects = self.0.projects.iter().filter(|&&id| id >= from);
        if self.0.parents_first {
            projects
                .clone()
                .try_for_each(|id| output.record(&json!({"id": id})))?;
        }
        for id in projects {
            if !self.0.parents_first {
                output.record(&json!({"id": id}))?;
            }
            output.child("issues", &json!({"project": id}), |issues| {
                self.issues(*id, issues)
            })?;
            if !self.0.parents_first {
                output.checkpoint()?;
            }
        }
        output.checkpoint()
    }

    /// Project 7 has the issues 70, 71 and 72, and each of them one comment.
    fn issues(&self, project: i64, output: &mut Output<'_>) -> Result<()> {
        let from: i64 = output.bookmark()?.unwrap_or(0);
        for id in (10 * project..10 * project + 3).filter(|&id| id >= from) {
            if self.0.fails_at == Some(id) {
                return Err(Error::input("the tracker is closed"));
            }
            if self.0.stops_at == Some(id) {
                output.stop().request(15);
            }
            output.record(&json!({"id": id, "of": project}))?;
            output.child("comments", &json!({"issue": id}), |comments| {
                comments.record(&json!({"id": 100 + id, "of": id}))
            })?;
            output.checkpoint()?;
        }
        Ok(())
    }
}

struct Outcome {
    code: u8,
    messages: Vec<Value>,
}

impl Outcome {
    fn ids(&self, stream: &str) -> Vec<i64> {
        let records = self
            .messages
            .iter()
            .filter(|message| message["type"] == "RECORD" && message["stream"] == stream);
        records
            .filter_map(|message| message["record"]["id"].as_i64())
            .collect()
    }

    fn schemas(&self) -> Vec<&str> {
        let schemas = self.messages.iter().filter(|message| message["type"] == "SCHEMA");
        schemas.filter_map(|message| message["stream"].as_str()).collect()
    }

    fn state(&self) -> Value {
        let mut states = self.messages.iter().filter(|message| message["type"] == "STATE");
        states
            .next_back()
            .map_or(Value::Null, |message| message["value"].clone())
    }
}

/// Runs the tap with files for these options.
fn run(config: &Value, options: &[(&str, &Value)], flags: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    let mut args = vec!["tap-tracker".into()];
    for (option, content) in [("--config", config)].iter().chain(options) {
        let path = folder.path().join(option.trim_matches('-'));
        fs::write(&path, content.to_string()).expect("writes");
        args.extend([option.into(), path.into_os_string()]);
    }
    args.extend(flags.iter().map(Into::into));
    let mut out = Vec::new();
    let code = run_tap_on::<Tracker>(PACKAGE, args, Io::buffers(io::empty(), &mut out));
    let text = String::from_utf8(out).expect("UTF-8");
    let messages = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    Outcome {
        code,
        messages: messages.collect(),
    }
}

fn selecting(streams: &[&str]) -> Value {
    let metadata = json!([{"breadcrumb": [], "metadata": {"selected": true}}]);
    let entry = |name: &&str| json!({"tap_stream_id": name, "metadata": metadata});
    json!({"streams": streams.iter().map(entry).collect::<Vec<_>>()})
}

fn bookmark(value: i64) -> Value {
    json!({"replication_key": "id", "replication_key_value": value})
}

fn partition(project: i64, value: i64) -> Value {
    let mut partition = bookmark(value);
    partition["context"] = json!({"project": project});
    partition
}

fn partitions(state: &Value) -> Vec<Value> {
    let list = state["bookmarks"]["issues"]["partitions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut list: Vec<Value> = list
        .into_iter()
        .map(|mut partition| {
            partition
                .as_object_mut()
                .expect("an object")
                .remove("starting_replication_value");
            partition
        })
        .collect();
    list.sort_by_key(|partition| partition["context"]["project"].as_i64());
    list
}

#[test]
fn a_parent_and_its_children_are_written_in_one_pass() {
    let outcome = run(&json!({"projects": [1, 2]}), &[], &[]);
    assert_eq!(outcome.code, 0);
    assert_eq!(outcome.schemas(), ["projects", "issues", "comments"]);
    assert_eq!(outcome.ids("projects"), [1, 2]);
    assert_eq!(outcome.ids("issues"), [10, 11, 12, 20, 21, 22]);
    assert_eq!(outcome.ids("comments"), [110, 111, 112, 120, 121, 122]);
    let state = outcome.state();
    assert_eq!(state["bookmarks"]["projects"], bookmark(2));
    assert_eq!(partitions(&state), [partition(1, 12), partition(2, 22)]);
    assert_eq!(state["bookmarks"]["comments"], json!({}));
    assert_eq!(state["currently_syncing"], Value::Null);
}

/// All parents were written before the first child: a bookmark that moved with them would lose the children of the others.
#[test]
fn the_parents_bookmark_does_not_pass_a_parent_whose_children_are_not_complete() {
    for parents_first in [true, false] {
        for fault in ["fails_at", "stops_at"] {
            let all = json!({"projects": [1, 2, 3], "parents_first": parents_first});
            let mut config = all.clone();
            config[fault] = 21.into();
            let outcome = run(&config, &[], &[]);
            assert_eq!(outcome.code, if fault == "fails_at" { 65 } else { 143 });
            let state = outcome.state();
            let written = if fault == "fails_at" { 20 } else { 21 };
            assert_eq!(
                partitions(&state),
                [partition(1, 12), partition(2, written)],
                "{fault}"
            );
            let safe = if parents_first { Value::Null } else { 1.into() };
            assert_eq!(
                state["bookmarks"]["projects"]["replication_key_value"], safe,
                "{fault}"
            );
            let again = run(&all, &[("--state", &state)], &[]);
            assert_eq!(again.code, 0);
            assert_eq!(again.ids("projects"), [1, 2, 3]);
            let mut issues = again.ids("issues");
            assert_eq!(
                issues,
                [[12].as_slice(), &(written..23).collect::<Vec<_>>(), &[30, 31, 32]].concat()
            );
            issues.extend(outcome.ids("issues"));
            issues.sort_unstable();
            issues.dedup();
            assert_eq!(issues.len(), 9, "none is lost");
        }
    }
}

#[test]
fn only_what_is_selected_is_written_and_a_child_needs_no_selected_parent() {
    let config = json!({"projects": [1]});
    let with = |streams: &[&str]| run(&config, &[("--catalog", &selecting(streams))], &[]);
    let parent = with(&["projects"]);
    assert_eq!(
        (parent.code, parent.schemas(), parent.ids("issues").len()),
        (0, vec!["projects"], 0)
    );
    let child = with(&["issues"]);
    assert_eq!(
        (child.code, child.schemas(), child.ids("projects").len()),
        (0, vec!["issues"], 0)
    );
    assert_eq!(child.ids("issues"), [10, 11, 12]);
    assert_eq!(child.state()["bookmarks"]["projects"], Value::Null);
    let grandchild = with(&["comments"]);
    assert_eq!((grandchild.code, grandchild.schemas()), (0, vec!["comments"]));
    assert_eq!(grandchild.ids("comments"), [110, 111, 112]);
}

#[test]
fn a_test_reads_one_record_of_each() {
    let outcome = run(&json!({"projects": [1, 2]}), &[], &["--test"]);
    assert_eq!(outcome.code, 0);
    for (stream, id) in [("projects", 1), ("issues", 10), ("comments", 110)] {
        assert_eq!(outcome.ids(stream), [id]);
    }
}

#[test]
fn discovery_lists_children_as_streams() {
    let mut out = Vec::new();
    let args = ["tap-tracker", "--discover"].map(Into::into);
    assert_eq!(
        run_tap_on::<Tracker>(PACKAGE, args, Io::buffers(io::empty(), &mut out)),
        0
    );
    let catalog: Value = serde_json::from_slice(&out).expect("JSON");
    let names: Vec<&Value> = catalog["streams"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| &entry["stream"])
        .collect();
    assert_eq!(names, ["projects", "issues", "comments"]);
}
