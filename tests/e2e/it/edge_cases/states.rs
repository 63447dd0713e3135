//! STATE.

use serde_json::json;

use super::{records, stream};
use crate::harness::{Kind, Target, state};

fn lines(values: &[&str]) -> Vec<String> {
    let mut lines = vec![stream(&json!({"type": ["string", "null"]}))];
    for value in values {
        lines.push(records([r#""a""#]).remove(0));
        lines.push(state(value));
    }
    lines
}

#[test]
fn state_holding_a_float_is_copied_byte_for_byte() {
    let odd = r#"{ "a":1.10 ,"b" :1e400, "é\u00e9\/":[ ],"n":12345678901234567890123}"#;
    for kind in Kind::ALL {
        let emitted = Target::new(kind).feed(lines(&[odd])).ok().states();
        assert_eq!(emitted, [odd], "{kind:?}");
    }
}

#[test]
fn unchanged_state_is_told_once() {
    for kind in Kind::ALL {
        let target = Target::new(kind)
            .with("batch_size_rows", 1)
            .with("state_interval_seconds", 0);
        let emitted = target
            .feed(lines(&[r#"{"a":1}"#, r#"{"a":1}"#, r#"{"a":1}"#]))
            .ok()
            .states();
        assert_eq!(emitted, [r#"{"a":1}"#], "{kind:?}");
    }
}

#[test]
fn empty_state_is_not_told() {
    let emitted = Target::jsonl().feed(lines(&[r#"{"a":1}"#, "{}"])).ok().states();
    assert_eq!(emitted, [r#"{"a":1}"#]);
    assert_eq!(
        Target::jsonl().feed(lines(&["{ }"])).ok().states(),
        Vec::<String>::new()
    );
}

#[test]
fn the_last_state_wins_and_a_failed_run_tells_no_later_one() {
    let mut input = lines(&[r#"{"a":1}"#, r#"{"a":2}"#]);
    assert_eq!(
        Target::jsonl()
            .feed(&input)
            .ok()
            .states()
            .last()
            .map(String::as_str),
        Some(r#"{"a":2}"#)
    );
    input.push("noise".into());
    input.extend(lines(&[r#"{"a":3}"#]));
    for kind in Kind::ALL {
        let target = Target::new(kind);
        let outcome = target.feed(&input).fails(65, &["noise"]);
        let emitted = outcome.states();
        assert!(
            !emitted.contains(&r#"{"a":3}"#.to_owned()),
            "{kind:?}: {emitted:?}"
        );
        if !emitted.is_empty() {
            assert_eq!(
                target.rows("s").len(),
                2,
                "{kind:?}: what an emitted STATE covers is there"
            );
        }
    }
}

#[test]
fn state_before_any_record_is_told() {
    assert_eq!(
        Target::jsonl().feed([state(r#"{"a":1}"#)]).ok().states(),
        [r#"{"a":1}"#]
    );
}
