//! Requests without credentials, for what obtains them.

use std::time::Duration;

use jiff::Timestamp;
use melisma_engine::Result;

use super::clock::Clock;
use super::request::{Request, Response};

/// What sends them: the client, which the credentials belong to.
pub(super) trait Sender {
    fn send_unsigned(&self, request: &Request) -> Result<Response>;
    fn url(&self, path: &str) -> String;
    fn clock(&self) -> &dyn Clock;
}

/// Sends requests without credentials: for an [`Authenticator`](super::Authenticator) that obtains them.
pub struct Unsigned<'c>(&'c dyn Sender);

impl<'c> Unsigned<'c> {
    pub(super) fn new(sender: &'c dyn Sender) -> Self {
        Self(sender)
    }

    /// A URL below the address of the API; a whole one stays as it is.
    pub fn url(&self, path: &str) -> String {
        self.0.url(path)
    }

    /// Sends a request as it is, and again where that helps. An answer that is not 2xx is an error.
    pub fn send(&self, request: &Request) -> Result<Response> {
        self.0.send_unsigned(request)
    }

    /// The time since some moment before the first request.
    pub fn elapsed(&self) -> Duration {
        self.0.clock().elapsed()
    }

    /// The date.
    pub fn now(&self) -> Timestamp {
        self.0.clock().now()
    }
}
