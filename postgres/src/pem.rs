//! Reads certificates and private keys: PEM text in a setting, or files.

use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use melisma_sdk::{Error, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// A value, and the setting or option that it is of.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

/// The certificates, one at least.
pub(crate) fn certificates(from: &Named) -> Result<Vec<CertificateDer<'static>>> {
    let pem = match text(from) {
        Some(pem) => pem,
        None => {
            let path = path(from);
            fs::read(&path).map_err(|error| {
                let message = format!("config: {}: cannot read {}", from.name, path.display());
                Error::config(message).with_source(error)
            })?
        }
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(Error::config(format!(
            "config: {}: expected certificates in PEM",
            from.name
        ))),
    }
}

/// A private key: its text, or a file that others must not read, by libpq's rule. Neither is shown: a key without its
/// first line looks like the name of a file.
pub(crate) fn private(from: &Named) -> Result<Vec<u8>> {
    if let Some(pem) = text(from) {
        return Ok(pem);
    }
    let failed = |error| {
        Error::config(format!(
            "config: {}: cannot read the file that it names",
            from.name
        ))
        .with_source(error)
    };
    let path = path(from);
    let metadata = fs::metadata(&path).map_err(failed)?;
    // A file of root may be for a group, so that a service without rights reads it.
    let others = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.is_file() && metadata.permissions().mode() & others != 0 {
        return Err(Error::config(format!(
            "config: {}: others may read the file that it names; expected the mode 0600 or less, or 0640 or less for a \
             file of root",
            from.name
        )));
    }
    fs::read(&path).map_err(failed)
}

/// The PEM text, when that is what the value is.
fn text(from: &Named) -> Option<Vec<u8>> {
    let is_text = from.value.contains("-----BEGIN");
    is_text.then(|| from.value.replace("\\n", "\n").into_bytes())
}

fn path(from: &Named) -> PathBuf {
    match (from.value.strip_prefix("~/"), env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(&from.value),
    }
}

/// A file where libpq keeps it, when it is there.
pub(crate) fn libpq_file(name: &str) -> Option<PathBuf> {
    let path = env::home_dir()?.join(".postgresql").join(name);
    path.is_file().then_some(path)
}

pub(crate) fn wrong(setting: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::config(format!("config: {setting}")).with_source(error)
}
