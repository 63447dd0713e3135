//! `cargo xtask fuzz`: libFuzzer on the properties of `fuzz/properties`.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::{Result, sh};

/// The one version of cargo-fuzz that is used.
const CARGO_FUZZ: &str = "0.13.2";
/// How many targets run side by side.
const AT_ONCE: usize = 2;
/// The longest input, in bytes: what is longer finds nothing that what is shorter does not.
const MAX_LEN: usize = 4096;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The targets; all of them when none is named.
    targets: Vec<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Runs one target on this input alone, as it was found.
    #[arg(long, value_name = "FILE")]
    repeat: Option<PathBuf>,
}

/// What a run of a target came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Report {
    executions: u64,
    a_second: u64,
    /// Edges of the program that were seen.
    coverage: u64,
    /// Inputs that a check failed for.
    findings: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result {
    let all = targets()?;
    if let Some(unknown) = args.targets.iter().find(|target| !all.contains(target)) {
        return Err(format!("no fuzz target {unknown}; there are {}", all.join(", ")));
    }
    let chosen = if args.targets.is_empty() {
        all
    } else {
        args.targets.clone()
    };
    let binaries = build()?;
    if let Some(input) = &args.repeat {
        let [target] = chosen.as_slice() else {
            return Err("--repeat wants one target".into());
        };
        return sh::run(Command::new(binaries.join(target)).arg(input));
    }
    let reports = run_all(&chosen, &binaries, args.minutes)?;
    println!(
        "{:10} {:>14} {:>13} {:>9} {:>9}",
        "target", "executions", "executions/s", "coverage", "findings"
    );
    for (target, report) in &reports {
        println!(
            "{target:10} {:>14} {:>13} {:>9} {:>9}",
            report.executions,
            report.a_second,
            report.coverage,
            report.findings.len()
        );
    }
    let mut failed = 0;
    for (target, report) in &reports {
        for finding in &report.findings {
            failed += 1;
            println!(
                "repeat it with: cargo xtask fuzz {target} --repeat {}",
                finding.display()
            );
        }
    }
    if failed == 0 {
        return Ok(());
    }
    Err(format!(
        "{failed} findings; a mended one goes to fuzz/findings/TARGET/, where the tests keep it mended"
    ))
}

/// The targets, by the files of their folder.
fn targets() -> Result<Vec<String>> {
    let folder = sh::root().join("fuzz/fuzz_targets");
    let cannot = |e| format!("cannot read {}: {e}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Everything that is made: the build, the corpora that grow, the inputs that were found.
fn home() -> PathBuf {
    sh::target().join("fuzz")
}

/// Builds all targets; returns the folder of their binaries.
fn build() -> Result<PathBuf> {
    let tools = sh::target().join("tools");
    let tool = tools.join("bin/cargo-fuzz");
    let wanted = format!("cargo-fuzz {CARGO_FUZZ}");
    let is_there = tool.exists()
        && sh::output(Command::new(&tool).args(["fuzz", "--version"]))
            .is_ok_and(|found| found.trim() == wanted);
    if !is_there {
        sh::run(
            sh::cargo()
                .args([
                    "install",
                    "--locked",
                    "--force",
                    "--version",
                    CARGO_FUZZ,
                    "cargo-fuzz",
                    "--root",
                ])
                .arg(&tools),
        )?;
    }
    let host = host()?;
    let nightly = sh::works("cargo", &["+nightly", "--version"]);
    let mut command = Command::new(&tool);
    command
        .current_dir(sh::root())
        .args(["fuzz", "build", "--fuzz-dir", "fuzz", "--target-dir"]);
    command.arg(home());
    // cargo-fuzz calls the cargo of its environment; what called us must not choose it.
    command
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env_remove("CARGO_TARGET_DIR");
    if nightly {
        eprintln!("fuzz: the nightly toolchain, with AddressSanitizer");
        command.env("RUSTUP_TOOLCHAIN", "nightly");
    } else {
        eprintln!(
            "fuzz: no nightly toolchain, so the stable one with RUSTC_BOOTSTRAP=1 and without sanitizer"
        );
        command.args(["-s", "none"]).env("RUSTC_BOOTSTRAP", "1");
    }
    sh::run(&mut command).map_err(|error| {
        format!(
            "{error}\nfuzzing needs Linux or macOS on x86-64 or aarch64 and a C++ compiler; where there is none, \
             `cargo test -p melisma-properties` checks the same properties on mutants of the seeds \
             (MELISMA_TEST_MUTANTS=100000 for more of them)"
        )
    })?;
    Ok(home().join(host).join("release"))
}

/// The triple that cargo-fuzz builds for.
fn host() -> Result<String> {
    let text = sh::output(Command::new("rustc").arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc -vV names no host".into())
}

fn run_all(targets: &[String], binaries: &Path, minutes: f64) -> Result<Vec<(String, Report)>> {
    let queue: Mutex<VecDeque<&String>> = Mutex::new(targets.iter().collect());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().map(|mut queue| queue.pop_front());
                    let Ok(Some(target)) = next else { break };
                    let report = run_one(target, binaries, minutes);
                    if let Ok(mut done) = done.lock() {
                        done.push((target.clone(), report));
                    }
                }
            });
        }
    });
    let done = done.into_inner().map_err(|_| "a run panicked")?;
    let mut reports = done
        .into_iter()
        .map(|(target, report)| Ok((target, report?)))
        .collect::<Result<Vec<_>>>()?;
    reports.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(reports)
}

