//! `cargo xtask test`: every test there is.

use std::env;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use crate::{Result, setup, sh};

/// Runs the tests, shows their output as it comes, and closes with one line for machines:
/// `test result: ok. 512 passed; 0 failed; 0 ignored; 93 s`.
pub(crate) fn run(rest: &[String]) -> Result {
    let start = Instant::now();
    // The environments come over the network and the tests out of the compiler: neither waits for the other.
    let compiler = cargo_test(&["--no-run"])
        .args(rest)
        .spawn()
        .map_err(|e| format!("cannot start cargo: {e}"))?;
    let everything = setup::everything();
    finish(compiler)?;
    let mut cargo = cargo_test(&["--no-fail-fast"]);
    cargo
        .args(rest)
        .env("RUST_TEST_THREADS", threads())
        .envs(everything?);
    // Cargo builds the binary along with the tests; those that start it need not build it with other features again.
    cargo.env("MELISMA_TEST_BINARY", sh::target().join("debug/melisma"));
    let (ok, counts) = count(&mut cargo)?;
    let Counts {
        passed,
        failed,
        ignored,
    } = counts;
    let verdict = if ok { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {passed} passed; {failed} failed; {ignored} ignored; {} s",
        start.elapsed().as_secs()
    );
    if ok { Ok(()) } else { Err("tests failed".into()) }
}

fn cargo_test(options: &[&str]) -> Command {
    let mut cargo = sh::cargo();
    cargo.args(["test", "--locked", "--workspace"]).args(options);
    cargo
}

fn finish(mut compiler: Child) -> Result {
    let status = compiler
        .wait()
        .map_err(|e| format!("cannot wait for cargo: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("the tests do not compile".into())
    }
}

/// Tests that run at once, unless the caller has chosen. Many wait for processes most of their time, so there are more of
/// them than processors.
fn threads() -> String {
    env::var("RUST_TEST_THREADS").unwrap_or_else(|_| {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        (processors + 2).to_string()
    })
}

#[derive(Clone, Copy, Default)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// Passes the child's stdout on and sums up its `test result:` lines.
fn count(command: &mut Command) -> Result<(bool, Counts)> {
    use std::io::{BufRead, BufReader};
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("cannot start cargo: {e}"))?;
    let stdout = child.stdout.take().ok_or("no stdout")?;
    let mut counts = Counts::default();
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|e| format!("cannot read the output of cargo: {e}"))?;
        println!("{line}");
        if let Some((_, numbers)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        {
            add(&mut counts, numbers);
        }
    }
    let status = child.wait().map_err(|e| format!("cannot wait for cargo: {e}"))?;
    Ok((status.success(), counts))
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
