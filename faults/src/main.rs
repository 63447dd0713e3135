//! `melisma-faults`: the scripted tap, and the harness around it. `cargo xtask faults` builds and starts it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "stdout is for people here, but for the tap's"
)]

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use melisma_faults::{cell, kills, rig, server, tap};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The scripted tap.
    Tap {
        #[arg(long)]
        config: PathBuf,
        #[arg(long)]
        state: Option<PathBuf>,
        #[arg(long)]
        catalog: Option<PathBuf>,
    },
    /// Cells whose name contains the word.
    Try {
        word: String,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Tap {
            config,
            state,
            catalog: _,
        } => tap::run(&config, state.as_deref(), &mut io::stdout()).map_err(|error| error.to_string()),
        Command::Try { word, seed } => attempt(&word, seed),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("melisma-faults: {message}");
            ExitCode::FAILURE
        }
    }
}

fn attempt(word: &str, seed: u64) -> Result<(), String> {
    let folder = std::env::current_exe().map_err(|e| e.to_string())?;
    let programs = rig::Programs::in_folder(folder.parent().ok_or("no folder")?)?;
    let server = server::Server::start();
    for cell in cell::Cell::all()
        .into_iter()
        .filter(|cell| cell.name().contains(word))
    {
        let began = std::time::Instant::now();
        let outcome = cell.run(&programs, Some(&server), seed);
        println!(
            "{} {:?} {:?} {} {}",
            cell.name(),
            began.elapsed(),
            outcome.result,
            outcome.in_flight,
            outcome.replayed
        );
    }
    for round in kills::Round::all(60)
        .into_iter()
        .filter(|round| round.name().contains(word))
    {
        let began = std::time::Instant::now();
        let mut counts = kills::Counts::default();
        let result = round.run(&programs, Some(&server), seed, &mut counts, &|| {});
        println!("{} {:?} {:?} {counts:?}", round.name(), began.elapsed(), result);
    }
    Ok(())
}
