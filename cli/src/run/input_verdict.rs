//! Telling the target how its input ended. A target that replaces existing data publishes only after a complete input.
//!
//! The verdict is one line in a FIFO in the run's folder; `sdk/src/target/verdict.rs` describes it for the target's side. The
//! reading end stays open here as long as the run is alive: so the line stays in the FIFO until the target reads it, and the
//! write does not block if the target never does. The writing end stays open until the line is written: if this process is
//! killed first, the FIFO ends without a line, and the target knows that no verdict will come.

use std::fs::File;
use std::io::Write;
use std::process::Command;

use melisma_sdk::show;
use melisma_sdk::target::{RUN_VERDICT_FAILED, RUN_VERDICT_OK, RUN_VERDICT_VARIABLE};

use super::context::RunContext;
use super::fifo;

/// The verdict on the tap's side of a run. It is given once.
pub(super) struct InputVerdict {
    /// Keeps the line in the FIFO. `None` when there is no FIFO.
    _read: Option<File>,
    write: Option<File>,
    given: bool,
    /// Whether the verdict was that the input is incomplete.
    failed: bool,
}

impl InputVerdict {
    /// Makes the FIFO and passes its path to the target. Not every file system supports FIFOs; without one the target goes by
    /// the messages alone, as in a plain pipe.
    pub(super) fn offer(target: &mut Command, context: &RunContext) -> Self {
        let ends = context.dir.fifo("verdict").and_then(|path| {
            let ends = fifo::both_ends(&path)?;
            target.env(RUN_VERDICT_VARIABLE, path);
            Ok(ends)
        });
        if let Err(error) = &ends {
            let why = format!("how the tap ends cannot be reported to the target: {error}");
            context.console.debug(&why);
        }
        let (read, write) = ends.ok().unzip();
        Self {
            _read: read,
            write,
            given: false,
            failed: false,
        }
    }

    /// Whether the verdict has been given.
    pub(super) fn is_given(&self) -> bool {
        self.given
    }

    /// Whether the target knows that its input is incomplete.
    pub(super) fn is_failed(&self) -> bool {
        self.failed
    }

    /// The tap has succeeded, and everything that it wrote was passed on.
    pub(super) fn ok(&mut self) {
        self.give(RUN_VERDICT_OK);
    }

    /// The input is incomplete.
    pub(super) fn failed(&mut self, why: &str) {
        self.failed = true;
        self.give(&format!("{RUN_VERDICT_FAILED}{}", show(why)));
    }

    fn give(&mut self, line: &str) {
        self.given = true;
        if let Some(mut write) = self.write.take() {
            // Less than PIPE_BUF bytes into an empty FIFO are written at once and as a whole. If the write fails, the FIFO ends
            // without a line, which the target does not take for success either.
            let _ = write.write_all(format!("{line}\n").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// What a target reads that looks for the verdict after it was given.
    fn late(say: impl FnOnce(&mut InputVerdict)) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("verdict");
        fifo::make(&path).expect("made");
        let (read, write) = fifo::both_ends(&path).expect("opened");
        let mut looks = read.try_clone().expect("cloned");
        let mut verdict = InputVerdict {
            _read: Some(read),
            write: Some(write),
            given: false,
            failed: false,
        };
        say(&mut verdict);
        assert!(verdict.is_given());
        let mut text = String::new();
        // Up to the end, because no writing end is open any more.
        looks.read_to_string(&mut text).expect("read");
        text
    }

    #[test]
    fn the_verdict_is_given_once_and_without_waiting() {
        assert_eq!(late(InputVerdict::ok), "ok\n");
        let said = late(|verdict| {
            verdict.failed("exit code 1\nok");
            verdict.ok();
        });
        assert_eq!(said, "failed: exit code 1\\nok\n");
    }
}
