//! TLS, verified as far as libpq's `sslmode` says (PostgreSQL manual, "SSL Support").

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use melisma_sdk::{Error, Result, Secret};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use crate::settings::{Connection, SslMode};
use crate::url::Url;

/// What a handshake needs, for every mode but `disable`.
pub(crate) fn client(mode: SslMode, settings: &Connection, url: &Url) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let authority = url.root_certificate.as_ref().or(settings
        .ssl_certificate_authority
        .as_ref()
        .filter(|_| settings.ssl_enable));
    let verifier = match (mode, authority) {
        (SslMode::Disable | SslMode::Allow | SslMode::Prefer, _) | (SslMode::Require, None) => {
            Verifier::nothing(&provider)
        }
        // libpq: `require` with an authority is `verify-ca`.
        (SslMode::Require | SslMode::VerifyCa, _) => Verifier::signed(authority, false, &provider)?,
        (SslMode::VerifyFull, _) => Verifier::signed(authority, true, &provider)?,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("ssl_mode", error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match identity(settings, url)? {
        Some((certificates, key)) => builder
            .with_client_auth_cert(certificates, key)
            .map_err(|error| wrong("ssl_client_certificate", error))?,
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificate that we show, if any.
fn identity(settings: &Connection, url: &Url) -> Result<Option<Identity>> {
    let asked = settings.ssl_enable && settings.ssl_client_certificate_enable;
    if !asked && url.certificate.is_none() {
        return Ok(None);
    }
    let named = |own: &Option<String>, set: Option<&String>, default: &str| {
        let default = || libpq_file(default).map(|path| path.display().to_string());
        own.clone()
            .or_else(|| set.cloned())
            .or_else(default)
            .unwrap_or_default()
    };
    let certificate = named(
        &url.certificate,
        settings.ssl_client_certificate.as_ref(),
        "postgresql.crt",
    );
    let key = settings.ssl_client_private_key.as_ref().map(Secret::expose);
    let key = named(&url.private_key, key, "postgresql.key");
    let key_pem = read("ssl_client_private_key", &key)?;
    let key = PrivateKeyDer::from_pem_slice(&key_pem)
        .map_err(|_| Error::config("config: ssl_client_private_key: expected a private key in PEM"))?;
    Ok(Some((certificates("ssl_client_certificate", &certificate)?, key)))
}

fn certificates(setting: &str, value: &str) -> Result<Vec<CertificateDer<'static>>> {
    let pem = read(setting, value)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(Error::config(format!(
            "config: {setting}: expected certificates in PEM"
        ))),
    }
}

/// The PEM text itself, or what the file of this name holds.
fn read(setting: &str, value: &str) -> Result<Vec<u8>> {
    if value.contains("-----BEGIN") {
        return Ok(value.replace("\\n", "\n").into_bytes());
    }
    let path = match (value.strip_prefix("~/"), env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(value),
    };
    fs::read(&path).map_err(|error| {
        // A key without its first line looks like the name of a file, and must not be shown.
        let named = if setting.ends_with("_key") {
            "the file that it names".to_owned()
        } else {
            path.display().to_string()
        };
        Error::config(format!("config: {setting}: cannot read {named}")).with_source(error)
    })
}

/// A file where libpq keeps it, when it is there.
fn libpq_file(name: &str) -> Option<PathBuf> {
    let path = env::home_dir()?.join(".postgresql").join(name);
    path.is_file().then_some(path)
}

fn wrong(setting: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::config(format!("config: {setting}")).with_source(error)
}

/// Checks a server's certificate as far as the mode asks for it.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// `None`: any certificate will do.
    signed: Option<Arc<WebPkiServerVerifier>>,
    /// Whether it must name the host.
    name: bool,
}

impl Verifier {
    fn nothing(provider: &Arc<CryptoProvider>) -> Self {
        Self {
            provider: Arc::clone(provider),
            signed: None,
            name: false,
        }
    }

    fn signed(authority: Option<&String>, name: bool, provider: &Arc<CryptoProvider>) -> Result<Self> {
        let default = libpq_file("root.crt").map(|path| path.display().to_string());
        let mut roots = RootCertStore::empty();
        match authority.or(default.as_ref()) {
            Some(authority) => {
                for certificate in certificates("ssl_certificate_authority", authority)? {
                    let added = roots.add(certificate);
                    added.map_err(|error| wrong("ssl_certificate_authority", error))?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let provider = Arc::clone(provider);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| wrong("ssl_certificate_authority", error))?;
        Ok(Self {
            provider,
            signed: Some(verifier),
            name,
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(signed) = &self.signed else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified = signed.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The name is checked last, after the chain.
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
