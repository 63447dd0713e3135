//! The input of the pipe, which also ends when SIGTERM asks the pipe to end.

use std::fs::File;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use melisma_sdk::signals::Stop;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::SIGTERM;

/// How often a wait for input is interrupted to look for signals.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// How long to wait after SIGTERM for the end of a line that has begun.
const PATIENCE: Duration = Duration::from_secs(5);

/// An input that ends at the end of the current line once SIGTERM has come.
///
/// A terminal sends SIGINT to the tap as well, which ends the input by itself. SIGTERM comes to the pipe alone.
pub(super) struct Input {
    file: File,
    stop: Stop,
    /// Whether what was read so far ends in the middle of a line.
    in_line: bool,
    /// When to give up waiting for the end of the line.
    deadline: Option<Instant>,
}

impl Input {
    pub(super) fn new(file: File, stop: Stop) -> Self {
        Self {
            file,
            stop,
            in_line: false,
            deadline: None,
        }
    }

    fn is_terminated(&self) -> bool {
        self.stop.signal() == Some(SIGTERM)
    }

    /// Waits for bytes or the end; false when the input is to end here.
    fn wait(&mut self) -> io::Result<bool> {
        loop {
            if self.is_terminated() {
                let now = Instant::now();
                let deadline = *self.deadline.get_or_insert(now + PATIENCE);
                if !self.in_line || now > deadline {
                    return Ok(false);
                }
            }
            match poll(&mut [PollFd::new(&self.file, PollFlags::IN)], Some(&TICK)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Read for Input {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        if !self.wait()? {
            return Ok(0);
        }
        let mut length = self.file.read(block)?;
        if self.is_terminated()
            && let Some(end) = memchr::memchr(b'\n', &block[..length])
        {
            length = end + 1;
        }
        if let Some(last) = block[..length].last() {
            self.in_line = *last != b'\n';
        }
        Ok(length)
    }
}
