//! Singer messages that are wrong, or only look so.

use super::judge::judge;
use super::memory::{Outcome, run};
use melisma_properties::spelled::bytes;

const TABLE: &str = include_str!("singer.txt");

const GOOD: &str = r#"{"type":"SCHEMA","stream":"s","schema":{"properties":{"id":{"type":"integer"},"v":{}}},"key_properties":["id"]}
{"type":"RECORD","stream":"s","record":{"id":1,"v":"good"}}
{"type":"STATE","value":{"n":1}}
"#;
const AFTER: &str = r#"{"type":"RECORD","stream":"s","record":{"id":9}}
{"type":"STATE","value":{"n":9}}
"#;
/// The lines before a case.
pub(super) const BEFORE: u64 = 3;

/// One case.
pub(super) struct Case {
    pub(super) category: &'static str,
    pub(super) name: &'static str,
    /// The line of the case that ends the run, counted from 1.
    pub(super) refused: Option<u64>,
    lines: Vec<Vec<u8>>,
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut category = "";
    for line in TABLE.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            category = name;
        } else if let Some(head) = line.strip_prefix("= ") {
            let (name, expected) = head.rsplit_once(" | ").expect("what is expected");
            cases.push(Case {
                category,
                name,
                refused: expected
                    .strip_prefix("refused ")
                    .map(|n| n.parse().expect("a line")),
                lines: Vec::new(),
            });
        } else if let Some(text) = line.strip_prefix("> ").or(line.strip_prefix('>')) {
            cases.last_mut().expect("a case").lines.push(bytes(text));
        }
    }
    cases
}

impl Case {
    /// The whole input, the lines around the case's own included.
    pub(super) fn input(&self) -> Vec<u8> {
        let mut input = GOOD.as_bytes().to_vec();
        for line in &self.lines {
            input.extend_from_slice(line);
            input.push(b'\n');
        }
        input.extend_from_slice(AFTER.as_bytes());
        input
    }

    pub(super) fn label(&self) -> String {
        format!("{}: {}", self.category, self.name)
    }

    pub(super) fn run(&self) -> Outcome {
        run(&self.input())
    }
}

#[test]
fn there_are_enough_of_them() {
    let cases = cases();
    assert!(cases.len() >= 120, "{}", cases.len());
    let mut labels: Vec<String> = cases.iter().map(Case::label).collect();
    labels.sort();
    labels.dedup();
    assert_eq!(labels.len(), cases.len(), "each has a name of its own");
}

/// What came before is durable, its STATE is emitted, and the error says where.
#[test]
fn each_has_its_outcome() {
    for case in cases() {
        let outcome = case.run();
        let label = case.label();
        judge(&case.input(), &outcome);
        let error = outcome.result.as_ref().err();
        let line = error.map(|error| error.position().expect("a place").line - BEFORE);
        assert_eq!(line, case.refused, "{label}: {error:?}");
        assert_eq!(outcome.held["s"][0], r#"{"id":1,"v":"good"}"#, "{label}");
        if case.refused.is_none() {
            assert_eq!(
                outcome.emitted.last().expect("a STATE").value,
                r#"{"n":9}"#,
                "{label}"
            );
        }
    }
}

/// An error shows at most 120 bytes of what was found.
#[test]
fn errors_are_short_and_on_one_line() {
    for case in cases() {
        if let Err(error) = case.run().result {
            let text = error.to_string();
            // Where, which stream and property (each cut as well), what was expected, and what was found.
            assert!(text.len() < 700, "{}: {} bytes: {text}", case.label(), text.len());
        }
    }
}
