//! Emits STATE: the ledger and the output behind one lock, which is taken for units and STATEs, never for records.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::ledger::{Ledger, State, Tally, Ticket};
use crate::{fault, fault_gauge};

/// Shared by the decoding thread, which brings states and opens units, and the writers, which commit them.
pub(super) struct StateEmitter {
    inner: Mutex<Inner>,
    /// The watermark after the last commit; read without the lock.
    low: AtomicU64,
}

struct Inner {
    ledger: Ledger,
    output: Box<dyn Write + Send>,
    /// The least time between two STATEs; `None`: one is emitted at the end only.
    interval: Option<Duration>,
    /// Permitted, and waiting for the interval to pass.
    ready: Option<State>,
    /// The last emitted STATE, with its newline.
    last: Vec<u8>,
    emitted_at: Option<Instant>,
    emitted: u64,
    /// The output failed once: nothing more goes there.
    broken: bool,
}

impl StateEmitter {
    /// Emits to `output`, at most once in `interval`; without one, only at the end.
    pub(super) fn new(output: Box<dyn Write + Send>, interval: Option<Duration>) -> Self {
        let inner = Inner {
            ledger: Ledger::new(),
            output,
            interval,
            ready: None,
            last: Vec::new(),
            emitted_at: None,
            emitted: 0,
            broken: false,
        };
        Self {
            inner: Mutex::new(inner),
            low: AtomicU64::new(0),
        }
    }

    /// A unit of `stream` begins at line `seq`.
    pub(super) fn open(&self, seq: u64, stream: usize) -> Ticket {
        let mut inner = self.lock();
        let ticket = inner.ledger.open(seq, stream);
        fault_gauge!(inner.ledger.in_flight());
        ticket
    }

    /// A STATE came. Empty ones are skipped: a host would replace an older state that is good by them.
    pub(super) fn state(&self, seq: u64, value: &str, now: Instant) -> Result<()> {
        if is_empty(value) {
            return Ok(());
        }
        let mut inner = self.lock();
        inner.ledger.state(seq, value);
        inner.emit(now, false)
    }

    /// A unit is durable: emits the STATE that this permits.
    pub(super) fn commit(&self, ticket: Ticket, tally: Tally, now: Instant) -> Result<()> {
        fault!(LEDGER_COMMIT_BEFORE, error => { self.abandon(ticket); return Err(error.into()) });
        let mut inner = self.lock();
        inner.ledger.commit(ticket, tally)?;
        self.low.store(inner.ledger.low(), Ordering::Release);
        fault_gauge!(inner.ledger.in_flight());
        fault!(LEDGER_COMMIT_AFTER);
        inner.emit(now, false)
    }

    /// A unit failed; it holds the watermark from now on.
    pub(super) fn abandon(&self, ticket: Ticket) {
        self.lock().ledger.abandon(ticket);
    }

    /// Emits the STATE that waits when the interval has passed.
    pub(super) fn tick(&self, now: Instant) -> Result<()> {
        let mut inner = self.lock();
        if inner.ready.is_none() {
            inner.ledger.check()
        } else {
            inner.emit(now, false)
        }
    }

    /// The run is over: emits the STATE that is permitted, at once.
    pub(super) fn finish(&self, now: Instant) -> Result<()> {
        self.lock().emit(now, true)
    }

    /// A bug was seen: no more STATE.
    pub(super) fn poison(&self, reason: &str) -> Error {
        self.lock().ledger.poison(reason)
    }

    /// Everything below was durable at the last commit.
    pub(super) fn low(&self) -> u64 {
        self.low.load(Ordering::Acquire)
    }

    /// Bytes of STATEs that wait for a commit.
    pub(super) fn pending_bytes(&self) -> usize {
        self.lock().ledger.pending_bytes()
    }

    /// How many STATEs were emitted.
    pub(super) fn emitted(&self) -> u64 {
        self.lock().emitted
    }

