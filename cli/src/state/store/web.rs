//! How an object store's requests are sent: by ureq, as all other requests of this program.
//!
//! The answers that were no success are remembered, because an error of `object_store` has the whole answer in its text. That
//! may name keys; the status and the code of the store do not.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use ureq::Agent;
use ureq::http::{Method, Request};

use crate::http_agent;

/// How long a store may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// A list of objects comes in pages of some hundred kilobytes, and a state is small.
const MAX_BYTES: u64 = 256 << 20;

/// Why the last request was no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The store has answered, with a status and perhaps a code such as `NoSuchBucket`.
    Status(u16, Option<String>),
    /// Nothing has answered: the host, and why.
    NoAnswer(String, String),
    /// The service that gives a machine of a cloud its credentials has none, or is not there.
    NoCredentials,
}

/// Where machines of a cloud ask for their credentials. No proxy may answer for these.
const METADATA: [&str; 3] = ["169.254.169.254", "169.254.170.2", "metadata.google.internal"];
/// They are near, or not there.
const METADATA_CONNECT: Duration = Duration::from_secs(2);

/// Sends requests.
#[derive(Clone, Debug)]
pub(super) struct Web {
    agent: Agent,
    metadata: Agent,
    failure: Arc<Mutex<Option<Failure>>>,
}

impl Web {
    pub(super) fn new() -> Self {
        let config = |connect| {
            http_agent::config(TIMEOUT)
                .timeout_connect(Some(connect))
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .accept("")
                .accept_encoding("")
        };
        Self {
            agent: config(CONNECT).build().into(),
            metadata: config(METADATA_CONNECT).proxy(None).build().into(),
            failure: Arc::default(),
        }
    }

    /// Why the last request was no success, if it was none.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.remembered().clone()
    }

    /// Called before a request, so that the failure of an earlier one does not explain it.
    pub(super) fn forget(&self) {
        *self.remembered() = None;
    }

    fn remembered(&self) -> MutexGuard<'_, Option<Failure>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, request: Request<Vec<u8>>) -> Result<HttpResponse, HttpError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let is_metadata = METADATA.contains(&host.as_str());
        let agent = if is_metadata { &self.metadata } else { &self.agent };
        let has_body = !request.body().is_empty() || matches!(*request.method(), Method::PUT | Method::POST);
        let sent = if has_body {
            agent.run(request)
        } else {
            agent.run(request.map(|_| ()))
        };
        let read = sent.and_then(|response| {
            let (parts, mut body) = response.into_parts();
            let body = body.with_config().limit(MAX_BYTES).read_to_vec()?;
            Ok((parts, body))
        });
        let failure = match &read {
            Ok((parts, _)) if parts.status.is_success() => None,
            _ if is_metadata => Some(Failure::NoCredentials),
            Ok((parts, body)) => Some(Failure::Status(parts.status.as_u16(), code(body))),
            Err(error) => Some(Failure::NoAnswer(host, error.to_string())),
        };
        *self.remembered() = failure;
        match read {
            Ok((parts, body)) => Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(body))),
            Err(error) => Err(HttpError::new(kind(&error), error)),
        }
    }
}

impl HttpConnector for Web {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Web {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        self.send(Request::from_parts(parts, body.to_vec()))
    }
}

/// Decides whether the request is sent again.
fn kind(error: &ureq::Error) -> HttpErrorKind {
    match error {
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve)
        | ureq::Error::ConnectionFailed
        | ureq::Error::HostNotFound => HttpErrorKind::Connect,
        ureq::Error::Timeout(_) => HttpErrorKind::Timeout,
        ureq::Error::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => HttpErrorKind::Connect,
            _ => HttpErrorKind::Interrupted,
        },
        _ => HttpErrorKind::Unknown,
    }
}

/// The code in an answer: `<Code>NoSuchBucket</Code>`, or `"error": "invalid_grant"` of a server of tokens.
fn code(body: &[u8]) -> Option<String> {
    const LONGEST: usize = 60;
    let text = str::from_utf8(body).ok()?;
    let between = |from: &str, to: &str| {
        let (_, rest) = text.split_once(from)?;
        rest.split_once(to).map(|(found, _)| found)
    };
    let found = between("<Code>", "</Code>")
        .or_else(|| between("\"error\":", ",").map(|it| it.trim().trim_matches('"')));
    let is_a_name = |text: &&str| {
        !text.is_empty()
            && text.len() <= LONGEST
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    found.filter(is_a_name).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_name_and_nothing_else_of_an_answer() {
        for (body, expected) in [
            (
                "<Error><Code>NoSuchBucket</Code><Key>k</Key></Error>",
                Some("NoSuchBucket"),
            ),
            (
                r#"{"error": "invalid_grant", "error_description": "x"}"#,
                Some("invalid_grant"),
            ),
            (r#"{"error": {"code": 404, "message": "m"}}"#, None),
            ("<Code>a secret\n</Code>", None),
            ("", None),
        ] {
            assert_eq!(code(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }
}
