//! The closing words of a run.

use std::fmt::Write as _;

use super::end::{End, Verdict};
use crate::console::{Console, Level};
use crate::state::{Kept, Store};

/// More streams than this get one line together.
const SHOWN: usize = 50;

/// Says what was moved, where its state is, and how it ended.
pub(crate) fn tell(end: &End, kept: &Kept, store: &Store, console: &Console) {
    let seconds = end.elapsed.as_secs_f64();
    let tally = &end.tally;
    for stream in tally.streams.iter().take(SHOWN) {
        let mut line = format!(
            "{}: {}, {}",
            melisma_sdk::show(&stream.name),
            plural(stream.records, "record"),
            bytes(stream.bytes)
        );
        if let Some(written) = end
            .said
            .records
            .get(&stream.name)
            .filter(|&&written| written != stream.records)
        {
            let _ = write!(line, "; {} written", number(*written));
        }
        console.info(&line);
    }
    if tally.streams.len() > SHOWN {
        let more = (tally.streams.len() - SHOWN) as u64;
        console.info(&format!("and {} more {}", number(more), noun(more, "stream")));
    }
    console.info(&format!(
        "{} of {}, {} in {seconds:.1} s: {} records/s, {} MB/s",
        plural(tally.records(), "record"),
        plural(tally.streams.len() as u64, "stream"),
        bytes(tally.bytes),
        number(rate(tally.records(), seconds)),
        rate(tally.bytes, seconds * 1e6),
    ));
    if let Some(location) = &end.said.location {
        console.info(&format!("the rows are in {location}"));
    }
    match (&kept.stored, store.place()) {
        (Some(_), Some(place)) => console.info(&format!(
            "{} confirmed; the last one is kept in {}",
            plural(kept.told, "state"),
            place.display()
        )),
        (None, Some(_)) => console.info("the target confirmed no state; the stored one stays"),
        (_, None) => {}
    }
    match &end.verdict {
        Verdict::Success => console.info("run completed"),
        Verdict::Failed(why, _) => console.log(Level::Error, "melisma", why),
        Verdict::Interrupted(signal) => {
            console.log(
                Level::Error,
                "melisma",
                &format!("ended by {}", crate::signals::name(*signal)),
            );
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "for people"
)]
fn rate(count: u64, seconds: f64) -> u64 {
    (count as f64 / seconds.max(1e-9)) as u64
}

/// `1 state`, `1,234 states`
pub(crate) fn plural(count: u64, what: &str) -> String {
    format!("{} {}", number(count), noun(count, what))
}

/// `state` or `states`
pub(crate) fn noun(count: u64, what: &str) -> String {
    format!("{what}{}", if count == 1 { "" } else { "s" })
}

/// `1,234,567`
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `489.0 MB`
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(crate) fn bytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b < 1e3 => format!("{b} B"),
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.2} GB", b / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(number),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [5, 1500, 489_000_000, 1_500_000_000].map(bytes),
            ["5 B", "1.5 kB", "489.0 MB", "1.50 GB"]
        );
    }
}
