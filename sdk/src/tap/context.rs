//! What a tap is given beside its config.

use crate::signals::Stop;

/// The run that a tap is opened for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Context {
    pub(super) stop: Stop,
}

impl Context {
    /// A run that this asks to end, for tests.
    pub fn with_stop(stop: Stop) -> Self {
        Self { stop }
    }

    /// Whether the run is asked to end. A tap that waits for its source does so with [`Stop::wait`], which ends when a signal
    /// comes.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }
}