fn run_one(target: &str, binaries: &Path, minutes: f64) -> Result<Report> {
    let corpus = home().join("corpus").join(target);
    let found = home().join("findings").join(target);
    for folder in [&corpus, &found] {
        fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    }
    let before = files(&found)?;
    let fuzz = sh::root().join("fuzz");
    let mut command = Command::new(binaries.join(target));
    command.arg(&corpus).arg(fuzz.join("seeds").join(target));
    let findings = fuzz.join("findings").join(target);
    if findings.exists() {
        command.arg(findings);
    }
    if let Some(dictionary) = dictionary(target) {
        command.arg(format!("-dict={}", fuzz.join("dict").join(dictionary).display()));
    }
    command
        .arg(format!("-max_total_time={:.0}", (minutes * 60.0).max(1.0)))
        .arg(format!("-max_len={MAX_LEN}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .args(["-timeout=20", "-rss_limit_mb=3072", "-print_final_stats=1"]);
    eprintln!("fuzz: {target}, {minutes} minutes");
    let out = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("cannot start {target}: {e}"))?;
    let text = String::from_utf8_lossy(&out.stderr);
    let mut report = read_report(&text);
    report.findings = files(&found)?
        .into_iter()
        .filter(|path| !before.contains(path))
        .collect();
    if !out.status.success() {
        let tail: Vec<&str> = text.lines().rev().take(40).collect();
        eprintln!("{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        if report.findings.is_empty() {
            return Err(format!("{target}: {}", out.status));
        }
    }
    Ok(report)
}

/// The dictionary of a target, where words help.
fn dictionary(target: &str) -> Option<&'static str> {
    match target {
        "decode" | "envelope" | "plan" | "copy" => Some("json.dict"),
        "config" => Some("config.dict"),
        "csv" => Some("csv.dict"),
        _ => None,
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = |e| format!("cannot read {}: {e}", folder.display());
    fs::read_dir(folder)
        .map_err(cannot)?
        .map(|entry| entry.map(|entry| entry.path()).map_err(cannot))
        .collect()
}

/// Reads what libFuzzer says: `#65536 pulse cov: 510 ft: 2210 ...`, `stat::number_of_executed_units: 65536`.
fn read_report(text: &str) -> Report {
    let mut report = Report::default();
    let number = |word: &str| word.trim().parse().unwrap_or(0);
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once(" cov: ") {
            report.coverage = number(rest.split(' ').next().unwrap_or_default());
            let count = line
                .strip_prefix('#')
                .and_then(|line| line.split(['\t', ' ']).next());
            report.executions = report.executions.max(count.map_or(0, number));
        } else if let Some(rest) = line.strip_prefix("stat::number_of_executed_units:") {
            report.executions = number(rest);
        } else if let Some(rest) = line.strip_prefix("stat::average_exec_per_sec:") {
            report.a_second = number(rest);
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_libfuzzer_are_read() {
        let text = "INFO: seed corpus\n#2\tINITED cov: 41 ft: 42 corp: 1/1b\n#512\tpulse  cov: 43 ft: 50 corp: 3/8b\n\
                    stat::number_of_executed_units: 700\nstat::average_exec_per_sec:     70\n";
        let expected = Report {
            executions: 700,
            a_second: 70,
            coverage: 43,
            findings: Vec::new(),
        };
        assert_eq!(read_report(text), expected);
    }

    #[test]
    fn every_target_has_seeds() {
        for target in targets().expect("targets") {
            assert!(sh::root().join("fuzz/seeds").join(&target).is_dir(), "{target}");
        }
    }
}
