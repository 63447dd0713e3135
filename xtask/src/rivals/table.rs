//! Results as tables, for benches/results and docs/benchmarks.md.

use std::fmt::Write as _;

use serde_json::Value;

/// When, on what machine and of which commit results are.
pub(crate) fn measured_on(results: &Value) -> String {
    let machine = &results["machine"];
    let text = |key: &str| machine[key].as_str().unwrap_or_default();
    format!(
        "Measured on {}: {}, {} cores, {} memory; {}; {}; commit {}.",
        text("date"),
        text("cpu"),
        machine["cores"],
        text("memory"),
        text("kernel"),
        text("rustc"),
        text("commit"),
    )
}

/// The results, with headings of a level: 2 makes `##`.
pub(crate) fn markdown(results: &Value, level: usize) -> String {
    let built = match results["profile"].as_bool() {
        Some(true) => " melisma is built by a profile (`cargo xtask pgo`).",
        _ => "",
    };
    let mut out = format!(
        "{}{built} {} runs of each in turns, after one that is not timed.\n",
        measured_on(results),
        results["runs"],
    );
    for job in list(&results["jobs"]) {
        let title = job["title"].as_str().unwrap_or_default();
        let _ = writeln!(out, "\n{} {title}\n", "#".repeat(level));
        add(&mut out, job);
    }
    let missing = list(&results["peers"]).filter(|peer| peer["why_missing"].is_string());
    let lines: Vec<String> = missing
        .map(|peer| format!("- {}: {}", plain(&peer["name"]), plain(&peer["why_missing"])))
        .collect();
    if !lines.is_empty() {
        let _ = writeln!(
            out,
            "\n{} What could not be had\n\n{}",
            "#".repeat(level),
            lines.join("\n")
        );
    }
    out
}

fn add(out: &mut String, job: &Value) {
    out.push_str("| | rows | time | times melisma's | rows/s | CPU s for a million | MiB of memory |\n|---|---:|---:|---:|---:|---:|---:|\n");
    let mut lines: Vec<String> = Vec::new();
    for case in list(&job["cases"]) {
        for one in list(&case["candidates"]) {
            match row(case, one) {
                Some(row) => out.push_str(&row),
                None => lines.push(format!(
                    "- {}: {}: {}",
                    plain(&one["name"]),
                    plain(&one["outcome"]),
                    last_line(&one["why"])
                )),
            }
        }
        for doubt in list(&case["doubts"]) {
            lines.push(format!("- The machine was too noisy to tell: {}", plain(doubt)));
        }
    }
    for other in list(&job["not_done"]) {
        lines.push(format!("- {}: {}", plain(&other["peer"]), plain(&other["why"])));
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "\n{}", lines.join("\n"));
    }
}

/// The line of a candidate that has times.
fn row(case: &Value, one: &Value) -> Option<String> {
    let figures = &one["figures"];
    let seconds = figures["wall_seconds"]["median"].as_f64()?;
    let ratio = list(&case["ratios"]).find(|ratio| ratio["name"] == one["name"]);
    let ratio = ratio
        .and_then(|ratio| ratio["time"]["median"].as_f64())
        .map_or_else(|| "1".to_owned(), |times| format!("{times:.2}"));
    let cell = |value: Option<f64>, show: &dyn Fn(f64) -> String| value.map_or_else(|| "-".to_owned(), show);
    let cpu = cell(figures["cpu_seconds_per_million"].as_f64(), &|cpu| {
        format!("{cpu:.2}")
    });
    let memory = cell(figures["peak_bytes"]["median"].as_f64(), &|bytes| {
        format!("{:.0}", bytes / f64::from(1 << 20))
    });
    let rate = cell(figures["records_per_second"].as_f64(), &three);
    let rows = cell(case["records"].as_f64(), &grouped);
    Some(format!(
        "| {} | {rows} | {seconds:.2} s | {ratio} | {rate} | {cpu} | {memory} |\n",
        plain(&one["name"])
    ))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn plain(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('|', "\\|")
}

/// Of several lines the last one that says something, which is where Python has the error; cut where it is long.
fn last_line(why: &Value) -> String {
    let text = plain(why);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or_default().trim().chars().take(160).collect()
}

/// Three digits that count, in groups: 233,840 is `234,000`.
pub(crate) fn three(number: f64) -> String {
    let digits = (number.abs().max(1.0).log10().floor() as i32 - 2).max(0);
    let unit = 10_f64.powi(digits);
    grouped((number / unit).round() * unit)
}

/// With a comma for every thousand.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let first = digits.len() % 3;
    let mut groups: Vec<&str> = Vec::new();
    if first > 0 {
        groups.push(&digits[..first]);
    }
    groups.extend(
        digits.as_bytes()[first..]
            .chunks(3)
            .filter_map(|group| std::str::from_utf8(group).ok()),
    );
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_have_three_digits_that_count() {
        for (number, shown) in [
            (233_840.0, "234,000"),
            (5_799.0, "5,800"),
            (41.6, "42"),
            (0.0, "0"),
            (1_234_567.0, "1,230,000"),
        ] {
            assert_eq!(three(number), shown);
        }
        assert_eq!(grouped(100_000.0), "100,000");
    }

    #[test]
    fn a_peer_without_times_is_named_with_its_reason() {
        let results = json!({
            "machine": {"date": "2026-01-31", "cores": 2}, "runs": 3,
            "peers": [{"name": "ingestr 1", "why_missing": "no program"}, {"name": "DuckDB 2"}],
            "jobs": [{"title": "CSV to Parquet", "not_done": [{"peer": "psql", "why": "knows no Parquet"}], "cases": [{
                "records": 1_000_000, "doubts": ["busy"], "ratios": [{"name": "DuckDB 2", "time": {"median": 1.6}}],
                "candidates": [
                    {"name": "melisma", "figures": {"wall_seconds": {"median": 0.5}, "records_per_second": 2e6,
                     "cpu_seconds_per_million": 0.8, "peak_bytes": {"median": 104_857_600.0}}},
                    {"name": "DuckDB 2", "figures": {"wall_seconds": {"median": 0.8}}},
                    {"name": "faucet", "outcome": "failed", "why": "exit code 1\nTraceback\nno such | column\n"},
                ],
            }]}],
        });
        let text = markdown(&results, 3);
        for part in [
            "\n### CSV to Parquet\n",
            "| melisma | 1,000,000 | 0.50 s | 1 | 2,000,000 | 0.80 | 100 |\n",
            "| DuckDB 2 | 1,000,000 | 0.80 s | 1.60 | - | - | - |\n",
            "- faucet: failed: no such \\| column\n",
            "- The machine was too noisy to tell: busy\n- psql: knows no Parquet\n",
            "\n### What could not be had\n\n- ingestr 1: no program\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}
