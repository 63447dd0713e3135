//! The age of the oldest record that no emitted state covers.
//!
//! The runner knows how many records had come at each moment, and, when the target emits a state as the tap wrote it,
//! how many records had come before that state ([`StateMarks`](super::super::super::count::StateMarks)). For a state that
//! the target has changed, and for built-in plugins that share a pipe, it takes the records that had come when the state
//! was emitted: then the age is the least that it can be.
//!
//! For example: 100 records came by 12:00:00 and 50 more by 12:00:10. At 12:00:20 the target emits the state that the tap
//! wrote after record 100. The oldest uncommitted record is number 101, which came at 12:00:10 at the latest.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The most moments that are remembered. When they are full, those that are close together become one, so that an age may
/// be too large by the time between two of them.
const MOST: usize = 512;
const HALF: u32 = 256;

/// Follows the records of a pair.
#[derive(Debug, Default)]
pub(super) struct Uncommitted {
    /// When records came: the time before which the number was smaller, and the number.
    arrivals: VecDeque<(Instant, u64)>,
    /// Arrivals within this time of the first of them count as one.
    spacing: Duration,
    /// The number of records so far.
    seen: u64,
    emitted: u64,
    covered: u64,
}

impl Uncommitted {
    /// Takes the number of records and of emitted states so far, and the number of records that the newest emitted state
    /// is known to cover.
    pub(super) fn note(&mut self, now: Instant, records: u64, emitted: u64, covered: Option<u64>) {
        if self.seen < records {
            self.seen = records;
            self.arrive(now, records);
            if self.arrivals.len() > MOST {
                self.merge(now);
            }
        }
        if emitted != self.emitted {
            self.emitted = emitted;
            self.covered = self.covered.max(covered.unwrap_or(records));
            while self
                .arrivals
                .front()
                .is_some_and(|(_, records)| *records <= self.covered)
            {
                self.arrivals.pop_front();
            }
            if self.arrivals.is_empty() {
                self.spacing = Duration::ZERO;
            }
        }
    }

    /// The older moment is kept, with the records of both.
    fn arrive(&mut self, now: Instant, records: u64) {
        match self.arrivals.back_mut() {
            Some((at, newest)) if now.saturating_duration_since(*at) < self.spacing => *newest = records,
            _ => self.arrivals.push_back((now, records)),
        }
    }

    /// Half as many moments at the most, evenly spaced.
    fn merge(&mut self, now: Instant) {
        self.spacing = self.age(now) / HALF;
        for (at, records) in std::mem::take(&mut self.arrivals) {
            self.arrive(at, records);
        }
    }

    /// Zero when everything is covered.
    pub(super) fn age(&self, now: Instant) -> Duration {
        self.arrivals
            .front()
            .map_or(Duration::ZERO, |(at, _)| now.saturating_duration_since(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_is_that_of_the_first_record_after_the_state() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut uncommitted = Uncommitted::default();
        assert_eq!(uncommitted.age(at(0)), Duration::ZERO);
        uncommitted.note(at(0), 100, 0, None);
        uncommitted.note(at(10), 150, 0, None);
        assert_eq!(uncommitted.age(at(20)), Duration::from_secs(20));
        uncommitted.note(at(20), 150, 1, Some(100));
        assert_eq!(uncommitted.age(at(20)), Duration::from_secs(10));
        // A state that the runner does not know covers everything.
        uncommitted.note(at(30), 160, 2, None);
        assert_eq!(uncommitted.age(at(30)), Duration::ZERO);
        uncommitted.note(at(35), 160, 2, None);
        assert_eq!(uncommitted.age(at(36)), Duration::ZERO);
        uncommitted.note(at(40), 161, 2, None);
        assert_eq!(uncommitted.age(at(41)), Duration::from_secs(1));
    }

    #[test]
    fn an_age_is_never_too_small_however_long_nothing_is_committed() {
        let start = Instant::now();
        let mut uncommitted = Uncommitted::default();
        for second in 0..10_000 {
            uncommitted.note(start + Duration::from_secs(second), second + 1, 0, None);
        }
        let end = start + Duration::from_secs(10_000);
        assert_eq!(uncommitted.age(end), Duration::from_secs(10_000));
        uncommitted.note(end, 10_001, 1, Some(5_000));
        let age = uncommitted.age(end).as_secs();
        assert!((5_000..5_100).contains(&age), "{age}");
        assert!(uncommitted.arrivals.len() <= MOST);
    }
}
