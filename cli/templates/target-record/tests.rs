use melisma_sdk::target::Records;
use melisma_sdk::{check, json};

use super::@type@ as Target;

#[test]
fn it_keeps_the_rules_of_a_target() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().to_owned();
    let rows = move |stream: &str| {
        let text =
            std::fs::read_to_string(files.join(format!("{stream}.jsonl"))).unwrap_or_default();
        Ok(text
            .lines()
            .map(|line| line.parse().expect("JSON"))
            .collect())
    };
    let config = json!({"folder": folder.path()});
    check::target::<Records<Target>>()
        .config(config)
        .rows(rows)
        .passes();
}
