//! SIGINT, SIGTERM and SIGHUP as a flag that `melisma run` looks at.
//!
//! The SDK's `Stop` ends the process at the second signal. A run must not: it has two processes to kill first. So it
//! counts signals itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use melisma_sdk::{Error, Kind, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The signals that came since the last look.
pub(crate) struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// From now on the three signals only set a flag.
    pub(crate) fn watch() -> Result<Self> {
        let flag = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_usize(
                signal,
                Arc::clone(&flag),
                usize::try_from(signal).unwrap_or_default(),
            )
            .map_err(|error| Error::io("cannot listen for signals", error))?;
        }
        melisma_sdk::signals::survive_file_limits()?;
        Ok(Self(flag))
    }

    /// The newest signal that came since the last call.
    pub(crate) fn take(&self) -> Option<i32> {
        i32::try_from(self.0.swap(0, Ordering::Relaxed))
            .ok()
            .filter(|&signal| signal != 0)
    }
}

/// `SIGINT` and the like, for messages.
pub(crate) fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        SIGHUP => "SIGHUP",
        _ => "a signal",
    }
}

/// The error of a run that a signal ended before its processes were started.
pub(crate) fn interrupted(signal: i32) -> Error {
    Error::new(Kind::Interrupted(signal), format!("ended by {}", name(signal)))
}
