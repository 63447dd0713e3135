//! Every numeric setting of every plugin has a range; what lies outside is refused by name, and both its ends work.

use std::process::Command;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::PLUGINS;
use crate::harness::{Outcome, melisma, record, run, schema, state};

/// A numeric setting: its name, and the schema that `--about` shows.
fn numbers(plugin: &str) -> Vec<(String, Map<String, Value>)> {
    let about = Command::new(melisma())
        .args([plugin, "--about", "--format", "json"])
        .output()
        .expect("starts");
    let about: Value = serde_json::from_slice(&about.stdout).expect("JSON");
    let settings = about["settings"]["properties"]
        .as_object()
        .expect("settings")
        .clone();
    let is_number = |kind: &Value| kind == "integer" || kind == "number";
    let numeric = |schema: &Value| match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(is_number) && !kinds.iter().any(|kind| kind == "string"),
        kind => is_number(kind),
    };
    settings
        .into_iter()
        .filter(|(_, schema)| numeric(schema))
        .map(|(name, schema)| (name, schema.as_object().expect("a schema").clone()))
        .collect()
}

fn with(plugin: &str, folder: &TempDir, more: &[(&str, Value)], input: &[u8]) -> Outcome {
    let mut settings = match plugin {
        "tap-csv" => json!({"files": [{"entity": "s", "path": folder.path().join("s.csv"), "keys": ["id"]}]}),
        "tap-postgres" | "target-postgres" => json!({"host": "127.0.0.1", "user": "x", "database": "x"}),
        "tap-adbc" | "target-adbc" => json!({"driver": "none"}),
        "tap-snowflake" | "target-snowflake" => {
            json!({"driver": "none", "account": "x", "user": "x", "password": "x", "database": "x"})
        }
        "target-redshift" => json!({"driver": "none", "host": "x", "user": "x", "dbname": "x"}),
        "target-bigquery" => json!({"driver": "none", "project": "x", "dataset": "x", "denormalized": true}),
        "tap-duckdb" | "target-duckdb" => json!({"driver": "none", "path": folder.path().join("out")}),
        "tap-sqlite" | "target-sqlite" => json!({"driver": "none", "database": folder.path().join("out")}),
        _ => json!({"destination_path": folder.path().join("out")}),
    };
    for (name, value) in more {
        settings[*name] = value.clone();
    }
    std::fs::write(folder.path().join("s.csv"), "id,a\n1,2\n").expect("written");
    let config = folder.path().join("config.json");
    std::fs::write(&config, settings.to_string()).expect("written");
    run(
        Command::new(melisma()).args([plugin, "--config"]).arg(config),
        input,
    )
}

#[test]
fn absurd_ones_are_refused_by_name_with_what_is_allowed() {
    let folder = TempDir::new().expect("a folder");
    let mut checked = 0;
    for plugin in PLUGINS {
        for (name, schema) in numbers(plugin) {
            let bound = |word: &str| {
                let bound = schema
                    .get(word)
                    .unwrap_or_else(|| panic!("{plugin}: {name} has no {word}"));
                bound.as_f64().expect("a number")
            };
            let (least, most) = (bound("minimum"), bound("maximum"));
            assert!(least < most, "{plugin}: {name}");
            let below = json!(least - 1.0)
                .as_f64()
                .map(|below| json!(below as i64))
                .expect("finite");
            let above = [
                json!(1e300),
                json!(most * 2.0 + 1.0),
                json!(u64::MAX),
                json!(i64::MAX),
            ];
            for value in above.into_iter().chain([below]) {
                let outcome = with(plugin, &folder, &[(&name, value.clone())], b"");
                assert_eq!(
                    outcome.code,
                    Some(78),
                    "{plugin}: {name} {value}: {}",
                    outcome.stderr
                );
                let line = outcome.stderr.lines().find(|line| line.contains(&name));
                let line =
                    line.unwrap_or_else(|| panic!("{plugin}: {name} is not named: {}", outcome.stderr));
                assert!(
                    line.contains("at most") || line.contains("at least"),
                    "{plugin}: {line}"
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "only {checked}");
}

#[test]
fn both_ends_of_each_range_work() {
    let input = [
        schema(
            "s",
            &json!({"id": {"type": "integer"}, "a": {"type": "string"}}),
            &["id"],
        ),
        record("s", r#"{"id": 1, "a": "x"}"#),
        state("1"),
    ];
    let input = input.join("\n") + "\n";
    for plugin in ["tap-csv", "target-csv", "target-jsonl", "target-parquet"] {
        for (name, schema) in numbers(plugin) {
            for bound in ["minimum", "maximum"] {
                let folder = TempDir::new().expect("a folder");
                let value = schema[bound].clone();
                let value = value
                    .as_f64()
                    .filter(|v| v.fract() == 0.0)
                    .map_or(value, |v| json!(v as i64));
                let outcome = with(plugin, &folder, &[(&name, value.clone())], input.as_bytes());
                let is_a_limit = bound == "minimum" && outcome.code == Some(65);
                assert!(
                    outcome.code == Some(0) || is_a_limit && outcome.stderr.contains(&name),
                    "{plugin}: {name} {value}: {outcome:?}"
                );
            }
        }
    }
}
