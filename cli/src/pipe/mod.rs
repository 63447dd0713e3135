//! `melisma pipe`: in the middle of a shell pipe, passes lines on byte for byte and counts them.

mod check;
mod input;
mod pass;
mod stats;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use melisma_engine::line::MAX_LINE_BYTES;
use melisma_sdk::{Kind, Result, protocol};

use input::{Asked, Input};
use validate::OnInvalid;

/// The most that `--max-line-bytes` may say: what a target of ours takes at most.
const MOST_LINE_BYTES: u64 = u32::MAX as u64;
/// The most that `--buffer` may say, 64 GiB: more is no buffer of a pipe, but a typo.
const MOST_BUFFER: u64 = 64 << 30;

/// What `melisma pipe` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tap-github | melisma pipe --stats stats.json | target-postgres > state.json
  tap-old | melisma pipe --buffer 268435456 | target-slow
  tap-wild | melisma pipe --validate --on-invalid dead-letter=bad.jsonl | target-strict

Without --validate bytes pass as they come, whatever they are. Ctrl-C reaches the tap by itself; the pipe then passes on what the tap
still sends. SIGTERM, which the tap does not get, ends it after the line in hand. A second signal ends it at once.")]
pub(crate) struct Args {
    /// When the input ends, write what was counted to FILE as JSON
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,
    /// Pass on only lines that are Singer messages, and records that are what their SCHEMA says
    #[arg(long)]
    validate: bool,
    /// What becomes of a line that is not valid: fail, skip, dead-letter, dead-letter=FILE
    #[arg(long, value_name = "WHAT", default_value = "fail", requires = "validate")]
    on_invalid: OnInvalid,
    /// The longest line that --validate takes
    #[arg(long, value_name = "BYTES", default_value_t = MAX_LINE_BYTES as u64, requires = "validate",
          value_parser = clap::value_parser!(u64).range(1..=MOST_LINE_BYTES))]
    max_line_bytes: u64,
    /// Hold at most this much between the tap and a slow target
    #[arg(long, value_name = "BYTES", default_value_t = pass::BLOCK, value_parser = clap::value_parser!(u64).range(4096..=MOST_BUFFER))]
    buffer: u64,
}

/// Passes stdin to stdout until it ends.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let asked = Asked::watch()?;
    let started = std::time::Instant::now();
    let mut tally = crate::tally::Tally::default();
    let (input, output) = (protocol::stdin()?, protocol::stdout()?);
    let input = Input::new(input, asked.clone());
    let result = if args.validate {
        validate::pass(input, output, args, &mut tally)
    } else {
        pass::pass(input, output, args.buffer, &mut tally).map(|()| 0)
    };
    tally.finish();
    let left_out = *result.as_ref().unwrap_or(&0);
    if let Some(path) = &args.stats {
        stats::write(path, &tally, left_out, started.elapsed())?;
    }
    if result? > 0 {
        tell_left_out(left_out);
    }
    match asked.signal() {
        Some(signal) => Ok(ExitCode::from(Kind::Interrupted(signal).exit_code())),
        None => Ok(ExitCode::SUCCESS),
    }
}

#[expect(clippy::print_stderr, reason = "the pipe has no other log")]
fn tell_left_out(lines: u64) {
    eprintln!("melisma: {lines} lines were not valid and are left out");
}
