//! Azure Blob Storage.

use std::collections::HashMap;
use std::sync::Arc;

use melisma_sdk::{Error, Result};
use object_store::ObjectStore;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

use super::bucket::retries;
use super::uri::Place;
use super::web::Web;
use super::{BackendSettings, unusable};

/// The account of Azure's own server for tests. Its key is public.
const EMULATOR: (&str, &str, &str) = (
    "devstoreaccount1",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "http://127.0.0.1:10000/devstoreaccount1",
);

/// The account: by its URL and the credentials of the environment or the machine, or by a connection string.
pub(super) fn build(settings: &BackendSettings, place: &Place, web: &Web) -> Result<Arc<dyn ObjectStore>> {
    let builder = match (
        settings.option("azure.storage_account_url"),
        settings.option("azure.connection_string"),
    ) {
        (Some(url), _) => MicrosoftAzureBuilder::from_env()
            .with_account(account_of(url).ok_or_else(|| {
                Error::config(
                    "state_backend.azure.storage_account_url: expected https://ACCOUNT.blob.core.windows.net",
                )
            })?)
            .with_endpoint(url.trim_end_matches('/').to_owned()),
        (None, Some(text)) => Connection::parse(text)?.builder(),
        (None, None) => {
            return Err(Error::config(
                "azure:// needs state_backend.azure.connection_string, or state_backend.azure.storage_account_url for the \
                 credentials of the environment",
            ));
        }
    };
    builder
        .with_container_name(&place.bucket)
        .with_allow_http(true)
        .with_http_connector(web.clone())
        .with_retry(retries())
        .build()
        .map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
        .map_err(|_| unusable("state_backend.azure and the variables AZURE_*"))
}

/// `acme` of `https://acme.blob.core.windows.net` and of `http://127.0.0.1:10000/acme`.
fn account_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (host, path) = rest.trim_end_matches('/').split_once('/').unwrap_or((rest, ""));
    let first = if path.is_empty() {
        host.split(['.', ':']).next()?
    } else {
        path.split('/').next()?
    };
    (!first.is_empty()).then_some(first)
}

/// What a connection string has.
#[derive(Debug, PartialEq)]
struct Connection {
    account: String,
    endpoint: String,
    key: Option<String>,
    /// A shared access signature, as the query of a URL.
    signature: Option<String>,
}

impl Connection {
    /// `KEY=VALUE;KEY=VALUE`; the keys are Azure's.
    ///
    /// # Errors
    /// Something is missing. The message does not repeat the text, which has the key of the account.
    fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| Error::config(format!("state_backend.azure.connection_string: {what}"));
        let mut values: HashMap<String, &str> = text
            .split(';')
            .filter_map(|part| part.trim().split_once('='))
            .map(|(key, value)| (key.to_ascii_lowercase(), value))
            .collect();
        if values
            .get("usedevelopmentstorage")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        {
            let (account, key, endpoint) = EMULATOR;
            values.extend([
                ("accountname".to_owned(), account),
                ("accountkey".to_owned(), key),
                ("blobendpoint".to_owned(), endpoint),
            ]);
        }
        let mut take = |key: &str| values.remove(key).filter(|value| !value.is_empty());
        let endpoint = take("blobendpoint").map(|url| url.trim_end_matches('/').to_owned());
        let account = match (take("accountname"), &endpoint) {
            (Some(name), _) => name.to_owned(),
            (None, Some(url)) => account_of(url)
                .ok_or_else(|| wrong("BlobEndpoint is not a URL"))?
                .to_owned(),
            (None, None) => return Err(wrong("expected AccountName or BlobEndpoint in it")),
        };
        let endpoint = endpoint.unwrap_or_else(|| {
            let protocol = take("defaultendpointsprotocol").unwrap_or("https");
            let suffix = take("endpointsuffix").unwrap_or("core.windows.net");
            format!("{protocol}://{account}.blob.{suffix}")
        });
        let key = take("accountkey").map(str::to_owned);
        let signature = take("sharedaccesssignature").map(|text| text.trim_start_matches('?').to_owned());
        if key.is_none() && signature.is_none() {
            return Err(wrong("expected AccountKey or SharedAccessSignature in it"));
        }
        Ok(Self {
            account,
            endpoint,
            key,
            signature,
        })
    }

    fn builder(self) -> MicrosoftAzureBuilder {
        let builder = MicrosoftAzureBuilder::new()
            .with_account(self.account)
            .with_endpoint(self.endpoint);
        match (self.key, self.signature) {
            (Some(key), _) => builder.with_access_key(key),
            (None, Some(signature)) => builder.with_config(AzureConfigKey::SasKey, signature),
            (None, None) => builder,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_strings_are_taken_apart_as_azure_writes_them() {
        let usual = "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=c2VjcmV0==;EndpointSuffix=core.windows.net";
        assert_eq!(
            Connection::parse(usual).expect("a connection"),
            Connection {
                account: "acme".into(),
                endpoint: "https://acme.blob.core.windows.net".into(),
                key: Some("c2VjcmV0==".into()),
                signature: None,
            }
        );
        let signed =
            "BlobEndpoint=https://acme.blob.core.windows.net/;SharedAccessSignature=?sv=2022&sig=x%3D";
        assert_eq!(
            Connection::parse(signed).expect("a connection"),
            Connection {
                account: "acme".into(),
                endpoint: "https://acme.blob.core.windows.net".into(),
                key: None,
                signature: Some("sv=2022&sig=x%3D".into()),
            }
        );
        let local = Connection::parse("UseDevelopmentStorage=true").expect("a connection");
        assert_eq!(local.account, "devstoreaccount1");
    }

    #[test]
    fn what_is_missing_is_named_and_no_secret_is() {
        for (text, said) in [
            ("AccountKey=hidden", "expected AccountName or BlobEndpoint"),
            (
                "AccountName=a;Password=hidden",
                "expected AccountKey or SharedAccessSignature",
            ),
            ("hidden", "expected AccountName"),
        ] {
            let error = Connection::parse(text).expect_err(text).to_string();
            assert!(error.contains(said) && !error.contains("hidden"), "{error}");
        }
    }
}
