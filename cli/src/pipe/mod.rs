//! `melisma pipe`: in the middle of a shell pipe, passes lines on byte for byte and counts them.

mod pass;
mod stats;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use melisma_sdk::{Error, Kind, Result};
use signal_hook::consts::SIGINT;

use crate::pipes;

/// What `melisma pipe` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tap-github | melisma pipe --stats stats.json | target-postgres > state.json
  tap-old | melisma pipe --buffer 268435456 | target-slow

Bytes pass as they come, whatever they are. Ctrl-C reaches the tap by itself; the pipe then passes on what the tap
still sends, and a second Ctrl-C ends it at once.")]
pub(crate) struct Args {
    /// When the input ends, write what was counted to FILE as JSON
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,
    /// Hold at most this much between the tap and a slow target
    #[arg(long, value_name = "BYTES", default_value_t = pass::BLOCK, value_parser = clap::value_parser!(u64).range(4096..))]
    buffer: u64,
}

/// Passes stdin to stdout until it ends.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let interrupted = watch_interrupt()?;
    let started = std::time::Instant::now();
    let mut tally = crate::tally::Tally::default();
    let result = pass::pass(pipes::stdin()?, pipes::stdout()?, args.buffer, &mut tally);
    tally.finish();
    if let Some(path) = &args.stats {
        stats::write(path, &tally, started.elapsed())?;
    }
    result?;
    if interrupted.load(Ordering::Relaxed) {
        return Ok(ExitCode::from(Kind::Interrupted(SIGINT).exit_code()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The first Ctrl-C sets the flag, the second ends the process.
fn watch_interrupt() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let code = i32::from(Kind::Interrupted(SIGINT).exit_code());
    signal_hook::flag::register_conditional_shutdown(SIGINT, code, Arc::clone(&flag))
        .and_then(|_| signal_hook::flag::register(SIGINT, Arc::clone(&flag)))
        .map_err(|error| Error::io("cannot handle signals", error))?;
    Ok(flag)
}
