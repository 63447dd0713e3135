//! Bytes and lines.

use serde_json::json;

use super::{BAD_INPUT, feed, records, stream};
use crate::harness::{Kind, Target};

fn text() -> serde_json::Value {
    json!({"type": ["string", "null"]})
}

#[test]
fn blank_line_is_skipped_and_counted() {
    let target = Target::jsonl();
    let outcome = target
        .feed([
            stream(&text()),
            String::new(),
            records([r#""a""#]).remove(0),
            "  ".into(),
        ])
        .ok();
    assert_eq!(target.rows("s"), [json!({"id": 1, "v": "a"})]);
    outcome.says(&["2 blank"]);
}

#[test]
fn utf8_bom_is_stripped_at_offset_0_only() {
    let target = Target::jsonl();
    let lines = [
        format!("\u{feff}{}", stream(&text())),
        records([r#""a""#]).remove(0),
    ];
    target.feed(&lines).ok();
    assert_eq!(target.rows("s").len(), 1);
    let later = [
        stream(&text()),
        format!("\u{feff}{}", records([r#""a""#]).remove(0)),
    ];
    Target::jsonl().feed(&later).fails(BAD_INPUT, &["line 2"]);
}

#[test]
fn crlf_and_leading_spaces_are_accepted() {
    for kind in Kind::ALL {
        let target = Target::new(kind);
        let [first, second] = [
            &records([r#""a""#, r#""b""#])[0],
            &records([r#""a""#, r#""b""#])[1],
        ];
        target
            .feed_bytes(format!("{}\r\n  {first}\r\n\t{second}\r\n", stream(&text())).as_bytes())
            .ok();
        let values: Vec<_> = target.rows("s").iter().map(|row| row["v"].clone()).collect();
        assert_eq!(values, ["a", "b"], "{kind:?}");
    }
}

#[test]
fn last_line_without_line_end_is_read() {
    let target = Target::jsonl();
    target
        .feed_bytes(format!("{}\n{}", stream(&text()), records([r#""a""#])[0]).as_bytes())
        .ok();
    assert_eq!(target.rows("s").len(), 1);
}

#[test]
fn noise_line_fails_and_is_never_shown_whole() {
    let noise = format!("INFO fetching user{} secret-at-the-end", " x".repeat(200));
    let lines = [stream(&text()), noise, records([r#""a""#]).remove(0)];
    let byte = format!("byte {}", lines[0].len() + 1);
    let outcome = Target::jsonl()
        .feed(&lines)
        .fails(BAD_INPUT, &["line 2", &byte, "INFO fetching user"]);
    assert!(
        !outcome.stderr.contains("secret-at-the-end"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn noise_line_is_passed_over_with_a_warning_on_request() {
    let target = Target::jsonl().with("invalid_line", "warn");
    let lines = [stream(&text()), "noise".into(), records([r#""a""#]).remove(0)];
    target.feed(&lines).ok().says(&["line 2"]);
    assert_eq!(target.rows("s").len(), 1);
}

#[test]
fn invalid_utf8_fails() {
    let mut line = records([r#""a""#]).remove(0).into_bytes();
    let at = line.iter().rposition(|&byte| byte == b'a').expect("the value");
    line[at] = 0xff;
    let lines = [stream(&text()).into_bytes(), line];
    for kind in Kind::ALL {
        Target::new(kind)
            .feed(&lines)
            .fails(BAD_INPUT, &["line 2", "UTF-8"]);
    }
    let target = Target::jsonl().with("invalid_utf8", "replace");
    target.feed(&lines).ok();
    assert_eq!(target.rows("s")[0]["v"], "\u{fffd}");
}

#[test]
fn lone_surrogate_fails_or_is_replaced_and_never_passed_on() {
    for kind in Kind::ALL {
        feed(&Target::new(kind), &text(), [r#""x\ud800y""#]).fails(BAD_INPUT, &["line 2", "stream s"]);
        let target = Target::new(kind).with("lone_surrogate", "replace");
        feed(
            &target,
            &text(),
            [r#""x\ud800y""#, r#""\ude00""#, r#""\ud83d\ude00""#],
        )
        .ok();
        let values: Vec<_> = target.rows("s").iter().map(|row| row["v"].clone()).collect();
        assert_eq!(values, ["x\u{fffd}y", "\u{fffd}", "😀"], "{kind:?}");
    }
}

#[test]
fn nul_character_is_kept_by_files() {
    for kind in Kind::ALL {
        assert_eq!(
            super::written(kind, &text(), [r#""a\u0000b""#]),
            ["a\0b"],
            "{kind:?}"
        );
    }
}

#[test]
fn line_longer_than_the_limit_fails() {
    let target = Target::jsonl().with("max_line_bytes", 10_000);
    let long = format!("{:?}", "x".repeat(20_000));
    let outcome = feed(&target, &text(), [r#""short""#, long.as_str()]);
    outcome.fails(BAD_INPUT, &["line 3", "max_line_bytes"]);
}

#[test]
fn keys_in_any_order_and_white_space_anywhere() {
    let odd = r#" { "record" : { "v" : "a" , "id" : 1 } , "stream" : "s" , "type" : "RECORD" } "#;
    for kind in Kind::ALL {
        let target = Target::new(kind);
        target.feed([stream(&text()).as_str(), odd]).ok();
        assert_eq!(target.rows("s")[0]["v"], "a", "{kind:?}");
    }
}
