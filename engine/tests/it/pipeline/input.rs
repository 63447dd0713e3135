//! Inputs that are not as they should be.

use melisma_engine::Kind;
use melisma_engine::pipeline::{OnInvalid, Options, Repairs};

use super::kit::{Script, Scripted};

/// Runs and expects an error of the input; returns it as text.
fn fails(script: &Script, options: &Options) -> (Scripted, String) {
    let destination = Scripted::default();
    let error = destination.run(script.input(), options).1.unwrap_err();
    assert_eq!(error.kind(), Kind::Input, "{error}");
    (destination, error.to_string())
}

const BAD: &str = r#"{"type":"RECORD","stream":"a","record":{"id":"x"}}"#;

#[test]
fn an_error_commits_what_came_before_it() {
    let script = Script::default()
        .schema("a", 0)
        .records("a", 3)
        .state()
        .record("a")
        .raw(BAD)
        .record("a");
    let (destination, error) = fails(&script, &Options::default());
    assert!(error.starts_with("line 7, byte "), "{error}");
    assert!(
        error.contains("stream a: id: expected an integer, found \"x\""),
        "{error}"
    );
    assert_eq!(destination.committed("a").len(), 4);
    assert_eq!(destination.world().emitted, [script.last_state.unwrap()]);
}

#[test]
fn refused_records_are_left_out_and_counted() {
    let script = Script::default()
        .schema("a", 0)
        .raw(BAD)
        .records("a", 2)
        .raw(BAD)
        .state();
    let destination = Scripted::default();
    let options = Options {
        on_invalid: OnInvalid::Skip,
        ..Options::default()
    };
    let (summary, result) = destination.run(script.input(), &options);
    result.unwrap();
    script.check_all_in(&destination);
    assert_eq!(destination.world().emitted, [script.last_state.unwrap()]);
    let stream = &summary.streams[0];
    assert_eq!(
        (summary.refused, stream.refused, stream.records, stream.committed),
        (2, 2, 4, 2)
    );
}

#[test]
fn a_stream_of_refused_records_alone_needs_no_write() {
    let script = Script::default().schema("a", 0).raw(BAD).raw(BAD).state();
    let destination = Scripted::default();
    let options = Options {
        on_invalid: OnInvalid::Skip,
        ..Options::default()
    };
    destination.run(script.input(), &options).1.unwrap();
    assert_eq!(destination.world().events, ["a open", "a finish"]);
    assert_eq!(destination.world().emitted, [script.last_state.unwrap()]);
}

#[test]
fn refused_records_are_set_aside_before_a_state_covers_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dead.jsonl");
    let script = Script::default()
        .schema("a", 0)
        .records("a", 2)
        .raw(BAD)
        .state()
        .record("a");
    let mut destination = Scripted::default();
    let emitted = destination.listen();
    let (feed, input) = super::kit::Feed::new();
    feed.send(script.text.clone().into_bytes()).unwrap();
    let options = Options {
        on_invalid: OnInvalid::DeadLetter(path.clone()),
        state_interval: std::time::Duration::ZERO,
        ..Options::default()
    };
    std::thread::scope(|scope| {
        let run = scope.spawn(|| destination.run(input, &options));
        assert_eq!(Some(emitted.recv().unwrap()), script.last_state);
        let lines = std::fs::read_to_string(&path).unwrap();
        let letter: serde_json::Value = serde_json::from_str(&lines).unwrap();
        assert_eq!(
            (letter["line"].as_u64(), letter["stream"].as_str()),
            (Some(4), Some("a"))
        );
        assert_eq!(letter["message"], BAD);
        assert_eq!(letter["reason"], r#"id: expected an integer, found "x""#);
        assert_eq!(
            letter["byte"].as_u64(),
            Some(script.text.find(BAD).unwrap() as u64)
        );
        drop(feed);
        run.join().unwrap().1.unwrap();
    });
    script.check_all_in(&destination);
}

#[test]
fn records_and_versions_need_a_schema_first() {
    let (_, error) = fails(&Script::default().record("a"), &Options::default());
    assert_eq!(
        error,
        "line 1, byte 0, stream a: expected a SCHEMA before the first RECORD of the stream, found none"
    );
    let (_, error) = fails(&Script::default().activate("a", 1), &Options::default());
    assert_eq!(
        error,
        "line 1, byte 0, stream a: expected a SCHEMA before ACTIVATE_VERSION, found none"
    );
}

