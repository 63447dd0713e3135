//! Counting Singer lines by stream, by looking at their envelope only.
//!
//! The bytes may be anything: nothing here checks them, and nothing here fails. Bytes come in blocks that end anywhere;
//! a line that is cut by the end of a block is put together again before it is looked at.

use std::collections::HashMap;

use melisma_sdk::target::Count;
use memchr::{memchr, memchr_iter};

use crate::envelope::{self, Kind};
use crate::names;

/// At most this much of a cut line is kept; a longer one is judged by its beginning.
const MAX_HEAD: usize = 1 << 20;
/// Streams beyond this many are counted together, so that noise can not fill the memory.
pub(crate) const MAX_STREAMS: usize = 10_000;
/// The same for streams that a target of ours has counted; it bounds them itself, unless its settings say much more.
const MAX_TAKEN_OVER: usize = 100_000;

/// What was seen of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamCount {
    /// The stream's name; of a long one the beginning and a hash.
    pub(crate) name: String,
    /// RECORD lines.
    pub(crate) records: u64,
    /// Bytes of those lines, their ends included.
    pub(crate) bytes: u64,
}

/// Lines and bytes seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// In the order of their first RECORD.
    pub(crate) streams: Vec<StreamCount>,
    /// All lines, blank ones included.
    pub(crate) lines: u64,
    /// All bytes.
    pub(crate) bytes: u64,
    /// SCHEMA lines.
    pub(crate) schemas: u64,
    /// STATE lines.
    pub(crate) states: u64,
    /// Lines with nothing but white space.
    pub(crate) blank: u64,
    /// Every other line: `ACTIVATE_VERSION`, BATCH, unknown types and what is no Singer message at all.
    pub(crate) other: u64,
    by_name: HashMap<Box<[u8]>, usize>,
    /// The envelope of the last RECORD up to the end of its stream's name, and that stream.
    prefix: Vec<u8>,
    current: usize,
    /// The beginning of a line that the last block cut, and how long that line is so far.
    head: Vec<u8>,
    head_length: u64,
}

impl Tally {
    /// Counts the lines that end in `block`, and keeps the beginning of the one that does not.
    pub(crate) fn feed(&mut self, block: &[u8]) {
        self.bytes += block.len() as u64;
        let mut start = 0;
        if self.head_length > 0 {
            let Some(end) = memchr(b'\n', block) else {
                return self.keep(block);
            };
            self.keep(&block[..=end]);
            self.end_of_cut_line();
            start = end + 1;
        }
        let rest = &block[start..];
        let mut done = 0;
        for end in memchr_iter(b'\n', rest) {
            self.line(&rest[done..=end], (end + 1 - done) as u64);
            done = end + 1;
        }
        self.keep(&rest[done..]);
    }

    /// Counts a last line that has no end.
    pub(crate) fn finish(&mut self) {
        if self.head_length > 0 {
            self.end_of_cut_line();
        }
    }

    /// Takes over what a target of ours has counted; nothing is fed then.
    pub(crate) fn take_over(&mut self, count: Count<'_>) {
        let Some(name) = count.stream else {
            self.bytes = count.bytes;
            return;
        };
        let key = names::key(name.as_bytes());
        let index = match self.by_name.get(&*key) {
            Some(&index) => index,
            None if self.streams.len() >= MAX_TAKEN_OVER => return,
            None => self.add(&key, name.to_string()),
        };
        let stream = &mut self.streams[index];
        (stream.records, stream.bytes) = (count.records.unwrap_or_default(), count.bytes);
    }

    /// RECORD lines of all streams.
    pub(crate) fn records(&self) -> u64 {
        self.streams.iter().map(|stream| stream.records).sum()
    }