    /// What was committed, by stream.
    pub(super) fn tallies(&self) -> Vec<Tally> {
        self.lock().ledger.tallies().to_vec()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic with a ticket in hand loses the ticket, and so silences the ledger by itself.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn emit(&mut self, now: Instant, at_once: bool) -> Result<()> {
        if let Some(state) = self.ledger.take()? {
            self.ready = Some(state);
        }
        let waited = self.interval.is_some_and(|interval| {
            self.emitted_at
                .is_none_or(|at| now.saturating_duration_since(at) >= interval)
        });
        if self.broken || !(at_once || waited) {
            return Ok(());
        }
        let Some(state) = self.ready.take() else {
            return Ok(());
        };
        if self.last.strip_suffix(b"\n") == Some(state.value.as_bytes()) {
            return Ok(());
        }
        self.last.clear();
        self.last.extend_from_slice(state.value.as_bytes());
        self.last.push(b'\n');
        self.emitted_at = Some(now);
        if let Err(error) = self
            .output
            .write_all(&self.last)
            .and_then(|()| self.output.flush())
        {
            self.broken = true;
            return Err(Error::io("cannot write STATE to the output", error));
        }
        self.emitted += 1;
        Ok(())
    }
}

/// Whether a STATE value says nothing: an object without keys, or null.
pub(super) fn is_empty(value: &str) -> bool {
    let value = value.trim_ascii();
    let inside = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    value == "null" || inside.is_some_and(|inside| inside.trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::Kind;

    const SECOND: Duration = Duration::from_secs(1);

    /// Runs `script` on an emitter and returns what it emitted.
    fn emitted(interval: Duration, script: impl FnOnce(&StateEmitter, Instant)) -> String {
        let output = Output::default();
        script(
            &StateEmitter::new(Box::new(output.clone()), Some(interval)),
            Instant::now(),
        );
        let bytes = output.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn coalesces_to_the_interval_but_always_emits_the_last() {
        let out = emitted(10 * SECOND, |emitter, t| {
            emitter.state(1, "{\"a\": 1.0}", t).unwrap();
            emitter.state(2, "2", t + SECOND).unwrap();
            emitter.state(3, "3", t + 2 * SECOND).unwrap();
            emitter.tick(t + 9 * SECOND).unwrap();
            emitter.tick(t + 10 * SECOND).unwrap();
            emitter.state(4, "4", t + 11 * SECOND).unwrap();
            emitter.finish(t + 11 * SECOND).unwrap();
            assert_eq!(emitter.emitted(), 3);
        });
        assert_eq!(out, "{\"a\": 1.0}\n3\n4\n");
    }

    #[test]
    fn never_emits_the_same_twice_nor_an_empty_state() {
        let out = emitted(Duration::ZERO, |emitter, t| {
            for (seq, value) in (1..).zip(["{}", "1", "1", " { } ", "null", "2", "{}", "1"]) {
                emitter.state(seq, value, t).unwrap();
            }
            emitter.finish(t).unwrap();
        });
        assert_eq!(out, "1\n2\n1\n");
    }

    #[test]
    fn an_empty_state_does_not_push_out_the_one_that_waits() {
        let out = emitted(Duration::ZERO, |emitter, t| {
            let unit = emitter.open(1, 0);
            emitter.state(2, "2", t).unwrap();
            emitter.state(3, "{}", t).unwrap();
            emitter.commit(unit, Tally::default(), t).unwrap();
        });
        assert_eq!(out, "2\n");
    }

    #[test]
    fn emits_nothing_after_a_bug() {
        let out = emitted(SECOND, |emitter, t| {
            emitter.state(1, "1", t).unwrap();
            emitter.state(2, "2", t).unwrap();
            drop(emitter.open(3, 0));
            assert_eq!(emitter.tick(t + SECOND).unwrap_err().kind(), Kind::Bug);
            assert_eq!(emitter.finish(t + SECOND).unwrap_err().kind(), Kind::Bug);
        });
        assert_eq!(out, "1\n");
    }

    #[test]
    fn an_output_that_went_away_is_an_error_once() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let emitter = StateEmitter::new(Box::new(Gone), Some(Duration::ZERO));
        let now = Instant::now();
        assert_eq!(emitter.state(1, "1", now).unwrap_err().kind(), Kind::Io);
        emitter.state(2, "2", now).unwrap();
        emitter.finish(now).unwrap();
        assert_eq!(emitter.emitted(), 0);
    }
}
