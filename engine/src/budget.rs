//! The memory budget of a process: a semaphore over bytes that blocks the reading thread when memory is used up.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Counts the bytes that lines, open batches and writes in hand take together.
///
/// Only the reader waits for it: what was read must be able to move on, or nothing would ever be freed. The reader
/// waits while the budget is spent, so what is taken at most is the budget and one item; a single line larger than
/// the whole budget passes when the budget is not spent.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    used: Mutex<Used>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Used {
    now: usize,
    peak: usize,
    closed: bool,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Shared {
            limit,
            used: Mutex::default(),
            freed: Condvar::new(),
        }))
    }

    /// Takes `bytes`; waits while the budget is spent. After [`close`](Budget::close) it does not wait.
    pub fn reserve(&self, bytes: usize) -> Reservation {
        let mut used = self.0.lock();
        while used.now > 0 && used.now >= self.0.limit && !used.closed {
            used = self.0.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        used.take(bytes);
        drop(used);
        Reservation {
            budget: Arc::clone(&self.0),
            bytes,
        }
    }

    /// Takes `bytes` without waiting, even beyond the budget.
    pub fn charge(&self, bytes: usize) -> Reservation {
        self.0.lock().take(bytes);
        Reservation {
            budget: Arc::clone(&self.0),
            bytes,
        }
    }

    /// Wakes every thread that waits, for good: the run is ending.
    pub fn close(&self) {
        self.0.lock().closed = true;
        self.0.freed.notify_all();
    }

    /// The size of the budget.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// Bytes taken now.
    pub fn used(&self) -> usize {
        self.0.lock().now
    }

    /// The most bytes that were ever taken at once.
    pub fn peak(&self) -> usize {
        self.0.lock().peak
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Used> {
        // The counts are whole after every statement, so a panic elsewhere leaves nothing half done.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Used {
    fn take(&mut self, bytes: usize) {
        self.now += bytes;
        self.peak = self.peak.max(self.now);
    }
}

/// Bytes of a [`Budget`]; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Shared>,
    bytes: usize,
}

impl Reservation {
    /// How many bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What it stands for has grown or shrunk. Does not wait.
    pub fn resize(&mut self, bytes: usize) {
        if bytes == self.bytes {
            return;
        }
        let mut used = self.budget.lock();
        used.now -= self.bytes;
        used.take(bytes);
        drop(used);
        if bytes < self.bytes {
            self.budget.freed.notify_all();
        }
        self.bytes = bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn counts_what_is_taken_and_given_back() {
        let budget = Budget::new(100);
        let mut a = budget.reserve(60);
        let b = budget.charge(70);
        assert_eq!((budget.used(), budget.peak()), (130, 130));
        drop(b);
        a.resize(10);
        assert_eq!((budget.used(), budget.peak(), a.bytes()), (10, 130, 10));
        drop(a);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn an_item_larger_than_the_budget_passes_alone() {
        let budget = Budget::new(10);
        let large = budget.reserve(1_000);
        let (done, taken) = mpsc::channel();
        let waiting = budget.clone();
        let thread = thread::spawn(move || {
            let next = waiting.reserve(1_000);
            done.send(waiting.used()).unwrap();
            drop(next);
        });
        assert!(taken.try_recv().is_err());
        drop(large);
        // Had the second not waited for the first, both would be counted.
        assert_eq!(taken.recv().unwrap(), 1_000);
        thread.join().unwrap();
        assert_eq!(budget.peak(), 1_000);
    }

    #[test]
    fn never_more_than_the_budget_and_one_item_a_waiter() {
        let budget = Budget::new(64);
        let high = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..500 {
                        let _held = budget.reserve(1 + n % 32);
                        high.fetch_max(budget.used(), Ordering::Relaxed);
                    }
                });
            }
        });
        assert!(high.into_inner() <= 64 + 32);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn closing_lets_everybody_go() {
        let budget = Budget::new(1);
        let _all = budget.reserve(1);
        let waiting = budget.clone();
        let thread = thread::spawn(move || drop(waiting.reserve(1)));
        budget.close();
        thread.join().unwrap();
    }
}
