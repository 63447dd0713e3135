//! The pages under docs/ say what the plugins say of themselves.

use std::process::Command;

use crate::harness::{melisma, root, run};

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
