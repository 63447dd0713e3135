//! `cargo xtask test`: every test there is.

mod built;
mod lanes;
mod programs;

use std::time::Instant;

use crate::{Result, setup, sh};
use lanes::Counts;

/// Runs the tests, shows their output as it comes, and closes with one line for machines:
/// `test result: ok. 512 passed; 0 failed; 0 ignored; 93 s`. What is in `rest` goes to every program of tests: a filter,
/// for instance.
pub(crate) fn run(rest: &[String]) -> Result {
    let start = Instant::now();
    // The environments come over the network and the tests out of the compiler: neither waits for the other.
    let compiler = programs::Compiler::start()?;
    let everything = setup::everything();
    let (programs, built) = compiler.finish()?;
    let mut environment = everything?;
    environment.push(("MELISMA_TEST_BUILT", built.write()?.into()));
    // Cargo builds the binary along with the tests; those that start it need not build it with other features again.
    let melisma = sh::target().join("debug/melisma");
    environment.push(("MELISMA_TEST_BINARY", melisma.into()));
    let (ok, counts) = lanes::run(programs, rest, &environment)?;
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
