use std::fs;

use melisma_sdk::target::Records;
use melisma_sdk::{check, json};
use serde_json::{Map, Value};

use super::TargetSmallest;

/// The row of a line.
fn row(line: &str) -> Value {
    let values = line.split('\t').filter_map(|value| value.split_once('='));
    let value = |text: &str| match text {
        "" | "null" => Value::Null,
        text => text.into(),
    };
    values
        .map(|(name, text)| (name.to_owned(), value(text)))
        .collect::<Map<_, _>>()
        .into()
}

#[test]
fn it_keeps_the_rules_of_a_target() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().to_owned();
    let rows = move |stream: &str| {
        let text = fs::read_to_string(files.join(format!("{stream}.txt"))).unwrap_or_default();
        Ok(text.lines().map(row).collect())
    };
    let config = json!({"folder": folder.path()});
    check::target::<Records<TargetSmallest>>()
        .config(config)
        .rows(rows)
        .passes();
}
