//! Why there is no answer, or none that can be used, and how that is said.

use melisma_engine::error::show;
use melisma_engine::{Error, Kind};
use serde_json::Value;
use ureq::http;

use super::request::{Request, Response};

/// Why there is no answer.
pub(super) enum Failed {
    /// The connection: another one may do.
    Broken(String),
    /// Nothing that another try would mend.
    Other(Error),
}

impl Failed {
    pub(super) fn of(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Http(_)
            | ureq::Error::BadUri(_)
            | ureq::Error::InvalidProxyUrl
            | ureq::Error::BodyExceedsLimit(_)
            | ureq::Error::LargeResponseHeader(..) => {
                Self::Other(Error::new(Kind::Unavailable, "no answer that can be read").with_source(error))
            }
            ureq::Error::Timeout(_) => Self::Broken("the server is silent".to_owned()),
            other => Self::Broken(other.to_string()),
        }
    }
}

/// An answer in a log line or an error: its status, and the message in its body.
pub(super) fn described(answer: &Response) -> String {
    let status = http::StatusCode::from_u16(answer.status).ok();
    let reason = status
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default();
    let mut text = format!("{} {reason}", answer.status).trim_end().to_owned();
    if let Some(message) = message(answer) {
        text.push_str(": ");
        text.push_str(&show(&crate::secret::mask(&message)));
    }
    text
}

/// The members in which APIs say what is wrong.
fn message(answer: &Response) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let body = match &body {
        Value::Array(items) => items.first()?,
        body => body,
    };
    let names = [
        "error_description",
        "message",
        "detail",
        "error",
        "title",
        "errors",
    ];
    names.iter().find_map(|name| match body.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Object(inner) => inner.get("message")?.as_str().map(str::to_owned),
        Value::Array(items) => items.first()?.get("message")?.as_str().map(str::to_owned),
        _ => None,
    })
}

/// The server has said no.
pub(super) fn refused(request: &Request, answer: &Response, why: Option<String>) -> Error {
    let mut message = format!("{request:?}: {}", described(answer));
    if let Some(why) = why {
        message.push_str(": ");
        message.push_str(&show(&crate::secret::mask(&why)));
    }
    match answer.status {
        401 | 403 => Error::config(message).hint("check the credentials"),
        _ => Error::new(Kind::Unavailable, message),
    }
}

/// The server did not answer, or said that it could not, as often as it was asked.
pub(super) fn gave_up(request: &Request, tried: u32, last: &str) -> Error {
    Error::new(
        Kind::Retry,
        format!("{request:?}: gave up after {tried} tries, the last: {last}"),
    )
}
