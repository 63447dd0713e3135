//! Rows that come as lines of COPY, for a destination that wants records.

use std::io::Cursor;

use melisma_engine::Kind;
use melisma_engine::pipeline::{OnInvalid, Options};

use super::kit::Scripted;

const SCHEMA: &str = r#"{"type":"SCHEMA","stream":"a","schema":{"properties":{"id":{"type":"integer"},"note":{"type":["string","null"],"maxLength":5}}},"key_properties":["id"]}"#;
const COPY: &str = r#"{"type":"COPY","stream":"a","columns":[{"name":"id","type":"int8"},{"name":"note","type":"text","length":null}]}"#;

fn run(
    lines: &[&str],
    accepts_copied: bool,
    on_invalid: OnInvalid,
) -> (Scripted, melisma_engine::Result<()>) {
    let destination = Scripted::default();
    let options = Options {
        accepts_copied,
        on_invalid,
        ..Options::default()
    };
    let input = format!("{}\n", lines.join("\n"));
    let (_, result) = destination.run(Cursor::new(input.into_bytes()), &options);
    (destination, result)
}

#[test]
fn rows_become_the_records_that_they_stand_for() {
    let record = |body: &str| format!(r#"{{"type":"RECORD","stream":"a","record":{body}}}"#);
    let rows = [
        SCHEMA,
        COPY,
        "\u{2}2026-01-01T00:00:00+00:00",
        "\u{1}\"a\":1\ta\\tb",
        &record(r#"{"id":2,"note":"x"}"#),
        "\u{1}\"a\":3\t\\N",
    ];
    let records = [
        SCHEMA,
        &record(r#"{"id":1,"note":"a\tb"}"#),
        &record(r#"{"id":2,"note":"x"}"#),
        &record(r#"{"id":3,"note":null}"#),
    ];
    let (one, result) = run(&rows, true, OnInvalid::Fail);
    result.unwrap();
    let (other, result) = run(&records, false, OnInvalid::Fail);
    result.unwrap();
    assert_eq!(one.committed("a"), other.committed("a"));
    assert_eq!(one.committed("a").len(), 3);
}

#[test]
fn a_row_that_does_not_fit_its_schema_is_refused_as_a_record_is() {
    let rows = [SCHEMA, COPY, "\u{1}\"a\":1\ttoo long", "\u{1}\"a\":2\tfits"];
    let (_, result) = run(&rows, true, OnInvalid::Fail);
    let error = result.unwrap_err();
    assert_eq!(error.kind(), Kind::Input);
    let error = error.to_string();
    assert!(
        error.starts_with("line 3, ") && error.contains("stream a: note: "),
        "{error}"
    );
    let (destination, result) = run(&rows, true, OnInvalid::Skip);
    result.unwrap();
    assert_eq!(destination.committed("a").len(), 1);
}

#[test]
fn they_are_no_messages_where_nothing_was_agreed() {
    for lines in [
        &[SCHEMA, COPY][..],
        &[SCHEMA, "\u{1}\"a\":1\tx"],
        &[SCHEMA, "\u{2}2026-01-01T00:00:00+00:00"],
    ] {
        let (_, result) = run(lines, false, OnInvalid::Fail);
        assert_eq!(result.unwrap_err().kind(), Kind::Input, "{lines:?}");
    }
    // Agreed, but not announced.
    let (_, result) = run(&[SCHEMA, "\u{1}\"a\":1\tx"], true, OnInvalid::Fail);
    assert_eq!(result.unwrap_err().kind(), Kind::Input);
    // Other fields than were announced.
    let (_, result) = run(&[SCHEMA, COPY, "\u{1}\"a\":1"], true, OnInvalid::Fail);
    assert_eq!(result.unwrap_err().kind(), Kind::Input);
}
