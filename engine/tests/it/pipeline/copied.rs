//! Rows that come in forms of COPY, for a destination that wants records.

use std::io::Cursor;

use melisma_engine::Kind;
use melisma_engine::copied::{TUPLE, head, seal};
use melisma_engine::pipeline::{OnInvalid, Options};

use super::kit::Scripted;

const SCHEMA: &str = r#"{"type":"SCHEMA","stream":"a","schema":{"properties":{"id":{"type":"integer"},"note":{"type":["string","null"],"maxLength":5}}},"key_properties":["id"]}"#;
const COPY: &str = r#"{"type":"COPY","stream":"a","columns":[{"name":"id","type":"int8"},{"name":"note","type":"text","length":null}]}"#;

fn run(
    lines: &[impl AsRef<[u8]>],
    accepts_copied: bool,
    on_invalid: OnInvalid,
) -> (Scripted, melisma_engine::Result<()>) {
    let destination = Scripted::default();
    let options = Options {
        accepts_copied,
        on_invalid,
        ..Options::default()
    };
    let lines = lines.iter().map(AsRef::as_ref);
    let input: Vec<u8> = lines.flat_map(|line| [line, b"\n"].concat()).collect();
    let (_, result) = destination.run(Cursor::new(input), &options);
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

/// The line of a tuple with these values.
fn tuple(id: i64, note: Option<&[u8]>) -> Vec<u8> {
    let mut tuple = 8_i32.to_be_bytes().to_vec();
    tuple.extend(id.to_be_bytes());
    let length = note.map_or(-1, |note| i32::try_from(note.len()).unwrap());
    tuple.extend(length.to_be_bytes());
    tuple.extend_from_slice(note.unwrap_or_default());
    let mut line = head(TUPLE, "a");
    seal(&tuple, &mut line);
    line
}

#[test]
fn tuples_become_the_records_that_they_stand_for_whatever_their_bytes_are() {
    let record = |body: &str| format!(r#"{{"type":"RECORD","stream":"a","record":{body}}}"#).into_bytes();
    // 10 and 13 end a line of text, 0xF8 and 0xF9 are what a sealed tuple has to hide.
    let ids = [10, 13, 0x0A0D, 0xF8, 0xF9, 3, 0x0B, -1];
    let mut rows: Vec<Vec<u8>> = [SCHEMA, COPY, "\u{2}2026-01-01T00:00:00+00:00"]
        .map(Vec::from)
        .into();
    let mut records = vec![SCHEMA.as_bytes().to_vec()];
    for id in ids {
        rows.push(tuple(id, Some(b"\t\\\r")));
        records.push(record(&format!(r#"{{"id":{id},"note":"\t\\\r"}}"#)));
        rows.push(record(&format!(r#"{{"id":{id},"note":null}}"#)));
        records.push(record(&format!(r#"{{"id":{id},"note":null}}"#)));
    }
    let (one, result) = run(&rows, true, OnInvalid::Fail);
    result.unwrap();
    let (other, result) = run(&records, false, OnInvalid::Fail);
    result.unwrap();
    assert_eq!(one.committed("a"), other.committed("a"));
    assert_eq!(one.committed("a").len(), 2 * ids.len());
}

#[test]
fn a_tuple_that_is_none_of_the_stream_is_an_error_at_its_line() {
    let good = tuple(1, Some(b"x"));
    let (schema, copy) = (SCHEMA.as_bytes(), COPY.as_bytes());
    let torn = &good[..good.len() - 1];
    let other = [head(TUPLE, "b"), good[5..].to_vec()].concat();
    let not_utf8 = tuple(1, Some(b"\xFF"));
    let bare = [TUPLE];
    for lines in [
        &[schema, copy, torn][..],
        &[schema, copy, &other],
        &[schema, copy, &not_utf8],
        &[schema, copy, &bare],
        &[schema, copy, &[&good[..], b"\x0B"].concat()],
    ] {
        let (_, result) = run(lines, true, OnInvalid::Fail);
        let error = result.unwrap_err();
        assert_eq!(error.kind(), Kind::Input, "{lines:?}");
        assert!(error.to_string().starts_with("line 3, byte "), "{error}");
    }
    let (_, result) = run(&[schema, &good], true, OnInvalid::Fail);
    assert_eq!(result.unwrap_err().kind(), Kind::Input, "not announced");
    let (_, result) = run(&[schema, &good], false, OnInvalid::Fail);
    assert_eq!(result.unwrap_err().kind(), Kind::Input, "not agreed");
    // What is refused is refused as a record.
    let long = tuple(2, Some(b"too long"));
    let (destination, result) = run(&[schema, copy, &long, &good], true, OnInvalid::Skip);
    result.unwrap();
    assert_eq!(destination.committed("a").len(), 1);
}