    fn keep(&mut self, piece: &[u8]) {
        self.head_length += piece.len() as u64;
        let room = MAX_HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn end_of_cut_line(&mut self) {
        let mut head = std::mem::take(&mut self.head);
        self.line(&head, self.head_length);
        head.clear();
        self.head = head;
        self.head_length = 0;
    }

    #[inline]
    fn line(&mut self, line: &[u8], length: u64) {
        self.lines += 1;
        if !self.prefix.is_empty() && line.starts_with(&self.prefix) {
            let stream = &mut self.streams[self.current];
            stream.records += 1;
            stream.bytes += length;
        } else {
            self.other_line(line, length);
        }
    }

    /// A line whose envelope is not that of the line before it.
    fn other_line(&mut self, line: &[u8], length: u64) {
        if line.iter().all(u8::is_ascii_whitespace) {
            self.blank += 1;
            return;
        }
        let envelope = envelope::read(line);
        match (envelope.kind, envelope.stream) {
            (Kind::Record, Some(raw)) => {
                let index = self.stream(raw);
                self.streams[index].records += 1;
                self.streams[index].bytes += length;
                self.prefix.clear();
                if let Some(end) = envelope.prefix {
                    self.prefix.extend_from_slice(&line[..end]);
                    self.current = index;
                }
            }
            (Kind::Schema, _) => self.schemas += 1,
            (Kind::State, _) => self.states += 1,
            _ => self.other += 1,
        }
    }

    fn stream(&mut self, raw: &[u8]) -> usize {
        let key = names::key(raw);
        if let Some(&index) = self.by_name.get(&*key) {
            return index;
        }
        if self.streams.len() >= MAX_STREAMS {
            return MAX_STREAMS - 1;
        }
        let last = self.streams.len() + 1 == MAX_STREAMS;
        let name = if last {
            "(other streams)".to_owned()
        } else {
            envelope::name(raw)
        };
        self.add(&key, name)
    }

    fn add(&mut self, key: &[u8], name: String) -> usize {
        self.streams.push(StreamCount {
            name: names::bounded(name),
            ..StreamCount::default()
        });
        self.by_name.insert(key.into(), self.streams.len() - 1);
        self.streams.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: &str = concat!(
        "{\"type\": \"SCHEMA\", \"stream\": \"a\", \"schema\": {}, \"key_properties\": []}\n",
        "{\"type\": \"RECORD\", \"stream\": \"a\", \"record\": {\"stream\": \"x\"}}\n",
        "{\"type\": \"RECORD\", \"stream\": \"a\", \"record\": {\"x\": \"}\\\"\"}}\r\n",
        "\n  \r\n",
        "{\"type\":\"RECORD\",\"stream\":\"ab\",\"record\":{}}\n",
        "{\"record\": {\"type\": \"STATE\", \"l\": [1, {\"}\": 2}]}, \"stream\": \"a\", \"type\": \"RECORD\"}\n",
        "{\"type\": \"STATE\", \"value\": {}}\n",
        "noise\n\u{0}\u{1}\n",
        "{\"type\": \"RECORD\", \"stream\": \"a\", \"record\": {}}",
    );

    fn check(tally: &Tally) {
        let counts: Vec<_> = tally
            .streams
            .iter()
            .map(|s| (s.name.as_str(), s.records))
            .collect();
        assert_eq!(counts, [("a", 4), ("ab", 1)]);
        assert_eq!(
            (tally.schemas, tally.states, tally.blank, tally.other),
            (1, 1, 2, 2)
        );
        assert_eq!((tally.lines, tally.bytes), (11, INPUT.len() as u64));
    }

    #[test]
    fn counts_the_same_however_the_blocks_are_cut() {
        for size in [1, 2, 3, 7, 16, 61, 200, INPUT.len()] {
            let mut tally = Tally::default();
            INPUT.as_bytes().chunks(size).for_each(|block| tally.feed(block));
            tally.finish();
            check(&tally);
        }
    }

    #[test]
    fn a_name_that_begins_like_another_is_another_stream() {
        let mut tally = Tally::default();
        tally.feed(b"{\"type\":\"RECORD\",\"stream\":\"a\",\"record\":{}}\n{\"type\":\"RECORD\",\"stream\":\"a\\\"b\",\"record\":{}}\n");
        assert_eq!(
            tally.streams.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
            ["a", "a\"b"]
        );
    }

    #[test]
    fn long_names_are_counted_apart_and_not_kept() {
        let mut tally = Tally::default();
        let long = "x".repeat(100_000);
        for name in [
            format!("{long}a"),
            format!("{long}b"),
            "s".to_owned(),
            format!("{long}a"),
        ] {
            tally.feed(format!("{{\"type\":\"RECORD\",\"stream\":\"{name}\",\"record\":{{}}}}\n").as_bytes());
        }
        let records: Vec<_> = tally.streams.iter().map(|s| s.records).collect();
        assert_eq!(records, [2, 1, 1]);
        assert!(tally.streams.iter().all(|s| s.name.len() <= names::MAX_BYTES));
        assert!(tally.by_name.keys().all(|key| key.len() <= names::MAX_BYTES));
    }

    #[test]
    fn the_bytes_of_a_stream_are_those_of_its_lines() {
        let line = b"{\"type\":\"RECORD\",\"stream\":\"a\",\"record\":{}}\n";
        let mut tally = Tally::default();
        for cut in 0..line.len() {
            tally.feed(&line[..cut]);
            tally.feed(&line[cut..]);
        }
        assert_eq!(tally.streams[0].bytes, (line.len() * line.len()) as u64);
    }

    #[test]
    fn what_a_target_has_counted_is_taken_over_stream_by_stream() {
        let mut tally = Tally::default();
        let of = |stream: &'static str, records, bytes| Count {
            stream: Some(stream.into()),
            records: Some(records),
            bytes,
        };
        let all = |bytes| Count {
            bytes,
            ..Count::default()
        };
        for count in [of("a", 1, 10), all(15), of("b\"", 2, 20), of("a", 3, 30), all(60)] {
            tally.take_over(count);
        }
        let counts = tally
            .streams
            .iter()
            .map(|s| (s.name.as_str(), s.records, s.bytes));
        assert_eq!(counts.collect::<Vec<_>>(), [("a", 3, 30), ("b\"", 2, 20)]);
        assert_eq!((tally.bytes, tally.records()), (60, 5));
    }
}
