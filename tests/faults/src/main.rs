//! `melisma-faults`: the scripted tap, and the harness around it. `cargo xtask faults` builds and starts it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "stdout is for people here, but for the tap's"
)]

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use melisma_faults::campaign::{self, Plan};
use melisma_faults::rig::Programs;
use melisma_faults::{planted, report, soak, tap};

#[derive(Parser)]
#[command(
    about = "The scripted tap, and the harness around it: `cargo xtask faults` and `soak` build and start it"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The scripted tap, as `melisma run` starts it.
    Tap {
        #[arg(long)]
        config: PathBuf,
        #[arg(long)]
        state: Option<PathBuf>,
        #[arg(long)]
        catalog: Option<PathBuf>,
    },
    /// The tap of a soak.
    SoakTap {
        #[arg(long)]
        config: PathBuf,
        #[arg(long)]
        state: Option<PathBuf>,
        #[arg(long)]
        catalog: Option<PathBuf>,
    },
    /// A day's records in half an hour, with a kill every minute.
    Soak {
        /// The folder of `melisma` and `melisma-faults`.
        #[arg(long)]
        programs: PathBuf,
        #[arg(long)]
        minutes: u64,
        #[arg(long)]
        rows: u64,
        #[arg(long)]
        seed: u64,
        /// The folder for soak.md.
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// Disturb, kill, look: all of it, or what is called so.
    Run {
        /// Everything, instead of a fair part.
        #[arg(long)]
        full: bool,
        /// What all that is random follows from.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Only cells and rounds whose name contains this.
        #[arg(long)]
        only: Option<String>,
        /// How many at a time; by default as many as there are processors.
        #[arg(long)]
        workers: Option<usize>,
        /// Write the page here.
        #[arg(long)]
        page: Option<PathBuf>,
        /// What kind of machine it is, for the page.
        #[arg(long, default_value = "a machine")]
        machine: String,
    },
    /// A target with a bug around it, as `melisma run` starts it.
    Planted {
        bug: String,
        /// The program that has the target.
        melisma: PathBuf,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        target: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Tap {
            config,
            state,
            catalog: _,
        } => tap::run(&config, state.as_deref(), &mut io::stdout()).map_err(|error| error.to_string()),
        Command::SoakTap {
            config,
            state,
            catalog: _,
        } => soak::tap::run(&config, state.as_deref(), &mut io::stdout()).map_err(|error| error.to_string()),
        Command::Soak {
            programs,
            minutes,
            rows,
            seed,
            report,
        } => Programs::in_folder(&programs).and_then(|programs| {
            soak::run(&soak::Plan {
                programs,
                time: Duration::from_mins(minutes),
                rows,
                seed,
                report,
            })
        }),
        Command::Run {
            full,
            seed,
            only,
            workers,
            page,
            machine,
        } => programs().and_then(|programs| {
            let mut plan = if full || only.is_some() {
                Plan::full(programs, seed)
            } else {
                Plan::quick(programs, seed)
            };
            plan.workers = workers.unwrap_or(plan.workers);
            if let Some(only) = only {
                plan = plan.only(&only);
            }
            run(&plan, page, &machine)
        }),
        Command::Planted { bug, melisma, target } => match planted::run(&bug, &melisma, &target) {
            Ok(code) => return code,
            Err(error) => Err(error.to_string()),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("melisma-faults: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The programs beside this one.
fn programs() -> Result<Programs, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    Programs::in_folder(this.parent().ok_or("a program without a folder")?)
}

fn run(plan: &Plan, page: Option<PathBuf>, machine: &str) -> Result<(), String> {
    println!(
        "{} scripted cells, {} cells, {} taps that fail, {} rounds of kills; seed {}, {} at a time",
        plan.scripted.len(),
        plan.cells.len(),
        plan.taps.len(),
        plan.rounds.len(),
        plan.seed,
        plan.workers
    );
    let report = campaign::run(plan, &|line| println!("{line}"));
    println!("{}", report::closing(&report));
    if let Some(page) = page {
        let text = report::page(&report, plan.seed, machine);
        std::fs::write(&page, text).map_err(|error| format!("cannot write {}: {error}", page.display()))?;
    }
    let failures = report.failures();
    for (name, what) in &failures {
        println!("FAILED {name}: {}", what.lines().next().unwrap_or_default());
        println!("  again: cargo xtask faults --seed {} --only {name}", plan.seed);
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(format!("{} violations", failures.len()))
    }
}
