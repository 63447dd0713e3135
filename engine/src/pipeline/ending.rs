//! Decides whether an input that has ended is complete, before existing rows are replaced.
//!
//! When a tap fails or is killed its pipe closes, and the target sees what it sees after the last record of a good run:
//! the end of the input. A destination that replaces what was there ([`CommitMode::AtEnd`](crate::sink::CommitMode::AtEnd)) would put a part in the place of
//! the whole. Where no runner says how the tap has ended, only the messages can show it, by this rule: *the last message
//! is a STATE, and it does not say that something is still being read*. A worked example, with what is published:
//!
//! ```text
//! SCHEMA a, RECORD a, STATE {"bookmarks":{"a":{}}}                                both: the STATE came last
//! SCHEMA a, RECORD a, STATE {..}, SCHEMA b                                        nothing: b was begun, and is not covered
//! SCHEMA a, RECORD a, STATE {"bookmarks":{..},"currently_syncing":"a"}            nothing: a is still being read
//! STATE {"bookmarks":{"a":{"full_table":{..}}}}, SCHEMA a, RECORD a, STATE {..}   nothing: these are the rest of a's rows,
//!                                                                                 an earlier run has sent the others
//! ```
//!
//! The last line is a tap that resumes a FULL_TABLE read which an earlier run, into a target that appends, has begun. A
//! STATE in the middle of the stream (`currently_syncing`), before its first record and without the mark, says that the
//! tap reads all of it after all.

use std::collections::HashMap;

use serde_json::Value;

use super::options::FinalState;
use crate::error::{Error, Result, show};

/// What taps keep in a stream's bookmark while a FULL_TABLE read is unfinished, and remove or set to null at its end:
/// tap-postgres of this project, the database taps of singer-io and pipelinewise.
const FULL_TABLE_MARKS: [&str; 3] = ["full_table", "xmin", "last_pk_fetched"];
/// What a tap of the Meltano SDK keeps there until an unsorted stream was read to its end.
const PROGRESS: &str = "progress_markers";

/// What the STATEs of an input say about its end.
#[derive(Default)]
pub(super) struct Ending {
    /// The newest STATE, its bytes as they came.
    last: Option<Box<str>>,
    /// RECORD messages before it.
    records: u64,
    /// Something other than a RECORD came after it.
    uncovered: bool,
    /// Streams whose rows are the rest of a read that an earlier run has begun, and the mark that says so.
    resumed: HashMap<Box<str>, &'static str>,
}

impl Ending {
    /// A STATE came after this number of RECORD messages. `received` has those of a stream.
    pub(super) fn state(&mut self, value: &str, records: u64, received: impl Fn(&str) -> u64) {
        self.records = records;
        self.uncovered = false;
        self.last = Some(value.into());
        // STATEs may come often, and marks are rare: bytes are looked at before anything is parsed.
        let marked = FULL_TABLE_MARKS
            .iter()
            .any(|mark| memchr::memmem::find(value.as_bytes(), mark.as_bytes()).is_some());
        if !marked && self.resumed.is_empty() {
            return;
        }
        let Ok(state) = serde_json::from_str::<Value>(value) else {
            return;
        };
        let syncing = state["currently_syncing"].as_str().unwrap_or_default();
        let begun_anew = |stream: &str| {
            stream == syncing && received(stream) == 0 && full_table_mark(&state, stream).is_none()
        };
        self.resumed.retain(|stream, _| !begun_anew(stream));
        for (stream, _) in state["bookmarks"].as_object().into_iter().flatten() {
            if let Some(mark) = full_table_mark(&state, stream)
                && received(stream) == 0
            {
                self.resumed.insert(stream.as_str().into(), mark);
            }
        }
    }

    /// A SCHEMA or the like came: the STATE before it does not speak of it.
    pub(super) fn uncover(&mut self) {
        self.uncovered = true;
    }

    /// Whether the input may end here, after this number of RECORD messages of these streams.
    pub(super) fn check<'s>(
        &self,
        wanted: FinalState,
        records: u64,
        mut streams: impl Iterator<Item = &'s str> + Clone,
    ) -> Result<()> {
        if wanted == FinalState::Ignored || streams.clone().next().is_none() {
            // Without a stream there is nothing that could be replaced.
            return Ok(());
        }
        if let Some((stream, mark)) = streams
            .clone()
            .find_map(|stream| self.resumed.get_key_value(stream))
        {
            return Err(Error::input(format!(
                "expected all rows of the stream, found the rest of a read that an earlier run has begun (the STATE that \
                 the tap began with has {mark}): nothing is replaced; begin without that STATE (melisma run \
                 --full-refresh)"
            ))
            .in_stream(stream));
        }
        let state = self.last.as_deref().map(serde_json::from_str::<Value>);
        let state = state.and_then(Result::ok).unwrap_or_default();
        for stream in streams.clone() {
            if let Some(mark) = full_table_mark(&state, stream) {
                return Err(unfinished(mark).in_stream(stream));
            }
        }
        if wanted == FinalState::NotPartial || (wanted == FinalState::RequiredIfAny && self.last.is_none()) {
            return Ok(());
        }
        if self.last.is_none() || self.records != records || self.uncovered {
            return Err(Error::input(format!(
                "expected a STATE as the last message, found {}: nothing is replaced, because the input of a tap that failed \
                 looks the same; for a tap that ends without a STATE set require_final_state to false",
                if self.last.is_none() {
                    "none at all"
                } else {
                    "messages that came after it"
                }
            )));
        }
        if let Some(stream) = state["currently_syncing"].as_str() {
            return Err(unfinished(&format!("currently_syncing: {}", show(stream))));
        }
        let in_progress = |stream: &str| is_in_progress(&state["bookmarks"][stream]);
        match streams.find(|stream| in_progress(stream)) {
            Some(stream) => Err(unfinished(PROGRESS).in_stream(stream)),
            None => Ok(()),
        }
    }
}

