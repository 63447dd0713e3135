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
    (output.stdout, serde_json::from_str(&folder.read("stats.json")).unwrap())
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
        assert_eq!((&stats["lines"], &stats["records"], &stats["states"]), (&7.into(), &2.into(), &1.into()));
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
    let mut child = folder.melisma(&["pipe"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut to, mut from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
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
        let script = format!("yes | {{ {melisma} pipe --buffer {buffer}; echo $? > code; }} | head -c 10 > /dev/null");
        let status = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).status().unwrap();
        assert!(status.success());
        assert_eq!(folder.read("code").trim(), "69");
    }
}
