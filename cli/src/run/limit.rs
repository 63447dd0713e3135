//! `--limit`: a relay that passes the first records of each stream, and drops the rest.
//!
//! STATE messages are dropped as well: they would acknowledge records that the target did not get. So are messages
//! ACTIVATE_VERSION, which would make the target delete every row that is not among the first.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};

use serde::Deserialize;

use super::relay::{RelayEnd, SharedCounter};
use crate::blocks::BLOCK_BYTES;
use crate::count::{self, Kind};

/// How many records of each stream have passed.
#[derive(Debug)]
pub(super) struct Limit {
    most: u64,
    passed: HashMap<Vec<u8>, u64>,
    /// The streams that records are still wanted of; `None` when it is not known which streams there are.
    wanted: Option<HashSet<String>>,
}

impl Limit {
    /// At most `most` records of each stream. `streams` are all that there will be, if that is known.
    pub(super) fn new(most: u64, streams: Option<Vec<String>>) -> Self {
        Self {
            most,
            passed: HashMap::new(),
            wanted: streams
                .map(|streams| streams.into_iter().collect())
                .filter(|wanted: &HashSet<_>| !wanted.is_empty()),
        }
    }

    /// Whether a line passes.
    ///
    /// # Errors
    /// It is a BATCH message, whose records are not in it and cannot be counted.
    fn passes(&mut self, line: &[u8]) -> io::Result<bool> {
        let envelope = count::read(line);
        match (envelope.kind, envelope.stream) {
            (Kind::State, _) => Ok(false),
            (Kind::Record, Some(stream)) => {
                if !self.passed.contains_key(stream) {
                    self.passed.insert(stream.to_vec(), 0);
                }
                let Some(passed) = self.passed.get_mut(stream) else {
                    return Ok(true);
                };
                if *passed == self.most {
                    return Ok(false);
                }
                *passed += 1;
                if *passed == self.most
                    && let Some(wanted) = &mut self.wanted
                {
                    wanted.remove(&count::name(stream));
                }
                Ok(true)
            }
            (Kind::Other, _) => match kind_of(line).as_deref() {
                Some("BATCH") => Err(io::Error::other(
                    "a BATCH message names files of records, which --limit cannot count",
                )),
                Some("ACTIVATE_VERSION") => Ok(false),
                _ => Ok(true),
            },
            _ => Ok(true),
        }
    }

    /// Whether no record is wanted any more.
    fn is_reached(&self) -> bool {
        self.wanted.as_ref().is_some_and(HashSet::is_empty)
    }
}

fn kind_of(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Message {
        r#type: String,
    }
    serde_json::from_slice::<Message>(line)
        .ok()
        .map(|message| message.r#type)
}

/// Relays what passes until one side ends, and reports how that ended before it closes the target's end. `reached` is called
/// once, when no record is wanted any more; what the tap still writes is read and dropped.
pub(super) fn relay(
    from: File,
    to: File,
    counter: &SharedCounter,
    limit: Limit,
    reached: impl FnOnce(),
    report: impl FnOnce(RelayEnd),
) {
    let mut to = BufWriter::with_capacity(BLOCK_BYTES, to);
    report(match copy(from, &mut to, counter, limit, reached) {
        Ok(()) => RelayEnd::Done,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => RelayEnd::TargetGone,
        Err(error) => RelayEnd::Failed(error),
    });
    counter.lock().finish();
}

fn copy(
    from: impl io::Read,
    to: &mut impl Write,
    counter: &SharedCounter,
    mut limit: Limit,
    reached: impl FnOnce(),
) -> io::Result<()> {
    let mut from = BufReader::with_capacity(BLOCK_BYTES, from);
    let mut line = Vec::new();
    let mut reached = Some(reached);
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line)? == 0 {
            return to.flush();
        }
        if limit.passes(&line)? {
            counter.lock().feed(&line);
            to.write_all(&line)?;
        }
        if memchr::memchr(b'\n', from.buffer()).is_none() {
            to.flush()?;
        }
        if limit.is_reached()
            && let Some(reached) = reached.take()
        {
            to.flush()?;
            reached();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(lines: &str, most: u64, streams: Option<&[&str]>) -> (io::Result<String>, bool) {
        let streams = streams.map(|streams| streams.iter().map(|&name| name.to_owned()).collect());
        let (mut out, mut was_reached) = (Vec::new(), false);
        let limit = Limit::new(most, streams);
        let copied = copy(
            lines.as_bytes(),
            &mut out,
            &SharedCounter::default(),
            limit,
            || was_reached = true,
        );
        (
            copied.map(|()| String::from_utf8(out).expect("UTF-8")),
            was_reached,
        )
    }

    const LINES: &str = r#"{"type":"SCHEMA","stream":"a","schema":{},"key_properties":[]}
{"type":"RECORD","stream":"a","record":{"n":1}}
{"type":"STATE","value":{"n":1}}
{"record":{"n":2},"stream":"a","type":"RECORD"}
{"type":"RECORD","stream":"\u0062","record":{"n":1}}
{"type":"RECORD","stream":"a","record":{"n":3}}
{"type":"ACTIVATE_VERSION","stream":"a","version":1}
{"type":"RECORD","stream":"\u0062","record":{"n":2}}
not JSON
{"type":"STATE","value":{"n":2}}
"#;

    #[test]
    fn the_first_records_of_each_stream_pass_and_no_state() {
        let (passed, was_reached) = limited(LINES, 2, Some(&["a", "b"]));
        let passed = passed.expect("copied");
        let lines: Vec<&str> = LINES.lines().collect();
        let expected: Vec<&str> = [0, 1, 3, 4, 7, 8].map(|at| lines[at]).to_vec();
        assert_eq!(passed.lines().collect::<Vec<_>>(), expected);
        assert!(was_reached);
    }

    #[test]
    fn the_end_is_near_only_when_every_stream_has_its_records() {
        for (most, streams, expected) in [
            (2, Some(&["a"][..]), true),
            (2, Some(&["a", "b", "c"]), false),
            (3, Some(&["a", "b"]), false),
            (1, None, false),
            (1, Some(&[]), false),
        ] {
            assert_eq!(limited(LINES, most, streams).1, expected, "{most} {streams:?}");
        }
    }

    #[test]
    fn a_batch_is_refused() {
        let (copied, _) = limited("{\"type\":\"BATCH\",\"stream\":\"a\",\"manifest\":[]}\n", 1, None);
        assert!(copied.expect_err("refused").to_string().contains("--limit"));
    }
}
