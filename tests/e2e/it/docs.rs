//! The pages under docs/ say what the plugins say of themselves.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Target, melisma, python, record, root, run, schema};

#[test]
fn settings_are_those_of_about() {
    for plugin in [
        "tap-csv",
        "tap-postgres",
        "target-csv",
        "target-jsonl",
        "target-parquet",
    ] {
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

#[test]
fn links_between_pages_lead_somewhere() {
    let pages = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "examples/tpch/README.md",
        "docs/tap-csv.md",
        "docs/tap-postgres.md",
        "docs/target-csv.md",
        "docs/target-jsonl.md",
        "docs/target-parquet.md",
        "docs/targets.md",
        "docs/guarantees.md",
        "docs/limits.md",
        "docs/run.md",
        "docs/pipe.md",
        "docs/faults.md",
    ];
    for page in pages {
        let path = root().join(page);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}"));
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', '#']).next())
        {
            if !link.is_empty() && !link.starts_with("http") {
                let to = path.parent().expect("a folder").join(link);
                assert!(to.exists(), "{page}: {link} leads nowhere");
            }
        }
    }
}

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
/// file's columns unless it is told otherwise.
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
