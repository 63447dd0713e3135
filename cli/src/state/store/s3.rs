//! Amazon S3, and stores that are compatible with it.

use std::sync::Arc;

use melisma_sdk::{Error, Result};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential};
use object_store::{ObjectStore, StaticCredentialProvider};

use super::bucket::retries;
use super::s3_profile::Profile;
use super::uri::Place;
use super::web::Web;
use super::{BackendSettings, unusable};

/// The key: that of the settings, or that of the URI, or one of the environment, of the user's files, or of the machine.
pub(super) fn build(settings: &BackendSettings, place: &Place, web: &Web) -> Result<Arc<dyn ObjectStore>> {
    let key = settings.option("s3.aws_access_key_id").or(place.user.as_deref());
    let secret = settings
        .option("s3.aws_secret_access_key")
        .or(place.password.as_deref());
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(&place.bucket)
        .with_http_connector(web.clone())
        // One object at a time is removed, and not every compatible store has the request for many.
        .with_disable_bulk_delete(true)
        .with_retry(retries());
    match (key, secret) {
        (Some(key), Some(secret)) => builder = builder.with_credentials(credential(key, secret, None)),
        (None, None) => builder = ambient(builder),
        (key, _) => {
            let (given, missing) = match key {
                Some(_) => ("aws_access_key_id", "aws_secret_access_key"),
                None => ("aws_secret_access_key", "aws_access_key_id"),
            };
            return Err(Error::config(format!(
                "state_backend.s3.{given} is set, and state_backend.s3.{missing} is not"
            )));
        }
    }
    if let Some(url) = settings.option("s3.endpoint_url") {
        builder = builder.with_endpoint(url);
    }
    builder
        .with_allow_http(true)
        .build()
        .map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
        .map_err(|_| unusable("state_backend.s3 and the variables AWS_*"))
}

fn credential(
    key: &str,
    secret: &str,
    token: Option<String>,
) -> Arc<StaticCredentialProvider<AwsCredential>> {
    Arc::new(StaticCredentialProvider::new(AwsCredential {
        key_id: key.to_owned(),
        secret_key: secret.to_owned(),
        token,
    }))
}

/// What boto3 finds: variables first, which the builder has read, then the files of the AWS command line.
fn ambient(mut builder: AmazonS3Builder) -> AmazonS3Builder {
    let is_unset = |builder: &AmazonS3Builder, key| builder.get_config_value(&key).is_none();
    let profile = Profile::read();
    if is_unset(&builder, AmazonS3ConfigKey::Region)
        && is_unset(&builder, AmazonS3ConfigKey::DefaultRegion)
        && let Some(region) = &profile.region
    {
        builder = builder.with_region(region);
    }
    let other_sources = [
        AmazonS3ConfigKey::AccessKeyId,
        AmazonS3ConfigKey::WebIdentityTokenFile,
        AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
        AmazonS3ConfigKey::ContainerCredentialsFullUri,
    ];
    if other_sources.into_iter().all(|key| is_unset(&builder, key))
        && let Some((key, secret)) = &profile.key
    {
        builder = builder.with_credentials(credential(key, secret, profile.token.clone()));
    }
    builder
}
