//! Sizes that nobody sends. `MELISMA_TEST_EXTREMES=full` (`cargo xtask malformed --full`) makes the numbers of streams
//! and of schemas as large as they are called.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::process::{ChildStdin, Stdio};

use melisma_engine::Kind;
use melisma_engine::pipeline::Options;

use super::memory::{options, run_on};
use crate::harness::{Target, peak_after, peak_memory};

const MIB: u64 = 1 << 20;

/// As many as the name says, or a tenth or less of them.
fn many(full: usize, quick: usize) -> usize {
    if std::env::var("MELISMA_TEST_EXTREMES").is_ok_and(|set| set == "full") {
        full
    } else {
        quick
    }
}

/// An input that is made while it is read; `piece` writes the n-th piece, or nothing at the end.
struct Made<F> {
    piece: F,
    next: usize,
    text: String,
    at: usize,
}

fn made<F: FnMut(usize, &mut String)>(piece: F) -> Made<F> {
    Made {
        piece,
        next: 0,
        text: String::new(),
        at: 0,
    }
}

impl<F: FnMut(usize, &mut String)> Read for Made<F> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.text.len() {
            self.text.clear();
            self.at = 0;
            // As much as a pipe holds.
            for _ in 0..200 {
                if self.text.len() >= 64 << 10 {
                    break;
                }
                (self.piece)(self.next, &mut self.text);
                self.next += 1;
            }
        }
        let rest = &self.text.as_bytes()[self.at..];
        let n = rest.len().min(into.len());
        into[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }
}

fn schema(stream: &str, properties: &str, rest: &str) -> String {
    format!(
        "{{\"type\":\"SCHEMA\",\"stream\":\"{stream}\",\"schema\":{{\"properties\":{{{properties}}}{rest}}},\"key_properties\":[]}}\n"
    )
}

/// A gigabyte without a line end is refused after 64 MiB of it, in memory for one such line and a half.
#[test]
fn a_line_of_a_gigabyte() {
    let target = Target::jsonl();
    let mut command = target.command();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    let start = schema("s", "\"v\":{}", "")
        + "{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{\"v\":1}}\n"
        + "{\"type\":\"STATE\",\"value\":{\"n\":1}}\n{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{\"v\":\"";
    stdin.write_all(start.as_bytes()).expect("the target reads");
    let piece = vec![b'x'; 1 << 20];
    let (mut fed, mut peak) = (0, 0);
    while fed < 1024 * MIB && stdin.write_all(&piece).is_ok() {
        fed += MIB;
        peak = peak.max(peak_memory(child.id()).unwrap_or(0));
    }
    drop(stdin);
    let output = child.wait_with_output().expect("a child");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(65), "{stderr}");
    assert!(stderr.contains("line 4, byte "), "{stderr}");
    assert!(
        stderr.contains("at most 67108864 bytes (max_line_bytes)"),
        "{stderr}"
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"n\":1}\n");
    assert_eq!(target.rows("s").len(), 1);
    assert!(fed < 70 * MIB, "{} MiB were taken", fed / MIB);
    assert!(peak < 160 * MIB, "{} MiB", peak / MIB);
}

#[test]
fn a_hundred_thousand_columns() {
    let columns: Vec<String> = (0..100_000).map(|n| format!("\"c{n}\":{{}}")).collect();
    let line = schema("s", &columns.join(","), "");
    let error = run_on(std::io::Cursor::new(line.into_bytes()), &options())
        .result
        .expect_err("too many");
    assert!(
        error
            .to_string()
            .contains("at most 10000 properties, found 100000"),
        "{error}"
    );
}

/// As many columns as there may be, all of them required and part of the key; records with them in any order.
#[test]
fn ten_thousand_columns() {
    const COLUMNS: usize = 10_000;
    let names: Vec<String> = (0..COLUMNS).map(|n| format!("\"c{n}\"")).collect();
    let properties: Vec<String> = names
        .iter()
        .map(|name| format!("{name}:{{\"type\":\"integer\"}}"))
        .collect();
    let (names, properties) = (names.join(","), properties.join(","));
    let mut input = format!(
        "{{\"type\":\"SCHEMA\",\"stream\":\"s\",\"schema\":{{\"properties\":{{{properties}}},\"required\":[{names}]}},\"key_properties\":[{names}]}}\n"
    );
    for record in 0..20 {
        input.push_str("{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{");
        for n in 0..COLUMNS {
            // Another order each time: steps that have no common divisor with the number of columns.
            let column = n * [1, 3, 7, 9_999, 7_919][record % 5] % COLUMNS;
            let _ = write!(input, "{}\"c{column}\":{n}", if n == 0 { "" } else { "," });
        }
        input.push_str("}}\n");
    }
    let outcome = run_on(std::io::Cursor::new(input.into_bytes()), &options());
    outcome.result.expect("good records");
    assert_eq!(outcome.held["s"].len(), 20);
}

