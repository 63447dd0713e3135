//! A built-in tap and a built-in target on one pipe: no byte of the records passes through the runner.
//!
//! What passed is told by the target, over a FIFO in the run's folder (see [`COUNTS_VARIABLE`]). With the runner in
//! between, every byte is copied into and out of the kernel once more, by a third process that wants a processor.

use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Read};
use std::process::{Command, Stdio};

use melisma_sdk::target::{COUNTS_VARIABLE, Count};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::fifo;
use super::folder::RunFolder;
use super::relay::Counts;

/// The runner's hold on a direct pipe, until the target ends.
pub(crate) struct Direct {
    /// As long as it is open, a tap whose target died waits and does not fail: who went first is never a race.
    pipe: PipeReader,
    /// As long as it is open, the counts do not end, though the target has not opened them yet.
    _counts: File,
}

impl Direct {
    /// Connects the two commands; also gives what the target's counts are read from.
    pub(crate) fn connect(
        tap: &mut Command,
        target: &mut Command,
        folder: &RunFolder,
    ) -> io::Result<(Self, File)> {
        let path = folder.fifo("counts")?;
        let (read, write) = fifo::both_ends(&path)?;
        let (pipe, end) = io::pipe()?;
        target.stdin(pipe.try_clone()?).env(COUNTS_VARIABLE, path);
        tap.stdout(Stdio::from(end));
        Ok((Self { pipe, _counts: write }, read))
    }

    /// Whether more waits in the pipe than there is room left: then the tap is faster than the target.
    pub(crate) fn is_filling(&self) -> bool {
        let waiting = rustix::io::ioctl_fionread(&self.pipe).unwrap_or_default();
        let room = rustix::pipe::fcntl_getpipe_size(&self.pipe).unwrap_or(usize::MAX) as u64;
        waiting > room / 2
    }

    /// Whether the tap has closed its end. What it wrote before may still be in the pipe.
    pub(crate) fn tap_is_done(&self) -> bool {
        let mut pipe = [PollFd::new(&self.pipe, PollFlags::IN)];
        let at_once = Timespec::default();
        poll(&mut pipe, Some(&at_once)).is_ok() && pipe[0].revents().contains(PollFlags::HUP)
    }
}

/// Takes the target's counts until it has ended.
pub(crate) fn take_counts(from: impl Read, counts: &Counts) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        // A target that is killed may tear its last line.
        if let Ok(count) = serde_json::from_slice::<Count<'_>>(&line) {
            counts.lock().take_over(count);
        }
        line.clear();
    }
}
