//! Signals during a run, and the end of its time.
//!
//! The plugins' own [`Stop`](melisma_sdk::signals::Stop) ends the process at the second signal. A run must not: it has
//! processes to kill first. So it counts signals itself.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use melisma_sdk::{Error, Kind, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Why a run ends before its plugins have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    Signal(i32),
    /// `--timeout`, in seconds.
    Timeout(u64),
}

/// The signals that came since the last look.
pub(crate) struct Signals {
    flag: Arc<AtomicUsize>,
    /// Whether there was one that was taken.
    answered: AtomicBool,
    timeout: Option<Timeout>,
}

/// How often a wait looks for signals.
const TICK: Duration = Duration::from_millis(50);

struct Timeout {
    at: Instant,
    seconds: u64,
    is_over: AtomicBool,
}

impl Signals {
    /// From now on the three signals only set a flag. After `timeout` seconds an interruption follows by itself.
    pub(crate) fn watch(timeout: Option<u64>) -> Result<Self> {
        melisma_sdk::signals::survive_file_limits()?;
        Self::with(timeout.map(|seconds| (Instant::now() + Duration::from_secs(seconds), seconds)))
    }

    /// The same interruptions for another block: each looks for them by itself.
    pub(crate) fn another(&self) -> Result<Self> {
        Self::with(self.timeout.as_ref().map(|timeout| (timeout.at, timeout.seconds)))
    }

    fn with(timeout: Option<(Instant, u64)>) -> Result<Self> {
        let flag = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_usize(
                signal,
                Arc::clone(&flag),
                usize::try_from(signal).unwrap_or_default(),
            )
            .map_err(|error| Error::io("cannot listen for signals", error))?;
        }
        let timeout = timeout.map(|(at, seconds)| Timeout {
            at,
            seconds,
            is_over: AtomicBool::new(false),
        });
        Ok(Self {
            flag,
            answered: AtomicBool::new(false),
            timeout,
        })
    }

    /// Whether there was an interruption that was not taken here.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.flag.load(Ordering::Relaxed) != 0
            || self
                .timeout
                .as_ref()
                .is_some_and(|timeout| Instant::now() >= timeout.at)
    }

    /// Sleeps; returns early and true when there is an interruption.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.is_interrupted() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(TICK));
        }
        true
    }

    /// The newest interruption since the last call.
    pub(crate) fn take(&self) -> Option<Interruption> {
        let signal = i32::try_from(self.flag.swap(0, Ordering::Relaxed)).unwrap_or_default();
        if signal != 0 {
            self.answered.store(true, Ordering::Relaxed);
            return Some(Interruption::Signal(signal));
        }
        let timeout = self.timeout.as_ref()?;
        let now_over = Instant::now() >= timeout.at && !timeout.is_over.swap(true, Ordering::Relaxed);
        now_over.then_some(Interruption::Timeout(timeout.seconds))
    }

    /// Whether a signal was taken already, so that the next one is the second.
    pub(crate) fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Interruption {
    /// The error of a run that it ended.
    pub(crate) fn error(self) -> Error {
        Error::new(self.kind(), self.to_string())
    }

    /// The kind of that error, which is the run's exit code.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Signal(signal) => Kind::Interrupted(signal),
            Self::Timeout(_) => Kind::Failed,
        }
    }
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::Signal(SIGINT) => "ended by SIGINT",
            Self::Signal(SIGTERM) => "ended by SIGTERM",
            Self::Signal(SIGHUP) => "ended by SIGHUP",
            Self::Signal(_) => "ended by a signal",
            Self::Timeout(seconds) => {
                return write!(f, "ended because it took more than {seconds} s (--timeout)");
            }
        })
    }
}
