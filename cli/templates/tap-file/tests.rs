use melisma_sdk::{check, json};

use super::@type@ as Tap;

#[test]
fn it_keeps_the_rules_of_a_tap() {
    let report = check::tap::<Tap>()
        .config(json!({"folder": "tests/files"}))
        .passes();
    let mut lines = report.records("lines");
    lines.sort_by_key(|line| (line["file"].to_string(), line["line"].as_u64()));
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1]["text"], "cake");
}
