//! Says to the target how the tap has ended: a target that replaces what was there publishes only what is whole.
//!
//! A line in a FIFO of the run's folder; `sdk/src/target/verdict.rs` says what it means and why nobody waits for ever. The
//! reading end is open here as long as the run lives, so that the line stays in the FIFO until the target looks, and a target
//! that never looks is not waited for. The writing end is open until the line is written: when this process is killed before,
//! the target sees that nobody will write, and so does a second process that looks for a line which the first has read.

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
    /// `None` when there is no FIFO. Keeps what was written.
    _read: Option<File>,
    write: Option<File>,
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
        let (read, write) = ends.ok().unzip();
        Self {
            _read: read,
            write,
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
        if let Some(mut write) = self.write.take() {
            // Less than PIPE_BUF bytes in one write into an empty FIFO: it neither waits nor is torn. If it fails all the same
            // the target hears nothing, which is no good end either.
            let _ = write.write_all(format!("{line}\n").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// What a target that looks late reads, when this was said before.
    fn late(say: impl FnOnce(&mut InputVerdict)) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("verdict");
        rustix::fs::mkfifoat(
            rustix::fs::CWD,
            &path,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        )
        .expect("made");
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
        // To its end: nobody can write any more.
        looks.read_to_string(&mut text).expect("read");
        text
    }

    #[test]
    fn the_verdict_is_given_once_and_waits_for_nobody() {
        assert_eq!(late(InputVerdict::ok), "ok\n");
        let said = late(|verdict| {
            verdict.failed("exit code 1\nok");
            verdict.ok();
        });
        assert_eq!(said, "failed: exit code 1\\nok\n");
    }
}
