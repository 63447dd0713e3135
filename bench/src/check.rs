//! Whether the rows arrived. A time is believed only when they did, or when nothing can be seen of them and the report
//! says so.

use std::fs::File;
use std::io::{Read, Seek as _};

use melisma_sdk::{Error, Result};
use serde_json::Value;

use crate::plan::Expected;
use crate::process::{Command, Failure, Input, Output, run};
use crate::records::{Counted, Depth};
use crate::report::CheckForm;

/// The most bytes of an answer that is a number.
const NUMBER: u64 = 64;

/// Of records that were read. Only parsed ones have a checksum.
pub fn records(found: &Counted, expected: &Expected, depth: Depth) -> CheckForm {
    if found.records == 0 && expected.records != Some(0) {
        return match expected.records {
            None => unknown("its output has no records"),
            Some(expected) => wrong(format!("expected {expected} records, found none in its output")),
        };
    }
    compare(
        found.records,
        Some(found.checksum).filter(|_| depth == Depth::Parse),
        expected,
        "its output",
    )
}

/// Of the STATE that a target emits: the last one must be that of the input.
pub fn states(found: &Counted, expected: &Expected) -> CheckForm {
    let Some(last) = &expected.last_state else {
        return unknown("the input has no STATE; --check can look at the rows");
    };
    match &found.last_object {
        Some(state) if state == last => {
            passed("its last STATE is that of the input; --check would look at the rows")
        }
        Some(_) => wrong("its last STATE is not that of the input".to_owned()),
        None => wrong("expected the last STATE of the input, found none on its stdout".to_owned()),
    }
}

/// Of what `melisma run --report` says: the records that came to the target.
pub fn run_report(report: &RunReport, expected: &Expected) -> CheckForm {
    let form = compare(
        report.target_records,
        None,
        expected,
        "the target's input, by melisma run",
    );
    if form.passed == Some(true) && report.tap_records.is_some_and(|tap| tap != report.target_records) {
        return wrong(format!(
            "the tap wrote {} records, and {} came to the target",
            report.tap_records.unwrap_or_default(),
            report.target_records
        ));
    }
    form
}

/// What the report of a run has of its one pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunReport {
    /// Records that the tap wrote, where the runner can know.
    pub tap_records: Option<u64>,
    /// Records that came to the target.
    pub target_records: u64,
    /// Bytes of all messages that came to the target.
    pub bytes: Option<u64>,
}

impl RunReport {
    /// Of the text of a report file.
    pub fn parse(text: &str) -> Option<Self> {
        let report: Value = serde_json::from_str(text).ok()?;
        let attempt = report.pointer("/blocks/0/attempts/0")?;
        Some(Self {
            tap_records: attempt.pointer("/tap_output/records").and_then(Value::as_u64),
            target_records: attempt.pointer("/target_input/records")?.as_u64()?,
            bytes: attempt.pointer("/target_input/bytes").and_then(Value::as_u64),
        })
    }
}

/// Of what the command of `--check` says: a number of rows, or the rows as lines.
pub fn ask(
    command: &Command,
    variables: &[(String, std::ffi::OsString)],
    expected: &Expected,
) -> Result<CheckForm> {
    let mut file = tempfile::tempfile().map_err(|error| Error::io("cannot make a temporary file", error))?;
    let output = Output::Copied(Depth::Parse, &mut file, NUMBER);
    let ran = run(std::slice::from_ref(command), variables, Input::Empty, output);
    match ran {
        Err(failure) => Err(failed("--check", &failure)),
        Ok(run) => Ok(answer(
            &run.counted,
            number(&mut file, run.counted.bytes),
            expected,
        )),
    }
}

/// The error of a helper command.
pub fn failed(what: &str, failure: &Failure) -> Error {
    let text = failure.describe().replace('\n', " | ");
    Error::new(melisma_sdk::Kind::Failed, format!("{what}: {text}"))
}

