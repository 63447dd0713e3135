//! How fast requests may follow each other, and how many may be under way.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use melisma_engine::Result;

use super::clock::Clock;
use crate::signals::Stop;

/// How long a request waits for its place before it looks whether the run is asked to end.
const LOOK: Duration = Duration::from_millis(20);

/// Places for requests under way.
#[derive(Debug)]
pub(super) struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place that is taken, until it is dropped.
pub(super) struct Taken<'p>(&'p Places);

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self {
            free: Mutex::new(count),
            freed: Condvar::new(),
        }
    }

    /// Waits for a place.
    pub(super) fn take(&self, stop: &Stop) -> Result<Taken<'_>> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            stop.check()?;
            let waited = self.freed.wait_timeout(free, LOOK);
            free = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= 1;
        Ok(Taken(self))
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// Gives requests their turns, also those that are sent at the same time.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    /// The time between two requests.
    interval: Duration,
    /// When the next one may be sent.
    next: Mutex<Duration>,
}

impl Limiter {
    pub(super) fn per_second(rate: f64) -> Self {
        Self {
            interval: Duration::try_from_secs_f64(1.0 / rate).unwrap_or_default(),
            next: Mutex::default(),
        }
    }

    /// Waits for the turn.
    pub(super) fn wait(&self, clock: &dyn Clock) -> Result<()> {
        if self.interval.is_zero() {
            return Ok(());
        }
        let now = clock.elapsed();
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = now.max(*next);
            *next = turn + self.interval;
            turn
        };
        match turn.saturating_sub(now) {
            Duration::ZERO => Ok(()),
            wait => clock.wait(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::TestClock;

    #[test]
    fn a_place_is_waited_for_until_it_is_free_or_a_signal_comes() {
        let (places, stop) = (Places::new(1), Stop::default());
        let taken = places.take(&stop).expect("free");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| places.take(&stop).map(drop));
            drop(taken);
            assert!(waiting.join().expect("no panic").is_ok());
        });
        let _taken = places.take(&stop).expect("free");
        stop.request(15);
        assert!(places.take(&stop).is_err());
    }

    #[test]
    fn requests_keep_their_distance_and_a_pause_counts() {
        let clock = TestClock::default();
        let limiter = Limiter::per_second(4.0);
        for _ in 0..3 {
            limiter.wait(&clock).expect("no stop");
        }
        assert_eq!(clock.waits(), [Duration::from_millis(250); 2]);
        clock.wait(Duration::from_secs(9)).expect("no stop");
        limiter.wait(&clock).expect("no stop");
        assert_eq!(clock.waits().len(), 3, "none is needed after a pause");
        Limiter::default().wait(&clock).expect("no stop");
    }
}
