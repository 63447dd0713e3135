//! What must hold of any input.

use std::collections::BTreeMap;

use melisma_engine::Kind;
use melisma_properties::envelope::{Said, expected};

use super::memory::{Held, Outcome};

/// What an input says, line by line, as far as it was taken.
#[derive(Default)]
struct Sent {
    records: Held,
    /// The STATEs, with how many records of each stream came before.
    states: Vec<(String, BTreeMap<String, usize>)>,
}

/// Holds a run against its input.
///
/// A run ends well, or with an error of bad input that says where. Every line that was taken is a message for a naive
/// reader of JSON as well; its records, and no others, are held, in their order and to the letter; and no STATE was
/// emitted before the records before it were held.
pub(super) fn judge(input: &[u8], outcome: &Outcome) {
    let taken = match &outcome.result {
        Ok(()) => u64::MAX,
        Err(error) => {
            assert_eq!(error.kind(), Kind::Input, "{error}");
            let at = error.position().unwrap_or_else(|| panic!("{error}: no place"));
            let (start, end) = line(input, at.line);
            assert!(
                (start..=end).contains(&at.byte),
                "{error}: its line is {start} to {end}"
            );
            // The value itself is cut at 120 bytes, its control characters spelled out.
            assert!(error.message().len() < 2_000, "{error}");
            assert!(
                !error.to_string().contains(['\n', '\r', '\0', '\x1b']),
                "{error:?}"
            );
            at.line - 1
        }
    };
    let sent = sent(input, taken);
    assert_eq!(outcome.held, sent.records);
    let mut from = 0;
    for emitted in &outcome.emitted {
        let found = sent.states[from..]
            .iter()
            .position(|(value, _)| *value == emitted.value)
            .unwrap_or_else(|| panic!("{} was emitted, and never sent", emitted.value));
        let covered = &sent.states[from + found].1;
        for (stream, count) in covered {
            let held = emitted.held.get(stream).copied().unwrap_or(0);
            assert!(
                held >= *count,
                "{} covers {count} of {stream}, {held} were held",
                emitted.value
            );
        }
        from += found;
    }
    let last = outcome.emitted.last().map(|emitted| &emitted.value);
    assert_eq!(
        last,
        sent.states.last().map(|(value, _)| value),
        "the last STATE is emitted"
    );
}

/// Where a line starts and ends.
pub(super) fn line(input: &[u8], number: u64) -> (u64, u64) {
    let mut start = 0;
    for (at, line) in (1..).zip(input.split(|&byte| byte == b'\n')) {
        let end = start + line.len() as u64;
        if at == number {
            return (start, end);
        }
        start = end + 1;
    }
    panic!("there is no line {number}")
}

pub(super) fn is_empty(state: &str) -> bool {
    state == "null" || state.starts_with('{') && state[1..].trim_ascii_start() == "}"
}

fn sent(input: &[u8], lines: u64) -> Sent {
    let mut sent = Sent::default();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (at, line) in (0..lines).zip(input.split(|&byte| byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line).expect("a line that was taken");
        let text = if at == 0 {
            text.trim_start_matches('\u{FEFF}')
        } else {
            text
        };
        match expected(text, false) {
            Said::Record { stream, record, .. } => {
                *counts.entry(stream.clone()).or_default() += 1;
                sent.records.entry(stream).or_default().push(record);
            }
            // An empty one would wipe what a runner has stored: it is never emitted.
            Said::State(value) if is_empty(&value) => {}
            Said::State(value) => sent.states.push((value, counts.clone())),
            Said::Refused | Said::Unknown(_) | Said::Batch { .. } => {
                panic!("line {} was taken: {text}", at + 1)
            }
            Said::Schema { .. } | Said::Activate { .. } | Said::Blank => {}
        }
    }
    sent
}
