//! Records' values: at most 120 bytes of them are shown.

use std::process::Command;

use serde_json::json;

use super::{CANARY, says_nothing};
use crate::harness::{Every, melisma, record, run, schema};

/// Records that are refused for every reason there is, with the word behind 120 bytes of the value.
#[test]
fn of_a_refused_record_at_most_120_bytes_are_shown() {
    let long = format!("{}{CANARY}", "x".repeat(121));
    let quoted = format!("{}\\\"{CANARY}", "y\\\"".repeat(121));
    let properties = json!({
        "i": {"type": "integer"}, "n": {"type": "number", "multipleOf": 2}, "b": {"type": "boolean"},
        "d": {"type": "string", "format": "date"}, "t": {"type": "string", "format": "date-time"},
        "m": {"type": "string", "maxLength": 3}, "p": {"type": "string", "pattern": "^z$"},
        "e": {"type": "string", "enum": ["a"]}, "c": {"const": "a"}, "o": {"type": "object", "properties": {"x": {"type": "integer"}}},
        "a": {"type": "array", "items": {"type": "integer"}}, "u": {"type": "string", "format": "uuid"},
    });
    let mut lines = vec![schema("s", &properties, &[])];
    for name in properties.as_object().expect("an object").keys() {
        for value in [&long, &quoted] {
            for value in [
                format!("\"{value}\""),
                format!("[\"{value}\"]"),
                format!("{{\"x\":\"{value}\"}}"),
                format!("{{\"{value}\":1}}"),
            ] {
                lines.push(record("s", &format!(r#"{{"{name}":{value}}}"#)));
            }
        }
    }
    // And lines that are no messages.
    let broken = [
        format!(r#"{{"type":"RECORD","stream":"s","record":{{"i":"{long}"}} oops"#),
        format!(r#"{{"type":"RECORD","stream":"s","record":{{"i":"{long}"#),
        long.clone(),
        format!(r#"{{"type":"{long}"}}"#),
        format!(r#"{{"type":"STATE","value":{{"{long}"}}}}"#),
        format!(
            r#"{{"type":"SCHEMA","stream":"s2","schema":{{"properties":{{"x":{{"type":"{long}"}}}}}},"key_properties":[]}}"#
        ),
        format!(
            r#"{{"type":"SCHEMA","stream":"s3","schema":{{"properties":{{"x":{{"pattern":"({long}"}}}}}},"key_properties":[]}}"#
        ),
        format!(
            r#"{{"type":"SCHEMA","stream":"s4","schema":{{"properties":{{}}}},"key_properties":["{long}"]}}"#
        ),
        format!(r#"{{"type":"RECORD","stream":"{long}","record":{{}}}}"#),
    ];
    for (name, target) in Every::all() {
        let skip = target
            .with("on_invalid", "skip")
            .with("invalid_line", "warn")
            .with("lenient", true);
        let input = lines.join("\n") + "\n";
        for (at, line) in input.lines().skip(1).enumerate() {
            // One at a time: only the first few are logged one by one.
            if at % 7 == 0 || name == "target-jsonl" {
                let input = format!("{}\n{line}\n", lines[0]);
                let outcome = run(skip.command().env("LOGLEVEL", "debug"), input.as_bytes());
                says_nothing(&format!("{name}: {line}"), &outcome);
            }
        }
        for line in &broken {
            let outcome = run(&mut skip.command(), format!("{}\n{line}\n", lines[0]).as_bytes());
            says_nothing(&format!("{name}: {line}"), &outcome);
        }
        if name == "target-jsonl" {
            let all = run(
                Command::new(melisma()).args(["pipe", "--validate", "--on-invalid", "skip"]),
                input.as_bytes(),
            );
            assert!(!all.stderr.contains(CANARY), "{}", all.stderr);
        }
    }
}

/// What the server refuses it quotes; we do not pass that on beyond 120 bytes.
#[test]
fn of_a_row_that_the_server_refuses_at_most_120_bytes_are_shown() {
    let long = format!("{}{CANARY}", "x".repeat(121));
    let mut refused = 0;
    for (table, properties, value) in [
        (
            "(text varchar(10))",
            json!({"text": {"type": "string"}}),
            json!(long),
        ),
        (
            "(text text check (text < 'a'))",
            json!({"text": {"type": "string"}}),
            json!(long),
        ),
        (
            "(text text unique)",
            json!({"text": {"type": "string"}}),
            json!(long),
        ),
        (
            "(text uuid)",
            json!({"text": {"type": "string", "format": "uuid"}}),
            json!(long),
        ),
        ("(text inet)", json!({"text": {"type": "string"}}), json!(long)),
    ] {
        let target = Every::postgres()
            .with("validate_records", false)
            .with("hard_delete", false);
        let Every::Table { database, .. } = &target else {
            unreachable!("a table")
        };
        database.sql(&format!("create table public.s {table}"));
        let line = record("s", &json!({"text": value}).to_string());
        let input = format!("{}\n{line}\n{line}\n", schema("s", &properties, &[]));
        let outcome = run(target.command().env("LOGLEVEL", "debug"), input.as_bytes());
        says_nothing(table, &outcome);
        refused += usize::from(outcome.stderr.contains("SQLSTATE"));
    }
    assert!(refused >= 3, "only {refused} came as far as the server");
}
