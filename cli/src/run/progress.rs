//! What a run shows while it goes: bars on a terminal, a line every few seconds elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use melisma_sdk::show;

use super::relay::Counts;
use super::summary::{bytes, number, plural};
use crate::console::Console;
use crate::state::Kept;
use crate::tally::{StreamCount, Tally};

/// How often the bars move.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a line is written when there are no bars.
const LINE: Duration = Duration::from_secs(5);
/// More streams than this are shown together.
const SHOWN: usize = 12;

/// The display of one run.
pub(crate) struct Progress {
    /// Touched by the console's thread alone.
    bars: Option<Arc<Mutex<Bars>>>,
    began: Instant,
    next: Instant,
    /// Records and bytes at the last line.
    last: (Instant, u64, u64),
}

struct Bars {
    all: MultiProgress,
    streams: Vec<ProgressBar>,
    target: Option<ProgressBar>,
}

impl Progress {
    /// A display on this console.
    pub(crate) fn new(console: &Console) -> Self {
        let now = Instant::now();
        let bars = console.bars().map(|all| {
            Arc::new(Mutex::new(Bars {
                all: all.clone(),
                streams: Vec::new(),
                target: None,
            }))
        });
        let next = if bars.is_some() { now } else { now + LINE };
        Self {
            bars,
            began: now,
            next,
            last: (now, 0, 0),
        }
    }

    /// Shows where the run is, when it is time to.
    pub(crate) fn show(&mut self, counts: &Counts, kept: &Kept, console: &Console) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        let Some(bars) = &self.bars else {
            self.next = now + LINE;
            self.write_line(now, counts, kept, console);
            return;
        };
        self.next = now + REDRAW;
        let seconds = now.duration_since(self.began).as_secs_f64().max(0.001);
        let streams: Vec<StreamCount> = counts.lock().streams.iter().take(SHOWN).cloned().collect();
        let (bars, confirmed) = (Arc::clone(bars), confirmed(kept));
        console.draw(move || {
            let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
            bars.show(&streams, seconds, confirmed);
        });
    }

    fn write_line(&mut self, now: Instant, counts: &Counts, kept: &Kept, console: &Console) {
        let (what, records, total) = {
            let tally = counts.lock();
            (so_far(&tally), tally.records(), tally.bytes)
        };
        let (before, old_records, old_bytes) = self.last;
        let seconds = now.duration_since(before).as_secs_f64().max(0.001);
        console.info(&format!(
            "{what}, {} so far; last {seconds:.0} s: {}; {}",
            bytes(total),
            per_second(records - old_records, total - old_bytes, seconds),
            confirmed(kept)
        ));
        self.last = (now, records, total);
    }

    /// Takes the bars away.
    pub(crate) fn clear(&self, console: &Console) {
        if let Some(bars) = &self.bars {
            let bars = Arc::clone(bars);
            console.draw(move || {
                let bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = bars.all.clear();
            });
        }
    }
}

impl Bars {
    fn show(&mut self, streams: &[StreamCount], seconds: f64, confirmed: String) {
        let target = self.target.get_or_insert_with(|| self.all.add(line("target")));
        for (index, stream) in streams.iter().enumerate() {
            if self.streams.len() <= index {
                let bar = self.all.insert_before(target, line(&show(&stream.name)));
                self.streams.push(bar);
            }
            self.streams[index].set_message(rates(stream.records, stream.bytes, seconds));
        }
        target.set_message(confirmed);
        target.tick();
    }
}

/// The records of the one stream by its name, those of several together.
fn so_far(tally: &Tally) -> String {
    match tally.streams.as_slice() {
        [] => "no records yet".to_owned(),
        [stream] => format!("{}: {}", show(&stream.name), plural(stream.records, "record")),
        streams => format!(
            "{} of {} streams",
            plural(tally.records(), "record"),
            number(streams.len() as u64)
        ),
    }
}

fn line(name: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    // The template is fixed; a bar without it only looks different.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<24} {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    bar
}

fn rates(records: u64, size: u64, seconds: f64) -> String {
    format!(
        "{:>15} records  {:>10}  {}",
        number(records),
        bytes(size),
        per_second(records, size, seconds)
    )
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "for people"
)]
fn per_second(records: u64, size: u64, seconds: f64) -> String {
    let records = (records as f64 / seconds) as u64;
    format!(
        "{} records/s, {:.1} MB/s",
        number(records),
        size as f64 / seconds / 1e6
    )
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
    use super::*;

    #[test]
    fn the_records_of_all_streams_are_not_counted_under_the_name_of_one() {
        let said = |streams: &[&str]| {
            let mut tally = Tally::default();
            for stream in streams {
                tally.feed(
                    format!("{{\"type\":\"RECORD\",\"stream\":\"{stream}\",\"record\":{{}}}}\n").as_bytes(),
                );
            }
            so_far(&tally)
        };
        assert_eq!(said(&[]), "no records yet");
        assert_eq!(said(&["a"]), "a: 1 record");
        assert_eq!(said(&["a", "a", "b"]), "3 records of 2 streams");
        assert_eq!(
            said(&["a", "b", "a"]),
            "3 records of 2 streams",
            "whichever came last"
        );
    }
}
