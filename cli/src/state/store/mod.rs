//! State backends in object stores: Amazon S3 and what is compatible with it, Google Cloud Storage, Azure Blob Storage.
//!
//! Objects are where Meltano has them, so both tools can use one bucket: `PREFIX/STATE_ID/state.json`, and `lock` next to it.
//! One difference: Meltano looks for a lock and then writes one, so two processes may both believe that they have it. Here a
//! lock is created on the condition that there is none.

mod azure;
mod bucket;
mod gcs;
mod s3;
mod s3_profile;
mod uri;
mod web;

use melisma_sdk::{Error, Result};

use self::bucket::Bucket;
use self::uri::Place;
use self::web::Web;
use super::backend_settings::BackendSettings;
use super::objects::Objects;

/// The objects of these settings, when their scheme is that of an object store. Nothing is sent yet.
///
/// # Errors
/// The settings contradict each other, or lack something.
pub(super) fn open(settings: &BackendSettings, scheme: &str, rest: &str) -> Result<Option<Box<dyn Objects>>> {
    let build = match scheme {
        "s3" => s3::build,
        "gs" => gcs::build,
        "azure" => azure::build,
        _ => return Ok(None),
    };
    let place = Place::parse(scheme, rest)?;
    let web = Web::new();
    let store = build(settings, &place, &web)?;
    let location = match place.prefix.as_str() {
        "" => format!("{scheme}://{}", place.bucket),
        prefix => format!("{scheme}://{}/{prefix}", place.bucket),
    };
    let bucket = Bucket::new(store, web, &place.prefix, location)?;
    Ok(Some(Box::new(bucket)))
}

/// Settings that no store can be made of. What `object_store` says about them may repeat them, so it is not shown.
fn unusable(settings: &str) -> Error {
    Error::config(format!("no connection can be made of {settings}"))
}
