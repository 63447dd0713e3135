//! Log lines as plugins write them.

use std::collections::BTreeMap;

use super::facts::MAX_LOCATION;
use super::*;
use crate::count::{MAX_NAME_BYTES, MAX_STREAMS};

fn records(message: &str) -> Option<(String, u64)> {
    LogLine::read(message).record_count()
}

fn structured(more: &str) -> String {
    format!(
        r#"{{"level": "WARNING", "pid": 1, "logger_name": "tap", "ts": 1.5, "thread_name": "Main",
            "app_name": "tap-x", "stream_name": null, "message": "careful", {more}}}"#
    )
}

#[test]
fn structured_lines_keep_their_level() {
    let line = LogLine::read(&structured(r#""exception": null"#));
    assert_eq!((line.level, line.message.as_str()), (Level::Warning, "careful"));
    let line = LogLine::read(&structured(
        r#""exception": {"type": "ValueError", "message": "no"}"#,
    ));
    assert_eq!(line.message, "careful: ValueError: no");
}

#[test]
fn a_location_and_a_metric_are_taken_out() {
    let facts = Facts::default();
    facts.collect(&LogLine::read(&structured(r#""extra": {"location": "/out"}"#)));
    let metric = r#"{"type": "counter", "metric": "record_count", "value": 7, "tags": {"stream": "s"}}"#;
    for _ in 0..2 {
        facts.collect(&LogLine::read(&structured(&format!(
            r#""metric_info": {metric}"#
        ))));
    }
    let known = facts.known();
    assert_eq!(known.location.as_deref(), Some("/out"));
    assert_eq!(known.records, BTreeMap::from([("s".to_owned(), 14)]));
}

#[test]
fn colours_go_and_other_sequences_stay_to_be_escaped() {
    assert_eq!(plain("\u{1b}[1;31mno\u{1b}[0m\u{1b}[m\tx"), "no    x");
    assert_eq!(plain("a\u{1b}[2Jb\u{1b}]0;t\u{7}"), "a\u{1b}[2Jb\u{1b}]0;t\u{7}");
    assert_eq!(plain("é"), "é");
}

#[test]
fn what_a_plugin_reports_is_bounded() {
    let facts = Facts::default();
    let long = "x".repeat(100_000);
    for stream in 0..MAX_STREAMS + 10 {
        let name = if stream < 10 {
            format!("{stream}{long}")
        } else {
            stream.to_string()
        };
        let metric = format!(
            r#"INFO METRIC: {{"type":"counter","metric":"record_count","value":18446744073709551615,"tags":{{"stream":"{name}"}}}}"#
        );
        facts.collect(&LogLine::read(&metric));
        facts.collect(&LogLine::read(&metric));
    }
    let known = facts.known();
    assert_eq!(known.records.len(), MAX_STREAMS);
    assert!(known.records.keys().all(|name| name.len() <= MAX_NAME_BYTES));
    facts.collect(&LogLine::read(&structured(&format!(
        r#""extra": {{"location": "{long}"}}"#
    ))));
    assert!(
        facts
            .known()
            .location
            .is_some_and(|location| location.len() <= MAX_LOCATION)
    );
}

#[test]
fn json_that_lacks_a_field_is_a_plain_line() {
    assert_eq!(
        LogLine::read(r#"{"level": "ERROR", "message": "x"}"#).level,
        Level::Info
    );
    assert_eq!(LogLine::read("INFO hello").message, "INFO hello");
}

#[test]
fn metric_lines_are_recognised_in_both_shapes() {
    let json =
        r#"{"type": "counter", "metric": "record_count", "value": 7, "tags": {"stream": "s", "pid": 1}}"#;
    for line in [format!("METRIC: {json}"), format!("INFO METRIC: {json}")] {
        assert_eq!(records(&line), Some(("s".to_owned(), 7)));
    }
    assert_eq!(records("METRIC: {}"), None);
    assert_eq!(records(&json.replace("record_count", "batch_count")), None);
}
