//! The thread that stores states and says that the run is alive.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use melisma_sdk::{Error, Result};

use super::{Store, Write};

/// Other runners take a run for dead after five minutes without.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// What has been told and kept so far. A clone is cheap, however large the states are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// States that the target has told.
    pub(crate) told: u64,
    /// When the newest of them was told.
    pub(crate) at: Option<Instant>,
    /// The newest one that is stored.
    pub(crate) stored: Option<Arc<str>>,
    /// Storing failed; nothing is stored after that.
    pub(crate) failed: bool,
    /// Told, but not stored yet. Only the newest: a state stands for all before it.
    pub(crate) waiting: Option<Arc<str>>,
    /// The run is over: store what is waiting, and end.
    over: bool,
}

/// Stores states on a thread of its own, so that a slow disk does not hold up the target.
pub(crate) struct Keeper {
    kept: Arc<Mutex<Kept>>,
    wake: Sender<()>,
    thread: JoinHandle<(Store, Result<()>)>,
}

impl Keeper {
    /// Starts with a store whose run has begun.
    pub(crate) fn start(store: Store, how: Write) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (wake, woken) = bounded(1);
        let thread = {
            let kept = Arc::clone(&kept);
            thread::spawn(move || keep(store, how, &kept, &woken))
        };
        Self { kept, wake, thread }
    }

    /// A handle for the reader of the target's states.
    pub(crate) fn teller(&self) -> Teller {
        Teller {
            kept: Arc::clone(&self.kept),
            wake: self.wake.clone(),
        }
    }

    /// What has been kept so far.
    pub(crate) fn kept(&self) -> Kept {
        lock(&self.kept).clone()
    }

    /// Stores what is still waiting and gives the store back, with how storing went. What is told later is lost.
    pub(crate) fn finish(self) -> Result<(Store, Kept, Result<()>)> {
        lock(&self.kept).over = true;
        let _ = self.wake.try_send(());
        let (store, result) = self
            .thread
            .join()
            .map_err(|_| Error::bug("the thread that stores states panicked"))?;
        Ok((store, lock(&self.kept).clone(), result))
    }
}

/// Hands states to the [`Keeper`].
pub(crate) struct Teller {
    kept: Arc<Mutex<Kept>>,
    wake: Sender<()>,
}

impl Teller {
    /// Takes a state that the target has told; it is stored soon.
    pub(crate) fn tell(&self, state: &str) {
        {
            let mut kept = lock(&self.kept);
            kept.told += 1;
            kept.at = Some(Instant::now());
            kept.waiting = Some(state.into());
        }
        // Full: the keeper has been woken already and will find this one.
        let _ = self.wake.try_send(());
    }
}

fn keep(mut store: Store, how: Write, kept: &Mutex<Kept>, woken: &Receiver<()>) -> (Store, Result<()>) {
    let mut next_beat = Instant::now() + HEARTBEAT;
    loop {
        if let Err(RecvTimeoutError::Timeout) = woken.recv_deadline(next_beat) {
            next_beat = Instant::now() + HEARTBEAT;
            // A missed beat does no harm by itself; a store that is really gone fails at the next state.
            let _ = store.heartbeat();
            continue;
        }
        let (waiting, over) = {
            let mut kept = lock(kept);
            (kept.waiting.take(), kept.over)
        };
        if let Some(state) = waiting {
            let result = store.write(&state, how);
            let mut kept = lock(kept);
            match result {
                Ok(()) => kept.stored = Some(state),
                Err(error) => {
                    kept.failed = true;
                    // For whoever looks after it at the end; a newer one stands for it.
                    kept.waiting.get_or_insert(state);
                    return (store, Err(error));
                }
            }
        }
        if over {
            return (store, Ok(()));
        }
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
