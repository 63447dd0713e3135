//! The progress of a run: bars on a terminal, otherwise a log line every few seconds.

mod bars;
mod display;
mod pace;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use melisma_sdk::show;

use super::plugin_log::Facts;
use super::relay::SharedCounter;
use super::units::{bytes, noun, number, plural};
use crate::console::Console;
use crate::state::StoreProgress;

pub(crate) use display::Display;
use display::Room;
use pace::{Counted, Pace, Waits};

/// How often the bars are drawn.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a line is written when there are no bars.
const LINE: Duration = Duration::from_secs(5);
/// The most streams with a bar of their own.
const SHOWN: usize = 12;

/// The progress display of one pair.
pub(crate) struct Progress {
    display: Display,
    /// The place of the pair among the blocks.
    pair: usize,
    /// `tap-a > target-b`
    name: String,
    next: Instant,
    every: Duration,
    pace: Pace,
    waits: Waits,
}

impl Progress {
    /// The part of a display that belongs to this pair.
    pub(crate) fn new(display: &Display, pair: usize, name: String) -> Self {
        display.begin(pair);
        let now = Instant::now();
        let (next, every) = if display.is_shown() {
            (now, REDRAW)
        } else {
            (now + LINE, LINE)
        };
        Self {
            display: display.clone(),
            pair,
            name,
            next,
            every,
            pace: Pace::new(now),
            waits: Waits::default(),
        }
    }

    /// Takes a sample of whether the tap's output is waiting for the target.
    pub(crate) fn sample(&mut self, is_filling: bool) {
        self.waits.sample(is_filling);
    }

    /// Updates the display when it is time to.
    pub(crate) fn show(
        &mut self,
        passed: &SharedCounter,
        tap_facts: &Facts,
        stored: &StoreProgress,
        console: &Console,
    ) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + self.every;
        let (streams, total_bytes) = {
            let passed = passed.lock();
            (passed.streams.clone(), passed.bytes)
        };
        let streams: Vec<(String, Counted)> = streams
            .into_iter()
            .map(|stream| {
                let counted = Counted {
                    records: stream.records,
                    bytes: stream.bytes,
                };
                (stream.name, counted)
            })
            .collect();
        let total = Counted {
            records: streams.iter().map(|(_, counted)| counted.records).sum(),
            bytes: total_bytes,
        };
        self.pace
            .note(now, streams.iter().map(|(_, counted)| *counted), total);
        if !self.display.is_shown() {
            self.write_line(&streams, total, stored, console);
            return;
        }
        let expected = tap_facts.known().expected;
        let lines = self.lines(&streams, total, &expected, stored);
        self.display.show(self.pair, lines, console);
    }

    /// A name and a text for each bar.
    fn lines(
        &self,
        streams: &[(String, Counted)],
        total: Counted,
        expected: &BTreeMap<String, u64>,
        stored: &StoreProgress,
    ) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        let shown = match self.display.room(SHOWN) {
            Room::All => SHOWN,
            Room::Streams(shown) => {
                lines.push((self.name.clone(), String::new()));
                shown
            }
            Room::OneLine => {
                let text = format!("{}; {}", amount(total, self.pace.of_all()), confirmed(stored));
                return vec![(self.name.clone(), text)];
            }
        };
        let active: Vec<usize> = self.pace.active().collect();
        for &index in active.iter().take(shown) {
            let (name, counted) = &streams[index];
            let rate = self.pace.of_stream(index);
            let mut text = amount(*counted, rate);
            let left = expected.get(name).map(|all| all.saturating_sub(counted.records));
            if let Some(left) = left.and_then(|left| time_left(left, rate.records)) {
                text.push_str(&left);
            }
            lines.push((show(name), text));
        }
        let others = streams.len() - active.len().min(shown);
        if streams.len() > 1 {
            let mut text = amount(total, self.pace.of_all());
            if others > 0 {
                let others = others as u64;
                let noun = noun(others, "stream");
                let _ = write!(text, "; {} more {noun} not shown", number(others));
            }
            lines.push((plural(streams.len() as u64, "stream"), text));
        }
        lines.push((
            "target".to_owned(),
            with_waits(confirmed(stored), self.waits.describe()),
        ));
        lines
    }

    fn write_line(
        &self,
        streams: &[(String, Counted)],
        total: Counted,
        stored: &StoreProgress,
        console: &Console,
    ) {
        let rate = self.pace.of_all();
        let text = format!(
            "{}, {} so far; now {}; {}",
            so_far(streams),
            bytes(total.bytes),
            per_second(rate),
            confirmed(stored)
        );
        console.info(&with_waits(text, self.waits.describe()));
    }

    /// Removes the lines of the pair.
    pub(crate) fn clear(&self, console: &Console) {
        self.display.end(self.pair, console);
    }
}

