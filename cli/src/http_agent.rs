//! The HTTP client of the program itself: with the certificates of the system, and a limit on how long a server may take.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

/// The settings of a client whose servers may take this long for an answer.
pub(crate) fn config(timeout: Duration) -> ConfigBuilder<AgentScope> {
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
        .timeout_global(Some(timeout))
        .tls_config(tls)
}
