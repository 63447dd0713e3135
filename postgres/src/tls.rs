//! TLS, with the verification that libpq's `sslmode` asks for (PostgreSQL manual, "SSL Support").
//!
//! The URL and the settings beside it speak of one connection: what only one of them says counts, and what they
//! contradict each other in is refused, because the weaker one would be taken without a word.

use std::sync::Arc;

use melisma_sdk::{Error, Result, Secret};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, SupportedProtocolVersion};

use crate::connection::{Connection, SslMode};
use crate::options::{Tls, Version};
use crate::pem::{Named, certificates, libpq_file, private, wrong};
use crate::verifier::Verifier;

/// How far the server is to be trusted, and what a handshake needs for it; nothing for `disable`.
pub(crate) fn client(settings: &Connection, url: Tls) -> Result<(SslMode, Option<Arc<ClientConfig>>)> {
    // Settings of TLS count when TLS is asked for, there or in the URL.
    let counts = settings.ssl_enable || url.mode.is_some();
    let authority = settings.ssl_certificate_authority.as_ref().filter(|_| counts);
    let authority = agreed(
        ("sslrootcert", url.root),
        ("ssl_certificate_authority", authority),
    )?;
    let mode = agreed_mode(settings, url.mode, authority.as_ref())?;
    if mode == SslMode::Disable {
        return Ok((mode, None));
    }
    let shows = counts && settings.ssl_client_certificate_enable;
    let certificate = agreed(
        ("sslcert", url.certificate),
        (
            "ssl_client_certificate",
            settings.ssl_client_certificate.as_ref().filter(|_| shows),
        ),
    )?;
    let key = settings.ssl_client_private_key.as_ref().map(Secret::expose);
    let key = agreed(
        ("sslkey", url.key),
        ("ssl_client_private_key", key.filter(|_| shows)),
    )?;
    let asked = (shows || certificate.is_some()) && !url.no_certificate;
    let identity = asked.then(|| identity(certificate, key)).transpose()?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = match (mode, &authority) {
        (SslMode::Disable | SslMode::Allow | SslMode::Prefer, _) | (SslMode::Require, None) => {
            Verifier::nothing(&provider)
        }
        // libpq: `require` with an authority is `verify-ca`.
        (SslMode::Require | SslMode::VerifyCa, _) => Verifier::signed(authority, false, &provider)?,
        (SslMode::VerifyFull, _) => Verifier::signed(authority, true, &provider)?,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(url.least, url.most)?)
        .map_err(|error| wrong("ssl_mode", error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        Some((certificates, key)) => builder
            .with_client_auth_cert(certificates, key)
            .map_err(|error| wrong("ssl_client_certificate", error))?,
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = !url.no_sni;
    Ok((mode, Some(Arc::new(config))))
}

/// The one mode that the URL and the settings ask for.
fn agreed_mode(settings: &Connection, url: Option<SslMode>, authority: Option<&Named>) -> Result<SslMode> {
    let by_system = authority.is_some_and(|authority| authority.value == "system");
    // pipelinewise's `ssl` is the least: a URL may ask for more.
    let own = settings.mode().filter(|_| {
        let more = url.is_some_and(|mode| mode.is_stronger_than(SslMode::Prefer));
        settings.ssl_enable || !more
    });
    let mode = match (url, own) {
        (Some(mode), Some(other)) if mode != other => {
            return Err(Error::config(format!(
                "config: sqlalchemy_url says sslmode={}, the other settings ssl_mode {}: say the same in both, or leave \
                 one out",
                mode.name(),
                other.name()
            )));
        }
        (None, None) if by_system => SslMode::VerifyFull,
        (mode, other) => mode.or(other).unwrap_or(SslMode::Prefer),
    };
    if by_system && mode != SslMode::VerifyFull {
        // Anybody gets a certificate that the system's authorities signed; libpq refuses it, too.
        return Err(Error::config(format!(
            "config: sslmode: expected verify-full with the system's authorities, found {}",
            mode.name()
        )));
    }
    Ok(mode)
}

/// The one value that the URL and the settings have.
fn agreed(
    (option, url): (&'static str, Option<String>),
    (setting, set): (&'static str, Option<&String>),
) -> Result<Option<Named>> {
    if url.is_some() && set.is_some() && url.as_ref() != set {
        return Err(Error::config(format!(
            "config: {setting}: sqlalchemy_url has another {option}: say the same in both, or leave one out"
        )));
    }
    let url = url.map(|value| Named { name: option, value });
    Ok(url.or_else(|| set.cloned().map(|value| Named { name: setting, value })))
}

fn versions(least: Option<Version>, most: Option<Version>) -> Result<Vec<&'static SupportedProtocolVersion>> {
    let all = [
        (Version::Tls12, &rustls::version::TLS12),
        (Version::Tls13, &rustls::version::TLS13),
    ];
    let within =
        |version| least.is_none_or(|least| version >= least) && most.is_none_or(|most| version <= most);
    let spoken: Vec<_> = all
        .into_iter()
        .filter(|(version, _)| within(*version))
        .map(|(_, tls)| tls)
        .collect();
    if spoken.is_empty() {
        return Err(Error::config(
            "config: ssl_min_protocol_version: expected no more than ssl_max_protocol_version",
        ));
    }
    Ok(spoken)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificate that we show, from where libpq keeps it when no other place is named.
fn identity(certificate: Option<Named>, key: Option<Named>) -> Result<Identity> {
    let default = |name: &'static str, file: &str| Named {
        name,
        value: libpq_file(file).map_or_else(String::new, |path| path.display().to_string()),
    };
    let certificate = certificate.unwrap_or_else(|| default("ssl_client_certificate", "postgresql.crt"));
    let key = key.unwrap_or_else(|| default("ssl_client_private_key", "postgresql.key"));
    let pem = private(&key)?;
    let is_encrypted = pem.windows(9).any(|word| word == b"ENCRYPTED");
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        let what = if is_encrypted {
            "a private key in PEM without a password: encrypted keys are not supported"
        } else {
            "a private key in PEM"
        };
        Error::config(format!("config: {}: expected {what}", key.name))
    })?;
    Ok((certificates(&certificate)?, key))
}
