//! The requests of a stream, counted and timed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::metrics::{self, Counter};

/// Counts the requests of one stream, also those of threads that read ahead.
#[derive(Debug, Default)]
pub(super) struct Meter {
    stream: Option<Box<str>>,
    requests: AtomicU64,
}

impl Meter {
    pub(super) fn new(stream: &str) -> Self {
        Self {
            stream: Some(stream.into()),
            requests: AtomicU64::new(0),
        }
    }

    /// A request was answered with a status, or not at all.
    pub(super) fn count(&self, endpoint: &str, status: Option<u16>, took: Duration) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        metrics::request(self.stream.as_deref(), endpoint, status, took);
    }

    /// Logs how many there were since the last time.
    pub(super) fn finish(&self) {
        let mut counter = Counter::new("http_request_count", self.stream.as_deref());
        counter.add(self.requests.swap(0, Ordering::Relaxed));
    }
}
