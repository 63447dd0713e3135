//! The programs that are counted, and callgrind.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::baseline::Counted;
use crate::{Result, sh};

/// What is counted.
pub(super) enum Part {
    /// A part of the program `instructions` of benches/, by its name there.
    Library(String),
    /// `melisma pipe`: the name of the part, and options.
    Pipe(&'static str, &'static [&'static str]),
}

pub(super) const PIPES: [Part; 2] = [
    Part::Pipe("pipe", &[]),
    Part::Pipe("pipe-validate", &["--validate"]),
];

impl Part {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Library(name) => name,
            Self::Pipe(name, _) => name,
        }
    }
}

/// Why counts of this machine cannot be compared with the baseline.
pub(super) fn other_processor() -> Option<&'static str> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Some("the baseline is one of Linux on x86-64");
    }
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = cpu
        .lines()
        .find(|line| line.starts_with("flags"))
        .unwrap_or_default();
    if flags.split_whitespace().any(|flag| flag == "avx2") {
        None
    } else {
        Some("the baseline is one of a processor with AVX2")
    }
}

/// Where inputs and counts are.
pub(super) fn folder() -> PathBuf {
    sh::target().join("instructions")
}

fn program(name: &str) -> PathBuf {
    sh::target().join("profiling").join(name)
}

/// The parts of the program `instructions`, which is built.
pub(super) fn library() -> Result<Vec<Part>> {
    build(&[
        "--package=melisma-benches",
        "--bin=instructions",
        "--features=instructions",
    ])?;
    let list = sh::output(Command::new(program("instructions")).arg("list"))?;
    Ok(list.lines().map(|name| Part::Library(name.to_owned())).collect())
}

/// Builds `melisma`, if a part needs it, and writes the inputs.
pub(super) fn prepare(parts: &[Part]) -> Result {
    if parts.iter().any(|part| matches!(part, Part::Pipe(..))) {
        build(&["--package=melisma", "--bin=melisma"])?;
    }
    sh::run(Command::new(program("instructions")).arg("make").arg(folder()))
}

fn build(options: &[&str]) -> Result {
    sh::run(
        sh::cargo()
            .args(["build", "--locked", "--profile=profiling"])
            .args(options),
    )
}

/// The instructions that a record takes.
pub(super) fn count(part: &Part) -> Result<Counted> {
    let per_record = match part {
        Part::Library(name) => count_library(name)?,
        Part::Pipe(name, options) => count_pipe(name, options)?,
    };
    println!("{}: {per_record:.1} instructions a record", part.name());
    Ok(Counted {
        name: part.name().to_owned(),
        per_record,
    })
}

/// Only while the function of that name runs.
fn count_library(name: &str) -> Result<f64> {
    let (mut valgrind, out) = callgrind(name, &["--toggle-collect=*counted_by_callgrind*"]);
    let printed = sh::output(valgrind.arg(program("instructions")).arg(name).arg(folder()))?;
    let records: u64 = printed
        .trim()
        .parse()
        .map_err(|_| format!("{name}: expected a number of records, found {printed:?}"))?;
    divided(name, total(&out)?, records)
}

/// A longer input less a shorter one: what happens once, such as reading the command line, is no part of it.
fn count_pipe(name: &str, options: &[&str]) -> Result<f64> {
    let mut counts = [(0, 0); 2];
    for (input, count) in ["pipe-short", "pipe-long"].into_iter().zip(&mut counts) {
        let path = folder().join(input).with_extension("singer");
        let cannot = |e| format!("cannot read {}: {e}", path.display());
        let records = BufReader::new(fs::File::open(&path).map_err(cannot)?)
            .lines()
            .count() as u64
            - 1;
        let (mut valgrind, out) = callgrind(name, &[]);
        valgrind
            .arg(program("melisma"))
            .arg("pipe")
            .args(options)
            .stdin(fs::File::open(&path).map_err(cannot)?)
            .stdout(Stdio::null());
        // Not `sh::output`, which would keep the records.
        let done = valgrind
            .output()
            .map_err(|e| format!("cannot start valgrind: {e}"))?;
        if !done.status.success() {
            return Err(format!(
                "{name}: {}\n{}",
                done.status,
                String::from_utf8_lossy(&done.stderr)
            ));
        }
        *count = (total(&out)?, records);
    }
    let [short, long] = counts;
    divided(name, long.0.saturating_sub(short.0), long.1 - short.1)
}

/// Callgrind, and the file of its counts.
fn callgrind(name: &str, options: &[&str]) -> (Command, PathBuf) {
    let out = folder().join(name).with_extension("callgrind");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .args(options);
    (valgrind, out)
}

/// The sum over all functions.
fn total(out: &Path) -> Result<u64> {
    let cannot = |e: std::io::Error| format!("cannot read {}: {e}", out.display());
    let text = fs::read_to_string(out).map_err(cannot)?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals: "));
    line.and_then(|number| number.trim().parse().ok())
        .ok_or_else(|| format!("{}: expected a line with totals", out.display()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "instructions of seconds are far fewer than 2^53"
)]
fn divided(name: &str, instructions: u64, records: u64) -> Result<f64> {
    if instructions == 0 || records == 0 {
        return Err(format!(
            "{name}: found {instructions} instructions for {records} records"
        ));
    }
    Ok(instructions as f64 / records as f64)
}
