//! The pages under docs/ say what the plugins say of themselves.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Target, melisma, python, record, root, run, schema};

#[test]
fn settings_are_those_of_about() {
    for plugin in melisma_processes::PLUGINS {
        let outcome = run(
            Command::new(melisma()).args([plugin, "--about", "--format", "markdown"]),
            b"",
        )
        .ok();
        let about = format!("\n{}", String::from_utf8(outcome.stdout).expect("UTF-8")).replace("\n#", "\n##");
        let page = std::fs::read_to_string(root().join(format!("docs/{plugin}.md"))).expect("a page");
        assert!(
            page.contains(about.trim()),
            "docs/{plugin}.md is out of date: run `cargo xtask docs`"
        );
    }
}

/// The pages that people read: all Markdown files, without benchmark results and the documentation of code.
pub(crate) fn pages() -> Vec<(String, String)> {
    let listing = run(
        Command::new("git")
            .args(["ls-files", "--", "*.md", ":!benches/results", ":!*/src/*"])
            .current_dir(root()),
        b"",
    )
    .ok();
    let names = String::from_utf8(listing.stdout).expect("UTF-8");
    names
        .lines()
        .map(|name| {
            let text = std::fs::read_to_string(root().join(name)).expect("a page");
            (name.to_owned(), text)
        })
        .collect()
}

/// What GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter(kept)
        .collect::<String>()
        .replace(' ', "-")
}

#[test]
fn links_between_pages_lead_somewhere() {
    for (page, text) in pages() {
        let folder = root().join(&page).parent().expect("a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let to = if path.is_empty() {
                root().join(&page)
            } else {
                folder.join(path)
            };
            assert!(to.exists(), "{page}: {link} leads nowhere");
            if !heading.is_empty() {
                let target = std::fs::read_to_string(&to).expect("a page");
                let mut headings = target.lines().filter(|line| line.starts_with('#'));
                assert!(
                    headings.any(|line| anchor(line.trim_start_matches('#')) == heading),
                    "{page}: {link} names no heading"
                );
            }
        }
    }
}

/// The map of the code and the walks through it name files and folders that are there.
#[test]
fn the_architecture_names_files_that_exist() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("a page");
    let folders = [
        "bench/",
        "engine/",
        "sdk/",
        "postgres/",
        "taps/",
        "targets/",
        "cli/",
        "tests/",
        "xtask/",
        "examples/",
    ];
    let outside = page.split("```").step_by(2).collect::<String>();
    let named: Vec<&str> = outside
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| folders.iter().any(|folder| name.starts_with(folder)))
        .collect();
    assert!(named.len() > 50, "{named:?}");
    for name in named {
        assert!(root().join(name).exists(), "ARCHITECTURE.md: there is no {name}");
    }
}

/// A page that the index does not name is not found.
#[test]
fn the_index_names_every_page() {
    let index = std::fs::read_to_string(root().join("docs/README.md")).expect("an index");
    for (page, _) in pages() {
        if let Some(name) = page.strip_prefix("docs/").filter(|name| *name != "README.md") {
            assert!(
                index.contains(&format!("]({name})")),
                "docs/README.md does not name {name}"
            );
        }
    }
}

