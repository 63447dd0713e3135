//! Reads a URL.

use std::sync::Arc;
use std::time::Duration;

use melisma_sdk::{Error, Kind, Result};
use rustls::crypto::ring;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// A definition has some kilobytes, an index some hundreds.
const MAX_BYTES: u64 = 64 << 20;
/// How long a server may take for its answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What is at `url`, as UTF-8. `authorization` is the value of the header of that name.
pub(super) fn fetch(url: &str, authorization: Option<&str>) -> Result<String> {
    let mut request = agent().get(url).header("Accept", "application/json");
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

fn agent() -> Agent {
    let system = rustls_native_certs::load_native_certs().certs;
    let roots = system
        .iter()
        .map(|root| Certificate::from_der(root).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .build();
    Agent::config_builder()
        .user_agent(concat!("melisma/", env!("CARGO_PKG_VERSION")))
        .timeout_global(Some(TIMEOUT))
        .tls_config(tls)
        .build()
        .into()
}
