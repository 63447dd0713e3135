//! The bugs, and what each makes of the lines that go into a target and come out of it.
//!
//! Each stands around the target instead of in it: a target that hands its input on in another order, or says too early
//! what is durable, does to whoever looks from outside the same as one that has the mistake within.

use std::collections::VecDeque;

use serde_json::Value;

/// A bug that can be planted, to see that a check finds it.
#[derive(Clone, Copy, Debug)]
pub struct Bug {
    /// Its name.
    pub name: &'static str,
    /// The number of the invariant in ARCHITECTURE.md that it breaks.
    pub invariant: u8,
    /// What it does.
    pub does: &'static str,
}

const fn bug(name: &'static str, invariant: u8, does: &'static str) -> Bug {
    Bug {
        name,
        invariant,
        does,
    }
}

/// All of them. Of the eighth invariant, about `unsafe`, a test of xtask sees that the compiler refuses its bug.
pub const BUGS: [Bug; 10] = [
    bug(
        "early-state",
        1,
        "STATE is emitted when it comes, whatever is durable",
    ),
    bug(
        "state-bytes",
        1,
        "STATE is read and written anew instead of passed on",
    ),
    bug(
        "swapped-batches",
        2,
        "of two batches that wait for a writer, the second goes first",
    ),
    bug(
        "no-barrier",
        2,
        "ACTIVATE_VERSION does not wait for the rows before it",
    ),
    bug(
        "dropped-batch",
        3,
        "the second batch of a run is counted, and not written",
    ),
    bug(
        "no-budget",
        4,
        "queues have no end, and no thread waits for memory",
    ),
    bug("float-numbers", 5, "integers pass through a float"),
    bug("stray-line", 6, "a line that is no STATE goes to stdout"),
    bug("emitted-secret", 7, "a password is written to the log"),
    bug(
        "end-is-success",
        9,
        "the end of the input is the end of the data, however the tap ended",
    ),
];

/// Records that count as a batch here.
const BATCH: u64 = 40;

/// The lines of a target's input, as a target with the bug treats them.
pub(super) struct Input {
    bug: &'static str,
    /// How many RECORDs came.
    records: u64,
    held: VecDeque<String>,
}

impl Input {
    pub(super) fn new(bug: &Bug) -> Self {
        Self {
            bug: bug.name,
            records: 0,
            held: VecDeque::new(),
        }
    }

    /// What becomes of a line: the lines that the target gets now.
    pub(super) fn take(&mut self, line: String) -> Vec<String> {
        let kind = kind(&line).to_owned();
        self.records += u64::from(kind == "RECORD");
        let is_of_second_batch = kind == "RECORD" && (BATCH + 1..=2 * BATCH).contains(&self.records);
        match self.bug {
            "dropped-batch" if is_of_second_batch => Vec::new(),
            "swapped-batches" if is_of_second_batch => {
                self.held.push_back(line);
                Vec::new()
            }
            "swapped-batches" if self.records > 3 * BATCH => self.held.drain(..).chain([line]).collect(),
            "float-numbers" if kind == "RECORD" => vec![through_floats(&line)],
            "no-barrier" if kind == "RECORD" || kind == "STATE" => {
                self.held.push_back(line);
                let too_many = self.held.len().saturating_sub(2 * BATCH as usize);
                self.held.drain(..too_many).collect()
            }
            "no-barrier" if kind == "ACTIVATE_VERSION" => {
                [line].into_iter().chain(self.held.drain(..)).collect()
            }
            "no-barrier" => self.held.drain(..).chain([line]).collect(),
            _ => vec![line],
        }
    }

    /// What is left at the end.
    pub(super) fn end(self) -> Vec<String> {
        self.held.into()
    }
}

/// The type of a message.
fn kind(line: &str) -> &str {
    line.split('"').nth(3).unwrap_or_default()
}

/// Every integer of a record as the float that is nearest.
#[expect(clippy::cast_possible_truncation, reason = "this is the bug")]
fn through_floats(line: &str) -> String {
    let Ok(mut message) = serde_json::from_str::<Value>(line) else {
        return line.to_owned();
    };
    for value in message["record"]
        .as_object_mut()
        .into_iter()
        .flat_map(|record| record.values_mut())
    {
        if let Some(integer) = value.as_i64() {
            *value = (integer as f64 as i64).into();
        }
    }
    format!("{message}\n")
}

/// The value of a STATE, with its line end, as the target emits it; `None` for other messages.
pub(super) fn state(line: &str) -> Option<String> {
    let (_, value) = line.split_once("\"value\": ")?;
    let value = value.trim_end().strip_suffix('}')?;
    (kind(line) == "STATE").then(|| format!("{value}\n"))
}

/// A line of the target's stdout, as a target with the bug would write it.
pub(super) fn output(bug: &Bug, line: String) -> String {
    match bug.name {
        // It was emitted long ago.
        "early-state" => String::new(),
        "state-bytes" => match serde_json::from_str::<Value>(&line) {
            Ok(value) => format!("{value}\n"),
            Err(_) => line,
        },
        "stray-line" => format!("telling a STATE\n{line}"),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_invariant_that_a_target_can_break_has_a_bug() {
        let names: HashSet<_> = BUGS.iter().map(|bug| bug.name).collect();
        assert_eq!(names.len(), BUGS.len());
        for invariant in (1..8).chain([9]) {
            assert!(BUGS.iter().any(|bug| bug.invariant == invariant), "{invariant}");
        }
    }

    #[test]
    fn lines_are_dropped_swapped_and_overtaken() {
        let records = |range: std::ops::Range<u64>| -> Vec<String> {
            range
                .map(|n| format!("{{\"type\": \"RECORD\", \"n\": {n}}}\n"))
                .collect()
        };
        let through = |name: &str, lines: Vec<String>| -> Vec<String> {
            let bug = BUGS.iter().find(|bug| bug.name == name).expect("a bug");
            let mut input = Input::new(bug);
            let mut out: Vec<String> = lines.into_iter().flat_map(|line| input.take(line)).collect();
            out.extend(input.end());
            out
        };
        let kept = [records(0..40), records(80..200)].concat();
        assert_eq!(through("dropped-batch", records(0..200)), kept);
        let swapped = [
            records(0..40),
            records(80..120),
            records(40..80),
            records(120..200),
        ]
        .concat();
        assert_eq!(through("swapped-batches", records(0..200)), swapped);
        let activate = vec!["{\"type\":\"ACTIVATE_VERSION\"}\n".to_owned()];
        let lines = [records(0..100), activate.clone(), records(100..200)].concat();
        let overtaken = [records(0..20), activate, records(20..200)].concat();
        assert_eq!(through("no-barrier", lines), overtaken);
    }
}
