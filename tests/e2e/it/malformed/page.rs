//! docs/malformed.md, made of the cases and what came of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::process::Command;

use melisma_engine::error::show;
use serde_json::Value;

use super::judge::line;
use super::{json, singer};
use crate::harness::{melisma, root, run};

const HEAD: &str = "# Malformed input

What melisma makes of input that is wrong, or only looks so. The tests of `tests/e2e/it/malformed` run every case and write
this page: `MELISMA_WRITE_DOCS=1 cargo test -p melisma-tests malformed`; a test fails when it is out of date.

For every case the same holds: a run ends well, or with exit code 65 and an error that names the line, the byte and, where
it is known, the stream, says what was expected, and shows at most 120 bytes of what was found. What came before the line is
durable, and its STATE, and none after it, is emitted. In addition to these cases the tests run 6,000 mutants of real streams (more by
`cargo xtask malformed --mutants N`), and sizes that no tap sends: a line of a gigabyte, a million brackets, 100,000
columns, 100,000 streams, a million schemas, numbers of a million digits, keys of a megabyte.

Some settings change an outcome: `lenient`, `invalid_line`, `invalid_utf8`, `lone_surrogate`, `nan`, `invalid_schema`,
`undeclared_properties`, `on_invalid`, `validate_records` (see [targets.md](targets.md)). The cases run with the defaults.
";

/// Column one, how many were taken, how many refused.
type Counts = BTreeMap<&'static str, (usize, usize)>;

fn counts(out: &mut String, title: &str, counts: &Counts) {
    let _ = writeln!(out, "\n| {title} | cases | taken | refused |\n|---|---|---|---|");
    let (mut taken, mut refused) = (0, 0);
    for (category, count) in counts {
        let _ = writeln!(
            out,
            "| {category} | {} | {} | {} |",
            count.0 + count.1,
            count.0,
            count.1
        );
        taken += count.0;
        refused += count.1;
    }
    let _ = writeln!(out, "| all | {} | {taken} | {refused} |", taken + refused);
}

fn add(counts: &mut Counts, category: &'static str, taken: bool) {
    let count = counts.entry(category).or_default();
    if taken {
        count.0 += 1;
    } else {
        count.1 += 1;
    }
}

fn texts(out: &mut String) {
    out.push_str(
        "\n## JSON texts\n\nEach is sent as a line, as the value of a property and as the value of a STATE. As a line all are refused, but white\nspace alone, which is a blank line: JSON is no message yet. Inside a message those that a JSON parser takes are taken, to the\nletter, and the others refused. melisma takes numbers that a double cannot hold, which most parsers do not.\n",
    );
    let mut table = Counts::new();
    let mut names: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
    for case in json::cases() {
        add(&mut table, case.category, case.taken);
        names.entry(case.category).or_default()[usize::from(case.taken)].push(case.name);
    }
    counts(out, "texts", &table);
    for (category, [refused, taken]) in names {
        let _ = writeln!(out, "\n**{category}**, taken: {}.", list(&taken));
        let _ = writeln!(out, "Refused: {}.", list(&refused));
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn messages(out: &mut String) {
    out.push_str("\n## Singer messages\n\nLine and byte are counted from the case on, the line from 1. An empty STATE (`null`, `{}`) is accepted and never emitted: it would\nwipe what a runner has stored.\n");
    let mut table = Counts::new();
    let mut rows = String::new();
    let mut category = "";
    for case in singer::cases() {
        let outcome = case.run();
        add(&mut table, case.category, outcome.result.is_ok());
        if case.category != category {
            category = case.category;
            let _ = writeln!(rows, "\n| {category} | outcome | line, byte |\n|---|---|---|");
        }
        let (what, place) = outcome.result.err().map_or_else(
            || ("taken".to_owned(), String::new()),
            |error| {
                let stream = error.stream().map(|stream| format!("stream {}: ", show(stream)));
                let what = format!("{}{}", stream.unwrap_or_default(), show(error.message()));
                let at = error.position().expect("a place");
                let (start, _) = line(&case.input(), at.line);
                (what, format!("{}, {}", at.line - singer::BEFORE, at.byte - start))
            },
        );
        let what = what.replace('|', "\\|").replace('<', "&lt;");
        let _ = writeln!(rows, "| {} | {what} | {place} |", case.name);
    }
    counts(out, "messages", &table);
    out.push_str(&rows);
}

#[test]
fn names_settings_as_they_are() {
    let about = run(
        Command::new(melisma()).args(["target-jsonl", "--about", "--format", "json"]),
        b"",
    )
    .ok();
    let about: Value = serde_json::from_slice(&about.stdout).expect("JSON");
    let settings = about["settings"]["properties"].as_object().expect("settings");
    let (_, rest) = HEAD
        .split_once("Some settings change an outcome:")
        .expect("a list");
    let (list, _) = rest.split_once("(see").expect("its end");
    let names: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        assert!(settings.contains_key(name), "{name} is no setting of a target");
    }
}

#[test]
fn is_up_to_date() {
    let mut page = HEAD.to_owned();
    texts(&mut page);
    messages(&mut page);
    let path = root().join("docs/malformed.md");
    if std::env::var_os("MELISMA_WRITE_DOCS").is_some() {
        fs::write(&path, &page).expect("docs/malformed.md");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs = found
        .lines()
        .zip(page.lines())
        .find(|(found, made)| found != made);
    assert!(
        found == page,
        "docs/malformed.md is out of date (MELISMA_WRITE_DOCS=1 writes it): {differs:?}"
    );
}
