//! `melisma pipe`: what goes in comes out.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Folder, assert_code};

/// Passes bytes through; what came out, and the statistics.
fn pass(input: &[u8], more: &[&str]) -> (Vec<u8>, Value) {
    let folder = Folder::new();
    fs::write(folder.join("in"), input).unwrap();
    let mut args = vec!["pipe", "--stats", "stats.json"];
    args.extend(more);
    let output = folder
        .melisma(&args)
        .stdin(Stdio::from(fs::File::open(folder.join("in")).unwrap()))
        .output()
        .unwrap();
    assert_code(&output, 0);
    (
        output.stdout,
        serde_json::from_str(&folder.read("stats.json")).unwrap(),
    )
}

fn odd_input() -> Vec<u8> {
    let mut input = b"\n\r\n{\"type\": \"RECORD\", \"stream\": \"a\", \"record\": {\"x\": 1}}\r\n".to_vec();
    input.extend_from_slice(b"noise \xff\xfe\x00 junk\n{\"type\":\"STATE\",\"value\":{}}\n");
    input.extend_from_slice(&vec![b'x'; 3 << 20]);
    input.extend_from_slice(b"\n{\"type\":\"RECORD\",\"stream\":\"b\",\"record\":{}}");
    input
}

#[test]
fn any_bytes_pass_as_they_are() {
    let input = odd_input();
    for more in [&[][..], &["--buffer", "4096"], &["--buffer", "8388608"]] {
        let (output, stats) = pass(&input, more);
        assert!(output == input, "{more:?}");
        assert_eq!(
            (&stats["lines"], &stats["records"], &stats["states"]),
            (&7.into(), &2.into(), &1.into())
        );
        assert_eq!((&stats["blank"], &stats["other"]), (&2.into(), &2.into()));
        assert_eq!(stats["bytes"], input.len());
        assert_eq!(stats["streams"]["a"]["records"], 1);
    }
}

#[test]
fn an_empty_input_is_an_empty_output() {
    let (output, stats) = pass(b"", &[]);
    assert!(output.is_empty());
    assert_eq!(stats["lines"], 0);
}

#[test]
fn a_line_passes_before_the_next_one_comes() {
    use std::io::{BufRead, BufReader, Write};
    let folder = Folder::new();
    let mut child = folder
        .melisma(&["pipe"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut to, mut from) = (
        child.stdin.take().unwrap(),
        BufReader::new(child.stdout.take().unwrap()),
    );
    for line in ["first\n", "second\n", "half"] {
        to.write_all(line.as_bytes()).unwrap();
        let mut got = vec![0; line.len()];
        std::io::Read::read_exact(&mut from, &mut got).unwrap();
        assert_eq!(got, line.as_bytes());
    }
    drop(to);
    assert!(from.fill_buf().unwrap().is_empty());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_is_an_error_and_no_hang() {
    let folder = Folder::new();
    for buffer in ["65536", "8388608"] {
        let melisma = env!("CARGO_BIN_EXE_melisma");
        let script =
            format!("yes | {{ {melisma} pipe --buffer {buffer}; echo $? > code; }} | head -c 10 > /dev/null");
        let status = Command::new("sh")
            .args(["-c", &script])
            .current_dir(folder.path())
            .status()
            .unwrap();
        assert!(status.success());
        assert_eq!(folder.read("code").trim(), "69");
    }
}

const SCHEMA: &str = "{\"type\": \"SCHEMA\", \"stream\": \"s\", \"schema\": {\"properties\": {\"i\": {\"type\": \"integer\"}}}, \"key_properties\": [\"i\"]}\n";

/// Runs `pipe --validate` on lines; exit code, what came out, stderr and the dead letters.
fn validate(lines: &[&str], on_invalid: &str) -> (Option<i32>, String, String, String) {
    let folder = Folder::new();
    folder.write("in", &format!("{SCHEMA}{}", lines.concat()));
    let output = folder
        .melisma(&[
            "pipe",
            "--validate",
            "--on-invalid",
            on_invalid,
            "--stats",
            "stats.json",
        ])
        .stdin(Stdio::from(fs::File::open(folder.join("in")).unwrap()))
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout.clone()).unwrap();
    let letters = fs::read_to_string(folder.join("bad.jsonl")).unwrap_or_default();
    (
        output.status.code(),
        out,
        crate::support::stderr(&output),
        letters,
    )
}

const GOOD: &str = "{\"type\": \"RECORD\", \"stream\": \"s\", \"record\": {\"i\": 1}}\r\n";
const BAD: &str = "{\"type\": \"RECORD\", \"stream\": \"s\", \"record\": {\"i\": \"x\"}}\n";
const NOISE: &str = "noise\n";
const STATE: &str = "{\"type\": \"STATE\", \"value\": {\"n\":1.0}}";

#[test]
fn a_valid_stream_passes_byte_for_byte() {
    let (code, out, _, _) = validate(&[GOOD, "\n", GOOD, STATE], "fail");
    assert_eq!(code, Some(0));
    assert_eq!(out, format!("{SCHEMA}{GOOD}\n{GOOD}{STATE}"));
}

#[test]
fn the_first_bad_line_ends_the_pipe_after_what_came_before_it() {
    let (code, out, error, _) = validate(&[GOOD, BAD, GOOD], "fail");
    assert_eq!((code, out), (Some(65), format!("{SCHEMA}{GOOD}")));
    assert!(
        error.contains("line 3, byte") && error.contains("stream s: i: expected"),
        "{error}"
    );
}

#[test]
fn bad_lines_can_be_left_out() {
    let (code, out, error, _) = validate(&[GOOD, BAD, NOISE, GOOD, STATE], "skip");
    assert_eq!((code, out), (Some(0), format!("{SCHEMA}{GOOD}{GOOD}{STATE}")));
    assert!(error.contains("2 lines were not valid and were"), "{error}");
    let (_, _, error, _) = validate(&[GOOD, BAD], "skip");
    assert!(error.contains("1 line was not valid and was"), "{error}");
}

#[test]
fn bad_lines_can_be_set_aside_with_their_reason() {
    let (code, out, _, letters) = validate(&[BAD, GOOD, STATE], "dead-letter=bad.jsonl");
    assert_eq!((code, out), (Some(0), format!("{SCHEMA}{GOOD}{STATE}")));
    let letter: Value = serde_json::from_str(&letters).unwrap();
    assert_eq!((&letter["line"], &letter["stream"]), (&2.into(), &"s".into()));
    assert_eq!(letter["message"], BAD.trim_end());
    assert!(
        letter["reason"].as_str().unwrap().contains("expected an integer"),
        "{letter}"
    );
}

#[test]
fn a_schema_that_can_not_be_read_always_fails() {
    let bad = "{\"type\": \"SCHEMA\", \"stream\": \"t\", \"schema\": {\"properties\": 1}, \"key_properties\": []}\n";
    for on_invalid in ["fail", "skip"] {
        assert_eq!(
            validate(&[GOOD, bad, GOOD], on_invalid).0,
            Some(65),
            "{on_invalid}"
        );
    }
}