#[test]
fn a_hundred_thousand_streams() {
    let streams = many(100_000, 10_000);
    let input = made(move |n, text| {
        if n < streams {
            text.push_str(&schema(
                &format!("stream_{n}"),
                "\"id\":{\"type\":\"integer\"}",
                "",
            ));
            let _ = writeln!(
                text,
                "{{\"type\":\"RECORD\",\"stream\":\"stream_{n}\",\"record\":{{\"id\":{n}}}}}"
            );
        } else if n == streams {
            text.push_str("{\"type\":\"STATE\",\"value\":{\"n\":1}}\n");
        }
    });
    let outcome = run_on(input, &Options::default());
    outcome.result.expect("good streams");
    assert_eq!(outcome.held.len(), streams);
    assert_eq!(outcome.emitted.len(), 1);
}

/// Each SCHEMA is another, with a record between: a barrier each, and nothing kept of the ones before. The target is a
/// process of its own, so that what is measured is not what other tests take meanwhile.
#[test]
fn a_million_schemas() {
    let schemas = many(1_000_000, 10_000);
    let mut input = made(move |n, text| {
        if n < schemas {
            text.push_str(&schema(
                "s",
                &format!("\"id\":{{\"type\":\"integer\"}},\"c{n}\":{{}}"),
                "",
            ));
            let _ = writeln!(
                text,
                "{{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{{\"id\":{n}}}}}"
            );
        }
    });
    let target = Target::jsonl();
    let peak = peak_after(&mut target.command(), all_of(&mut input));
    assert_eq!(target.rows("s").len(), schemas);
    assert!(peak < 96 * MIB, "{} MiB", peak / MIB);
}

/// Feeds the whole of an input.
fn all_of(input: &mut impl Read) -> impl FnOnce(&mut ChildStdin) {
    |stdin| {
        std::io::copy(input, stdin).expect("the target reads");
    }
}

/// Names outside the schema, a megabyte each and all of them different: none is kept.
#[test]
fn keys_of_a_megabyte() {
    let long = "k".repeat(1 << 20);
    let mut input = made(|n, text| {
        if n == 0 {
            text.push_str(&schema("s", "\"id\":{}", ""));
        }
        if n < 200 {
            let _ = writeln!(
                text,
                "{{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{{\"id\":{n},\"{long}{n}\":1}}}}"
            );
        }
    });
    let target = Target::jsonl();
    let peak = peak_after(&mut target.command(), all_of(&mut input));
    assert_eq!(target.rows("s").len(), 200);
    assert!(peak < 96 * MIB, "{} MiB", peak / MIB);
}

/// Columns with limits refuse a number of a million digits; without limits it comes through to the digit.
#[test]
fn a_number_of_a_million_digits() {
    let digits = "7".repeat(1_000_000);
    let record = format!("{{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{{\"v\":{digits}}}}}");
    for (kind, schema_of_v, taken) in [
        (crate::harness::Kind::Jsonl, "{\"type\":\"integer\"}", true),
        (crate::harness::Kind::Csv, "{\"type\":\"number\"}", true),
        (crate::harness::Kind::Parquet, "{\"type\":\"integer\"}", false),
        (crate::harness::Kind::Parquet, "{\"type\":\"number\"}", false),
        (
            crate::harness::Kind::Parquet,
            "{\"type\":\"number\",\"format\":\"singer.decimal\",\"precision\":38}",
            false,
        ),
        (
            crate::harness::Kind::Parquet,
            "{\"type\":\"number\",\"multipleOf\":0.01,\"minimum\":5}",
            false,
        ),
    ] {
        let target = Target::new(kind);
        let outcome = target
            .feed_bytes(format!("{}{record}\n", schema("s", &format!("\"v\":{schema_of_v}"), "")).as_bytes());
        if taken {
            outcome.ok();
            assert!(target.text("s").contains(&digits));
        } else {
            let outcome = outcome.fails(
                i32::from(Kind::Input.exit_code()),
                &["line 2", "stream s", "v: expected", "777..."],
            );
            assert!(outcome.stderr.len() < 2_000, "{}", outcome.stderr);
        }
    }
}
