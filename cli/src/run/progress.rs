//! What a run shows while it goes: bars on a terminal, a line every few seconds elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use melisma_sdk::show;

use super::logs::Said;
use super::pace::{Counted, Pace, Waits};
use super::relay::Counts;
use super::summary::{bytes, noun, number, plural};
use crate::console::Console;
use crate::state::Kept;

/// How often the bars move.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a line is written when there are no bars.
const LINE: Duration = Duration::from_secs(5);
/// At most this many streams have a bar each.
const SHOWN: usize = 12;

/// The display of one run.
pub(crate) struct Progress {
    /// Touched by the console's thread alone.
    bars: Option<Arc<Mutex<Bars>>>,
    next: Instant,
    every: Duration,
    pace: Pace,
    waits: Waits,
}

/// The bars on the terminal: one for each stream that moves, one for all of them, one for the target.
struct Bars {
    all: MultiProgress,
    shown: Vec<ProgressBar>,
}

impl Progress {
    /// A display on this console.
    pub(crate) fn new(console: &Console) -> Self {
        let bars = console.bars().map(|all| {
            Arc::new(Mutex::new(Bars {
                all: all.clone(),
                shown: Vec::new(),
            }))
        });
        let every = if bars.is_some() { REDRAW } else { LINE };
        let now = Instant::now();
        Self {
            next: if bars.is_some() { now } else { now + LINE },
            bars,
            every,
            pace: Pace::new(now),
            waits: Waits::default(),
        }
    }

    /// Notes which side is ahead: whether what the tap has written waits for the target.
    pub(crate) fn look(&mut self, is_filling: bool) {
        self.waits.look(is_filling);
    }

    /// Shows where the run is, when it is time to.
    pub(crate) fn show(&mut self, counts: &Counts, announced: &Said, kept: &Kept, console: &Console) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + self.every;
        let (streams, total_bytes) = {
            let tally = counts.lock();
            (tally.streams.clone(), tally.bytes)
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
        let Some(bars) = &self.bars else {
            self.write_line(&streams, total, kept, console);
            return;
        };
        let expected = announced.facts().expected;
        let lines = self.lines(&streams, total, &expected, kept);
        let bars = Arc::clone(bars);
        console.draw(move || {
            let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
            bars.show(&lines);
        });
    }

    /// A name and a text for each bar.
    fn lines(
        &self,
        streams: &[(String, Counted)],
        total: Counted,
        expected: &BTreeMap<String, u64>,
        kept: &Kept,
    ) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        let moving: Vec<usize> = self.pace.moving().collect();
        for &index in moving.iter().take(SHOWN) {
            let (name, counted) = &streams[index];
            let rate = self.pace.of_stream(index);
            let mut text = amount(*counted, rate);
            let left = expected.get(name).map(|all| all.saturating_sub(counted.records));
            if let Some(left) = left.and_then(|left| time_left(left, rate.records)) {
                text.push_str(&left);
            }
            lines.push((show(name), text));
        }
        let others = streams.len() - moving.len().min(SHOWN);
        if streams.len() > 1 {
            let mut text = amount(total, self.pace.of_all());
            if others > 0 {
                let others = others as u64;
                let noun = noun(others, "stream");
                let _ = write!(text, "; {} more {noun} not shown", number(others));
            }
            lines.push((plural(streams.len() as u64, "stream"), text));
        }
        lines.push(("target".to_owned(), with_waits(confirmed(kept), self.waits.say())));
        lines
    }

    fn write_line(&self, streams: &[(String, Counted)], total: Counted, kept: &Kept, console: &Console) {
        let rate = self.pace.of_all();
        let text = format!(
            "{}, {} so far; now {}; {}",
            so_far(streams),
            bytes(total.bytes),
            per_second(rate),
            confirmed(kept)
        );
        console.info(&with_waits(text, self.waits.say()));
    }

    /// Takes the bars away.
    pub(crate) fn clear(&self, console: &Console) {
        if let Some(bars) = &self.bars {
            let bars = Arc::clone(bars);
            console.draw(move || {
                let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
                bars.show(&[]);
                let _ = bars.all.clear();
            });
        }
    }
}

impl Bars {
    /// Makes the bars say this. One that is not needed any more is taken away: a bar that is only dropped stays on the
    /// screen for good.
    fn show(&mut self, lines: &[(String, String)]) {
        while self.shown.len() > lines.len() {
            if let Some(bar) = self.shown.pop() {
                bar.finish_and_clear();
                self.all.remove(&bar);
            }
        }
        for (index, (name, text)) in lines.iter().enumerate() {
            if self.shown.len() <= index {
                self.shown.push(self.all.add(bar()));
            }
            self.shown[index].set_prefix(name.clone());
            self.shown[index].set_message(text.clone());
            self.shown[index].tick();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    // The template is fixed; a bar without it only looks different.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<24} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

/// The records of the one stream by its name, those of several together.
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

/// `; about 2 min left`, when that can be said.
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

/// What the target has confirmed.
fn confirmed(kept: &Kept) -> String {
    match kept.at {
        None => "no state confirmed yet".to_owned(),
        Some(at) => format!(
            "{} confirmed, the last one {} s ago",
            plural(kept.told, "state"),
            at.elapsed().as_secs()
        ),
    }
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};

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
    fn the_time_left_is_said_when_it_is_known() {
        assert_eq!(time_left(1000, 0), None);
        assert_eq!(time_left(10, 10), None);
        assert_eq!(time_left(1000, 10).as_deref(), Some("; about 100 s left"));
        assert_eq!(time_left(100_000, 100).as_deref(), Some("; about 17 min left"));
        assert_eq!(time_left(10_000_000, 100).as_deref(), Some("; about 28 h left"));
    }

    #[test]
    fn bars_of_finished_streams_leave_no_ghost_lines() {
        let term = InMemoryTerm::new(20, 100);
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::term_like_with_hz(
            Box::new(term.clone()),
            200,
        ));
        let mut bars = Bars {
            all: all.clone(),
            shown: Vec::new(),
        };
        let lines = |names: &[&str]| -> Vec<(String, String)> {
            names
                .iter()
                .map(|&name| (name.to_owned(), "moves".to_owned()))
                .collect()
        };
        for names in [&["a", "b", "target"][..], &["b", "target"], &["c", "target"]] {
            std::thread::sleep(Duration::from_millis(20));
            bars.show(&lines(names));
            all.suspend(|| term.write_line("a log line").expect("in memory"));
        }
        let screen = term.contents();
        assert!(screen.contains("c ") && screen.contains("target"), "{screen}");
        assert!(!screen.contains("a   ") && !screen.contains("b   "), "{screen}");
        bars.show(&[]);
        let _ = all.clear();
        drop(bars);
        let screen = term.contents();
        assert!(screen.lines().all(|line| line == "a log line"), "{screen}");
    }
}
