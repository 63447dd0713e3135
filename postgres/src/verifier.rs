//! Verifies the server's certificate as `sslmode` asks.

use std::sync::Arc;

use melisma_sdk::Result;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme};

use crate::pem::{Named, certificates, libpq_file, wrong};

/// Checks a server's certificate as far as the mode asks for it.
#[derive(Debug)]
pub(crate) struct Verifier {
    provider: Arc<CryptoProvider>,
    /// `None`: any certificate will do.
    signed: Option<Arc<WebPkiServerVerifier>>,
    /// Whether it must name the host.
    name: bool,
}

impl Verifier {
    pub(crate) fn nothing(provider: &Arc<CryptoProvider>) -> Self {
        Self {
            provider: Arc::clone(provider),
            signed: None,
            name: false,
        }
    }

    pub(crate) fn signed(
        authority: Option<Named>,
        name: bool,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self> {
        let default = || {
            let value = libpq_file("root.crt")?.display().to_string();
            let name = "ssl_certificate_authority";
            Some(Named { name, value })
        };
        let mut roots = RootCertStore::empty();
        match authority
            .or_else(default)
            .filter(|authority| authority.value != "system")
        {
            Some(authority) => {
                for certificate in certificates(&authority)? {
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
