use super::*;
use crate::line::START;

fn line(text: &str) -> Line<'_> {
    Line { text, at: START }
}

fn error(text: &str) -> String {
    MessageReader::new(false)
        .read(&line(text))
        .expect_err("refused")
        .to_string()
}

/// Reads a RECORD twice, so that the second reading goes by the remembered head.
fn both_ways(text: &str) -> Vec<(usize, usize, Tail<'_>)> {
    let mut reader = MessageReader::new(false);
    let body = text.find("{\"a\"").expect("a body");
    let end = text[body..].find('}').expect("its end") + body + 1;
    (0..2)
        .map(|_| match reader.read(&line(text)).expect("a RECORD") {
            Message::Record(record) => (
                record.stream.index(),
                record.body,
                record.tail(&line(text), end).expect("a tail"),
            ),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_record_reads_the_same_by_its_head_and_by_its_members() {
    for text in [
        r#"{"type": "RECORD", "stream": "s", "record": {"a": 1}, "version": 7, "time_extracted": "2026-01-01T00:00:00Z"}"#,
        r#"{"type":"RECORD","stream":"s","record":{"a":1}}"#,
        r#"{"stream":"s","type":"RECORD","record":{"a":1} , "x": [1] }"#,
        r#"{"version":7,"record":{"a":1},"stream":"s","type":"RECORD"}"#,
        "  { \"t\\u0079pe\" : \"RECORD\" , \"stream\" : \"s\" , \"record\" : {\"a\":1} }  ",
    ] {
        let found = both_ways(text);
        assert_eq!(found[0], found[1], "{text}");
        assert_eq!(&text[found[0].1..found[0].1 + 4], "{\"a\"", "{text}");
    }
}

#[test]
fn streams_that_alternate_keep_their_numbers() {
    let mut reader = MessageReader::new(false);
    for round in 0..3 {
        for i in 0..40 {
            let text = format!(r#"{{"type":"RECORD","stream":"s{i}","record":{{}}}}"#);
            match reader.read(&line(&text)).expect("a RECORD") {
                Message::Record(record) => assert_eq!(record.stream.index(), i, "round {round}"),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(reader.name(StreamId(3)), "s3");
}

#[test]
fn a_state_keeps_its_bytes() {
    let text = r#"{"type": "STATE", "value": {"b": 1.50, "a": 1e2, "x": "é" }}"#;
    match MessageReader::new(false).read(&line(text)).expect("a STATE") {
        Message::State(value) => assert_eq!(value, r#"{"b": 1.50, "a": 1e2, "x": "é" }"#),
        other => panic!("{other:?}"),
    }
}

#[test]
fn key_properties_may_be_missing_null_or_a_string() {
    let mut reader = MessageReader::new(false);
    for (keys, expected) in [
        ("", &[][..]),
        (r#","key_properties":null"#, &[]),
        (r#","key_properties":"id""#, &["id"]),
        (r#","key_properties":["a","b"]"#, &["a", "b"]),
    ] {
        let text = format!(r#"{{"type":"SCHEMA","stream":"s","schema":{{"properties":{{}}}}{keys}}}"#);
        match reader.read(&line(&text)).expect("a SCHEMA") {
            Message::Schema(schema) => assert_eq!(schema.key_properties, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn errors_name_the_place_and_the_field() {
    assert_eq!(
        error("hello"),
        "line 1, byte 0: expected a Singer message, a JSON object, found hello"
    );
    assert_eq!(
        error(r#"{"stream":"s"}"#),
        r#"line 1, byte 0: expected a Singer message with the field "type", found none"#
    );
    assert_eq!(
        error(r#"{"type":"RECORD","record":{}}"#),
        r#"line 1, byte 0: expected a Singer message with the field "stream", found none"#
    );
    assert_eq!(
        error(r#"{"type":"record","stream":"s"}"#),
        r#"line 1, byte 0: type: expected RECORD, SCHEMA, STATE, ACTIVATE_VERSION or BATCH, found "record""#
    );
    assert_eq!(
        error(r#"{"type":"STATE","type":"STATE","value":1}"#),
        r#"line 1, byte 16: expected each field of a message once, found "type":"STATE","value":1}"#
    );
    assert!(error(r#"{"type":"STATE","value":NaN}"#).contains("NaN and Infinity are none"));
    assert!(error(r#"{"type":"STATE","value":1} x"#).contains("the end of the line after the message"));
}

#[test]
fn an_unknown_type_is_a_warning_when_lenient() {
    let mut reader = MessageReader::new(true);
    let message = reader
        .read(&line(r#"{"type":"CONTROL","x":1}"#))
        .expect("lenient");
    assert!(matches!(message, Message::Unknown { name } if name == "CONTROL"));
    assert!(matches!(reader.read(&line("  \t")), Ok(Message::Blank)));
}

#[test]
fn a_tail_with_a_second_record_is_refused() {
    let text = r#"{"type":"RECORD","stream":"s","record":{"a":1},"record":{"a":2}}"#;
    let mut reader = MessageReader::new(false);
    reader
        .read(&line(r#"{"type":"RECORD","stream":"s","record":{"a":1}}"#))
        .expect("a RECORD");
    let Message::Record(record) = reader.read(&line(text)).expect("a head") else {
        panic!("no RECORD")
    };
    assert!(record.tail(&line(text), 46).is_err());
}

#[test]
fn a_body_may_stand_further_away_than_before() {
    let mut reader = MessageReader::new(false);
    for (text, body) in [
        (r#"{"type":"RECORD","stream":"s","record": {"a":1}}"#, 40),
        (
            "{\"type\":\"RECORD\",\"stream\":\"s\",\"record\": \t {\"a\":1}}",
            42,
        ),
    ] {
        let Message::Record(record) = reader.read(&line(text)).expect("a RECORD") else {
            panic!("no RECORD")
        };
        assert_eq!(record.body, body);
    }
}
