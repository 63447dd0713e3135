//! libpq's TLS options in a URL.

use melisma_sdk::Result;

use super::expected;
use crate::connection::SslMode;

/// What a URL says of TLS.
#[derive(Default)]
pub(crate) struct Tls {
    pub(crate) mode: Option<SslMode>,
    pub(crate) root: Option<String>,
    pub(crate) certificate: Option<String>,
    pub(crate) key: Option<String>,
    /// `sslcertmode=disable`: no certificate of ours is shown.
    pub(crate) no_certificate: bool,
    /// `sslsni=0`: the handshake does not name the host.
    pub(crate) no_sni: bool,
    pub(crate) least: Option<Version>,
    pub(crate) most: Option<Version>,
}

/// A version of TLS that is spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    Tls12,
    Tls13,
}

/// Sets one from its value. `false` when there is no such option.
pub(super) fn set(to: &mut Tls, name: &str, value: String) -> Result<bool> {
    match name {
        "sslmode" => {
            let mode = SslMode::parse(&value);
            to.mode = Some(mode.ok_or_else(|| {
                expected(name, "disable, allow, prefer, require, verify-ca or verify-full")
            })?);
        }
        // JDBC's, which libpq takes in URLs.
        "ssl" if value == "true" => to.mode = Some(SslMode::Require),
        "ssl" => return Err(expected(name, "true, or sslmode instead")),
        "sslrootcert" => to.root = Some(value),
        "sslcert" => to.certificate = Some(value),
        "sslkey" => to.key = Some(value),
        "sslcertmode" => match value.as_str() {
            "disable" => to.no_certificate = true,
            "allow" => {}
            _ => return Err(expected(name, "disable or allow: nothing else is supported")),
        },
        "sslsni" => match value.as_str() {
            "0" => to.no_sni = true,
            "1" => {}
            _ => return Err(expected(name, "0 or 1")),
        },
        // Older versions than 1.2 are never spoken.
        "ssl_min_protocol_version" => {
            to.least = version(name, &value, &["TLSv1", "TLSv1.1"])?;
        }
        "ssl_max_protocol_version" => to.most = version(name, &value, &[])?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn version(name: &str, value: &str, any: &[&str]) -> Result<Option<Version>> {
    match value {
        "TLSv1.2" => Ok(Some(Version::Tls12)),
        "TLSv1.3" => Ok(Some(Version::Tls13)),
        old if any.contains(&old) => Ok(None),
        _ => Err(expected(name, "TLSv1.2 or TLSv1.3: nothing else is supported")),
    }
}
