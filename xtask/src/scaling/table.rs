//! Results of `cargo xtask scaling` as tables, for benches/results and docs/benchmarks.md.

use std::fmt::Write as _;

use serde_json::Value;

use crate::rivals::table::{grouped, measured_on};

/// A shape, what of it grows, and of how many single ones the cost is shown: a million records, one cell, one stream.
const GROWTHS: [(&str, &str, &str); 4] = [
    ("lineitem", "records", "CPU seconds for a million more records"),
    ("narrow", "records", "CPU seconds for a million more records"),
    ("wide", "columns", "CPU nanoseconds for a cell more"),
    ("streams", "streams", "CPU microseconds for a stream more"),
];

/// A line for each number, of one candidate: the number, CPU seconds, the cost of one more, MiB.
struct Point {
    number: f64,
    records: f64,
    cpu: f64,
    memory: Option<f64>,
}

/// All tables.
pub(crate) fn markdown(results: &Value) -> String {
    let mut out = format!("{} Medians of {} runs.\n", measured_on(results), results["runs"]);
    for (shape, what, more) in GROWTHS {
        let series: Vec<&Value> = list(&results["scaling"])
            .filter(|one| one["shape"] == shape)
            .collect();
        if !series.is_empty() {
            let _ = writeln!(
                out,
                "\n| {shape} | {what} | CPU seconds | {more} | MiB of memory |\n|---|---:|---:|---:|---:|"
            );
            add(&mut out, what, &series);
        }
    }
    out
}

fn add(out: &mut String, what: &str, series: &[&Value]) {
    for one in series {
        for candidate in list(&one["cases"][0]["candidates"]) {
            let path = one["path"].as_str().unwrap_or_default();
            let name = candidate["name"].as_str().unwrap_or_default();
            let points = points(one, what, name);
            // A pair is called by what it does; the pipe has two candidates with names of their own.
            let mut title = if name.starts_with(path) { name } else { path };
            let mut before: Option<&Point> = None;
            for point in &points {
                let one_more = before.map_or_else(|| "-".to_owned(), |before| cost(what, before, point));
                let _ = writeln!(
                    out,
                    "| {title} | {} | {:.3} | {one_more} | {} |",
                    grouped(point.number),
                    point.cpu,
                    point
                        .memory
                        .map_or_else(|| "-".to_owned(), |memory| format!("{memory:.0}")),
                );
                (title, before) = ("", Some(point));
            }
        }
    }
    out.push_str("\n```\n");
    for one in series {
        let _ = writeln!(out, "{}", one["command"].as_str().unwrap_or_default());
    }
    out.push_str("```\n");
}

fn points(series: &Value, what: &str, name: &str) -> Vec<Point> {
    let point = |case: &Value| {
        let one = list(&case["candidates"]).find(|one| one["name"] == name)?;
        let figures = &one["figures"];
        Some(Point {
            number: case[what].as_f64()?,
            records: case["records"].as_f64()?,
            cpu: figures["cpu_seconds"]["median"].as_f64()?,
            memory: figures["peak_bytes"]["median"]
                .as_f64()
                .map(|bytes| bytes / f64::from(1 << 20)),
        })
    };
    list(&series["cases"]).filter_map(point).collect()
}

/// What each one costs of those that are more than before.
fn cost(what: &str, before: &Point, point: &Point) -> String {
    let each = (point.cpu - before.cpu) / (point.number - before.number);
    match what {
        "records" => format!("{:.3}", each * 1e6),
        "columns" => format!("{:.1}", each * 1e9 / point.records),
        _ => format!("{:.0}", each * 1e6),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_cost_of_one_more_x_beside_the_whole() {
        let case = |columns: u32, cpu: f64| {
            let figures = json!({"cpu_seconds": {"median": cpu}, "peak_bytes": {"median": 2_097_152.0}});
            json!({"records": 1000, "columns": columns, "candidates": [
                {"name": "melisma pipe", "figures": figures}, {"name": "melisma pipe --validate", "figures": figures},
            ]})
        };
        let results = json!({"machine": {"date": "2026-01-31", "cores": 2}, "runs": 3, "scaling": [
            {"shape": "wide", "what": "columns", "path": "melisma pipe", "command": "melisma bench pipe", "cases": [case(1, 0.01), case(11, 0.02)]},
        ]});
        let markdown = markdown(&results);
        for line in [
            "| melisma pipe | 1 | 0.010 | - | 2 |\n|  | 11 | 0.020 | 1000.0 | 2 |",
            "| melisma pipe --validate | 1 | 0.010 |",
            "```\nmelisma bench pipe\n```",
        ] {
            assert!(markdown.contains(line), "{line}\n{markdown}");
        }
        assert!(!markdown.contains("a stream more"), "{markdown}");
    }
}
