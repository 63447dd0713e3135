//! Past every limit of docs/limits.md, and whether the page says what the code does.

mod numbers;
mod others;
mod targets;

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{PLUGINS, melisma, root, run, schema};

/// The settings of a plugin and their defaults, as its `--about` tells them.
fn defaults(plugin: &str) -> Vec<(String, Value)> {
    let about = run(
        Command::new(melisma()).args([plugin, "--about", "--format", "json"]),
        b"",
    )
    .ok();
    let about: Value = serde_json::from_slice(&about.stdout).expect("JSON");
    let settings = about["settings"]["properties"]
        .as_object()
        .expect("settings")
        .clone();
    settings
        .into_iter()
        .map(|(name, setting)| (name, setting["default"].clone()))
        .collect()
}

/// The rows of the tables of docs/limits.md: what, setting, default, past it.
fn page() -> Vec<[String; 4]> {
    let text = std::fs::read_to_string(root().join("docs/limits.md")).expect("docs/limits.md");
    let mut rows = Vec::new();
    for line in text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| what"))
    {
        let cells: Vec<String> = line
            .trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect();
        rows.push(
            cells
                .try_into()
                .unwrap_or_else(|cells| panic!("four cells: {cells:?}")),
        );
    }
    rows
}

#[test]
fn the_page_has_the_defaults_of_the_code() {
    let rows = page();
    assert!(rows.len() >= 35, "{}", rows.len());
    let mut checked = 0;
    for plugin in PLUGINS {
        for (name, default) in defaults(plugin) {
            let Some(number) = default.as_number() else {
                continue;
            };
            let quoted = format!("`{name}`");
            let of_plugin =
                |what: &str| what.contains(plugin) || !what.contains("tap-") && !what.contains("target-");
            let row = rows
                .iter()
                .find(|[what, setting, ..]| *setting == quoted && of_plugin(what));
            let Some([_, _, said, _]) = row else {
                let limits = ["_bytes", "max_", "_rows", "_seconds", "parallelism"];
                // Not limits: which rows and columns somebody wants.
                let other = name.contains("flattening")
                    || ["parallelism", "full_table_range_mb"].contains(&name.as_str());
                assert!(
                    other || !limits.iter().any(|part| name.contains(part)),
                    "{plugin}: {name} is not in docs/limits.md"
                );
                continue;
            };
            let own = said
                .split(';')
                .flat_map(|part| part.split(','))
                .find_map(|part| part.trim().strip_prefix(plugin));
            let said = own.map_or_else(|| said.split(';').next().unwrap_or_default().trim(), str::trim);
            assert_eq!(said.parse::<f64>().ok(), number.as_f64(), "{plugin}: {name}");
            checked += 1;
        }
    }
    assert!(checked >= 40, "only {checked} defaults were compared");
    let help = run(Command::new(melisma()).args(["pipe", "--help"]), b"").ok();
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for option in ["--buffer", "--max-line-bytes"] {
        let row = rows
            .iter()
            .find(|[_, setting, ..]| *setting == format!("`{option}`"))
            .expect("a row");
        assert!(
            help.contains(&format!("[default: {}]", row[2])),
            "{option}: {help}"
        );
    }
}

/// The word in backticks that the page has for what comes past a limit, its `...` aside, must stand in the message.
#[track_caller]
fn as_the_page_says(what: &str, stderr: &str) {
    let rows = page();
    let row = rows
        .iter()
        .find(|[name, ..]| name.starts_with(what))
        .unwrap_or_else(|| panic!("no row {what:?}"));
    let said = row[3]
        .split('`')
        .nth(1)
        .unwrap_or_else(|| panic!("{row:?} quotes a message"));
    for part in said.split("...") {
        assert!(
            stderr.contains(part.trim()),
            "{what}: {part:?} is not in {stderr}"
        );
    }
}

fn any(stream: &str) -> String {
    schema(stream, &json!({"a": {}}), &[])
}
