//! Says to the target how the tap has ended: a target that replaces what was there publishes only what is whole.
//!
//! A line in a FIFO of the run's folder; `sdk/src/target/verdict.rs` says what it means and why nobody waits for ever. Both
//! ends are open here as long as the run lives: what is written stays in the FIFO until the target looks, a target that
//! never looks is not waited for, and when this process is killed the target sees that nobody writes any more.

use std::fs::File;
use std::io::Write;
use std::process::Command;

use melisma_sdk::show;
use melisma_sdk::target::{RUN_VERDICT_FAILED, RUN_VERDICT_OK, RUN_VERDICT_VARIABLE};

use super::fifo;
use super::folder::RunFolder;
use crate::console::{Console, Level};

/// The verdict over the tap's side of a run, given once.
pub(super) struct InputVerdict {
    /// `None` when there is no FIFO. The reading end keeps what was written.
    ends: Option<(File, File)>,
    given: bool,
    /// That the input did not end well was said.
    failed: bool,
}

impl InputVerdict {
    /// Tells the target where the verdict will be. Not every file system has FIFOs; without one the target looks at the
    /// messages alone, as in a plain pipe.
    pub(super) fn offer(target: &mut Command, folder: &RunFolder, console: &Console) -> Self {
        let ends = folder.fifo("verdict").and_then(|path| {
            let ends = fifo::both_ends(&path)?;
            target.env(RUN_VERDICT_VARIABLE, path);
            Ok(ends)
        });
        if let Err(error) = &ends {
            let why = format!("the target is not told how the tap ends: {error}");
            console.log(Level::Debug, "melisma", &why);
        }
        Self {
            ends: ends.ok(),
            given: false,
            failed: false,
        }
    }

    /// Whether there is nothing more to say.
    pub(super) fn is_given(&self) -> bool {
        self.given
    }

    /// Whether the target was told that the input did not end well.
    pub(super) fn is_failed(&self) -> bool {
        self.failed
    }

    /// The tap has ended well, and all that it wrote was passed on.
    pub(super) fn ok(&mut self) {
        self.give(RUN_VERDICT_OK);
    }

    /// Anything else.
    pub(super) fn failed(&mut self, why: &str) {
        self.failed = true;
        self.give(&format!("{RUN_VERDICT_FAILED}{}", show(why)));
    }

    fn give(&mut self, line: &str) {
        self.given = true;
        let Some((_, write)) = &mut self.ends else { return };
        // One write of less than PIPE_BUF bytes into an empty FIFO: it neither waits nor is torn. If it fails all the same
        // this end is closed, and the target hears nothing, which is no good end either.
        if write.write_all(format!("{line}\n").as_bytes()).is_err() {
            self.ends = None;
        }
    }
}
