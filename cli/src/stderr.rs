//! Stderr behind a queue and a thread of its own, so that nothing waits for whoever reads it.
//!
//! A terminal that is held, a pager, a full pipe that nobody reads: a write to stderr may wait for ever, and with it
//! the thread that looks for signals. So only one thread writes. What it has not written yet is bounded; when nobody
//! has read anything for a while, lines are dropped and counted, and the run goes on.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::MultiProgress;

/// Bytes of relayed lines that wait, and of melisma's own. Past it a plugin waits too, and an own line is dropped:
/// whoever writes those must not wait.
const WAITING: usize = 1 << 20;
/// A stderr that has taken nothing for so long is taken for one that nobody reads.
const STALLED: Duration = Duration::from_secs(5);
/// How long the end of a run waits for a stderr that takes nothing.
const PATIENCE: Duration = Duration::from_secs(2);
/// How soon a stderr that is not ready is tried again, when its owner has made it non-blocking.
const AGAIN: Duration = Duration::from_millis(20);

/// Something that draws, on the thread that writes.
type Drawing = Box<dyn FnOnce() + Send>;

/// A handle on the queue; clones share it.
#[derive(Clone)]
pub(crate) struct Stderr(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    lines: VecDeque<Line>,
    /// Of the lines that wait, and of the one that is written: melisma's own and those of plugins.
    bytes: [usize; 2],
    /// Only the newest: an older picture is of no use.
    drawing: Option<Drawing>,
    /// The thread is writing or drawing.
    busy: bool,
    /// When something was written last, or when there was something to write again.
    moved: Instant,
    /// Lines that were dropped and not spoken of yet.
    dropped: u64,
}

struct Line {
    text: String,
    from: Source,
}

/// Who has written a line.
#[derive(Clone, Copy)]
enum Source {
    Melisma,
    Plugin,
}

impl Stderr {
    /// Starts the thread. Lines go above the bars, if there are any; `dropped` is the line that speaks of so many.
    pub(crate) fn start(bars: Option<MultiProgress>, dropped: fn(u64) -> String) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                lines: VecDeque::new(),
                bytes: [0; 2],
                drawing: None,
                busy: false,
                moved: Instant::now(),
                dropped: 0,
            }),
            changed: Condvar::new(),
        });
        let writer = Arc::clone(&shared);
        thread::spawn(move || writer.work(bars.as_ref(), dropped));
        Self(shared)
    }

    /// Writes a line soon, without ever waiting; it is dropped when too much waits already.
    pub(crate) fn write(&self, line: String) {
        let mut state = self.0.lock();
        if state.bytes[Source::Melisma as usize] > WAITING {
            state.dropped += 1;
        } else {
            self.0.push(&mut state, line, Source::Melisma);
        }
    }

    /// Writes a line soon. Waits for room, but not for a stderr that nobody reads: then the line is dropped.
    pub(crate) fn write_relayed(&self, line: String) {
        let mut state = self.0.lock();
        while state.bytes[Source::Plugin as usize] > WAITING {
            let Some(left) = STALLED.checked_sub(state.moved.elapsed()) else {
                state.dropped += 1;
                return;
            };
            state = self.0.wait(state, left);
        }
        self.0.push(&mut state, line, Source::Plugin);
    }

    /// Draws soon, in place of a drawing that waits already.
    pub(crate) fn draw(&self, drawing: impl FnOnce() + Send + 'static) {
        let mut state = self.0.lock();
        self.0.begin(&mut state);
        state.drawing = Some(Box::new(drawing));
    }

    /// Waits until everything is written, or nobody reads it.
    pub(crate) fn flush(&self) {
        let mut state = self.0.lock();
        while state.busy || !state.is_idle() {
            let Some(left) = PATIENCE.checked_sub(state.moved.elapsed()) else {
                return;
            };
            state = self.0.wait(state, left);
        }
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.lines.is_empty() && self.drawing.is_none()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, at_most.max(AGAIN));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Before something is added: a thread that had nothing to do has not stalled.
    fn begin(&self, state: &mut State) {
        if !state.busy && state.is_idle() {
            state.moved = Instant::now();
        }
        self.changed.notify_all();
    }

    fn push(&self, state: &mut State, text: String, from: Source) {
        self.begin(state);
        state.bytes[from as usize] += text.len();
        state.lines.push_back(Line { text, from });
    }

    fn moved(&self) {
        self.lock().moved = Instant::now();
        self.changed.notify_all();
    }

    fn work(&self, bars: Option<&MultiProgress>, dropped: fn(u64) -> String) {
        let mut state = self.lock();
        loop {
            let (line, drawing) = (state.lines.pop_front(), state.drawing.take());
            state.busy = line.is_some() || drawing.is_some();
            if !state.busy {
                self.changed.notify_all();
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            drop(state);
            if let Some(line) = &line {
                match bars {
                    Some(bars) => bars.suspend(|| self.write_all(&line.text)),
                    None => self.write_all(&line.text),
                }
            }
            if let Some(drawing) = drawing {
                drawing();
            }
            state = self.lock();
            state.moved = Instant::now();
            if let Some(line) = line {
                state.bytes[line.from as usize] -= line.text.len();
            }
            if state.dropped > 0 {
                let line = dropped(std::mem::take(&mut state.dropped));
                self.push(&mut state, line, Source::Melisma);
            }
            self.changed.notify_all();
        }
    }

    /// Writes piece by piece, so that it shows whether somebody reads. A stderr that can not be written to is no
    /// reason to stop a run.
    fn write_all(&self, line: &str) {
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            match io::stderr().lock().write(rest) {
                Ok(0) => return,
                Ok(length) => {
                    rest = &rest[length..];
                    self.moved();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(AGAIN),
                Err(_) => return,
            }
        }
    }
}

/// Writes the last words of a process to stderr; waits for a stderr that nobody reads for a moment only.
pub(crate) fn write_at_the_end(text: String) {
    let stderr = Stderr::start(None, |_| String::new());
    stderr.write(text);
    stderr.flush();
}