/// The records of a single stream under its name, or those of all streams together.
fn so_far(streams: &[(String, Counted)]) -> String {
    match streams {
        [] => "no records yet".to_owned(),
        [(name, counted)] => format!("{}: {}", show(name), plural(counted.records, "record")),
        streams => format!(
            "{} of {} streams",
            plural(streams.iter().map(|(_, counted)| counted.records).sum(), "record"),
            number(streams.len() as u64)
        ),
    }
}

fn amount(counted: Counted, rate: Counted) -> String {
    format!(
        "{:>15} {:<7}  {:>10}  {}",
        number(counted.records),
        noun(counted.records, "record"),
        bytes(counted.bytes),
        per_second(rate)
    )
}

fn per_second(rate: Counted) -> String {
    format!(
        "{} {}/s, {}/s",
        number(rate.records),
        noun(rate.records, "record"),
        bytes(rate.bytes)
    )
}

/// `; about 2 min left`, when it can be estimated.
fn time_left(records: u64, per_second: u64) -> Option<String> {
    let seconds = records.checked_div(per_second)?;
    Some(match seconds {
        0..=1 => return None,
        2..=119 => format!("; about {seconds} s left"),
        120..=7199 => format!("; about {} min left", seconds.div_ceil(60)),
        _ => format!("; about {} h left", seconds.div_ceil(3600)),
    })
}

fn with_waits(text: String, waits: Option<&str>) -> String {
    match waits {
        Some(waits) => format!("{text}; {waits}"),
        None => text,
    }
}

/// The states that the target has confirmed.
fn confirmed(stored: &StoreProgress) -> String {
    match stored.at {
        None => "no state confirmed yet".to_owned(),
        Some(at) => format!(
            "{} confirmed, the last one {} s ago",
            plural(stored.emitted, "state"),
            at.elapsed().as_secs()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(counts: &[(&str, u64)]) -> Vec<(String, Counted)> {
        let one = |&(name, records): &(&str, u64)| {
            let bytes = records * 100;
            (name.to_owned(), Counted { records, bytes })
        };
        counts.iter().map(one).collect()
    }

    #[test]
    fn the_records_of_all_streams_are_not_counted_under_the_name_of_one() {
        assert_eq!(so_far(&streams(&[])), "no records yet");
        assert_eq!(so_far(&streams(&[("a", 1)])), "a: 1 record");
        assert_eq!(so_far(&streams(&[("a", 2), ("b", 1)])), "3 records of 2 streams");
        assert_eq!(so_far(&streams(&[("a", 0), ("b", 1)])), "1 record of 2 streams");
    }

    #[test]
    fn the_time_left_is_shown_when_it_is_known() {
        assert_eq!(time_left(1000, 0), None);
        assert_eq!(time_left(10, 10), None);
        assert_eq!(time_left(1000, 10).as_deref(), Some("; about 100 s left"));
        assert_eq!(time_left(100_000, 100).as_deref(), Some("; about 17 min left"));
        assert_eq!(time_left(10_000_000, 100).as_deref(), Some("; about 28 h left"));
    }
}
