//! The developer's commands: `cargo xtask setup`, `test`, `deny`, `macos`, `docs`, `fuzz`, `malformed`, `soak`, `bench`, `instructions`, `rivals`, `scaling`, `pgo`, `static`, `wheels`, `new`, `airflow`, `release`, `postgres`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "stdout is for people here, not a protocol"
)]

mod airflow;
mod bench;
mod deny;
mod docs;
mod faults;
mod fuzz;
mod graph;
mod imports;
mod instructions;
mod macos;
mod malformed;
mod metadata;
mod new;
mod pgo;
mod postgres;
mod release;
mod rivals;
mod scaling;
mod setup;
mod sh;
mod soak;
mod static_binary;
mod test;
mod wheels;
mod wheels_check;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What every command returns: the message of a failure is for people.
type Result<T = (), E = String> = std::result::Result<T, E>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The developer's commands of melisma")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prepare what the tests need: Python environments under target/, PostgreSQL.
    Setup,
    /// Run every test: unit, integration, documentation, end to end.
    Test {
        /// Passed on to `cargo test`, for instance a filter.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Check licences, sources, banned and duplicate crates, and the direction of imports.
    Deny,
    /// Check that the product compiles for macOS, if the target is installed.
    Macos,
    /// Write the settings of each plugin, and results of benchmarks, into the pages that show them.
    Docs(docs::Args),
    /// Let libFuzzer look for inputs that a property of fuzz/properties does not hold for.
    Fuzz(fuzz::Args),
    /// Kill melisma in every way and place, and look whether anything got lost.
    Faults(faults::Args),
    /// Malformed input, with more mutants than the tests have.
    Malformed(malformed::Args),
    /// Measure, and write benches/results.
    Bench(bench::Args),
    /// Count the instructions of the hot paths, and compare them with benches/instructions.json.
    Instructions(instructions::Args),
    /// Measure melisma beside other programs for the same jobs, and write benches/results/rivals.
    Rivals(rivals::Args),
    /// Measure how CPU and memory grow with records, columns and streams, and write benches/results/scaling.
    Scaling(scaling::Args),
    /// A day's records in half an hour, with a kill every minute.
    Soak(soak::Args),
    /// Make a profile of the main paths, and build a melisma that the compiler optimises by it.
    Pgo(pgo::Args),
    /// Build a melisma that is linked to nothing, and run it as the only file of a container.
    Static(static_binary::Args),
    /// Import DAGs that start melisma in a real Airflow.
    Airflow(airflow::Args),
    /// Build the Python wheels.
    Wheels(wheels::Args),
    /// Make a project of each kind of `melisma new`, build it alone, run it, and measure.
    New(new::Args),
    /// Prepare a release, or check that the tree is one.
    #[command(subcommand)]
    Release(release::Action),
    /// A throwaway PostgreSQL server for examples.
    #[command(subcommand)]
    Postgres(postgres::Action),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Setup => setup::run(),
        Command::Test { rest } => test::run(&rest),
        Command::Deny => deny::run(),
        Command::Macos => macos::run(),
        Command::Docs(args) => docs::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Faults(args) => faults::run(&args),
        Command::Malformed(args) => malformed::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Instructions(args) => instructions::run(&args),
        Command::Rivals(args) => rivals::run(&args),
        Command::Scaling(args) => scaling::run(&args),
        Command::Soak(args) => soak::run(&args),
        Command::Airflow(args) => airflow::run(&args),
        Command::Pgo(args) => pgo::run(&args),
        Command::Static(args) => static_binary::run(&args),
        Command::Wheels(args) => wheels::run(&args),
        Command::New(args) => new::run(&args),
        Command::Release(action) => release::run(&action),
        Command::Postgres(action) => postgres::run(&action),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
