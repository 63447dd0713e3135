//! Results of benchmarks as tables in README.md and docs/benchmarks.md.
//!
//! A mark in the page names the file of results: to show newer ones, change the name and run `cargo xtask docs`. A test holds
//! the pages against their files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::END;
use crate::rivals::table;
use crate::scaling;
use crate::{Result, sh};

const BEGIN: &str = "<!-- benches/results/";
const WRITTEN: &str = ", as `cargo xtask docs` writes it -->\n";

/// The pages with such tables.
const PAGES: [&str; 2] = ["README.md", "docs/benchmarks.md"];

/// Writes the tables of all pages.
pub(super) fn write() -> Result {
    for name in PAGES {
        let path = sh::root().join(name);
        let page = render(&read(&path)?, &load)?;
        fs::write(&path, page).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

/// The table of a file of benches/results.
fn load(file: &str) -> Result<String> {
    let path = sh::root().join("benches/results").join(file);
    if !path.exists() {
        return Ok("Not measured yet.\n".to_owned());
    }
    let results: Value =
        serde_json::from_str(&read(&path)?).map_err(|e| format!("{}: expected JSON: {e}", path.display()))?;
    if results["jobs"].is_array() {
        Ok(table::markdown(&results, 3))
    } else if results["scaling"].is_array() {
        Ok(scaling::table::markdown(&results))
    } else {
        expectations(&results)
    }
}

/// The page with what is between its marks replaced.
fn render(page: &str, load: &dyn Fn(&str) -> Result<String>) -> Result<String> {
    let (mut out, mut rest) = (String::new(), page);
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let mark = || format!("expected a file,{WRITTEN:?} and {END:?} after {BEGIN:?}");
        let (file, after) = after.split_once(WRITTEN).ok_or_else(mark)?;
        let (_, after) = after.split_once(END).ok_or_else(mark)?;
        let table = load(file)?;
        let _ = write!(out, "{before}{BEGIN}{file}{WRITTEN}\n{table}\n{END}");
        rest = after;
    }
    Ok(out + rest)
}

/// What `cargo xtask bench` measured, what README calls it, and what it calls the other side.
const EXPECTATIONS: [(&str, &str, &str); 9] = [
    (
        "tap-csv to /dev/null / csv crate reading",
        "tap-csv to `/dev/null`",
        "the csv crate reading the file",
    ),
    (
        "melisma run tap-csv target-jsonl / cat of the same Singer bytes",
        "melisma run tap-csv target-jsonl",
        "`cat` of the same Singer bytes",
    ),
    ("melisma pipe / cat", "melisma pipe", "`cat`"),
    (
        "melisma pipe --validate / cat",
        "melisma pipe --validate",
        "`cat`",
    ),
    (
        "tap-postgres FULL_TABLE to /dev/null / psql COPY TO STDOUT csv",
        "tap-postgres, a whole table",
        "`psql` COPY TO STDOUT",
    ),
    (
        "target-postgres append, no key / psql \\copy",
        "target-postgres, append",
        "`psql \\copy`",
    ),
    (
        "target-postgres first load with key / psql \\copy into a table with that key",
        "target-postgres, first load with a key",
        "`psql \\copy` into a table with that key",
    ),
    (
        "target-postgres upsert, all rows existing / psql stage and ON CONFLICT",
        "target-postgres, upsert of rows that are all there",
        "`psql` staging table and ON CONFLICT",
    ),
    (
        "melisma run tap-postgres target-postgres / psql COPY TO | psql COPY FROM",
        "melisma run tap-postgres target-postgres",
        "`psql` COPY TO into `psql` COPY FROM",
    ),
];

/// Connectors that are compared, and with whose.
const PEERS: [(&str, [&str; 2]); 2] = [
    ("target-postgres", ["MeltanoLabs, use_copy", "pipelinewise"]),
    ("tap-postgres", ["MeltanoLabs", "pipelinewise"]),
];

/// README's tables.
fn expectations(results: &Value) -> Result<String> {
    let text = |key: &str| results["machine"][key].as_str().unwrap_or_default();
    let mut out = format!(
        "Measured on {} ({}, {} cores):\n\n| | time | compared with | |\n|---|---|---|---|\n",
        text("date"),
        text("cpu"),
        results["machine"]["cores"],
    );
    for (what, ours, base) in EXPECTATIONS {
        let ratio = ratio(results, &format!("{what}, 1000000 "), "ms")?;
        let digits = if ratio.ours < 1000.0 { 2 } else { 1 };
        let _ = writeln!(
            out,
            "| {ours} | {:.digits$} s | {base} | {:.2}x |",
            ratio.ours / 1000.0,
            ratio.value
        );
    }
    out.push_str(
        "\nRows a second, of 100,000:\n\n| | ours | MeltanoLabs' (the target with use_copy) | pipelinewise's |\n|---|---|---|---|\n",
    );
    for (connector, peers) in PEERS {
        let [meltano, pipelinewise] = peers.map(|peer| {
            let what = format!("{connector}: times as fast as {peer}, 100000 ");
            ratio(results, &what, "rows/s")
        });
        let (meltano, pipelinewise) = (meltano?, pipelinewise?);
        let [ours, meltano, pipelinewise] = [meltano.ours, meltano.base, pipelinewise.base].map(table::three);
        let _ = writeln!(out, "| {connector} | {ours} | {meltano} | {pipelinewise} |");
    }
    Ok(out)
}

/// A ratio, and the two numbers behind it.
struct Ratio {
    value: f64,
    ours: f64,
    base: f64,
}

/// The result whose title begins so.
fn ratio(results: &Value, what: &str, unit: &str) -> Result<Ratio> {
    let measured = results["measured"].as_array().into_iter().flatten();
    let found = measured
        .filter(|one| one["what"].as_str().is_some_and(|title| title.starts_with(what)))
        .find(|one| one["sides"]["unit"] == unit);
    let ratio = found.and_then(|one| {
        Some(Ratio {
            value: one["value"].as_f64()?,
            ours: one["sides"]["ours"].as_f64()?,
            base: one["sides"]["base"].as_f64()?,
        })
    });
    ratio.ok_or_else(|| format!("the results have no {unit} of {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_the_tables_of_their_results() {
        for name in PAGES {
            let page = read(&sh::root().join(name)).unwrap();
            assert!(page.contains(BEGIN), "{name} shows no results");
            let rendered = render(&page, &load).unwrap();
            assert!(rendered == page, "{name} is out of date: run `cargo xtask docs`");
        }
    }

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let page = format!("a\n{BEGIN}x.json{WRITTEN}\nold\n{END}b\n{BEGIN}y.json{WRITTEN}{END}c\n");
        let rendered = render(&page, &|file| Ok(format!("table of {file}\n"))).unwrap();
        let expected = format!(
            "a\n{BEGIN}x.json{WRITTEN}\ntable of x.json\n\n{END}b\n{BEGIN}y.json{WRITTEN}\ntable of y.json\n\n{END}c\n"
        );
        assert_eq!(rendered, expected);
        assert!(render(&format!("{BEGIN}x.json"), &|_| Ok(String::new())).is_err());
    }
}
