//! The last log lines of a run.

use std::fmt::Write as _;

use super::outcome::{Outcome, Verdict};
use super::units::{bytes, noun, number, per_second, plural};
use crate::console::Console;
use crate::state::{Store, StoreProgress};

/// Streams with a line of their own; the others get one line together.
const SHOWN: usize = 50;

/// Reports what was moved, where the state is stored, and how the run ended.
pub(crate) fn report(outcome: &Outcome, progress: &StoreProgress, store: &Store, console: &Console) {
    let seconds = outcome.elapsed.as_secs_f64();
    let counter = &outcome.counter;
    for stream in counter.streams.iter().take(SHOWN) {
        let mut line = format!(
            "{}: {}, {}",
            melisma_sdk::show(&stream.name),
            plural(stream.records, "record"),
            bytes(stream.bytes)
        );
        if let Some(written) = outcome
            .target_facts
            .records
            .get(&stream.name)
            .filter(|&&written| written != stream.records)
        {
            let _ = write!(line, "; {} written", number(*written));
        }
        console.info(&line);
    }
    if counter.streams.len() > SHOWN {
        let more = (counter.streams.len() - SHOWN) as u64;
        console.info(&format!("and {} more {}", number(more), noun(more, "stream")));
    }
    console.info(&format!(
        "{} of {}, {} in {seconds:.1} s: {}/s, {} MB/s",
        plural(counter.records(), "record"),
        plural(counter.streams.len() as u64, "stream"),
        bytes(counter.bytes),
        plural(per_second(counter.records(), seconds), "record"),
        per_second(counter.bytes, seconds * 1e6),
    ));
    if let Some(location) = &outcome.target_facts.location {
        console.info(&format!("the rows are in {location}"));
    }
    match (&progress.stored, store.location()) {
        (Some(_), Some(place)) => console.info(&format!(
            "{} confirmed; the last one is stored in {}",
            plural(progress.emitted, "state"),
            place
        )),
        (None, Some(_)) if progress.drops => console.info("the stored state was left as it was"),
        (None, Some(_)) => console.info("the target confirmed no state; the stored state was kept"),
        (_, None) => {}
    }
    match &outcome.verdict {
        Verdict::Success => console.info("run completed"),
        Verdict::Failed(why, _) => console.error(why),
        Verdict::Interrupted(interruption) => console.error(&interruption.to_string()),
    }
}
