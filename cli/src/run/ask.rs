//! A short question to a plugin: a process that answers on stdout and ends.

use std::io::Read;
use std::process::ExitStatus;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use melisma_sdk::{Error, Result};
use rustix::process::Signal;

use super::process::{Group, Program};
use super::{interrupted, logs};
use crate::console::Console;
use crate::signals::Signals;

/// How often a waiting run looks for signals.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// A longer answer is none that anybody could use.
const MAX_ANSWER_BYTES: u64 = 256 << 20;

/// Runs a plugin with one option more, such as `--discover`, and takes what it writes.
pub(super) fn ask(
    program: &Program,
    option: &str,
    signals: &Signals,
    console: &Arc<Console>,
) -> Result<(ExitStatus, Vec<u8>)> {
    let mut command = program.command();
    command.arg(option);
    let mut child = program.spawn(command)?;
    let group = Group::of(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (done_in, done) = bounded(1);
    let teller = {
        let (console, name) = (Arc::clone(console), program.name.clone());
        thread::spawn(move || {
            if let Some(stderr) = stderr {
                logs::tell_again(stderr, &name, &logs::Said::default(), &console);
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
        if let Some(signal) = signals.take() {
            group.signal(Signal::KILL);
            return Err(interrupted(signal));
        }
        match done.recv_timeout(TICK) {
            Ok(result) => {
                // Its log lines before what comes next; but what it left behind may keep its stderr open.
                if !teller.is_finished() {
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
