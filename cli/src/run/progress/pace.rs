//! The current rate of records, and which side waits for the other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::super::units::per_second;

/// The rate is that of the last few seconds, so that it shows a change soon.
const WINDOW: Duration = Duration::from_secs(3);
/// The weight of a new sample compared with the older ones.
const WEIGHT: f64 = 0.05;

/// Records and bytes, in total or per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) records: u64,
    pub(super) bytes: u64,
}

/// The counts at one moment.
#[derive(Debug)]
struct Sample {
    at: Instant,
    streams: Vec<Counted>,
    total: Counted,
}

/// Keeps the counts of the time window that the rate is for.
#[derive(Debug)]
pub(super) struct Pace {
    samples: VecDeque<Sample>,
}

impl Pace {
    /// Starts with counts of zero.
    pub(super) fn new(began: Instant) -> Self {
        Self {
            samples: VecDeque::from([Sample {
                at: began,
                streams: Vec::new(),
                total: Counted::default(),
            }]),
        }
    }

    /// Adds the counts so far, by stream and in total.
    pub(super) fn note(&mut self, at: Instant, streams: impl Iterator<Item = Counted>, total: Counted) {
        // One sample from before the window is kept to compare with.
        while self.samples.len() > 1 && at.duration_since(self.samples[1].at) >= WINDOW {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            at,
            streams: streams.collect(),
            total,
        });
    }

    /// The streams that had records within the window.
    pub(super) fn active(&self) -> impl Iterator<Item = usize> {
        let (first, last) = (self.samples.front(), self.samples.back());
        first.zip(last).into_iter().flat_map(|(first, last)| {
            let is_active = |&index: &usize| last.streams[index] != of(first, index);
            (0..last.streams.len()).filter(is_active)
        })
    }

    /// The rate of one stream, per second.
    pub(super) fn of_stream(&self, index: usize) -> Counted {
        self.rate(|sample| of(sample, index))
    }

    /// The rate of all streams, per second.
    pub(super) fn of_all(&self) -> Counted {
        self.rate(|sample| sample.total)
    }

    fn rate(&self, counted: impl Fn(&Sample) -> Counted) -> Counted {
        let Some((first, last)) = self.samples.front().zip(self.samples.back()) else {
            return Counted::default();
        };
        let seconds = last.at.duration_since(first.at).as_secs_f64();
        let (old, new) = (counted(first), counted(last));
        Counted {
            records: per_second(new.records - old.records, seconds),
            bytes: per_second(new.bytes - old.bytes, seconds),
        }
    }
}

/// The counts of a stream; zero before its first record.
fn of(sample: &Sample, index: usize) -> Counted {
    sample.streams.get(index).copied().unwrap_or_default()
}

/// The recent share of samples in which the tap's output was waiting for the target.
#[derive(Debug)]
pub(super) struct Waits {
    share: f64,
}

impl Default for Waits {
    /// Neither side is known to wait.
    fn default() -> Self {
        Self { share: 0.5 }
    }
}

impl Waits {
    pub(super) fn sample(&mut self, is_filling: bool) {
        self.share += (f64::from(u8::from(is_filling)) - self.share) * WEIGHT;
    }

    /// Which side waits for the other, when one clearly does.
    pub(super) fn describe(&self) -> Option<&'static str> {
        match self.share {
            share if share > 0.8 => Some("the tap waits for the target"),
            share if share < 0.2 => Some("the target waits for the tap"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(records: u64) -> Counted {
        Counted {
            records,
            bytes: records * 10,
        }
    }

    #[test]
    fn the_rate_is_the_current_one_and_finished_streams_are_not_active() {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        // Stream 0 has its records in the first ten seconds, stream 1 in the next ten.
        for second in 1..=20_u64 {
            let (a, b) = (second.min(10) * 1000, second.saturating_sub(10) * 50);
            let streams = [counted(a), counted(b)];
            let at = began + Duration::from_secs(second);
            let known = if b > 0 { 2 } else { 1 };
            pace.note(at, streams.into_iter().take(known), counted(a + b));
            if second == 10 {
                assert_eq!((pace.of_stream(0), pace.of_all()), (counted(1000), counted(1000)));
                assert_eq!(pace.active().collect::<Vec<_>>(), [0]);
            }
        }
        assert_eq!((pace.of_stream(0), pace.of_stream(1)), (counted(0), counted(50)));
        assert_eq!(pace.of_all(), counted(50));
        assert_eq!(pace.active().collect::<Vec<_>>(), [1]);
        assert!(pace.samples.len() < 6, "only the window is kept");
    }

    #[test]
    fn the_waiting_side_is_described_when_it_is_clear() {
        let mut waits = Waits::default();
        assert_eq!(waits.describe(), None);
        for _ in 0..100 {
            waits.sample(true);
        }
        assert_eq!(waits.describe(), Some("the tap waits for the target"));
        for turn in 0..100 {
            waits.sample(turn % 2 == 0);
        }
        assert_eq!(waits.describe(), None);
        for _ in 0..100 {
            waits.sample(false);
        }
        assert_eq!(waits.describe(), Some("the target waits for the tap"));
    }
}
