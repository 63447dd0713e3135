//! JSON texts: as a line of their own, as a value of a record, and as the value of a STATE.

use melisma_properties::reference;

use super::judge::{is_empty, judge};
use super::memory::run;
use super::text::bytes;

const TABLE: &str = include_str!("../../malformed/json.tsv");
const SCHEMA: &str = r#"{"type":"SCHEMA","stream":"s","schema":{"properties":{"v":{}}},"key_properties":[]}"#;

/// One text.
pub(super) struct Case {
    pub(super) category: &'static str,
    pub(super) name: &'static str,
    /// Whether melisma takes it.
    pub(super) taken: bool,
    /// Whether `serde_json` gives up where melisma does not.
    beyond: bool,
    text: Vec<u8>,
}

pub(super) fn cases() -> Vec<Case> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.splitn(4, '\t').collect();
            let [category, name, class, text] = fields[..] else {
                panic!("four fields: {line}")
            };
            Case {
                category,
                name,
                taken: matches!(class, "y" | "a"),
                beyond: class == "a",
                text: bytes(text),
            }
        })
        .collect()
}

fn line(before: &str, text: &[u8], after: &str) -> Vec<u8> {
    let mut input =
        format!("{SCHEMA}\n{{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{{\"v\":0}}}}\n").into_bytes();
    input.extend_from_slice(b"{\"type\":\"STATE\",\"value\":{\"n\":1}}\n");
    input.extend_from_slice(before.as_bytes());
    input.extend_from_slice(text);
    input.extend_from_slice(after.as_bytes());
    input.push(b'\n');
    input
}

#[test]
fn there_are_enough_of_them() {
    assert!(cases().len() >= 300, "{}", cases().len());
}

#[test]
fn the_table_agrees_with_serde_json() {
    for case in cases() {
        let found = serde_json::from_slice::<serde_json::Value>(&case.text);
        let expected = case.taken && !case.beyond;
        assert_eq!(
            found.is_ok(),
            expected,
            "{} {}: {found:?}",
            case.category,
            case.name
        );
        if let Ok(text) = std::str::from_utf8(&case.text)
            && text.len() < 10_000
        {
            assert_eq!(reference::parse(text, 127).is_some(), case.taken, "{}", case.name);
        }
    }
}

/// No JSON text alone is a message; the run ends at its line.
#[test]
fn as_lines_all_are_refused() {
    for case in cases() {
        let input = line("", &case.text, "");
        let outcome = run(&input);
        judge(&input, &outcome);
        let blank = case.text.trim_ascii().is_empty();
        let line = outcome
            .result
            .err()
            .map(|error| error.position().expect("a place").line);
        assert_eq!(line, (!blank).then_some(4), "{} {}", case.category, case.name);
    }
}

#[test]
fn as_values_of_records_they_are_taken_or_refused() {
    for case in cases() {
        let input = line(
            r#"{"type":"RECORD","stream":"s","record":{"v":"#,
            &case.text,
            "}}",
        );
        let outcome = run(&input);
        judge(&input, &outcome);
        let error = outcome.result.as_ref().err();
        assert_eq!(
            outcome.result.is_ok(),
            case.taken,
            "{} {}: {error:?}",
            case.category,
            case.name
        );
        assert_eq!(outcome.held["s"].len(), 1 + usize::from(case.taken));
        if let Some(error) = error {
            assert_eq!(error.position().expect("a place").line, 4);
        }
    }
}

/// The bytes of a STATE are the tap's own, whatever they spell.
#[test]
fn as_values_of_states_they_are_told_to_the_letter_or_refused() {
    for case in cases() {
        let input = line(r#"{"type":"STATE","value":"#, &case.text, "}");
        let outcome = run(&input);
        judge(&input, &outcome);
        assert_eq!(
            outcome.result.is_ok(),
            case.taken,
            "{} {}",
            case.category,
            case.name
        );
        let told = &outcome.told.last().expect("a STATE").value;
        let value = String::from_utf8_lossy(&case.text).trim().to_owned();
        let expected = if case.taken && !is_empty(&value) {
            value
        } else {
            r#"{"n":1}"#.to_owned()
        };
        assert_eq!(*told, expected, "{} {}", case.category, case.name);
    }
}