fn unfinished(mark: &str) -> Error {
    Error::input(format!(
        "expected a last STATE of a finished read, found one of an unfinished read ({mark}): nothing is replaced; for a tap \
         that always ends so set require_final_state to false"
    ))
}

/// The mark of an unfinished FULL_TABLE read in the bookmark of a stream.
fn full_table_mark(state: &Value, stream: &str) -> Option<&'static str> {
    let bookmark = &state["bookmarks"][stream];
    FULL_TABLE_MARKS
        .into_iter()
        .find(|mark| !bookmark[mark].is_null())
}

/// Whether a bookmark, or that of a partition, has progress markers that are not promoted yet.
fn is_in_progress(bookmark: &Value) -> bool {
    let marked = |bookmark: &Value| {
        bookmark[PROGRESS]
            .as_object()
            .is_some_and(|marks| !marks.is_empty())
    };
    let partitions = bookmark["partitions"].as_array().into_iter().flatten();
    marked(bookmark) || partitions.into_iter().any(marked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    /// What becomes of an input of these messages: `a` is a RECORD of stream a, `A` its SCHEMA, the rest are STATEs.
    fn check(wanted: FinalState, messages: &[&str]) -> Result<()> {
        let (mut ending, mut records) = (Ending::default(), HashMap::<String, u64>::new());
        for &message in messages {
            let all = records.values().sum();
            match message {
                "a" | "b" => *records.entry(message.into()).or_default() += 1,
                "A" | "B" => {
                    records.entry(message.to_lowercase()).or_default();
                    ending.uncover();
                }
                state => ending.state(state, all, |name| records.get(name).copied().unwrap_or(0)),
            }
        }
        let all = records.values().sum();
        ending.check(wanted, all, records.keys().map(String::as_str))
    }

    const GOOD: &str = r#"{"bookmarks":{"a":{}}}"#;
    const HALF: &str = r#"{"bookmarks":{"a":{"full_table":{"parts":[]}},"z":{"full_table":{}}}}"#;

    #[test]
    fn the_last_message_must_be_a_state() {
        for good in [
            &["A", "a", GOOD][..],
            &["A", GOOD],
            &["A", "a", "{}"],
            &["A", "a", "null"],
            &["A", "a", GOOD, GOOD],
            &["A", "a", "B", "b", GOOD],
            &[],
            &[GOOD],
        ] {
            check(FinalState::Required, good).unwrap_or_else(|error| panic!("{good:?}: {error}"));
        }
        for bad in [
            &["A"][..],
            &["A", "a"],
            &["A", "a", GOOD, "a"],
            &[GOOD, "A", "a"],
            &["A", "a", GOOD, "B"],
            &["A", "a", GOOD, "B", "b"],
        ] {
            let error = check(FinalState::Required, bad).expect_err("refused");
            assert_eq!(error.kind(), Kind::Input);
            assert!(
                error.message().contains("require_final_state"),
                "{bad:?}: {error}"
            );
            check(FinalState::NotPartial, bad).unwrap_or_else(|error| panic!("{bad:?}: {error}"));
        }
    }

    #[test]
    fn a_state_of_an_unfinished_read_is_no_end() {
        for unfinished in [
            r#"{"bookmarks":{},"currently_syncing":"z"}"#,
            r#"{"bookmarks":{"a":{"progress_markers":{"replication_key":"x"}}}}"#,
            r#"{"bookmarks":{"a":{"partitions":[{},{"progress_markers":{"replication_key":"x"}}]}}}"#,
            r#"{"bookmarks":{"a":{"xmin":7}}}"#,
            r#"{"bookmarks":{"a":{"last_pk_fetched":{"id":3}}}}"#,
            HALF,
        ] {
            let error = check(FinalState::Required, &["A", "a", unfinished]).expect_err("refused");
            assert!(
                error.to_string().contains("unfinished read"),
                "{unfinished}: {error}"
            );
        }
        for finished in [
            r#"{"bookmarks":{"a":{"xmin":null,"progress_markers":{}}},"currently_syncing":null}"#,
            // Streams that are not in this input.
            r#"{"bookmarks":{"z":{"xmin":7,"progress_markers":{"replication_key":"x"}}}}"#,
        ] {
            check(FinalState::Required, &["A", "a", finished]).expect(finished);
        }
    }

    #[test]
    fn the_rest_of_a_resumed_read_is_not_the_whole() {
        let anew = r#"{"bookmarks":{"a":{"full_table":null}},"currently_syncing":"a"}"#;
        for wanted in [FinalState::NotPartial, FinalState::Required] {
            for resumed in [
                &[HALF, "A", "a", GOOD][..],
                // There were no rows left: that is no table without rows.
                &[HALF, "A", GOOD],
                &[HALF, "A", "a", anew, GOOD],
            ] {
                let error = check(wanted, resumed).expect_err("refused");
                assert!(error.to_string().starts_with("stream a: "), "{error}");
                assert!(error.to_string().contains("--full-refresh"), "{error}");
            }
            check(wanted, &[HALF, "A", anew, "a", GOOD]).expect("it is read from its start");
            check(wanted, &[HALF, "B", "b", GOOD]).expect("another stream");
            check(wanted, &["A", "a", HALF, "a", GOOD]).expect("it was begun in this run");
        }
        check(FinalState::Ignored, &[HALF, "A", "a", HALF]).expect("no observer");
    }
}
