//! `melisma pipe`: copies stdin to stdout byte for byte, and counts Singer messages on the way.

mod check;
mod input;
mod pass;
mod stats;
mod validate;

use std::process::ExitCode;
use std::time::Instant;

use melisma_sdk::internal::protocol;
use melisma_sdk::signals::Stop;
use melisma_sdk::{Kind, Result};

use input::Input;

use crate::args::PipeArgs;
use crate::count::Counter;

/// Passes stdin to stdout until it ends.
pub(crate) fn run(args: &PipeArgs) -> Result<ExitCode> {
    let stop = Stop::on_signals()?;
    let started = Instant::now();
    let mut counter = Counter::default();
    let (input, output) = (protocol::stdin()?, protocol::stdout()?);
    let input = Input::new(input, stop.clone());
    let result = if args.validate {
        validate::pass(input, output, args, &mut counter)
    } else {
        pass::pass(input, output, args.buffer, &mut counter).map(|()| 0)
    };
    counter.finish();
    // Also after an error: what was counted until then is worth knowing.
    let skipped = *result.as_ref().unwrap_or(&0);
    if let Some(path) = &args.stats {
        stats::write(path, &counter, skipped, started.elapsed())?;
    }
    if result? > 0 {
        report_skipped(skipped);
    }
    Ok(match stop.signal() {
        Some(signal) => ExitCode::from(Kind::Interrupted(signal).exit_code()),
        None => ExitCode::SUCCESS,
    })
}

#[expect(clippy::print_stderr, reason = "the pipe has no other log")]
fn report_skipped(lines: u64) {
    match lines {
        1 => eprintln!("melisma: 1 line was not valid and was skipped"),
        _ => eprintln!("melisma: {lines} lines were not valid and were skipped"),
    }
}
