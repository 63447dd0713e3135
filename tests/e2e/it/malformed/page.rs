//! docs/malformed.md: what it shows is what comes of the cases that it names.

use std::fs;
use std::process::Command;

use melisma_engine::error::show;
use serde_json::Value;

use super::singer::cases;
use crate::harness::{melisma, root, run};

fn page() -> String {
    fs::read_to_string(root().join("docs/malformed.md")).expect("docs/malformed.md")
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
    let page = page();
    let (_, rest) = page
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
fn shows_errors_as_they_are() {
    let (page, cases) = (page(), cases());
    let rows = page.lines().filter(|line| line.contains(": "));
    let rows: Vec<Vec<&str>> = rows
        .map(|line| line.trim_matches(['|', ' ']).split(" | ").collect())
        .filter(|row: &Vec<&str>| row.len() == 2)
        .collect();
    assert!(rows.len() >= 20, "{} rows", rows.len());
    for row in rows {
        let case = cases.iter().find(|case| case.label() == row[0]);
        let case = case.unwrap_or_else(|| panic!("{} is no case", row[0]));
        let error = case.run().result.expect_err(row[0]);
        let stream = error.stream().map(|stream| format!("stream {}: ", show(stream)));
        let said = format!("{}{}", stream.unwrap_or_default(), show(error.message()));
        assert_eq!(row[1].replace("&lt;", "<"), said, "{}", row[0]);
    }
}
