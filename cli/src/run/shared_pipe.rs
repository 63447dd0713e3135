//! A built-in tap and a built-in target that share one pipe, so that no record passes through the runner.
//!
//! A relay copies every byte into and out of the kernel once more, in a third process that needs processor time. With a
//! shared pipe the target itself reports what it has counted, over a FIFO in the run's folder (see [`COUNTS_VARIABLE`]).

use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Read};
use std::process::{Command, Stdio};

use melisma_sdk::target::{COUNTS_VARIABLE, Count};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::fifo;
use super::relay::SharedCounter;
use super::run_dir::RunDir;

/// The runner's ends of a shared pipe, kept until the target has ended.
pub(crate) struct SharedPipe {
    /// While this reading end is open, a tap whose target has died blocks instead of failing. So the runner always sees
    /// the target end first, and can tell whose failure it was.
    pipe: PipeReader,
    /// While this writing end is open, the FIFO of counts does not end before the target has opened it.
    _counts: File,
}

impl SharedPipe {
    /// Connects the two commands; also returns the file to read the target's counts from.
    pub(crate) fn connect(tap: &mut Command, target: &mut Command, dir: &RunDir) -> io::Result<(Self, File)> {
        let path = dir.fifo("counts")?;
        let (read, write) = fifo::both_ends(&path)?;
        let (pipe, end) = io::pipe()?;
        target.stdin(pipe.try_clone()?).env(COUNTS_VARIABLE, path);
        tap.stdout(Stdio::from(end));
        Ok((Self { pipe, _counts: write }, read))
    }

    /// Whether the pipe is more than half full: then the tap is faster than the target.
    pub(crate) fn is_filling(&self) -> bool {
        let waiting = rustix::io::ioctl_fionread(&self.pipe).unwrap_or_default();
        waiting > capacity(&self.pipe) / 2
    }

    /// Whether the tap has closed its end of the pipe, which may still contain data.
    pub(crate) fn tap_is_done(&self) -> bool {
        is_done(&self.pipe)
    }
}

/// Whether a pipe contains unread data.
pub(crate) fn has_data(pipe: &PipeReader) -> bool {
    rustix::io::ioctl_fionread(pipe).is_ok_and(|bytes| bytes > 0)
}

/// Whether nothing more will be written to a pipe, which may still contain data.
pub(crate) fn is_done(pipe: &PipeReader) -> bool {
    let mut pipe = [PollFd::new(pipe, PollFlags::IN)];
    let at_once = Timespec::default();
    poll(&mut pipe, Some(&at_once)).is_ok() && pipe[0].revents().contains(PollFlags::HUP)
}

/// Bytes that a pipe can hold.
#[cfg(target_os = "linux")]
fn capacity(pipe: &PipeReader) -> u64 {
    rustix::pipe::fcntl_getpipe_size(pipe).unwrap_or(usize::MAX) as u64
}

/// Bytes that a pipe can hold. macOS has no call that tells; its pipes grow to this size when they are used.
#[cfg(not(target_os = "linux"))]
fn capacity(_: &PipeReader) -> u64 {
    64 << 10
}

/// Reads the target's counts until it ends.
pub(crate) fn read_counts(from: impl Read, counter: &SharedCounter) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        // A killed target may leave an incomplete last line.
        if let Ok(count) = serde_json::from_slice::<Count<'_>>(&line) {
            counter.lock().take_over(count);
        }
        line.clear();
    }
}
