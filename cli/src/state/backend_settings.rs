//! The settings of a state backend.

use std::collections::BTreeMap;
use std::time::Duration;

/// The settings of a state backend. They have secrets, so they cannot be printed.
#[derive(Clone)]
pub(crate) struct BackendSettings {
    /// `file:///folder`, or `s3://bucket/prefix`, perhaps with a key and its secret.
    pub(crate) uri: String,
    /// The settings of object stores that are set, by their names after `state_backend.`.
    pub(crate) options: BTreeMap<&'static str, String>,
    /// How long a lock counts.
    pub(crate) lock_timeout: Duration,
    /// How long to wait before looking at a lock again.
    pub(crate) lock_retry: Duration,
}

impl BackendSettings {
    /// The names of the settings of object stores, after `state_backend.`.
    pub(crate) const OPTIONS: [&'static str; 8] = [
        "azure.connection_string",
        "azure.storage_account_url",
        "gcs.application_credentials",
        "gcs.application_credentials_json",
        "gcs.application_credentials_path",
        "s3.aws_access_key_id",
        "s3.aws_secret_access_key",
        "s3.endpoint_url",
    ];

    /// A setting of an object store; an empty one counts as unset.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        self.options
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}
