//! The file targets, and what every target has.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Probe, Subject, every_setting_does_something, observe, probe, tested};
use crate::harness::{
    Every, Live, melisma, record, records, run, schema, schema_line, state, state_line, wait_for,
};

/// Three records of a stream, and a STATE after each.
pub(super) fn lines() -> String {
    let properties = json!({
        "id": {"type": "integer", "maximum": 1000},
        "text": {"type": ["string", "null"]},
        "number": {"type": ["number", "null"]},
        "object": {"type": ["object", "null"], "properties": {"a": {"type": "integer"}}},
    });
    join(&[
        schema("s", &properties, &["id"]),
        record(
            "s",
            r#"{"id":1,"text":"é, \"quoted\"","number":1.50,"object":{"a":1}}"#,
        ),
        state("1"),
        record("s", r#"{"id":2,"text":null}"#),
        state("2"),
        record("s", r#"{"id":3,"text":"plain"}"#),
        state("3"),
    ])
}

/// Stands in an input for a byte that is not UTF-8.
const NOT_UTF8: &str = "<ff>";

/// The bytes of an input.
pub(super) fn bytes(lines: &str) -> Vec<u8> {
    let mut bytes = lines.as_bytes().to_vec();
    if let Some(at) = lines.find(NOT_UTF8) {
        bytes.splice(at..at + NOT_UTF8.len(), [0xff]);
    }
    bytes
}

pub(super) fn join(lines: &[String]) -> String {
    lines.join("\n") + "\n"
}

/// The usual lines, and one after the first record.
fn with(line: &str) -> String {
    lines().replacen("{\"type\":\"STATE\",\"value\":1}", line, 1)
}

/// A record that the schema does not allow.
fn with_invalid() -> String {
    with(&record("s", r#"{"id":5000}"#))
}

/// What every target has. `split` are settings that show where commits are.
pub(super) fn standard(split: &Value) -> Vec<Probe> {
    let letters = |path: &str| json!({"on_invalid": "dead_letter", "dead_letter_path": path});
    let stateless = join(&lines().lines().take(2).map(str::to_owned).collect::<Vec<_>>());
    let undeclared = with(&record("s", r#"{"id":4,"more":true}"#));
    vec![
        probe("add_record_metadata", true),
        probe("validate_records", false).on(with_invalid()),
        probe("on_invalid", "skip").on(with_invalid()),
        probe("dead_letter_path", "FOLDER/letters.jsonl")
            .given(json!({"on_invalid": "dead_letter"}))
            .on(with_invalid()),
        probe("dead_letter_max_bytes", 1)
            .given(letters("FOLDER/letters.jsonl"))
            .on(with_invalid()),
        probe("require_final_state", false)
            .given(json!({"load_method": "overwrite"}))
            .on(stateless),
        probe("batch_size_rows", 1).given(split.clone()),
        probe("batch_size_bytes", 1).given(split.clone()),
        tested(
            "batch_wait_limit_seconds",
            "rows_are_committed_when_they_have_waited_long_enough",
        ),
        probe("state_interval_seconds", 0).given(split.clone()),
        // The row groups of target-parquet show it; the others wait, and write the same.
        tested(
            "memory_budget_bytes",
            "every_setting_of_target_parquet_does_something",
        ),
        probe("max_line_bytes", 60),
        probe("max_streams", 1).on(lines() + &schema("t", &json!({"id": {"type": "integer"}}), &[]) + "\n"),
        tested(
            "max_parallelism",
            "max_parallelism_is_the_number_of_writing_threads",
        ),
        probe("lenient", true).on(with(r#"{"type":"NEWS","value":1}"#)),
        probe("invalid_line", "warn").on(with("Collecting packages")),
        probe("invalid_utf8", "replace")
            .on(with(&record("s", &format!(r#"{{"id":4,"text":"{NOT_UTF8}"}}"#)))),
        probe("lone_surrogate", "replace").on(with(&record("s", r#"{"id":4,"text":"\ud800"}"#))),
        probe("nan", "null").on(with(&record("s", r#"{"id":4,"number":NaN}"#))),
        probe("invalid_schema", "any").on(lines().replace(r#"["number","null"]"#, r#""numeric""#)),
        probe("undeclared_properties", "column").on(undeclared.clone()),
        probe("undeclared_column", "rest")
            .given(json!({"undeclared_properties": "column"}))
            .on(undeclared),
    ]
}

/// What every file target has, its own files ending in `end`. `mode` is none that it has by default, by its two names.
fn of_files(end: &str, mode: [&str; 2]) -> Vec<Probe> {
    let named =
        |placeholder: &str| json!({"file_naming_scheme": format!("{{stream_name}}-{placeholder}.{end}")});
    let mut probes = standard(&json!({"write_mode": "parts"}));
    probes.extend([
        probe("destination_path", "FOLDER/elsewhere"),
        probe("file_naming_scheme", format!("x-{{stream_name}}.{end}")),
        probe("datestamp_format", "%Y").given(named("{datestamp}")),
        probe("timestamp_format", "%Y").given(named("{timestamp}")),
        probe("timestamp_timezone", "Asia/Tokyo").given(over_format(&named("{timestamp}"), "%Z")),
        probe("write_mode", mode[0]),
        probe("overwrite_behavior", mode[1]),
        probe("load_method", "overwrite"),
    ]);
    probes
}

fn over_format(config: &Value, format: &str) -> Value {
    super::over(config, &json!({"timestamp_format": format}))
}

/// A file target. Each observation is of two runs into one new folder, or of one if names of files have its moment.
struct Files(&'static str);

impl Subject for Files {
    fn observe(&self, config: &Value, input: Option<&str>) -> String {
        let folder = TempDir::new().expect("a folder");
        let name = folder.path().display().to_string();
        let config = config.to_string().replace("FOLDER", &name);
        let path = folder.path().join("config.json");
        std::fs::write(&path, &config).expect("written");
        let lines = bytes(&input.map_or_else(lines, str::to_owned));
        let runs = if config.contains("stamp}") { 1 } else { 2 };
        let mut seen = String::new();
        for _ in 0..runs {
            let mut command = Command::new(melisma());
            command.args([self.0, "--config"]).arg(&path);
            seen += &observe::outcome(&run(&mut command, &lines), &[&name]);
        }
        std::fs::remove_file(path).expect("it is there");
        seen + &observe::files(folder.path())
    }
}

fn go_through(target: &'static str, end: &str, own: Vec<Probe>) {
    let mode = match end {
        "parquet" => ["replace", "replace_file"],
        _ => ["parts", "create_file"],
    };
    let mut probes = of_files(end, mode);
    // A target's own probe of a setting takes precedence.
    probes.retain(|probe| own.iter().all(|own| own.setting != probe.setting));
    probes.extend(own);
    let base = json!({"destination_path": "FOLDER/out"});
    every_setting_does_something(target, &base, &Files(target), &probes);
}

#[test]
fn every_setting_of_target_jsonl_does_something() {
    go_through("target-jsonl", "jsonl", vec![probe("do_timestamp_file", true)]);
}

#[test]
fn every_setting_of_target_csv_does_something() {
    let escaped = json!({"escape_character": "\\"});
    let own = vec![
        probe("delimiter", ";"),
        probe("quotechar", "'"),
        probe("escape_character", "\\").given(json!({"doublequote": false})),
        probe("doublequote", false).given(escaped),
        probe("line_terminator", "\n"),
        probe("null_value", "NULL"),
        probe("encoding", "latin-1"),
        probe("fixed_headers", json!({"s": ["id"]})),
        probe("record_sort_property_name", "id"),
    ];
    go_through("target-csv", "csv", own);
}

#[test]
fn every_setting_of_target_parquet_does_something() {
    let large = lines().replacen(
        r#""text":"plain""#,
        &format!(r#""text":"{}""#, "plain ".repeat(5000)),
        1,
    );
    let many = join(&[schema("s", &json!({"id": {"type": "integer"}}), &["id"])])
        + &join(
            &(0..50_000)
                .map(|id| record("s", &format!(r#"{{"id":{id}}}"#)))
                .collect::<Vec<_>>(),
        )
        + &state("1");
    let own = vec![
        probe("memory_budget_bytes", 1).on(many.clone()),
        probe("numbers", "text"),
        probe("integers", "text"),
        probe("invalid_values", "null").on(with(&record("s", r#"{"id":4,"number":1e999}"#))),
        probe("nested", "struct"),
        probe("compression", "none"),
        probe("compression_level", 19).on(large),
        probe("row_group_rows", 1),
        probe("row_group_bytes", 1).on(many),
    ];
    go_through("target-parquet", "parquet", own);
}

#[test]
fn max_parallelism_is_the_number_of_writing_threads() {
    let pipelinewise = (
        "target-postgres, parallelism",
        Every::postgres().with("parallelism", 3),
    );
    let targets = Every::all().into_iter();
    let targets = targets.map(|(name, target)| (name, target.with("max_parallelism", 3)));
    for (name, target) in targets.chain([pipelinewise]) {
        let mut live = Live::start(&mut target.command());
        assert!(live.send([schema_line()]));
        wait_for(&format!("three writing threads of {name}"), || {
            let threads = std::fs::read_dir(format!("/proc/{}/task", live.id())).ok()?;
            let names =
                threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
            (names.filter(|name| name.starts_with("writer-")).count() == 3).then_some(())
        });
        live.send([state_line(0)]);
        drop(live.stdin());
        live.end().ok();
    }
}

#[test]
fn rows_are_committed_when_they_have_waited_long_enough() {
    for (name, target) in Every::all() {
        let target = target.with("batch_wait_limit_seconds", 0.1);
        let mut live = Live::start(&mut target.command());
        assert!(live.send([schema_line()].into_iter().chain(records(0..3))));
        // The input stays open, and has no STATE: five minutes would be the default.
        wait_for(&format!("the rows of {name}"), || {
            (target.ids() == [0, 1, 2]).then_some(())
        });
        live.send([state_line(3)]);
        drop(live.stdin());
        live.end().ok();
    }
}
