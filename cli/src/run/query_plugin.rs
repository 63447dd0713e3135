//! Running a plugin for a short answer on stdout, such as `--discover`.

use std::io::Read;
use std::process::ExitStatus;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use melisma_sdk::{Error, Result};
use rustix::process::Signal;

use super::context::RunContext;
use super::plugin_log::{self, Facts};
use super::process_group::ProcessGroup;
use super::program::Program;

/// How often a waiting run looks for signals.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// A longer answer is refused: no catalog or state is that large.
const MAX_ANSWER_BYTES: u64 = 256 << 20;

/// Runs a plugin with one more option and returns what it writes to stdout. Its log lines are relayed.
pub(super) fn query_plugin(
    program: &Program,
    option: &str,
    context: &RunContext,
) -> Result<(ExitStatus, Vec<u8>)> {
    let mut command = program.command();
    command.arg(option);
    let mut child = program.spawn(command)?;
    let group = ProcessGroup::of(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (done_in, done) = bounded(1);
    let log = {
        let (console, name) = (context.console.clone(), program.name.clone());
        thread::spawn(move || {
            if let Some(stderr) = stderr {
                plugin_log::relay(stderr, &name, &Facts::default(), &console);
            }
        })
    };
    let waiter = group.clone();
    thread::spawn(move || {
        let mut output = Vec::new();
        let read = stdout.map_or(Ok(0), |stdout| {
            stdout.take(MAX_ANSWER_BYTES + 1).read_to_end(&mut output)
        });
        let _ = done_in.send(
            read.and_then(|_| waiter.wait(child))
                .map(|status| (status, output)),
        );
    });
    loop {
        if let Some(interruption) = context.signals.take() {
            group.signal(Signal::KILL);
            return Err(interruption.error());
        }
        match done.recv_timeout(TICK) {
            Ok(result) => {
                // So that its log lines come before those of the next step. Not a join: a process that the plugin left
                // behind may keep its stderr open.
                if !log.is_finished() {
                    thread::sleep(TICK);
                }
                let (status, output) =
                    result.map_err(|error| Error::io(format!("{} {option}", program.name), error))?;
                if output.len() as u64 > MAX_ANSWER_BYTES {
                    return Err(Error::input(format!(
                        "{} {option}: expected at most {MAX_ANSWER_BYTES} bytes, found more",
                        program.name
                    )));
                }
                return Ok((status, output));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Error::bug("the waiting thread ended early")),
        }
    }
}
