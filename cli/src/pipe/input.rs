//! The pipe's input, which ends when the pipe is asked to end.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use melisma_sdk::{Error, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGINT, SIGTERM};

/// How often a quiet input is left to look for signals.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// How long the end of a begun line is waited for after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(5);

/// The signal that came.
#[derive(Clone)]
pub(super) struct Asked(Arc<AtomicUsize>);

impl Asked {
    /// The first SIGINT or SIGTERM only sets the flag, a second one ends the process at once.
    pub(super) fn watch() -> Result<Self> {
        let (signal, again) = (Arc::new(AtomicUsize::new(0)), Arc::default());
        for number in [SIGINT, SIGTERM] {
            let value = usize::try_from(number).unwrap_or_default();
            signal_hook::flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&again))
                .and_then(|_| signal_hook::flag::register_usize(number, Arc::clone(&signal), value))
                .and_then(|_| signal_hook::flag::register(number, Arc::clone(&again)))
                .map_err(|error| Error::io("cannot handle signals", error))?;
        }
        melisma_sdk::signals::survive_file_limits()?;
        Ok(Self(signal))
    }

    /// The signal, if one came.
    pub(super) fn signal(&self) -> Option<i32> {
        let signal = i32::try_from(self.0.load(Ordering::Relaxed)).unwrap_or_default();
        (signal != 0).then_some(signal)
    }

    /// A terminal sends SIGINT to the tap too, which then ends the input by itself. SIGTERM comes to the pipe alone.
    fn ends_the_input(&self) -> bool {
        self.signal() == Some(SIGTERM)
    }
}

/// An input that ends, at the end of a line, once SIGTERM has come.
pub(super) struct Input {
    file: File,
    asked: Asked,
    /// What was read ends in the middle of a line.
    in_line: bool,
    /// When no more is waited for.
    deadline: Option<Instant>,
}

impl Input {
    pub(super) fn new(file: File, asked: Asked) -> Self {
        Self {
            file,
            asked,
            in_line: false,
            deadline: None,
        }
    }

    /// Waits for bytes, or the end; false when neither is waited for any more.
    fn wait(&mut self) -> io::Result<bool> {
        loop {
            if self.asked.ends_the_input() {
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
        if self.asked.ends_the_input()
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
