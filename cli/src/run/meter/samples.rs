//! A small number of samples of the rate, however long a run takes.

use std::time::Duration;

use crate::report::Samples;

/// The length of an interval at first.
const FIRST: Duration = Duration::from_millis(100);
/// The most intervals. When they are full, two become one of twice the length.
const MOST: usize = 48;

/// Counts the records of each interval.
#[derive(Clone, Debug)]
pub(super) struct Sampler {
    interval: Duration,
    /// The records of the intervals that are over.
    records: Vec<u64>,
    /// The records of all intervals that are over.
    counted: u64,
}

impl Sampler {
    pub(super) fn new() -> Self {
        Self {
            interval: FIRST,
            records: Vec::new(),
            counted: 0,
        }
    }

    /// Takes the number of records so far, at this time after the beginning.
    pub(super) fn note(&mut self, elapsed: Duration, records: u64) {
        while elapsed >= self.end_of_current() {
            if self.records.len() == MOST {
                self.merge();
                continue;
            }
            // When no sample came during an interval, what is new counts for the first one that is over.
            self.records.push(records.saturating_sub(self.counted));
            self.counted = records;
        }
    }

    /// The samples, with one more for the interval that is not over yet.
    pub(super) fn samples(&self, records: u64) -> Samples {
        let mut all = self.records.clone();
        all.push(records.saturating_sub(self.counted));
        Samples {
            interval_seconds: self.interval.as_secs_f64(),
            records: all,
        }
    }

    fn end_of_current(&self) -> Duration {
        let over = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        self.interval.saturating_mul(over.saturating_add(1))
    }

    fn merge(&mut self) {
        self.interval = self.interval.saturating_mul(2);
        self.records = self.records.chunks(2).map(|pair| pair.iter().sum()).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_samples_is_bounded_and_no_record_is_missing() {
        let mut sampler = Sampler::new();
        for tick in 1..=100_000_u64 {
            sampler.note(Duration::from_millis(tick * 50), tick * 10);
        }
        let taken = sampler.samples(1_000_007);
        assert!((MOST / 2..=MOST + 1).contains(&taken.records.len()), "{taken:?}");
        assert_eq!(taken.records.iter().sum::<u64>(), 1_000_007);
        let length = taken.records.len();
        let even = taken.records[..length - 1]
            .iter()
            .all(|&records| records == taken.records[0]);
        assert!(even, "a constant rate is flat: {taken:?}");
    }

    #[test]
    fn an_hour_without_a_sample_costs_nothing() {
        let mut sampler = Sampler::new();
        sampler.note(Duration::from_hours(1), 5);
        sampler.note(Duration::from_hours(24 * 365), 6);
        let taken = sampler.samples(6);
        assert!(taken.records.len() <= MOST + 1);
        assert_eq!(taken.records.iter().sum::<u64>(), 6);
    }
}
