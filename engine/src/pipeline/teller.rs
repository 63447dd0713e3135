//! Tells STATE: the ledger and the output behind one lock, taken for units and states, never for records.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::ledger::{Ledger, State, Tally, Ticket};
use crate::{fault, fault_gauge};

/// Shared by the decoding thread, which brings states and opens units, and the writers, which commit them.
pub(super) struct Teller {
    inner: Mutex<Inner>,
    /// The watermark after the last commit; read without the lock.
    low: AtomicU64,
}

struct Inner {
    ledger: Ledger,
    output: Box<dyn Write + Send>,
    /// `None`: only the end tells.
    interval: Option<Duration>,
    /// Permitted, and waiting for the interval to pass.
    ready: Option<State>,
    /// What was told last, with its newline.
    last: Vec<u8>,
    told_at: Option<Instant>,
    told: u64,
    /// The output failed once: nothing more goes there.
    broken: bool,
}

impl Teller {
    /// Tells to `output`, at most once in `interval`; without one, only at the end.
    pub(super) fn new(output: Box<dyn Write + Send>, interval: Option<Duration>) -> Self {
        let inner = Inner {
            ledger: Ledger::new(),
            output,
            interval,
            ready: None,
            last: Vec::new(),
            told_at: None,
            told: 0,
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

    /// A STATE came. Empty ones are let go: a host would put them in the place of an older state that is good.
    pub(super) fn state(&self, seq: u64, value: &str, now: Instant) -> Result<()> {
        if is_empty(value) {
            return Ok(());
        }
        let mut inner = self.lock();
        inner.ledger.state(seq, value);
        inner.tell(now, false)
    }

    /// A unit is durable: tells what that permits.
    pub(super) fn commit(&self, ticket: Ticket, tally: Tally, now: Instant) -> Result<()> {
        fault!(LEDGER_COMMIT_BEFORE, error => { self.abandon(ticket); return Err(error.into()) });
        let mut inner = self.lock();
        inner.ledger.commit(ticket, tally)?;
        self.low.store(inner.ledger.low(), Ordering::Release);
        fault_gauge!(inner.ledger.in_flight());
        fault!(LEDGER_COMMIT_AFTER);
        inner.tell(now, false)
    }

    /// A unit failed; it holds the watermark from now on.
    pub(super) fn abandon(&self, ticket: Ticket) {
        self.lock().ledger.abandon(ticket);
    }

    /// Tells what waits when the interval has passed.
    pub(super) fn tick(&self, now: Instant) -> Result<()> {
        let mut inner = self.lock();
        if inner.ready.is_none() {
            inner.ledger.check()
        } else {
            inner.tell(now, false)
        }
    }

    /// The run is over: tells what is permitted, at once.
    pub(super) fn finish(&self, now: Instant) -> Result<()> {
        self.lock().tell(now, true)
    }

    /// A bug was seen: no more STATE.
    pub(super) fn poison(&self, reason: &str) -> Error {
        self.lock().ledger.poison(reason)
    }

    /// Everything below was durable at the last commit.
    pub(super) fn low(&self) -> u64 {
        self.low.load(Ordering::Acquire)
    }

    /// Bytes of states that wait for a commit.
    pub(super) fn pending_bytes(&self) -> usize {
        self.lock().ledger.pending_bytes()
    }

    /// How many states were told.
    pub(super) fn told(&self) -> u64 {
        self.lock().told
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
    fn tell(&mut self, now: Instant, at_once: bool) -> Result<()> {
        if let Some(state) = self.ledger.take()? {
            self.ready = Some(state);
        }
        let waited = self.interval.is_some_and(|interval| {
            self.told_at
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
        self.told_at = Some(now);
        if let Err(error) = self
            .output
            .write_all(&self.last)
            .and_then(|()| self.output.flush())
        {
            self.broken = true;
            return Err(Error::io("cannot write STATE to the output", error));
        }
        self.told += 1;
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

    /// Runs `script` on a teller and returns what it told.
    fn told(interval: Duration, script: impl FnOnce(&Teller, Instant)) -> String {
        let output = Output::default();
        script(
            &Teller::new(Box::new(output.clone()), Some(interval)),
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
    fn coalesces_to_the_interval_but_always_tells_the_end() {
        let out = told(10 * SECOND, |teller, t| {
            teller.state(1, "{\"a\": 1.0}", t).unwrap();
            teller.state(2, "2", t + SECOND).unwrap();
            teller.state(3, "3", t + 2 * SECOND).unwrap();
            teller.tick(t + 9 * SECOND).unwrap();
            teller.tick(t + 10 * SECOND).unwrap();
            teller.state(4, "4", t + 11 * SECOND).unwrap();
            teller.finish(t + 11 * SECOND).unwrap();
            assert_eq!(teller.told(), 3);
        });
        assert_eq!(out, "{\"a\": 1.0}\n3\n4\n");
    }

    #[test]
    fn never_tells_the_same_twice_nor_an_empty_state() {
        let out = told(Duration::ZERO, |teller, t| {
            for (seq, value) in (1..).zip(["{}", "1", "1", " { } ", "null", "2", "{}", "1"]) {
                teller.state(seq, value, t).unwrap();
            }
            teller.finish(t).unwrap();
        });
        assert_eq!(out, "1\n2\n1\n");
    }

    #[test]
    fn an_empty_state_does_not_push_out_the_one_that_waits() {
        let out = told(Duration::ZERO, |teller, t| {
            let unit = teller.open(1, 0);
            teller.state(2, "2", t).unwrap();
            teller.state(3, "{}", t).unwrap();
            teller.commit(unit, Tally::default(), t).unwrap();
        });
        assert_eq!(out, "2\n");
    }

    #[test]
    fn tells_nothing_after_a_bug() {
        let out = told(SECOND, |teller, t| {
            teller.state(1, "1", t).unwrap();
            teller.state(2, "2", t).unwrap();
            drop(teller.open(3, 0));
            assert_eq!(teller.tick(t + SECOND).unwrap_err().kind(), Kind::Bug);
            assert_eq!(teller.finish(t + SECOND).unwrap_err().kind(), Kind::Bug);
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
        let teller = Teller::new(Box::new(Gone), Some(Duration::ZERO));
        let now = Instant::now();
        assert_eq!(teller.state(1, "1", now).unwrap_err().kind(), Kind::Io);
        teller.state(2, "2", now).unwrap();
        teller.finish(now).unwrap();
        assert_eq!(teller.told(), 0);
    }
}
