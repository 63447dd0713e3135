//! How fast requests may follow each other.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use melisma_engine::Result;

use super::clock::Clock;

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
