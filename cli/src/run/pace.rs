//! How fast records pass now, and which side waits for the other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The rate is that of the last few seconds: what it was an hour ago helps nobody.
const WINDOW: Duration = Duration::from_secs(3);
/// How much a new look counts beside the older ones.
const WEIGHT: f64 = 0.05;

/// Records and bytes, in all or a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) records: u64,
    pub(super) bytes: u64,
}

/// What was counted at a moment.
#[derive(Debug)]
struct Sample {
    at: Instant,
    streams: Vec<Counted>,
    total: Counted,
}

/// Remembers counts for as long as the rate looks back.
#[derive(Debug)]
pub(super) struct Pace {
    samples: VecDeque<Sample>,
}

impl Pace {
    /// Nothing was counted when the run began.
    pub(super) fn new(began: Instant) -> Self {
        Self {
            samples: VecDeque::from([Sample {
                at: began,
                streams: Vec::new(),
                total: Counted::default(),
            }]),
        }
    }

    /// Notes what was counted so far, by stream and in all.
    pub(super) fn note(&mut self, at: Instant, streams: impl Iterator<Item = Counted>, total: Counted) {
        // One sample is kept from before the window, so that there is something to compare with.
        while self.samples.len() > 1 && at.duration_since(self.samples[1].at) >= WINDOW {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            at,
            streams: streams.collect(),
            total,
        });
    }

    /// The streams that have moved within the window.
    pub(super) fn moving(&self) -> impl Iterator<Item = usize> {
        let (first, last) = (self.samples.front(), self.samples.back());
        first.zip(last).into_iter().flat_map(|(first, last)| {
            let moved = |&index: &usize| last.streams[index] != of(first, index);
            (0..last.streams.len()).filter(moved)
        })
    }

    /// Records and bytes a second of one stream.
    pub(super) fn of_stream(&self, index: usize) -> Counted {
        self.rate(|sample| of(sample, index))
    }

    /// Records and bytes a second of all streams.
    pub(super) fn of_all(&self) -> Counted {
        self.rate(|sample| sample.total)
    }

    fn rate(&self, counted: impl Fn(&Sample) -> Counted) -> Counted {
        let Some((first, last)) = self.samples.front().zip(self.samples.back()) else {
            return Counted::default();
        };
        let seconds = last.at.duration_since(first.at).as_secs_f64().max(0.001);
        let (old, new) = (counted(first), counted(last));
        Counted {
            records: per_second(new.records - old.records, seconds),
            bytes: per_second(new.bytes - old.bytes, seconds),
        }
    }
}

/// What a stream had counted; nothing before its first record.
fn of(sample: &Sample, index: usize) -> Counted {
    sample.streams.get(index).copied().unwrap_or_default()
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "for people"
)]
fn per_second(count: u64, seconds: f64) -> u64 {
    (count as f64 / seconds) as u64
}

/// How often what the tap wrote was found waiting for the target, lately.
#[derive(Debug)]
pub(super) struct Waits {
    share: f64,
}

impl Default for Waits {
    /// Neither is known to wait.
    fn default() -> Self {
        Self { share: 0.5 }
    }
}

impl Waits {
    pub(super) fn look(&mut self, is_filling: bool) {
        self.share += (f64::from(u8::from(is_filling)) - self.share) * WEIGHT;
    }

    /// Who waits for whom, when one of the two clearly does.
    pub(super) fn say(&self) -> Option<&'static str> {
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
    fn the_rate_is_the_present_one_and_finished_streams_do_not_move() {
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
                assert_eq!(pace.moving().collect::<Vec<_>>(), [0]);
            }
        }
        assert_eq!((pace.of_stream(0), pace.of_stream(1)), (counted(0), counted(50)));
        assert_eq!(pace.of_all(), counted(50));
        assert_eq!(pace.moving().collect::<Vec<_>>(), [1]);
        assert!(pace.samples.len() < 6, "only the window is kept");
    }

    #[test]
    fn who_waits_is_said_when_it_is_clear() {
        let mut waits = Waits::default();
        assert_eq!(waits.say(), None);
        for _ in 0..100 {
            waits.look(true);
        }
        assert_eq!(waits.say(), Some("the tap waits for the target"));
        for turn in 0..100 {
            waits.look(turn % 2 == 0);
        }
        assert_eq!(waits.say(), None);
        for _ in 0..100 {
            waits.look(false);
        }
        assert_eq!(waits.say(), Some("the target waits for the tap"));
    }
}
