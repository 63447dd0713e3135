//! Which records a state covers, when the target emits it as the tap wrote it.
//!
//! The counter notes each STATE that passes, with the number of records before it. A target that emits one of them later
//! has committed these records. A state is known by a hash of its compact form, because targets in Python write the same
//! state with other white space and other escapes.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::state::compact;

/// The most states that wait for the target. More of them, and the oldest are forgotten: then the target coalesces them.
const MOST: usize = 10_000;

/// Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct StateMarks(Arc<Mutex<Marks>>);

#[derive(Debug, Default)]
struct Marks {
    /// Hashes of states with the records before them, in their order.
    passed: VecDeque<(u64, u64)>,
    covered: Option<u64>,
}

#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
}

impl StateMarks {
    /// Notes a STATE line that passes after this number of records.
    pub(super) fn passed(&self, line: &[u8], records: u64) {
        let Ok(state) = serde_json::from_slice::<State<'_>>(line) else {
            return;
        };
        let hash = hash(state.value.get());
        self.with(|marks| {
            if marks.passed.len() == MOST {
                marks.passed.pop_front();
            }
            marks.passed.push_back((hash, records));
        });
    }

    /// The target has emitted this state.
    pub(crate) fn emitted(&self, state: &str) {
        let hash = hash(state);
        self.with(|marks| {
            // The newest of equal ones: a tap may write the same state again.
            let found = marks.passed.iter().rposition(|(other, _)| *other == hash);
            marks.covered = found.map(|at| {
                marks
                    .passed
                    .drain(..=at)
                    .next_back()
                    .map_or(0, |(_, records)| records)
            });
        });
    }

    /// The number of records that the newest emitted state covers, when it is known.
    pub(crate) fn covered(&self) -> Option<u64> {
        self.with(|marks| marks.covered)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Marks) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn hash(json: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    compact(json).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_known_by_what_it_says_and_not_by_its_spelling() {
        let marks = StateMarks::default();
        marks.passed(br#"{"type": "STATE", "value": {"a": "\u00e9", "n": 1}}"#, 10);
        marks.passed(r#"{"type":"STATE","value":{"a":"é","n":2}}"#.as_bytes(), 20);
        marks.passed(br#"{"type":"STATE","value":{"n":3}}"#, 30);
        marks.emitted(r#"{"a": "\u00e9", "n": 2}"#);
        assert_eq!(marks.covered(), Some(20));
        marks.emitted(r#"{"n": 4}"#);
        assert_eq!(marks.covered(), None, "it is not the tap's");
        marks.emitted(r#"{"n":3}"#);
        assert_eq!(marks.covered(), Some(30));
    }
}
