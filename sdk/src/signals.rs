//! SIGINT and SIGTERM as a flag that the work looks at between records.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use melisma_engine::{Error, Kind, Result};

/// Whether the process was asked to end. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Stop {
    /// A flag that SIGINT and SIGTERM set. The first signal only sets it; a second one ends the process at once
    /// with 128 + signal.
    pub fn on_signals() -> Result<Self> {
        let stop = Self::default();
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            // Registered before the flag is: it acts only on a flag that an earlier signal has set.
            signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop.flag))
                .and_then(|_| {
                    let number = usize::try_from(signal).unwrap_or_default();
                    signal_hook::flag::register_usize(signal, Arc::clone(&stop.signal), number)
                })
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop.flag)))
                .map_err(|error| Error::io("cannot listen for signals", error))?;
        }
        survive_file_limits()?;
        Ok(stop)
    }

    /// Asks for the end, as a signal does.
    pub fn request(&self, signal: i32) {
        self.signal
            .store(usize::try_from(signal).unwrap_or_default(), Ordering::Relaxed);
        self.flag.store(true, Ordering::Release);
    }

    /// Whether the end was asked for.
    #[inline]
    pub fn is_requested(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// The flag itself, for loops that know nothing of signals.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// The signal that asked for the end.
    pub fn signal(&self) -> Option<i32> {
        let signal = self.signal.load(Ordering::Relaxed);
        (self.is_requested() && signal != 0).then(|| i32::try_from(signal).unwrap_or_default())
    }

    /// The error of a work that stopped because it was asked to.
    #[cold]
    pub fn error(&self) -> Error {
        let signal = self.signal().unwrap_or(signal_hook::consts::SIGTERM);
        let name = match signal {
            signal_hook::consts::SIGINT => "SIGINT",
            signal_hook::consts::SIGTERM => "SIGTERM",
            _ => "a signal",
        };
        Error::new(Kind::Interrupted(signal), format!("stopped by {name}"))
    }

    /// Waits, for a server that wants to be asked later, and ends with an error as soon as the end is asked for.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use melisma_sdk::signals::Stop;
    ///
    /// let stop = Stop::default();
    /// assert!(stop.wait(Duration::from_millis(1)).is_ok());
    /// stop.request(15);
    /// let begin = Instant::now();
    /// assert!(stop.wait(Duration::from_secs(3600)).is_err());
    /// assert!(begin.elapsed() < Duration::from_secs(60));
    /// ```
    pub fn wait(&self, duration: Duration) -> Result<()> {
        // All that a signal can do is set the flag, whichever thread it meets. Looking at it a hundred times in a second
        // costs nothing beside a wait, and a person sees no delay.
        const LOOK: Duration = Duration::from_millis(10);
        let begin = Instant::now();
        loop {
            self.check()?;
            match duration.checked_sub(begin.elapsed()) {
                None | Some(Duration::ZERO) => return Ok(()),
                Some(left) => thread::sleep(left.min(LOOK)),
            }
        }
    }

    /// `Err` of kind [`Kind::Interrupted`] when the end was asked for.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.is_requested() {
            Err(self.error())
        } else {
            Ok(())
        }
    }
}

/// A write beyond the limit of file sizes (`ulimit -f`) fails with an error, as on a full disk, instead of ending the
/// process with SIGXFSZ.
pub fn survive_file_limits() -> Result<()> {
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default())
        .map_err(|error| Error::io("cannot listen for signals", error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_when_the_end_is_asked_for() {
        let stop = Stop::default();
        let begin = Instant::now();
        let asker = stop.clone();
        let asking = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            asker.request(signal_hook::consts::SIGINT);
        });
        let error = stop.wait(Duration::from_mins(10)).expect_err("stopped");
        assert_eq!(error.kind().exit_code(), 130);
        assert!(begin.elapsed() < Duration::from_secs(30));
        asking.join().expect("no panic");
    }

    #[test]
    fn clones_share_the_flag_and_the_exit_code_names_the_signal() {
        let stop = Stop::default();
        let clone = stop.clone();
        assert!(clone.check().is_ok());
        stop.request(signal_hook::consts::SIGTERM);
        let error = clone.check().expect_err("stopped");
        assert_eq!(error.kind().exit_code(), 143);
        assert_eq!(error.to_string(), "stopped by SIGTERM");
    }
}
