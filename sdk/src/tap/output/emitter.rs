//! Messages into one reused buffer, and the buffer to stdout: by size and by age, not record by record.

use std::io::Write;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use melisma_engine::copied::Form;
use melisma_engine::json;
use melisma_engine::{Error, Result};
use serde_json::Value;

use super::buffer::{Buffer, Padded};
use crate::protocol;

/// The buffer goes out when it holds this much: a quarter of a pipe, so that its reader has work while the next is made.
const SIZE: usize = 256 * 1024;
/// A record waits at most about this long, as long as records come.
const AGE: Duration = Duration::from_millis(100);
/// At most so many records pass between two looks at the clock.
const STRIDE: u32 = 256;

pub(in crate::tap) struct Emitter<'a> {
    out: Box<dyn Write + Send + 'a>,
    pub(in crate::tap) buffer: Buffer,
    /// What ends each record: `,"version":7,"time_extracted":"2026-01-02T03:04:05.678901+00:00"}` and a line break.
    tail: Padded,
    /// Where the time stands in `tail`.
    time: usize,
    flushed: Instant,
    /// Records until the next look at the clock, and between the last two.
    countdown: u32,
    stride: u32,
    looked: Instant,
    state: Vec<u8>,
    dead: bool,
    /// The form of COPY in which whoever reads takes rows.
    pub(in crate::tap) copied_form: Option<Form>,
}

impl<'a> Emitter<'a> {
    pub(in crate::tap) fn new(out: Box<dyn Write + Send + 'a>) -> Self {
        let now = Instant::now();
        let mut emitter = Self {
            out,
            buffer: Buffer::with_capacity(2 * SIZE),
            tail: Padded::default(),
            time: 0,
            flushed: now,
            countdown: 1,
            stride: 1,
            looked: now,
            state: Vec::new(),
            dead: false,
            copied_form: None,
        };
        emitter.set_version(None);
        emitter
    }

    /// The version that later records carry.
    pub(in crate::tap) fn set_version(&mut self, version: Option<i64>) {
        let mut tail = Vec::new();
        if let Some(version) = version {
            tail.extend_from_slice(b",\"version\":");
            tail.extend_from_slice(itoa::Buffer::new().format(version).as_bytes());
        }
        tail.extend_from_slice(b",\"time_extracted\":\"");
        self.time = tail.len();
        tail.extend_from_slice(now_text().as_bytes());
        tail.extend_from_slice(b"\"}\n");
        self.tail = Padded::new(&tail);
    }

    /// Appends `{"type":"RECORD","stream":"s","record":` or what stands for it. The first record of a buffer
    /// dates all of them.
    pub(in crate::tap) fn begin_record(&mut self, head: &Padded) {
        self.date();
        self.buffer.append(|out| out.extend_from_slice(head.as_slice()));
    }

    pub(in crate::tap) fn end_record(&mut self) {
        self.buffer
            .append(|out| out.extend_from_slice(self.tail.as_slice()));
    }

    /// Writes what [`begin_record`](Self::begin_record) does, and the opening brace, at a cursor: where the row's cells
    /// start. Nothing counts before [`end_row`](Self::end_row).
    #[inline]
    pub(in crate::tap) fn begin_row(&mut self, head: &Padded) -> usize {
        self.date();
        let at = self.buffer.put_padded(self.buffer.len(), head);
        self.buffer.put(at, b"{");
        at + 1
    }

    /// Ends the record whose object ends at `at`.
    #[inline]
    pub(in crate::tap) fn end_row(&mut self, at: usize) {
        let end = self.buffer.put_padded(at, &self.tail);
        self.buffer.fill(end);
    }

    #[inline]
    fn date(&mut self) {
        if self.buffer.is_empty() {
            self.render_time();
        }
    }

    /// Whether the clock or the size says to look after the buffer; see [`settle`](Self::settle).
    #[inline]
    pub(in crate::tap) fn is_due(&mut self) -> bool {
        self.countdown -= 1;
        self.countdown == 0 || self.buffer.len() >= SIZE
    }

    /// Flushes what is large or old, and sets when to look again: the faster records come, the rarer.
    pub(in crate::tap) fn settle(&mut self) -> Result<Instant> {
        let now = Instant::now();
        let quick = now.duration_since(self.looked) < Duration::from_millis(1);
        self.looked = now;
        self.stride = if quick { (self.stride * 2).min(STRIDE) } else { 1 };
        self.countdown = self.stride;
        if self.buffer.len() >= SIZE || now.duration_since(self.flushed) >= AGE {
            self.flush()?;
        }
        Ok(now)
    }

