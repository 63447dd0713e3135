//! What a run shows while it goes: bars on a terminal, a line every few seconds elsewhere.

use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::relay::Counts;
use super::summary::{bytes, number, plural};
use crate::console::Console;
use crate::state::Kept;
use crate::tally::StreamCount;

/// How often the bars move.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a line is written when there are no bars.
const LINE: Duration = Duration::from_secs(5);
/// More streams than this are shown together.
const SHOWN: usize = 12;

/// The display of one run.
pub(crate) struct Progress {
    bars: Option<Bars>,
    began: Instant,
    next: Instant,
    /// Records and bytes at the last line.
    last: (Instant, u64, u64),
}

struct Bars {
    all: MultiProgress,
    streams: Vec<ProgressBar>,
    target: ProgressBar,
}

impl Progress {
    /// A display on this console.
    pub(crate) fn new(console: &Console) -> Self {
        let now = Instant::now();
        let bars = console.bars().map(|all| Bars {
            all: all.clone(),
            streams: Vec::new(),
            target: all.add(line("target")),
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
        let (streams, total_bytes) = {
            let tally = counts.lock();
            (tally.streams.clone(), tally.bytes)
        };
        let Some(bars) = &mut self.bars else {
            self.next = now + LINE;
            self.write_line(now, &streams, total_bytes, kept, console);
            return;
        };
        self.next = now + REDRAW;
        let seconds = now.duration_since(self.began).as_secs_f64().max(0.001);
        for (index, stream) in streams.iter().take(SHOWN).enumerate() {
            if bars.streams.len() <= index {
                bars.streams
                    .push(bars.all.insert_before(&bars.target, line(&stream.name)));
            }
            bars.streams[index].set_message(rates(stream.records, stream.bytes, seconds));
        }
        bars.target.set_message(confirmed(kept));
        bars.target.tick();
    }

    fn write_line(
        &mut self,
        now: Instant,
        streams: &[StreamCount],
        total: u64,
        kept: &Kept,
        console: &Console,
    ) {
        let records: u64 = streams.iter().map(|stream| stream.records).sum();
        let (before, old_records, old_bytes) = self.last;
        let seconds = now.duration_since(before).as_secs_f64().max(0.001);
        let current = streams
            .last()
            .map_or("no stream yet", |stream| stream.name.as_str());
        console.info(&format!(
            "{current}: {} records, {} so far; last {seconds:.0} s: {}; {}",
            number(records),
            bytes(total),
            per_second(records - old_records, total - old_bytes, seconds),
            confirmed(kept)
        ));
        self.last = (now, records, total);
    }

    /// Takes the bars away.
    pub(crate) fn clear(&self) {
        if let Some(bars) = &self.bars {
            let _ = bars.all.clear();
        }
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
