//! `melisma`: runs Singer taps and targets, stands in the middle of their pipes, and carries its own inside.

mod args;
mod builtin;
mod catalog;
mod completions;
mod console;
mod envelope;
mod names;
mod pipe;
mod pipes;
mod project;
mod run;
mod signals;
mod state;
mod stderr;
mod tally;

use std::process::ExitCode;

fn main() -> ExitCode {
    args::main(std::env::args_os().collect())
}
