//! Stderr behind a queue and a thread of its own, so that a run never waits for the reader of its log.
//!
//! A suspended terminal (Ctrl-S), a pager or a full pipe can block a write to stderr for ever, and with it the thread
//! that looks for signals. So only one thread writes. The queue is bounded: when nothing has been read for a while,
//! lines are dropped and counted, and the run continues.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::MultiProgress;

/// Bytes that may wait in the queue: of plugins' lines, and of melisma's own. When it is full, a plugin waits, but a line
/// of melisma is dropped: the thread that writes it must not wait.
const WAITING: usize = 1 << 20;
/// A stderr that has accepted nothing for this long counts as not being read.
const STALLED: Duration = Duration::from_secs(5);
/// How long the end of a run waits for a stderr that accepts nothing, unless the user has asked twice.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it waits after [`hurry`].
const HURRY: Duration = Duration::from_millis(100);
/// How soon a non-blocking stderr that is not ready is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// Whether the user has asked twice for the end: of the process, which has one stderr.
static HURRIED: AtomicBool = AtomicBool::new(false);

/// The queue of the process, the newest where there are several: what it writes last comes after the lines that wait there.
static NEWEST: Mutex<Option<Stderr>> = Mutex::new(None);

/// From now on the end of the process waits for an unread stderr no longer than for its last lines to be written.
pub(crate) fn hurry() {
    HURRIED.store(true, Ordering::Relaxed);
}

/// How long to wait at the end for a stderr that accepts nothing.
pub(crate) fn patience() -> Duration {
    if HURRIED.load(Ordering::Relaxed) {
        HURRY
    } else {
        PATIENCE
    }
}

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
    /// Bytes of the lines that wait, and of the one being written, by [`Source`].
    bytes: [usize; 2],
    /// Only the newest drawing: older ones are out of date.
    drawing: Option<Drawing>,
    /// Whether the thread is writing or drawing.
    busy: bool,
    /// When something was last written, or last added to an empty queue.
    moved: Instant,
    /// Lines that were dropped and not reported yet.
    dropped: u64,
}

struct Line {
    text: String,
    from: Source,
}

/// Who wrote a line.
#[derive(Clone, Copy)]
enum Source {
    Melisma,
    Plugin,
}

impl Stderr {
    /// Starts the thread. Lines go above the bars, if there are any; `dropped` makes the line that reports dropped lines.
    pub(crate) fn start(
        bars: Option<MultiProgress>,
        dropped: impl Fn(u64) -> String + Send + 'static,
    ) -> Self {
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
        thread::spawn(move || writer.work(bars.as_ref(), &dropped));
        let stderr = Self(shared);
        *newest() = Some(stderr.clone());
        stderr
    }

    /// Queues a line without ever waiting; it is dropped when the queue is full.
    pub(crate) fn write(&self, line: String) {
        let mut state = self.0.lock();
        if state.bytes[Source::Melisma as usize] > WAITING {
            state.dropped += 1;
        } else {
            self.0.push(&mut state, line, Source::Melisma);
        }
    }

    /// Queues a line. Waits for room, unless stderr is not being read: then the line is dropped.
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

    /// Queues the last line, however many wait, and gives the reader another moment.
    fn write_last(&self, line: String) {
        let mut state = self.0.lock();
        state.moved = Instant::now();
        self.0.push(&mut state, line, Source::Melisma);
    }

    /// Queues a drawing, in place of one that is still waiting.
    pub(crate) fn draw(&self, drawing: impl FnOnce() + Send + 'static) {
        let mut state = self.0.lock();
        self.0.begin(&mut state);
        state.drawing = Some(Box::new(drawing));
    }

    /// Waits until everything is written, or stderr is found not to be read; not much longer once there is a signal.
    pub(crate) fn flush(&self, has_signal: impl Fn() -> bool) {
        let mut state = self.0.lock();
        while state.busy || !state.is_idle() {
            if has_signal() {
                hurry();
            }
            let Some(left) = patience().checked_sub(state.moved.elapsed()) else {
                return;
            };
            state = self.0.wait(state, left.min(HURRY));
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

    /// Called before something is added: an idle thread has not stalled.
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

    fn work(&self, bars: Option<&MultiProgress>, dropped: &impl Fn(u64) -> String) {
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

    /// Writes in pieces, so that [`State::moved`] tells whether stderr is being read. A stderr that cannot be written to
    /// does not stop a run.
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

fn newest() -> MutexGuard<'static, Option<Stderr>> {
    NEWEST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes the last line of a process to stderr, after the lines that wait; waits only a moment for a stderr that is not
/// being read.
pub(crate) fn write_at_the_end(text: String) {
    let queue = newest().clone();
    let stderr = queue.unwrap_or_else(|| Stderr::start(None, |_| String::new()));
    stderr.write_last(text);
    stderr.flush(|| false);
}

/// Waits, at the end of the process, until every line is written, unless stderr is not being read.
pub(crate) fn flush_at_the_end() {
    if let Some(stderr) = newest().clone() {
        stderr.flush(|| false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_process_comes_after_the_lines_that_wait() {
        let ends: [fn(); 2] = [flush_at_the_end, || write_at_the_end(String::new())];
        for end in ends {
            let stderr = Stderr::start(None, |_| String::new());
            // As if the thread that writes were not scheduled.
            stderr.draw(|| thread::sleep(Duration::from_millis(200)));
            stderr.write(String::new());
            end();
            let state = stderr.0.lock();
            assert!(state.is_idle() && !state.busy);
        }
    }
}