#[test]
fn batch_messages_are_refused_with_the_way_out() {
    let batch = r#"{"type":"BATCH","stream":"a","encoding":{"format":"jsonl"},"manifest":[]}"#;
    let (_, error) = fails(&Script::default().schema("a", 0).raw(batch), &Options::default());
    assert!(
        error.contains("stream a: ") && error.contains("batch_config"),
        "{error}"
    );
}

#[test]
fn blank_lines_are_skipped_and_counted() {
    let script = Script::default()
        .raw("")
        .schema("a", 0)
        .raw("  ")
        .record("a")
        .raw("\r");
    let destination = Scripted::default();
    let (summary, result) = destination.run(script.input(), &Options::default());
    result.unwrap();
    assert_eq!((summary.lines, summary.blank), (5, 3));
    script.check_all_in(&destination);
}

#[test]
fn noise_and_unknown_types_fail_or_are_passed_over() {
    let noise = Script::default()
        .schema("a", 0)
        .raw("Fetching page 2")
        .record("a");
    fails(&noise, &Options::default());
    let unknown = Script::default()
        .schema("a", 0)
        .raw(r#"{"type":"FOO"}"#)
        .record("a");
    fails(&unknown, &Options::default());

    let options = Options {
        warn_invalid_lines: true,
        lenient: true,
        ..Options::default()
    };
    for script in [noise, unknown] {
        let destination = Scripted::default();
        let (summary, result) = destination.run(script.input(), &options);
        result.unwrap();
        assert_eq!(summary.ignored, 1);
        script.check_all_in(&destination);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_named() {
    let mut input = Script::default().schema("a", 0).record("a").text.into_bytes();
    let at = input.len();
    input.extend_from_slice(b"{\"type\":\xff}\n");
    let destination = Scripted::default();
    let error = destination
        .run(std::io::Cursor::new(input), &Options::default())
        .1
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("line 3, byte {}: expected UTF-8, found the byte 0xff", at + 8)
    );
    assert_eq!(destination.committed("a").len(), 1);
}

#[test]
fn a_line_that_is_too_long_is_an_error() {
    let script = Script::default()
        .schema("a", 0)
        .record("a")
        .raw(&"x".repeat(2_000_000));
    let options = Options {
        max_line_bytes: 1_000_000,
        ..Options::default()
    };
    let (destination, error) = fails(&script, &options);
    assert!(error.contains("max_line_bytes"), "{error}");
    assert!(destination.world().emitted.is_empty());
}

#[test]
fn a_read_that_fails_or_panics_is_not_an_end() {
    struct Broken(bool);
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            assert!(!self.0, "scripted");
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }
    for (panics, kind) in [(false, Kind::Io), (true, Kind::Bug)] {
        let error = Scripted::default()
            .run(Broken(panics), &Options::default())
            .1
            .unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}

#[test]
fn what_is_no_json_is_put_right_where_that_is_asked() {
    let schema = r#"{"type":"SCHEMA","stream":"a","schema":{"properties":{"id":{"type":["null","number"]},"t":{"type":"string"}}},"key_properties":[]}"#;
    let good = r#"{"type":"RECORD","stream":"a","record":{"id":1,"t":"x"}}"#;
    let bad = r#"{"type":"RECORD","stream":"a","record":{"id":NaN,"t":"\ud800"}}"#;
    let mut input = Script::default()
        .raw(schema)
        .raw(bad)
        .raw(good)
        .raw(bad)
        .text
        .into_bytes();
    input.extend_from_slice(b"{\"type\":\"RECORD\",\"stream\":\"a\",\"record\":{\"id\":2,\"t\":\"\xff\"}}\n");
    let repairs = Repairs {
        invalid_schemas: false,
        invalid_utf8: true,
        lone_surrogates: true,
        not_a_number: true,
    };
    let destination = Scripted::default();
    let options = Options {
        repairs,
        ..Options::default()
    };
    let (summary, result) = destination.run(std::io::Cursor::new(input.clone()), &options);
    result.unwrap();
    let repaired = r#"{"id":null,"t":"\ufffd"}"#;
    assert_eq!(
        destination.committed("a"),
        [
            repaired,
            r#"{"id":1,"t":"x"}"#,
            repaired,
            "{\"id\":2,\"t\":\"\u{fffd}\"}"
        ]
    );
    assert_eq!((summary.records, summary.ignored), (4, 0));

    let error = Scripted::default()
        .run(std::io::Cursor::new(input), &Options::default())
        .1
        .unwrap_err();
    assert_eq!(error.position().map(|position| position.line), Some(2));
}
