//! Every setting of every plugin does something: a run that sets it behaves differently from one that does not, in its
//! rows, its messages, its STATE, its log or its exit code. A setting that has no probe here fails the test.

mod files;
mod observe;
mod tap_adbc;
mod tap_csv;
mod tap_postgres;
mod tap_rest;
mod target_adbc;
mod target_postgres;

pub(crate) use target_adbc::{duckdb, sqlite};

use std::collections::{BTreeSet, HashMap};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use serde_json::{Map, Value, json};

use crate::harness::{melisma, root, run};

/// How it is shown that a setting does something.
struct Probe {
    /// Its path: `batch_size_rows`, `files[].keys`, `schema_mapping{}.indices`.
    setting: &'static str,
    /// Other settings, of both runs.
    given: Value,
    proof: Proof,
    /// Lines for a target, the file for tap-csv, SQL for tap-postgres; the plugin's own if not set.
    input: Option<String>,
}

enum Proof {
    /// This value makes a difference.
    Value(Value),
    /// A test of its own shows it, because it takes time, threads, a catalog or a server that does not answer.
    Tested(&'static str),
}

/// The value makes a difference.
fn probe(setting: &'static str, value: impl Into<Value>) -> Probe {
    Probe {
        setting,
        given: json!({}),
        proof: Proof::Value(value.into()),
        input: None,
    }
}

/// The test of this name shows it.
fn tested(setting: &'static str, test: &'static str) -> Probe {
    Probe {
        proof: Proof::Tested(test),
        ..probe(setting, Value::Null)
    }
}

impl Probe {
    /// Where these other settings are given.
    fn given(self, given: Value) -> Self {
        Self { given, ..self }
    }

    /// On this input.
    fn on(self, input: impl Into<String>) -> Self {
        Self {
            input: Some(input.into()),
            ..self
        }
    }
}

/// A plugin in a place of its own, which observes what a run of it does.
trait Subject {
    fn observe(&self, config: &Value, input: Option<&str>) -> String;
}

/// The paths of a plugin's settings, those below others included.
fn settings(plugin: &str) -> BTreeSet<String> {
    let about = run(
        Command::new(melisma()).args([plugin, "--about", "--format", "json"]),
        b"",
    )
    .ok();
    let about: Value = serde_json::from_slice(&about.stdout).expect("JSON");
    let mut paths = BTreeSet::new();
    below(&about["settings"], "", &mut paths);
    paths
}

fn below(schema: &Value, at: &str, paths: &mut BTreeSet<String>) {
    for (name, setting) in schema["properties"].as_object().into_iter().flatten() {
        let path = if at.is_empty() {
            name.clone()
        } else {
            format!("{at}.{name}")
        };
        let inner = [
            (setting, String::new()),
            (&setting["items"], "[]".to_owned()),
            (&setting["additionalProperties"], "{}".to_owned()),
        ];
        let before = paths.len();
        for (schema, mark) in inner {
            below(schema, &format!("{path}{mark}"), paths);
        }
        if paths.len() == before {
            paths.insert(path);
        }
    }
}

/// Puts a value at a path; `[]` is the first entry of a list, `{}` the first of a map.
fn put(config: &mut Value, path: &str, value: &Value) {
    let mut place = config;
    for step in path.split('.') {
        let name = step.trim_end_matches(['[', ']', '{', '}']);
        place = &mut place[name];
        if step.ends_with("[]") {
            place = &mut place[0];
        } else if step.ends_with("{}") {
            let entries = place.as_object_mut().expect("the probe gives an entry");
            place = entries.values_mut().next().expect("an entry");
        }
    }
    *place = value.clone();
}

fn over(base: &Value, more: &Value) -> Value {
    let mut all: Map<String, Value> = base.as_object().cloned().unwrap_or_default();
    all.extend(more.as_object().cloned().unwrap_or_default());
    Value::Object(all)
}

/// Goes through all settings of a plugin, a few at a time.
fn every_setting_does_something(
    plugin: &str,
    base: &Value,
    subject: &(impl Subject + Sync),
    probes: &[Probe],
) {
    let tests = tests();
    let names: BTreeSet<String> = probes.iter().map(|probe| probe.setting.to_owned()).collect();
    assert_eq!(names.len(), probes.len(), "{plugin}: a setting has two probes");
    assert_eq!(settings(plugin), names, "{plugin}: the settings and their probes");
    let usual = Usual::default();
    let next = AtomicUsize::new(0);
    let idle: Vec<String> = thread::scope(|scope| {
        let work = || {
            let mine = || probes.get(next.fetch_add(1, Ordering::Relaxed));
            std::iter::from_fn(mine)
                .filter_map(|probe| idle(probe, base, subject, &usual, &tests))
                .collect()
        };
        let workers: [_; 3] = std::array::from_fn(|_| scope.spawn(work));
        let done = workers.map(|worker| worker.join().expect("a probe panicked"));
        done.into_iter().flat_map(|idle: Vec<String>| idle).collect()
    });
    assert!(
        idle.is_empty(),
        "{plugin}: settings that do nothing:\n{}",
        idle.join("\n")
    );
}

/// What is seen when the setting of this probe makes no difference.
fn idle(probe: &Probe, base: &Value, subject: &impl Subject, usual: &Usual, tests: &str) -> Option<String> {
    let setting = probe.setting;
    let value = match &probe.proof {
        Proof::Tested(test) => {
            assert!(
                tests.contains(&format!("fn {test}(")),
                "{setting}: no test {test}"
            );
            return None;
        }
        Proof::Value(value) => value,
    };
    let without = over(base, &probe.given);
    let mut with = without.clone();
    put(&mut with, setting, value);
    let input = probe.input.as_deref();
    let usual = usual.of(subject, &without, input);
    (usual == subject.observe(&with, input)).then(|| format!("{setting} = {value}: {usual}"))
}

/// A configuration, and an input if it is not the plugin's own.
type Run = (String, Option<String>);

/// What runs without a setting do, each observed twice, and once for all probes that have it in common.
#[derive(Default)]
struct Usual {
    seen: Mutex<HashMap<Run, Arc<OnceLock<String>>>>,
}

impl Usual {
    fn of(&self, subject: &impl Subject, config: &Value, input: Option<&str>) -> String {
        let key = (config.to_string(), input.map(str::to_owned));
        let seen = Arc::clone(self.seen.lock().expect("no panic").entry(key).or_default());
        let observe = || {
            let first = subject.observe(config, input);
            assert_eq!(
                first,
                subject.observe(config, input),
                "two equal runs differ: {config}"
            );
            first
        };
        seen.get_or_init(observe).clone()
    }
}

/// The sources of all tests.
fn tests() -> String {
    let listing = run(
        Command::new("git")
            .args(["ls-files", "--", "*.rs"])
            .current_dir(root()),
        b"",
    )
    .ok();
    let names = String::from_utf8(listing.stdout).expect("UTF-8");
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap_or_default();
    names.lines().map(read).collect()
}
