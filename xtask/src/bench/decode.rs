//! The decoder against other parsers, and records against `serde_json`: criterion's results, as ratios.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::report::{Bar, Measured};
use crate::{Result, sh};

/// Parsers of any JSON, the rivals on every corpus.
const GENERAL: [&str; 5] = ["simd-json", "sonic-rs", "sonic-rs-dom", "serde_json", "jiter"];

/// Medians in nanoseconds, by group (`decode-lineitem`) and function (`melisma`, `simd-json`).
type Medians = BTreeMap<String, BTreeMap<String, f64>>;

pub(crate) fn measure() -> Result<Vec<Measured>> {
    let folder = sh::target().join("criterion");
    if folder.exists() {
        // Results of benches that are gone would stay in the report.
        fs::remove_dir_all(&folder).map_err(|e| format!("cannot remove {}: {e}", folder.display()))?;
    }
    let rivals = ["--package=melisma-benches", "--features=rivals"];
    // Whoever reads something else is no rival.
    sh::run(sh::cargo().args(["test", "--release"]).args(rivals))?;
    sh::run(sh::cargo().arg("bench").args(rivals))?;
    let mut medians = Medians::new();
    collect(&folder, &mut medians)?;
    let decoding = medians
        .iter()
        .filter(|(group, _)| group.starts_with("decode-"))
        .flat_map(|(group, all)| ratios(group, all));
    let writing = medians.get("records").into_iter().flat_map(records);
    Ok(decoding.chain(writing).collect())
}

/// How many times as fast as `serde_json` records are written.
fn records(medians: &BTreeMap<String, f64>) -> Vec<Measured> {
    let against = |function: &str, of: &str, bar: Bar| {
        let (ours, theirs) = (*medians.get(function)?, *medians.get("serde_json")?);
        let detail = format!("{:.2} ms against {:.2} ms", ours / 1e6, theirs / 1e6);
        Some(Measured::new(
            &format!("records of {of}: times as fast as serde_json"),
            theirs / ours,
            "x",
            bar,
            detail,
        ))
    };
    let derived = against("melisma", "derived types", Bar::AtLeast(1.5));
    derived
        .into_iter()
        .chain(against("melisma-serde", "serde's types", Bar::None))
        .collect()
}

fn collect(folder: &Path, medians: &mut Medians) -> Result {
    for path in entries(folder)? {
        if path.ends_with("new") {
            let read = |name: &str| {
                let text =
                    fs::read_to_string(path.join(name)).map_err(|e| format!("{}: {e}", path.display()))?;
                serde_json::from_str::<Value>(&text).map_err(|e| format!("{}: {e}", path.display()))
            };
            let (bench, estimates) = (read("benchmark.json")?, read("estimates.json")?);
            let name = |key: &str| bench[key].as_str().unwrap_or_default().to_owned();
            let median = estimates["median"]["point_estimate"].as_f64().unwrap_or(f64::NAN);
            medians
                .entry(name("group_id"))
                .or_default()
                .insert(name("function_id"), median);
        } else if path.is_dir() {
            collect(&path, medians)?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = fs::read_dir(folder).map_err(|e| format!("cannot read {}: {e}", folder.display()))?;
    Ok(list
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect())
}

/// How many times as fast as its rivals melisma is on one corpus.
fn ratios(group: &str, medians: &BTreeMap<String, f64>) -> Vec<Measured> {
    let Some(&ours) = medians.get("melisma") else {
        return Vec::new();
    };
    let corpus = group.trim_start_matches("decode-");
    let against = |rival: &str, bar: Bar| {
        let theirs = *medians.get(rival)?;
        let detail = format!("{:.2} ms against {:.2} ms", ours / 1e6, theirs / 1e6);
        Some(Measured::new(
            &format!("decode {corpus}: times as fast as {rival}"),
            theirs / ours,
            "x",
            bar,
            detail,
        ))
    };
    if corpus == "lineitem" {
        let bars = [
            ("simd-json", Bar::AtLeast(2.5)),
            ("arrow-json", Bar::AtLeast(6.0)),
        ];
        let others = ["sonic-rs", "sonic-rs-dom", "serde_json", "jiter"].map(|rival| (rival, Bar::None));
        return bars
            .into_iter()
            .chain(others)
            .filter_map(|(rival, bar)| against(rival, bar))
            .collect();
    }
    let rivals = GENERAL
        .iter()
        .filter_map(|&rival| Some((rival, *medians.get(rival)?)));
    let fastest = rivals.min_by(|(_, a), (_, b)| a.total_cmp(b));
    fastest
        .and_then(|(rival, _)| against(rival, Bar::AtLeast(1.3)))
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_general_parser_is_the_rival() {
        let medians = [
            ("melisma", 1.0),
            ("simd-json", 3.0),
            ("sonic-rs", 2.0),
            ("arrow-json", 1.5),
        ];
        let medians = medians
            .map(|(name, median)| (name.to_owned(), median))
            .into_iter()
            .collect();
        let found = ratios("decode-nested", &medians);
        assert_eq!(found.len(), 1);
        let report = Report::new(found)
            .map(|report| report.markdown())
            .unwrap_or_default();
        assert!(
            report.contains("nested: times as fast as sonic-rs | 2.00 x"),
            "{report}"
        );
        assert_eq!(ratios("decode-lineitem", &medians).len(), 3);
    }

    use super::super::report::Report;
}
