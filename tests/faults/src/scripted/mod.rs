//! A pipeline in this process, into a sink that does as scripted: it rejects, fails after it did the work, holds, or
//! is slow, in each of its calls.
//!
//! Judged are the ledger's promises: an emitted STATE covers durable rows alone (I1), emitted STATEs go forward (I2), a run
//! that ends well has emitted the last (I3), records are written or the run failed (I4); rows are those that were sent, in
//! their order, on the right side of each SCHEMA and ACTIVATE_VERSION; and what is read while a sink holds is bounded.

mod sink;

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use melisma_engine::Kind;
use melisma_engine::pipeline::{self, Limits, Options, Summary};
use melisma_engine::sink::CommitMode;

use crate::source::{Source, Stream};
use sink::Script;

/// The calls of a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// It is made.
    Open,
    /// It gets a batch.
    Write,
    /// It is asked to make rows durable.
    Commit,
    /// Its schema changes.
    Schema,
    /// An ACTIVATE_VERSION came.
    Activate,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing is done, and an error.
    Reject,
    /// It is done, and an error all the same.
    FailAfter,
    /// The call does not return until somebody lets it.
    Hold,
    /// Every call takes its time.
    Slow,
}

/// How the pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All streams on one thread.
    OneWriter,
    /// On two.
    TwoWriters,
    /// Commits of all streams together, at a STATE.
    AtStates,
    /// One commit, at the end.
    AtEnd,
}

/// A call, a trouble, a mode, and which of the calls.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    op: Op,
    trouble: Trouble,
    mode: Mode,
    /// The first of two places, or the second.
    second: bool,
}

const OPS: [Op; 5] = [Op::Open, Op::Write, Op::Commit, Op::Schema, Op::Activate];
const TROUBLES: [Trouble; 4] = [Trouble::Reject, Trouble::FailAfter, Trouble::Hold, Trouble::Slow];
const MODES: [Mode; 4] = [Mode::OneWriter, Mode::TwoWriters, Mode::AtStates, Mode::AtEnd];

/// The budget of every cell, in bytes.
const BUDGET: usize = 256 << 10;
/// What may be read while a sink holds, beyond what it was given: the budget, what waits in pieces, blocks in hand.
const BOUND: u64 = 2 << 20;
/// Rows of a cell; of one that holds, more than the bound.
const ROWS: u64 = 300;
const MANY_ROWS: u64 = 7_000;

impl Cell {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for op in OPS {
            for trouble in TROUBLES {
                for mode in MODES {
                    for second in [false, true] {
                        cells.push(Self {
                            op,
                            trouble,
                            mode,
                            second,
                        });
                    }
                }
            }
        }
        cells
    }

    /// `scripted:write:hold:two-writers:1`, as `--only` takes it.
    pub fn name(self) -> String {
        let words = format!(
            "scripted:{:?}:{:?}:{:?}:{}",
            self.op,
            self.trouble,
            self.mode,
            u8::from(self.second) + 1
        );
        words.to_lowercase()
    }

    /// The call that is troubled: of which stream, and how many go well before.
    fn place(self) -> (Stream, u64) {
        match (self.op, self.second) {
            (Op::Open | Op::Write | Op::Commit | Op::Schema, false) => (Stream::Orders, 0),
            (Op::Open, true) => (Stream::People, 0),
            (Op::Write, true) => (Stream::Events, 2),
            (Op::Commit, true) if self.mode == Mode::AtEnd => (Stream::Events, 0),
            (Op::Commit, true) => (Stream::Events, 1),
            (Op::Schema, true) => (Stream::Events, 0),
            (Op::Activate, second) => (Stream::People, u64::from(second)),
        }
    }

    fn options(self) -> Options {
        Options {
            limits: Limits {
                rows: 20,
                ..Limits::default()
            },
            state_interval: Duration::ZERO,
            memory_budget: BUDGET,
            writers: if self.mode == Mode::TwoWriters { 2 } else { 1 },
            commit: match self.mode {
                Mode::OneWriter | Mode::TwoWriters => CommitMode::PerStream,
                Mode::AtStates => CommitMode::AtStates,
                Mode::AtEnd => CommitMode::AtEnd,
            },
            ..Options::default()
        }
    }

    /// A sink that holds a batch.
    pub fn holds() -> Self {
        Self {
            op: Op::Write,
            trouble: Trouble::Hold,
            mode: Mode::OneWriter,
            second: false,
        }
    }

    /// Runs the cell.
    ///
    /// # Errors
    /// What is violated.
    pub fn run(self, seed: u64) -> Result<(), String> {
        self.run_with(seed, false)
    }

    /// Runs the cell, with a reader in front of the pipeline that waits for nobody if it is `hasty`.
    ///
    /// # Errors
    /// What is violated.
    pub fn run_with(self, seed: u64, hasty: bool) -> Result<(), String> {
        let source = Source {
            seed: crate::random::named(seed, &self.name()),
            state_every: 7,
            change: 100,
            activate: 180,
        };
        let rows = if self.trouble == Trouble::Hold {
            MANY_ROWS
        } else {
            ROWS
        };
        let (stream, after) = self.place();
        let script = Script::new(source, rows, (stream, self.op, after, self.trouble));
        let taken = Arc::new(AtomicU64::new(0));
        let input = Input {
            source,
            next: 0,
            rows,
            text: Vec::new(),
            at: 0,
            taken: Arc::clone(&taken),
        };
        let options = self.options();
        let run = {
            let script = script.clone();
            let input: Box<dyn Read + Send> = if hasty {
                Box::new(all_at_once(input))
            } else {
                Box::new(input)
            };
            thread::spawn(move || pipeline::run(input, script.clone(), &script, &options, &(), &()))
        };
        if self.trouble == Trouble::Hold {
            let bounded = held(&script, &taken);
            script.release();
            bounded?;
        }
        let (summary, result) = run.join().map_err(|_| "the pipeline panicked")?;
        self.judge(&script, &summary, &result)
    }

    fn judge(
        self,
        script: &Script,
        summary: &Summary,
        result: &melisma_engine::Result<()>,
    ) -> Result<(), String> {
        script.violations()?;
        if !script.has_struck() {
            return Err("vacuous: the call never came".into());
        }
        let last = script.last_state();
        let emitted = script.emitted();
        let fails = matches!(self.trouble, Trouble::Reject | Trouble::FailAfter);
        match (result, fails) {
            (Ok(()), true) => return Err("I3: the sink failed, and the run says that all is well".into()),
            (Err(error), false) => return Err(format!("the run failed: {error}")),
            (Err(error), true) if error.kind() != Kind::Unavailable => {
                return Err(format!("the sink's error became another: {error}"));
            }
            (Err(_), true) if emitted.last() == Some(&last) => {
                return Err("I3: the last STATE was emitted, although the sink failed before".into());
            }
            (Ok(()), false) if emitted.last() != Some(&last) => {
                return Err(format!(
                    "I3: the run ended well, and emitted {:?} last",
                    emitted.last()
                ));
            }
            _ => {}
        }
        for stream in &summary.streams {
            let durable = script.durable(&stream.stream);
            if stream.committed > durable || result.is_ok() && stream.committed != stream.records {
                return Err(format!(
                    "I4: {}: {} records came, {} are said to be durable, {durable} are",
                    stream.stream, stream.records, stream.committed
                ));
            }
        }
        Ok(())
    }
}

