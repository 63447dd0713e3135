//! What a tap is given beside its config.

#[cfg(feature = "http")]
use crate::http::Recorder;
use crate::signals::Stop;

/// The run that a tap is opened for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Context {
    stop: Stop,
    #[cfg(feature = "http")]
    recorder: Option<Recorder>,
}

impl Context {
    /// A run that this asks to end, for tests.
    pub fn with_stop(stop: Stop) -> Self {
        Self {
            stop,
            ..Self::default()
        }
    }

    /// The same run, whose HTTP requests are recorded.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn with_recorder(mut self, recorder: &Recorder) -> Self {
        self.recorder = Some(recorder.clone());
        self
    }

    /// Whether the run is asked to end. A tap that waits for its source does so with [`Stop::wait`], which ends when a signal
    /// comes.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    #[cfg(feature = "http")]
    pub(crate) fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_ref()
    }
}
