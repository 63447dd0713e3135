//! Google Cloud Storage.

use std::env;
use std::sync::Arc;

use melisma_sdk::{Error, Result};
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::{ObjectStore, StaticCredentialProvider};

use super::bucket::retries;
use super::uri::Place;
use super::web::Web;
use super::{BackendSettings, unusable};

/// The account: that of the settings, or the one that Google's libraries find in the environment.
pub(super) fn build(settings: &BackendSettings, place: &Place, web: &Web) -> Result<Arc<dyn ObjectStore>> {
    let path = settings
        .option("gcs.application_credentials_path")
        .or(settings.option("gcs.application_credentials"));
    let json = settings.option("gcs.application_credentials_json");
    let builder = match (path, json) {
        (Some(_), Some(_)) => {
            return Err(Error::config(
                "state_backend.gcs.application_credentials_path and state_backend.gcs.application_credentials_json \
                 are both set; set one of them",
            ));
        }
        (Some(path), None) => GoogleCloudStorageBuilder::new().with_service_account_path(path),
        (None, Some(json)) => GoogleCloudStorageBuilder::new().with_service_account_key(json),
        (None, None) => GoogleCloudStorageBuilder::from_env(),
    };
    let builder = match emulator() {
        // Without an account any token does.
        Some(url) if path.is_none() && json.is_none() => {
            let anonymous = GcpCredential {
                bearer: "anonymous".to_owned(),
            };
            builder
                .with_base_url(&url)
                .with_credentials(Arc::new(StaticCredentialProvider::new(anonymous)))
        }
        Some(url) => builder.with_base_url(&url),
        None => builder,
    };
    builder
        .with_bucket_name(&place.bucket)
        .with_http_connector(web.clone())
        .with_retry(retries())
        .build()
        .map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
        .map_err(|_| unusable("state_backend.gcs and the variables GOOGLE_*"))
}

/// The server that Google's libraries use instead of Google's, for tests.
fn emulator() -> Option<String> {
    let host = env::var("STORAGE_EMULATOR_HOST")
        .ok()
        .filter(|host| !host.is_empty())?;
    Some(if host.contains("://") {
        host.trim_end_matches('/').to_owned()
    } else {
        format!("http://{host}")
    })
}