/// Waits for the call that holds, and until nothing more is read.
fn held(script: &Script, taken: &AtomicU64) -> Result<(), String> {
    const QUIET: Duration = Duration::from_millis(120);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !script.has_struck() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    let given = script.given();
    let (mut last, mut since) = (taken.load(Ordering::Relaxed), Instant::now());
    while since.elapsed() < QUIET && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(2));
        let now = taken.load(Ordering::Relaxed);
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    let ahead = last.saturating_sub(given);
    if ahead > BOUND {
        return Err(format!(
            "I5: {ahead} bytes were read while a sink held, with a budget of {BUDGET} bytes"
        ));
    }
    Ok(())
}

/// The rows of the source, made when they are asked for.
struct Input {
    source: Source,
    next: u64,
    rows: u64,
    text: Vec<u8>,
    at: usize,
    taken: Arc<AtomicU64>,
}

impl Input {
    fn more(&mut self) {
        let mut text = String::new();
        if self.next == 0 {
            for stream in Stream::ALL {
                self.source.schema(stream, 0, &mut text);
            }
            crate::tap::activate(1, &mut text);
        }
        let end = (self.next + 20).min(self.rows);
        for n in self.next..end {
            crate::tap::before(&self.source, 0, n, &mut text);
            self.source.record(n, &mut text);
            if (n + 1) % self.source.state_every == 0 || n + 1 == self.rows {
                crate::tap::state_line(&self.source, n + 1, &mut text);
            }
        }
        self.next = end;
        self.text = text.into_bytes();
        self.at = 0;
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.text.len() && self.next < self.rows {
            self.more();
        }
        let length = into.len().min(self.text.len() - self.at);
        into[..length].copy_from_slice(&self.text[self.at..self.at + length]);
        self.at += length;
        self.taken.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Reads everything, whoever takes it or not.
fn all_at_once(mut input: Input) -> impl Read {
    let mut all = Vec::new();
    let _ = input.read_to_end(&mut all);
    std::io::Cursor::new(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_promise_is_broken_whatever_a_sink_does() {
        let cells = Cell::all();
        assert!(cells.len() >= 80);
        let results = crate::campaign::spread(&cells, 2, &|_| {}, "", |cell, _| cell.run(1));
        let failed: Vec<String> = results
            .into_iter()
            .filter_map(|(cell, result)| Some(format!("{}: {}", cell.name(), result.err()?)))
            .collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }
}
