//! Ports, and the error for a part of the URL that is wrong.

use melisma_sdk::{Error, Result};

/// A hint for the most frequent mistake in a URL.
pub(crate) const ENCODE: &str =
    "in the user's name or the password the characters @ / ? : % are written %40 %2F %3F %3A %25";

/// An error of `sqlalchemy_url`; `why` must not contain a part of its value.
pub(crate) fn wrong(why: &str) -> Error {
    Error::config(format!("config: sqlalchemy_url: {why}"))
}

/// A port; `None` for empty text, which means the default port.
pub(crate) fn read_port(text: &str) -> Result<Option<u16>> {
    if text.is_empty() {
        return Ok(None);
    }
    let port = text.parse().ok().filter(|&port| port != 0);
    port.map(Some).ok_or_else(|| {
        wrong(&format!(
            "expected a port from 1 to 65535 after the host; {ENCODE}"
        ))
    })
}
