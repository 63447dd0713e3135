//! The thread that stores states and writes heartbeats.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use melisma_sdk::{Error, Result};

use super::{Store, WriteMode};
use crate::report::PairReport;

/// Other runners count a run as dead after five minutes without a heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// Which states have been emitted and stored so far. A clone is cheap, however large the states are.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoreProgress {
    /// The number of states that the target has emitted.
    pub(crate) emitted: u64,
    /// When the newest of them was emitted.
    pub(crate) at: Option<Instant>,
    /// How often a state was stored, and when last.
    pub(crate) stored_times: u64,
    pub(crate) stored_at: Option<Instant>,
    /// The newest state that is stored.
    pub(crate) stored: Option<Arc<str>>,
    /// Whether storing has failed; nothing is stored after that.
    pub(crate) failed: bool,
    /// The newest state that is emitted and not stored yet. It covers all states before it.
    pub(crate) waiting: Option<Arc<str>>,
    /// Whether states are dropped, because the stored one is to stay.
    pub(crate) drops: bool,
    /// Whether the run is over, so that the thread stores what is waiting and ends.
    over: bool,
}

/// Makes a report on what the run has done so far.
pub(crate) type Reporter = Box<dyn Fn() -> PairReport + Send>;

/// Sees which states have been emitted and stored.
#[derive(Clone)]
pub(crate) struct StateWatch {
    progress: Arc<Mutex<StoreProgress>>,
    location: Option<String>,
}

impl StateWatch {
    pub(crate) fn progress(&self) -> StoreProgress {
        lock(&self.progress).clone()
    }

    /// Where the states are, for people.
    pub(crate) fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }
}

/// Stores states on a thread of its own, so that a slow disk does not delay the target.
pub(crate) struct StateWriter {
    progress: Arc<Mutex<StoreProgress>>,
    location: Option<String>,
    wake: Sender<()>,
    thread: JoinHandle<(Store, Result<()>)>,
}

impl StateWriter {
    /// Starts with a store whose run has begun. Unless `stores`, no state is stored. What the run has done is recorded with each
    /// heartbeat.
    pub(crate) fn start(store: Store, mode: WriteMode, stores: bool, reporter: Reporter) -> Self {
        let location = store.location();
        let progress = Arc::new(Mutex::new(StoreProgress {
            drops: !stores,
            ..StoreProgress::default()
        }));
        let (wake, woken) = bounded(1);
        let thread = {
            let progress = Arc::clone(&progress);
            thread::spawn(move || store_states(store, mode, &reporter, &progress, &woken))
        };
        Self {
            progress,
            location,
            wake,
            thread,
        }
    }

    /// A handle for the reader of the target's states.
    pub(crate) fn sender(&self) -> StateSender {
        StateSender {
            progress: Arc::clone(&self.progress),
            wake: self.wake.clone(),
        }
    }

    /// A handle for who wants to know what has been emitted and stored.
    pub(crate) fn watch(&self) -> StateWatch {
        StateWatch {
            progress: Arc::clone(&self.progress),
            location: self.location.clone(),
        }
    }

    /// What has been emitted and stored so far.
    pub(crate) fn progress(&self) -> StoreProgress {
        lock(&self.progress).clone()
    }

    /// Stores what is still waiting. Returns the store, and whether storing succeeded. A state sent later is lost.
    pub(crate) fn finish(self) -> Result<(Store, StoreProgress, Result<()>)> {
        lock(&self.progress).over = true;
        let _ = self.wake.try_send(());
        let (store, result) = self
            .thread
            .join()
            .map_err(|_| Error::bug("the thread that stores states panicked"))?;
        Ok((store, lock(&self.progress).clone(), result))
    }
}

/// Passes states to the [`StateWriter`].
pub(crate) struct StateSender {
    progress: Arc<Mutex<StoreProgress>>,
    wake: Sender<()>,
}

impl StateSender {
    /// Accepts a state that the target has emitted; it is stored soon.
    pub(crate) fn send(&self, state: &str) {
        {
            let mut progress = lock(&self.progress);
            progress.emitted += 1;
            progress.at = Some(Instant::now());
            progress.waiting = Some(state.into());
        }
        // If the channel is full, the thread has been woken already and will find this state.
        let _ = self.wake.try_send(());
    }
}

fn store_states(
    mut store: Store,
    mode: WriteMode,
    reporter: &Reporter,
    progress: &Mutex<StoreProgress>,
    woken: &Receiver<()>,
) -> (Store, Result<()>) {
    let mut next_beat = Instant::now() + HEARTBEAT;
    loop {
        if let Err(RecvTimeoutError::Timeout) = woken.recv_deadline(next_beat) {
            next_beat = Instant::now() + HEARTBEAT;
            // A missed heartbeat does no harm by itself; a store that is really gone fails at the next state.
            let _ = store.heartbeat();
            store.record(&reporter());
            continue;
        }
        let (waiting, over) = {
            let mut progress = lock(progress);
            let waiting = progress.waiting.take().filter(|_| !progress.drops);
            (waiting, progress.over)
        };
        if let Some(state) = waiting {
            let result = store.write(&state, mode);
            let mut progress = lock(progress);
            match result {
                Ok(()) => {
                    progress.stored = Some(state);
                    progress.stored_times += 1;
                    progress.stored_at = Some(Instant::now());
                }
                Err(error) => {
                    progress.failed = true;
                    // The end of the run saves it elsewhere. A newer state that has come meanwhile covers it.
                    progress.waiting.get_or_insert(state);
                    return (store, Err(error));
                }
            }
        }
        if over {
            return (store, Ok(()));
        }
    }
}

fn lock(progress: &Mutex<StoreProgress>) -> MutexGuard<'_, StoreProgress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}
