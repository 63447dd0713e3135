//! Two programs of tests at a time: while the end-to-end tests wait for the processes that they start, the others compute.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::programs::Program;
use crate::Result;

/// How many tests there were.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) ignored: u64,
}

/// What has happened so far.
#[derive(Default)]
struct Outcome {
    counts: Counts,
    /// The programs that failed.
    failed: Vec<String>,
}

/// Runs all programs, and shows the output of each in one piece; that of programs that wait as it comes.
pub(super) fn run(
    programs: Vec<Program>,
    rest: &[String],
    environment: &[(&'static str, OsString)],
) -> Result<(bool, Counts)> {
    let queue = Mutex::new(programs.into_iter());
    let outcome = Mutex::new(Outcome::default());
    let lane = || -> Result {
        while let Some(program) = next(&queue) {
            one(program, rest, environment, &outcome)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let other = scope.spawn(lane);
        let ended = lane();
        other
            .join()
            .unwrap_or_else(|_| Err("a thread panicked".into()))
            .and(ended)
    })?;
    let Outcome { counts, failed } = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    for name in &failed {
        println!("failed: {name}");
    }
    Ok((failed.is_empty(), counts))
}

fn next(queue: &Mutex<std::vec::IntoIter<Program>>) -> Option<Program> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).next()
}

fn one(
    program: Program,
    rest: &[String],
    environment: &[(&'static str, OsString)],
    outcome: &Mutex<Outcome>,
) -> Result {
    let Program {
        name,
        mut command,
        waits,
    } = program;
    command
        .args(rest)
        .env("RUST_TEST_THREADS", threads(waits))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|e| format!("cannot start the tests of {name}: {e}"))?;
    println!("running the tests of {name}");
    let stdout = child.stdout.take().ok_or("no stdout")?;
    let mut counts = Counts::default();
    let mut text = String::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|e| format!("cannot read the output of {name}: {e}"))?;
        if let Some((_, numbers)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        {
            add(&mut counts, numbers);
        }
        if waits {
            println!("{line}");
        } else {
            text.push_str(&line);
            text.push('\n');
        }
    }
    let status = child.wait();
    let status = status.map_err(|e| format!("cannot wait for {name}: {e}"))?;
    let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
    if !text.is_empty() {
        println!("\nthe tests of {name}:{text}");
    }
    let all = &mut outcome.counts;
    all.passed += counts.passed;
    all.failed += counts.failed;
    all.ignored += counts.ignored;
    if !status.success() {
        outcome.failed.push(name);
    }
    Ok(())
}

/// Tests of a program that run at once, unless the caller has chosen. Those that wait for processes most of their time are
/// more than the processors.
fn threads(waits: bool) -> String {
    env::var("RUST_TEST_THREADS").unwrap_or_else(|_| {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        (processors + if waits { 2 } else { 0 }).to_string()
    })
}

/// Adds `12 passed; 0 failed; 1 ignored; ...`.
fn add(counts: &mut Counts, numbers: &str) {
    for part in numbers.split("; ") {
        match part.split_once(' ') {
            Some((n, "passed")) => counts.passed += n.parse().unwrap_or(0),
            Some((n, "failed")) => counts.failed += n.parse().unwrap_or(0),
            Some((n, "ignored")) => counts.ignored += n.parse().unwrap_or(0),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_up_the_lines_of_the_test_harness() {
        let mut counts = Counts {
            passed: 1,
            ..Counts::default()
        };
        add(
            &mut counts,
            "12 passed; 2 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        assert_eq!((counts.passed, counts.failed, counts.ignored), (13, 2, 3));
    }
}