/// Every command line of `melisma` in a page has options that the program knows.
#[test]
fn commands_in_pages_have_options_that_exist() {
    let mut checked = 0;
    for (page, text) in pages() {
        for line in code(&text, "").chain(code(&text, "sh")).flat_map(str::lines) {
            for command in ["run", "pipe"] {
                let Some((_, rest)) = line.split_once(&format!("melisma {command} ")) else {
                    continue;
                };
                let help = run(Command::new(melisma()).args([command, "--help"]), b"").ok();
                let help = String::from_utf8(help.stdout).expect("UTF-8");
                // What is in quotes is the plugin's own.
                let outside = rest
                    .split('"')
                    .step_by(2)
                    .flat_map(|part| part.split(['|', ';', '>', '#']).take(1));
                for option in outside
                    .flat_map(str::split_whitespace)
                    .filter(|word| word.starts_with("--"))
                {
                    assert!(
                        help.contains(option),
                        "{page}: `{line}`: {option} is not an option"
                    );
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 5, "{checked} options");
}

/// The blocks of code of a language in a page.
fn code<'a>(page: &'a str, language: &'a str) -> impl Iterator<Item = &'a str> {
    page.split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .filter(move |(name, _)| *name == language)
        .map(|(_, text)| text)
}

/// The queries of docs/state.md, on the database that a run of examples/tpch leaves.
#[test]
fn the_queries_for_states_and_runs_find_them() {
    let page = std::fs::read_to_string(root().join("docs/state.md")).expect("a page");
    let queries: Vec<&str> = code(&page, "")
        .filter(|block| block.starts_with("sqlite3"))
        .map(|block| block.split('"').nth(1).expect("a query"))
        .collect();
    assert_eq!(queries.len(), 3, "{queries:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let state = "dev:tap-csv-to-target-parquet";
    run(
        Command::new(melisma())
            .args(["run", "--cwd"])
            .arg(root().join("examples/tpch"))
            .args(["tap-csv", "target-parquet"])
            .env("TARGET_PARQUET_DESTINATION_PATH", folder.path())
            .env("MELTANO_SYS_DIR_ROOT", folder.path()),
        b"",
    )
    .ok();
    let code = "import sqlite3, sys\n\
                print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())";
    let answers = queries.iter().map(|query| {
        let mut python = Command::new(python("python"));
        let outcome = run(
            python
                .args(["-c", code])
                .arg(folder.path().join("meltano.db"))
                .arg(query),
            b"",
        )
        .ok();
        String::from_utf8(outcome.stdout).expect("UTF-8")
    });
    for (answer, found) in answers.zip([state, "\"bookmarks\"", "SUCCESS"]) {
        assert!(answer.contains(found), "{answer}");
    }
}

/// The project of docs/python-taps.md, with a tap of four lines in place of the one from PyPI.
#[test]
fn the_project_for_a_python_tap_runs() {
    let page = std::fs::read_to_string(root().join("docs/python-taps.md")).expect("a page");
    let project = code(&page, "yaml").next().expect("a meltano.yml");
    let folder = tempfile::tempdir().expect("a folder");
    let tap = folder.path().join("venvs/tap-github/bin/tap-github");
    std::fs::create_dir_all(tap.parent().expect("a folder")).expect("made");
    std::fs::write(folder.path().join("meltano.yml"), project).expect("written");
    std::fs::write(&tap, TAP).expect("written");
    std::fs::set_permissions(&tap, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let mut melisma = Command::new(melisma());
    melisma
        .args(["run", "--cwd"])
        .arg(folder.path())
        .args(["tap-github", "target-jsonl"])
        .env("GITHUB_TOKEN", "of-the-environment");
    run(&mut melisma, b"").ok();
    let rows = std::fs::read_to_string(folder.path().join("output/issues.jsonl")).expect("rows");
    assert_eq!(rows, "{\"token\": \"of-the-environment\"}\n");
}

/// Says which token its config has.
const TAP: &str = r#"#!/usr/bin/env python3
import json, sys
schema = {"properties": {"token": {"type": "string"}, "body": {"type": "string"}}}
if "--discover" in sys.argv:
    print(json.dumps({"streams": [{"tap_stream_id": "issues", "stream": "issues", "schema": schema, "metadata": []}]}))
    raise SystemExit
config = json.load(open(sys.argv[sys.argv.index("--config") + 1]))
[stream] = json.load(open(sys.argv[sys.argv.index("--catalog") + 1]))["streams"]
selected = {entry["breadcrumb"][1]: entry["metadata"]["selected"] for entry in stream["metadata"] if entry["breadcrumb"]}
assert selected == {"token": True, "body": False}, selected
print(json.dumps({"type": "SCHEMA", "stream": "issues", "schema": schema, "key_properties": []}))
print(json.dumps({"type": "RECORD", "stream": "issues", "record": {"token": config["auth_token"]}}))
"#;

/// `file.rs::name` in a page names a test that is there.
#[test]
fn promises_name_tests_that_exist() {
    let text = std::fs::read_to_string(root().join("docs/guarantees.md")).expect("a page");
    let named: Vec<(&str, &str)> = text
        .split('`')
        .filter_map(|word| word.split_once(".rs::"))
        .collect();
    assert!(named.len() > 40, "{named:?}");
    for (file, name) in named {
        let path = root().join(format!("{file}.rs"));
        let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}.rs: {error}"));
        let (before, _) = source
            .split_once(&format!("fn {name}("))
            .unwrap_or_else(|| panic!("{file}.rs has no {name}"));
        let attributes = before.rsplit('}').next().unwrap_or_default();
        assert!(attributes.contains("#[test]"), "{file}.rs::{name} is no test");
    }
}

/// The query of docs/target-parquet.md, in DuckDB, on files whose columns have changed: a reader takes the first
/// file's columns unless the settings say otherwise.
#[test]
fn the_query_for_parquet_finds_every_column() {
    let page = std::fs::read_to_string(root().join("docs/target-parquet.md")).expect("a page");
    let query = page
        .split('`')
        .find(|code| code.starts_with("select * from read_parquet("))
        .expect("a query");
    let target = Target::parquet();
    let (int, text) = (json!({"type": "integer"}), json!({"type": "string"}));
    target
        .feed([
            schema("orders", &json!({"id": int}), &[]),
            record("orders", r#"{"id":1}"#),
            schema("orders", &json!({"id": int, "note": text}), &[]),
            record("orders", r#"{"id":2,"note":"new"}"#),
            schema("orders", &json!({"more": int, "id": int}), &[]),
            record("orders", r#"{"more":9,"id":3}"#),
        ])
        .ok();
    let code = "import duckdb, json, sys\n\
                rows = duckdb.sql(sys.argv[1] + ' order by id')\n\
                print(json.dumps([rows.columns, rows.fetchall()]))";
    let outcome = run(
        Command::new(python("python"))
            .args(["-c", code, query])
            .current_dir(target.path("")),
        b"",
    )
    .ok();
    let found: Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
    assert_eq!(
        found,
        json!([
            ["id", "note", "more"],
            [[1, null, null], [2, "new", null], [3, null, 9]]
        ])
    );
}
