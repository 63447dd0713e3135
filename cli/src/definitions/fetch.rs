//! Reads a URL.

use std::time::Duration;

use melisma_sdk::{Error, Kind, Result};
use ureq::Agent;

use crate::http_agent;

/// A definition has some kilobytes, an index some hundreds.
const MAX_BYTES: u64 = 64 << 20;
/// How long a server may take for its answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What is at `url`, as UTF-8. `authorization` is the value of the header of that name.
pub(super) fn fetch(url: &str, authorization: Option<&str>) -> Result<String> {
    let mut request = Agent::from(http_agent::config(TIMEOUT).build())
        .get(url)
        .header("Accept", "application/json");
    if let Some(value) = authorization {
        request = request.header("Authorization", value);
    }
    let unavailable = |error: ureq::Error| {
        let kind = match error {
            ureq::Error::StatusCode(400..500) | ureq::Error::BadUri(_) => Kind::Config,
            _ => Kind::Unavailable,
        };
        Error::new(kind, format!("cannot read {url}: {error}"))
    };
    let mut response = request.call().map_err(unavailable)?;
    let body = response.body_mut().with_config().limit(MAX_BYTES);
    body.read_to_string().map_err(unavailable)
}
