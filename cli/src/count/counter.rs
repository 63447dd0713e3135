//! The counter: blocks of bytes in, numbers by stream out.
//!
//! The bytes may be anything; nothing here checks them or fails. A block may end in the middle of a line. That line is
//! put together again before it is counted.
//!
//! For example, after the line `{"type": "RECORD", "stream": "a", "record": {"x": 1}}` the counter remembers the prefix
//! `{"type": "RECORD", "stream": "a"`. Every following line that begins with the same bytes is a RECORD of the same
//! stream, whatever comes after, so a run of records costs one comparison a line.

use std::collections::HashMap;

use melisma_sdk::target::Count;
use memchr::{memchr, memchr_iter};

use super::envelope::{self, Kind};
use super::state_marks::StateMarks;
use super::stream_name;

/// Bytes that are kept of a line that a block has cut; a longer line is classified by its beginning.
const MAX_HEAD: usize = 1 << 20;
/// Streams beyond this number are counted together, so that noise cannot fill the memory.
pub(crate) const MAX_STREAMS: usize = 10_000;
/// The same for streams that a built-in target reports. It has a limit of its own, which settings may raise.
const MAX_REPORTED: usize = 100_000;

/// The counts of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamCount {
    /// The stream's name, bounded by [`stream_name::bounded`].
    pub(crate) name: String,
    /// RECORD lines.
    pub(crate) records: u64,
    /// Bytes of those lines, including their line ends.
    pub(crate) bytes: u64,
}

/// Counts lines and bytes, and RECORD lines by stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter {
    /// In the order of their first RECORD.
    pub(crate) streams: Vec<StreamCount>,
    /// All lines, including blank ones.
    pub(crate) lines: u64,
    /// All bytes.
    pub(crate) bytes: u64,
    /// SCHEMA lines.
    pub(crate) schemas: u64,
    /// STATE lines.
    pub(crate) states: u64,
    /// Lines with nothing but white space.
    pub(crate) blank: u64,
    /// Every other line: `ACTIVATE_VERSION`, BATCH, unknown types, and what is not a Singer message.
    pub(crate) other: u64,
    /// Where STATE lines are noted, if they are.
    pub(crate) marks: Option<StateMarks>,
    pub(super) by_name: HashMap<Box<[u8]>, usize>,
    /// The last RECORD up to the end of its stream's name, and the index of that stream.
    prefix: Vec<u8>,
    current: usize,
    /// The beginning of a line that the last block has cut, and the length of that line so far.
    head: Vec<u8>,
    head_length: u64,
}

impl Counter {
    /// Counts the lines that end in `block`, and keeps the beginning of a line that does not.
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

    /// Counts a last line without a line end.
    pub(crate) fn finish(&mut self) {
        if self.head_length > 0 {
            self.end_of_cut_line();
        }
    }

    /// Takes over a count that a built-in target has reported; then nothing is fed.
    pub(crate) fn take_over(&mut self, count: Count<'_>) {
        let Some(name) = count.stream else {
            self.bytes = count.bytes;
            return;
        };
        let key = stream_name::key(name.as_bytes());
        let index = match self.by_name.get(&*key) {
            Some(&index) => index,
            None if self.streams.len() >= MAX_REPORTED => return,
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

    /// A line that does not begin as the RECORD before it.
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
            (Kind::State, _) => {
                self.states += 1;
                if let Some(marks) = &self.marks {
                    marks.passed(line, self.records());
                }
            }
            _ => self.other += 1,
        }
    }

    fn stream(&mut self, raw: &[u8]) -> usize {
        let key = stream_name::key(raw);
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
            name: stream_name::bounded(name),
            ..StreamCount::default()
        });
        self.by_name.insert(key.into(), self.streams.len() - 1);
        self.streams.len() - 1
    }
}
