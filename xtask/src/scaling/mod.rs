//! `cargo xtask scaling`: how CPU and memory grow with the number of records, columns and streams, measured by `melisma bench`.

pub(crate) mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::bench::corpora::release;
use crate::bench::machine;
use crate::{Result, sh};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Timed runs of each command
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// Only series whose path or command has this text in it
    #[arg(long)]
    only: Option<String>,
    /// Write the results here, as results.json and results.md [default: benches/results/scaling.json and .md]
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What grows in which shape of `melisma bench`, and by which options.
struct Growth {
    shape: &'static str,
    what: &'static str,
    options: &'static str,
}

const GROWTHS: [Growth; 4] = [
    Growth {
        shape: "lineitem",
        what: "records",
        options: "--rows 10000,100000,1000000,10000000",
    },
    // A hundred million of lineitem would be 46 GB; of these two columns they are 12 GB.
    Growth {
        shape: "narrow",
        what: "records",
        options: "--rows 10000,1000000,100000000",
    },
    Growth {
        shape: "wide",
        what: "columns",
        options: "--rows 20000 --columns 1,10,100,1000",
    },
    Growth {
        shape: "streams",
        what: "streams",
        options: "--rows 200000 --streams 1,10,100,1000,9000",
    },
];

/// Lets a tap read the generated file by a name that its configuration knows, and removes what the last run has left.
const PREPARE: &str = "sh -c 'ln -sf $MELISMA_BENCH_INPUT input.csv; rm -rf output /dev/shm/melisma-scaling'";

/// Files of nine thousand streams are synced some thirty thousand times, which takes a disk many minutes and no CPU: they are
/// written into memory.
const MEMORY: &str = "/dev/shm/melisma-scaling";

/// A path through melisma, as words after `melisma bench`, and the shapes that it is measured with: a CSV file has one stream.
const PATHS: [(&str, &str, &[&str]); 6] = [
    ("melisma pipe", "pipe", &["lineitem", "narrow", "wide", "streams"]),
    (
        "CSV to JSONL",
        "pair 'tap-csv --config tap.json' 'target-jsonl --config target.json'",
        &["lineitem", "wide"],
    ),
    (
        "CSV to Parquet",
        "pair 'tap-csv --config tap.json' 'target-parquet --config target.json'",
        &["lineitem", "wide"],
    ),
    (
        "Singer to Parquet",
        "target 'target-parquet --config target.json'",
        &["narrow"],
    ),
    (
        "Singer to JSONL",
        "target 'target-jsonl --config streams.json'",
        &["streams"],
    ),
    (
        "Singer to Parquet",
        "target 'target-parquet --config streams.json'",
        &["streams"],
    ),
];

pub(crate) fn run(args: &Args) -> Result {
    sh::run(sh::cargo().args(["build", "--release", "--package=melisma"]))?;
    let folder = sh::target().join("scaling");
    configure(&folder)?;
    let mut series: Vec<Value> = Vec::new();
    for Growth { shape, what, options } in GROWTHS {
        let options = &format!("--shape {shape} {options}");
        for (path, words, shapes) in PATHS {
            if !shapes.contains(&shape) {
                continue;
            }
            let line = format!("melisma bench {words} {options}");
            let is_wanted = |only: &String| path.contains(only.as_str()) || line.contains(only.as_str());
            if args.only.as_ref().is_none_or(is_wanted) {
                println!("\n{line}");
                let cases = measure(args, &folder, words, options)?;
                series.push(
                    json!({ "shape": shape, "what": what, "path": path, "command": line, "cases": cases }),
                );
            }
        }
    }
    let _ = fs::remove_dir_all(MEMORY);
    write(args, &series)
}

/// The configuration of the plugins, which is all that docs/benchmarks.md shows of it.
fn configure(folder: &Path) -> Result {
    fs::create_dir_all(folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    for (name, config) in [
        (
            "tap.json",
            json!({"infer_types": true, "files": [{"entity": "input", "path": "input.csv", "keys": []}]}),
        ),
        ("target.json", json!({"destination_path": "output"})),
        ("streams.json", json!({"destination_path": MEMORY})),
    ] {
        let path = folder.join(name);
        fs::write(&path, config.to_string()).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    }
    Ok(())
}

/// The cases of a report of `melisma bench`, without single runs.
fn measure(args: &Args, folder: &Path, words: &str, options: &str) -> Result<Vec<Value>> {
    let report = folder.join("report.json");
    let _ = fs::remove_file(&report);
    // The words are quoted for a shell, as in the documentation.
    let line = format!(
        "exec \"$0\" bench {words} {options} --prepare \"$1\" --runs {} --no-floors --json report.json",
        args.runs
    );
    let mut bench = Command::new("sh");
    bench
        .args(["-c", &line])
        .arg(release("melisma"))
        .arg(PREPARE)
        .current_dir(folder);
    let status = bench
        .status()
        .map_err(|e| format!("cannot start {bench:?}: {e}"))?;
    // 75: the machine was too noisy for times. CPU and memory are what counts here.
    if !status.success() && status.code() != Some(75) {
        return Err(format!("{status}: {bench:?}"));
    }
    let text = fs::read_to_string(&report).map_err(|e| format!("cannot read {}: {e}", report.display()))?;
    let mut report: Value = serde_json::from_str(&text).map_err(|e| format!("no report: {e}"))?;
    let mut cases: Vec<Value> = report["cases"]
        .as_array_mut()
        .map(std::mem::take)
        .unwrap_or_default();
    for case in &mut cases {
        for one in case["candidates"].as_array_mut().into_iter().flatten() {
            if one["outcome"] != "measured" {
                return Err(format!("{words} {options}: {}", one["why"]));
            }
            if let Some(one) = one.as_object_mut() {
                one.retain(|key, _| ["name", "outcome", "figures"].contains(&key.as_str()));
            }
        }
    }
    Ok(cases)
}

fn write(args: &Args, series: &[Value]) -> Result {
    let results = json!({
        "version": 1, "machine": machine::describe(), "runs": args.runs, "prepare": PREPARE, "scaling": series,
    });
    let markdown = format!("# How cost grows\n\n{}", table::markdown(&results));
    println!("\n{markdown}");
    let (folder, name) = match &args.out {
        Some(folder) => (folder.clone(), "results"),
        None => (sh::root().join("benches/results"), "scaling"),
    };
    fs::create_dir_all(&folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    for (extension, text) in [("json", format!("{results:#}\n")), ("md", markdown)] {
        let path = folder.join(name).with_extension(extension);
        fs::write(&path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        println!("written: {}", path.display());
    }
    Ok(())
}
