//! The time that requests wait by: the process's own, or one that a test moves.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use melisma_engine::Result;

use crate::signals::Stop;

/// A clock that waits: for retries, rate limits and the lifetime of tokens.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time since some moment before the first request, which never goes back.
    fn elapsed(&self) -> Duration;

    /// The date, for servers that name one.
    fn now(&self) -> Timestamp;

    /// Waits; ends with an error as soon as the run is asked to end.
    fn wait(&self, duration: Duration) -> Result<()>;
}

/// The process's own clock.
#[derive(Debug)]
pub(super) struct SystemClock {
    start: Instant,
    stop: Stop,
}

impl SystemClock {
    pub(super) fn new(stop: Stop) -> Self {
        Self {
            start: Instant::now(),
            stop,
        }
    }
}

impl Clock for SystemClock {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wait(&self, duration: Duration) -> Result<()> {
        self.stop.wait(duration)
    }
}

/// A clock for tests: a wait takes no time, and is remembered.
///
/// ```
/// use std::time::Duration;
/// use melisma_sdk::http::{Clock, TestClock};
///
/// let clock = TestClock::default();
/// clock.wait(Duration::from_secs(3600))?;
/// assert_eq!(clock.elapsed(), Duration::from_secs(3600));
/// assert_eq!(clock.waits(), [Duration::from_secs(3600)]);
/// # Ok::<(), melisma_sdk::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct TestClock {
    millis: AtomicU64,
    waits: Mutex<Vec<Duration>>,
}

impl TestClock {
    /// All waits so far, in their order.
    pub fn waits(&self) -> Vec<Duration> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Clock for TestClock {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }

    /// 2026-01-01, and the waits since.
    fn now(&self) -> Timestamp {
        let start = Timestamp::constant(1_767_225_600, 0);
        start + self.elapsed()
    }

    fn wait(&self, duration: Duration) -> Result<()> {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.millis.fetch_add(millis, Ordering::Relaxed);
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.push(duration);
        Ok(())
    }
}