    /// Whether records come fast and the clock was not just looked at, so that it need not be now.
    pub(in crate::tap) fn is_between_looks(&self) -> bool {
        self.stride > 1 && self.countdown != self.stride
    }

    /// Flushes unless that was done a moment ago.
    pub(in crate::tap) fn flush_if_older(&mut self, age: Duration) -> Result<()> {
        if self.flushed.elapsed() >= age {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes the buffer out.
    pub(in crate::tap) fn flush(&mut self) -> Result<()> {
        if self.dead {
            return Err(Error::bug("wrote on after stdout had failed"));
        }
        if !self.buffer.is_empty() {
            let written = protocol::write(&mut *self.out, self.buffer.as_slice());
            self.dead = written.is_err();
            self.buffer.truncate(0);
            written?;
        }
        self.flushed = Instant::now();
        Ok(())
    }

    /// Whether stdout failed, so that nothing may follow.
    pub(in crate::tap) fn is_dead(&self) -> bool {
        self.dead
    }

    /// Writes a message, and at once.
    pub(in crate::tap) fn message(&mut self, message: &Value) -> Result<()> {
        let written = self.buffer.append(|out| {
            serde_json::to_writer(&mut *out, message)?;
            out.push(b'\n');
            Ok(())
        });
        written
            .map_err(|error: serde_json::Error| Error::bug("cannot write a message").with_source(error))?;
        self.flush()
    }

    /// Writes when the rows that follow in forms of COPY were extracted.
    pub(in crate::tap) fn extracted(&mut self) {
        // For records among them.
        self.render_time();
        self.buffer.append(|out| {
            out.push(melisma_engine::copied::EXTRACTED);
            out.extend_from_slice(now_text().as_bytes());
            out.push(b'\n');
        });
    }

    /// Writes ACTIVATE_VERSION.
    pub(in crate::tap) fn activate_version(&mut self, stream: &str, version: i64) -> Result<()> {
        self.buffer.append(|out| {
            out.extend_from_slice(b"{\"type\":\"ACTIVATE_VERSION\",\"stream\":");
            json::write_string(out, stream);
            out.extend_from_slice(b",\"version\":");
            out.extend_from_slice(itoa::Buffer::new().format(version).as_bytes());
            out.extend_from_slice(b"}\n");
        });
        self.flush()
    }

    /// Writes a STATE, an object with members, that is not empty and not the one before; whether it did. While a stream
    /// is read its name goes in as `currently_syncing`, the mark that Singer has for it: a target that replaces what was
    /// there can tell a STATE in the middle from that of the end.
    pub(in crate::tap) fn state(&mut self, value: &[u8], syncing: Option<&str>) -> Result<bool> {
        let new = !value.is_empty() && value != self.state;
        if new {
            self.state.clear();
            self.state.extend_from_slice(value);
            self.buffer.append(|out| {
                out.extend_from_slice(b"{\"type\":\"STATE\",\"value\":");
                match (syncing, value.strip_suffix(b"}")) {
                    (Some(stream), Some(open)) => {
                        out.extend_from_slice(open);
                        out.extend_from_slice(b",\"currently_syncing\":");
                        json::write_string(out, stream);
                        out.push(b'}');
                    }
                    _ => out.extend_from_slice(value),
                }
                out.extend_from_slice(b"}\n");
            });
        }
        self.flush().map(|()| new)
    }

    /// The next STATE goes out though it may be the one before.
    pub(in crate::tap) fn forget_state(&mut self) {
        self.state.clear();
    }

    /// Renders the time into its place, which has room for it; nothing is allocated.
    #[cold]
    fn render_time(&mut self) {
        let place = &mut self.tail.as_mut_slice()[self.time..];
        let mut rest = &mut *place;
        // `2026-01-02T03:04:05.678901Z`, then its last letter gives way to the offset.
        if write!(rest, "{:.6}", Timestamp::now()).is_ok() {
            place[TIME - OFFSET.len()..TIME].copy_from_slice(OFFSET);
        }
    }
}

const OFFSET: &[u8] = b"+00:00";
/// The length of a rendered time.
const TIME: usize = "2026-01-02T03:04:05.678901+00:00".len();

/// Now, always as long: `2026-01-02T03:04:05.678901+00:00`.
pub(in crate::tap) fn now_text() -> String {
    let mut text = format!("{:.6}", Timestamp::now());
    text.truncate(text.len() - 1);
    text.push_str("+00:00");
    text
}