fn number(file: &mut File, length: u64) -> Option<u64> {
    if length > NUMBER {
        return None;
    }
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn answer(lines: &Counted, number: Option<u64>, expected: &Expected) -> CheckForm {
    match number {
        Some(number) => compare(number, None, expected, "--check"),
        None if lines.records > 0 => compare(lines.records, Some(lines.checksum), expected, "--check"),
        None => compare(lines.lines, None, expected, "the lines of --check"),
    }
}

fn compare(found: u64, checksum: Option<u64>, expected: &Expected, of: &str) -> CheckForm {
    let Some(records) = expected.records else {
        return unknown(&format!(
            "{found} records in {of}; nothing says how many there must be"
        ));
    };
    if found != records {
        return wrong(format!("expected {records} records, found {found} in {of}"));
    }
    match (checksum, expected.checksum) {
        (Some(found), Some(expected)) if found == expected => passed(&format!("count and checksum of {of}")),
        (Some(_), Some(_)) => wrong(format!(
            "the {records} records of {of} have other values than expected"
        )),
        _ => passed(&format!("count of {of}")),
    }
}

fn passed(how: &str) -> CheckForm {
    CheckForm {
        passed: Some(true),
        how: how.to_owned(),
    }
}

fn wrong(how: String) -> CheckForm {
    CheckForm {
        passed: Some(false),
        how,
    }
}

/// That all records are there, with values that are not the expected ones.
pub fn other_values() -> CheckForm {
    passed("count of its output; its values are not the same")
}

/// That nothing could be checked, and why.
pub fn unknown(how: &str) -> CheckForm {
    CheckForm {
        passed: None,
        how: how.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expected(records: u64, checksum: u64) -> Expected {
        Expected {
            records: Some(records),
            checksum: Some(checksum),
            last_state: Some(json!({"n": 2})),
        }
    }

    fn counted(records: u64, checksum: u64) -> Counted {
        Counted {
            records,
            checksum,
            lines: records,
            ..Counted::default()
        }
    }

    #[test]
    fn a_lost_and_a_changed_record_are_wrong() {
        let expected = expected(3, 7);
        let parsed = |found: &Counted| records(found, &expected, Depth::Parse).passed;
        assert_eq!(parsed(&counted(3, 7)), Some(true));
        assert_eq!(parsed(&counted(2, 7)), Some(false));
        assert_eq!(parsed(&counted(3, 8)), Some(false));
        assert_eq!(parsed(&counted(0, 0)), Some(false));
        assert_eq!(
            records(&counted(3, 0), &expected, Depth::Count).passed,
            Some(true)
        );
        assert_eq!(
            records(&counted(3, 7), &Expected::default(), Depth::Parse).passed,
            None
        );
    }

    #[test]
    fn the_last_state_counts() {
        let emitted = |state| Counted {
            last_object: state,
            ..Counted::default()
        };
        let expected = expected(3, 7);
        assert_eq!(
            states(&emitted(Some(json!({"n": 2}))), &expected).passed,
            Some(true)
        );
        assert_eq!(
            states(&emitted(Some(json!({"n": 1}))), &expected).passed,
            Some(false)
        );
        assert_eq!(states(&emitted(None), &expected).passed, Some(false));
        assert_eq!(states(&emitted(None), &Expected::default()).passed, None);
    }

    #[test]
    fn an_answer_is_a_number_rows_or_lines() {
        let expected = expected(3, 7);
        assert_eq!(answer(&counted(0, 0), Some(3), &expected).passed, Some(true));
        assert_eq!(answer(&counted(0, 0), Some(2), &expected).passed, Some(false));
        assert_eq!(answer(&counted(3, 7), None, &expected).passed, Some(true));
        assert_eq!(answer(&counted(3, 8), None, &expected).passed, Some(false));
        let lines = Counted {
            lines: 3,
            ..Counted::default()
        };
        assert_eq!(answer(&lines, None, &expected).passed, Some(true));
    }

    #[test]
    fn the_report_of_a_run_has_the_counts_of_both_sides() {
        let text = json!({"blocks": [{"attempts": [{
            "tap_output": {"records": 4, "bytes": 9}, "target_input": {"records": 3, "bytes": 9}}]}]});
        let report = RunReport::parse(&text.to_string()).unwrap();
        assert_eq!((report.tap_records, report.target_records), (Some(4), 3));
        assert_eq!(
            run_report(&report, &expected(3, 7)).passed,
            Some(false),
            "the tap wrote more"
        );
        assert_eq!(RunReport::parse("{}"), None);
    }
}
