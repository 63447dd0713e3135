//! What plugins claim: capabilities, load methods, settings of other SDKs.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Kind, PLUGINS, Target, melisma, record, run, schema, state};

fn about(plugin: &str) -> Value {
    let about = Command::new(melisma())
        .args([plugin, "--about", "--format", "json"])
        .output()
        .expect("runs");
    serde_json::from_slice(&about.stdout).expect("JSON")
}

fn lines() -> [String; 6] {
    let version = |row: &str, version: u64| {
        format!(r#"{{"type":"RECORD","stream":"s","record":{row},"version":{version}}}"#)
    };
    [
        schema("s", &json!({"a": {"type": "integer"}}), &[]),
        version(r#"{"a":1}"#, 1),
        version(r#"{"a":2}"#, 2),
        r#"{"type":"ACTIVATE_VERSION","stream":"s","version":2}"#.to_owned(),
        r#"{"type":"ACTIVATE_VERSION","stream":"s","version":2}"#.to_owned(),
        state("1"),
    ]
}

/// The targets that can remove rows.
const OF_DATABASES: [&str; 7] = [
    "target-adbc",
    "target-bigquery",
    "target-duckdb",
    "target-postgres",
    "target-redshift",
    "target-snowflake",
    "target-sqlite",
];

#[test]
fn only_a_target_that_follows_versions_says_so() {
    for plugin in PLUGINS.iter().filter(|plugin| plugin.starts_with("target")) {
        let about = about(plugin);
        let can = about["capabilities"]
            .as_array()
            .expect("a list")
            .contains(&json!("activate-version"));
        let setting = &about["settings"]["properties"]["process_activate_version_messages"];
        assert_eq!(can, OF_DATABASES.contains(plugin), "{plugin}");
        assert_eq!(setting.is_object(), can, "{plugin}");
    }
    for kind in Kind::ALL {
        // As Meltano passes it on, or as it is by default.
        for target in [
            Target::new(kind),
            Target::new(kind).with("process_activate_version_messages", true),
        ] {
            let outcome = target.feed(lines()).ok();
            let says = outcome.stderr.matches("ACTIVATE_VERSION is ignored").count();
            assert_eq!(says, 1, "{kind:?}: {}", outcome.stderr);
            assert_eq!(target.rows("s").len(), 2, "{kind:?}");
        }
        // A file of this run only has no older rows.
        let target = Target::new(kind).with("load_method", "overwrite");
        let outcome = target.feed(lines()).ok();
        assert!(!outcome.stderr.contains("ACTIVATE_VERSION"), "{}", outcome.stderr);
    }
    let named = Target::jsonl().with("process_activate_version_messages", true);
    named
        .feed(lines())
        .ok()
        .says(&["process_activate_version_messages is ignored"]);
}

#[test]
fn a_load_method_that_a_target_does_not_have_is_refused() {
    for kind in Kind::ALL {
        for method in ["upsert", "upsert-on-conflict", "nonsense"] {
            let target = Target::new(kind).with("load_method", method);
            target.feed(lines()).fails(78, &["load_method"]);
            assert!(!target.out().exists(), "nothing was done");
        }
        for method in ["append-only", "append", "overwrite"] {
            Target::new(kind).with("load_method", method).feed(lines()).ok();
        }
    }
}

/// A map may hide personal data: rows must not be written without it.
#[test]
fn settings_that_change_data_are_refused_by_every_plugin_that_ignores_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("users.csv");
    std::fs::write(&csv, "id,ssn\n1,secret\n").expect("written");
    for plugin in PLUGINS {
        let settings = &about(plugin)["settings"]["properties"];
        for (name, value) in [
            ("stream_maps", json!({"users": {"ssn": null}})),
            ("flattening_enabled", json!(true)),
            ("hard_delete", json!(true)),
        ] {
            if settings[name].is_object() && OF_DATABASES.contains(&plugin) && name != "stream_maps" {
                continue;
            }
            let out = folder.path().join("out");
            let mut config = json!({
                "destination_path": out, "host": "127.0.0.1", "port": 1, "database": "x", "user": "x",
                "driver": "duckdb", "path": out, "files": [{"entity": "users", "path": csv, "keys": ["id"]}],
            });
            config[name] = value;
            let path = folder.path().join("config.json");
            std::fs::write(&path, config.to_string()).expect("written");
            let outcome = run(
                Command::new(melisma()).arg(plugin).arg("--config").arg(&path),
                lines().join("\n").as_bytes(),
            );
            let outcome = outcome.fails(78, &[name]);
            assert!(outcome.stdout.is_empty(), "{plugin}");
            assert!(!out.exists(), "{plugin}");
        }
    }
}

#[test]
fn letters_have_a_file_of_their_own() {
    for kind in Kind::ALL {
        for name in ["s.jsonl", "s.csv", "s.parquet"] {
            for mode in ["append", "replace"] {
                if kind == Kind::Parquet && mode == "append" {
                    continue;
                }
                let target = Target::new(kind).with("write_mode", mode);
                let letters = target.path("x/../out").join(name);
                std::fs::create_dir_all(target.path("x")).expect("made");
                std::fs::create_dir_all(target.out()).expect("made");
                let target = target
                    .with("on_invalid", "dead_letter")
                    .with("dead_letter_path", json!(letters));
                let outcome = target.feed(lines());
                let same = target.out().join(name) == target.out().join(format!("s.{}", suffix(kind)));
                if same {
                    outcome.fails(78, &["dead_letter_path"]);
                } else {
                    outcome.ok();
                }
            }
        }
    }
    let target = Target::jsonl()
        .with("on_invalid", "dead_letter")
        .with("dead_letter_path", "state.json");
    let mut command = target.command();
    command
        .current_dir(target.path(""))
        .args(["--state-out", "state.json"]);
    run(&mut command, lines().join("\n").as_bytes()).fails(78, &["dead_letter_path", "--state-out"]);
}

fn suffix(kind: Kind) -> &'static str {
    match kind {
        Kind::Jsonl => "jsonl",
        Kind::Csv => "csv",
        Kind::Parquet => "parquet",
    }
}

/// Two runs at once, each with rows of its own that do not fit.
#[test]
fn two_runs_share_a_dead_letter_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let letters = folder.path().join("dead.jsonl");
    let targets = [(); 2].map(|()| {
        Target::jsonl()
            .with("on_invalid", "dead_letter")
            .with("dead_letter_path", json!(letters))
            .with("state_interval_seconds", 0)
    });
    std::thread::scope(|scope| {
        for (number, target) in targets.iter().enumerate() {
            scope.spawn(move || {
                let bad = (0..200).flat_map(move |i| {
                    let bad = record("s", &format!(r#"{{"a":"bad-{number}-{i}"}}"#));
                    [bad, state(&i.to_string())]
                });
                let first = schema("s", &json!({"a": {"type": "integer"}}), &[]);
                target.feed([first].into_iter().chain(bad)).ok();
            });
        }
    });
    let text = std::fs::read_to_string(letters).expect("there");
    for number in 0..2 {
        let of = |line: &&str| line.contains(&format!("bad-{number}-"));
        assert_eq!(text.lines().filter(of).count(), 200);
    }
    assert!(
        text.lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
}
