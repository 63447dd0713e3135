//! `cargo xtask rivals`: named jobs by melisma and by other programs, measured in turns by `melisma bench`.

mod jobs;
mod peers;
mod server;
pub(crate) mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum as _;
use serde_json::{Value, json};

use crate::bench::corpora::{Corpora, release};
use crate::bench::machine;
use crate::{Result, pgo, sh};
use jobs::{Job, Jobs, Name, Rival};
use peers::Peers;
use server::Database;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The jobs; all of them when none is named
    #[arg(value_enum)]
    jobs: Vec<Name>,
    /// Rows of TPC-H lineitem; a tenth of them for what takes minutes for a million
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1000..))]
    rows: u64,
    /// Timed runs of each program
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// Only programs whose name has this text in it
    #[arg(long)]
    only: Option<String>,
    /// Write the results here, as results.json and results.md [default: benches/results/rivals.json and .md]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Measure a melisma that is built by a profile (see `cargo xtask pgo`)
    #[arg(long, conflicts_with = "install")]
    pgo: bool,
    /// Install the programs, and measure nothing
    #[arg(long)]
    install: bool,
}

pub(crate) fn run(args: &Args) -> Result {
    let peers = Peers::install()?;
    for peer in peers.json().as_array().into_iter().flatten() {
        let why = peer["why_missing"].as_str();
        println!(
            "{}: {}",
            peer["name"].as_str().unwrap_or_default(),
            why.unwrap_or("ready")
        );
    }
    if args.install {
        return Ok(());
    }
    sh::run(sh::cargo().args(["build", "--release", "--package=melisma"]))?;
    let melisma = if args.pgo {
        pgo::melisma(&pgo::target(None)?)?
    } else {
        release("melisma")
    };
    let names = if args.jobs.is_empty() {
        Name::value_variants()
    } else {
        &args.jobs
    };
    let database = Database::start()?;
    let (all, few) = (
        Corpora::with_singer(args.rows)?,
        Corpora::with_singer((args.rows / 10).max(100))?,
    );
    let mut done: Vec<Value> = names
        .iter()
        .map(|name| json!({"title": name.title(), "cases": []}))
        .collect();
    let mut failed = Vec::new();
    for (corpora, is_slow) in [(&all, false), (&few, true)] {
        let jobs = Jobs::new(&peers, corpora, &database)?;
        for (name, done) in names.iter().zip(&mut done) {
            let mut job = jobs.job(*name)?;
            job.rivals
                .retain(|rival| rival.is_slow == is_slow && is_wanted(args, rival));
            let not_done = job.not_done.iter();
            done["not_done"] = not_done
                .map(|(peer, why)| json!({"peer": peer, "why": why}))
                .collect();
            if job.rivals.is_empty() {
                continue;
            }
            println!("\n{}, {} rows", name.title(), corpora.rows);
            match measure(args, &melisma, &job, corpora.rows) {
                Ok(case) => {
                    if let Some(cases) = done["cases"].as_array_mut() {
                        cases.push(case);
                    }
                }
                Err(why) => failed.push(format!("{}: {why}", name.title())),
            }
        }
    }
    // What was measured is not lost with what was not.
    write(args, &peers, &done)?;
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed.join("\n"))
    }
}

fn is_wanted(args: &Args, rival: &Rival) -> bool {
    let text = |text: &str| text.to_lowercase();
    args.only
        .as_ref()
        .is_none_or(|only| text(&rival.name).contains(&text(only)))
}

/// The case of a report of `melisma bench`.
fn measure(args: &Args, melisma: &Path, job: &Job, rows: u64) -> Result<Value> {
    let report = peers::home().join("report.json");
    let mut bench = Command::new(melisma);
    bench.arg("bench").args(&job.subject);
    for Rival { name, command, .. } in &job.rivals {
        bench.arg("--vs").arg(format!("{name}={command}"));
    }
    bench.args(["--no-floors", "--prepare", &job.prepare, "--check", &job.check]);
    bench.args(["--records", &rows.to_string(), "--runs", &args.runs.to_string()]);
    // Not inside a project of Meltano, whose plugins the names would be.
    bench.arg("--json").arg(&report).current_dir(peers::home());
    let _ = fs::remove_file(&report);
    let status = bench.status().map_err(|e| format!("cannot start melisma: {e}"))?;
    // 75: the machine was too noisy, and the report says so.
    if !status.success() && status.code() != Some(75) {
        return Err(format!("{status}: {bench:?}"));
    }
    let text = fs::read_to_string(&report).map_err(|e| format!("cannot read {}: {e}", report.display()))?;
    let mut report: Value = serde_json::from_str(&text).map_err(|e| format!("no report: {e}"))?;
    Ok(report["cases"][0].take())
}

/// Writes the results, without the paths of this machine.
fn write(args: &Args, peers: &Peers, jobs: &[Value]) -> Result {
    let results = json!({
        "version": 1, "machine": machine::describe(), "profile": args.pgo, "runs": args.runs, "peers": peers.json(), "jobs": jobs,
    });
    let root = sh::root().display().to_string();
    let text = format!("{results:#}\n").replace(&format!("{root}/"), "");
    let results: Value = serde_json::from_str(&text).map_err(|e| format!("no results: {e}"))?;
    let markdown = format!("# melisma and others\n\n{}", table::markdown(&results, 2));
    println!("\n{markdown}");
    let (folder, name) = match &args.out {
        Some(folder) => (folder.clone(), "results"),
        None => (sh::root().join("benches/results"), "rivals"),
    };
    fs::create_dir_all(&folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    for (extension, text) in [("json", text), ("md", markdown)] {
        let path = folder.join(name).with_extension(extension);
        fs::write(&path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        println!("written: {}", path.display());
    }
    Ok(())
}
