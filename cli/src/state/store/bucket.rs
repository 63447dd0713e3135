//! Objects of an object store as the objects of a state backend.
//!
//! `object_store` is asynchronous. Here each call runs to its end on a runtime of its own, in the thread that calls it, as
//! everything else in this program.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use melisma_sdk::{Error, Kind, Result};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, BackoffConfig, Error as StoreError, ObjectStore, ObjectStoreExt, PutMode,
    PutOptions, PutPayload, RetryConfig,
};
use tokio::runtime::{Builder, Runtime};

use super::web::{Failure, Web};
use crate::state::objects::Objects;

/// The object that a state is in.
const STATE: &str = "state.json";

/// A part of a bucket.
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    web: Web,
    runtime: Runtime,
    prefix: String,
    /// `s3://bucket/prefix`, without anything secret.
    location: String,
}

/// How often a request is sent again that was not answered, or that the store was too busy for.
pub(super) fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 3,
        retry_timeout: Duration::from_mins(1),
    }
}

impl Bucket {
    /// The objects of `store` whose names begin with `prefix`. `web` is what the store sends requests with.
    pub(super) fn new(store: Arc<dyn ObjectStore>, web: Web, prefix: &str, location: String) -> Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| Error::io("cannot start the client of the object store", error))?;
        Ok(Self {
            store,
            web,
            runtime,
            prefix: prefix.to_owned(),
            location,
        })
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.web.forget();
        self.runtime.block_on(work)
    }

    fn path(&self, name: &str) -> Result<Path> {
        let whole = match self.prefix.as_str() {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        };
        Path::parse(&whole).map_err(|_| {
            Error::config(format!(
                "{name} in {} is no name of an object: a part of it is empty, . or .., or has control characters",
                self.location
            ))
        })
    }

    fn get(&self, name: &str) -> Result<Option<Bytes>> {
        let path = self.path(name)?;
        let got = self.wait(async { self.store.get(&path).await?.bytes().await });
        match got {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StoreError::NotFound { .. }) if !self.bucket_is_missing() => Ok(None),
            Err(error) => Err(self.failed("read", name, &error)),
        }
    }

    fn put(&self, name: &str, content: &str, mode: PutMode) -> Result<Result<(), StoreError>> {
        let path = self.path(name)?;
        let content_type = if name.ends_with(STATE) {
            "application/json"
        } else {
            "text/plain"
        };
        let options = PutOptions {
            mode,
            attributes: Attributes::from_iter([(Attribute::ContentType, content_type)]),
            ..PutOptions::default()
        };
        let payload = PutPayload::from(content.as_bytes().to_vec());
        Ok(self.wait(self.store.put_opts(&path, payload, options)).map(drop))
    }

    fn bucket_is_missing(&self) -> bool {
        matches!(
            self.web.failure(),
            Some(Failure::Status(404, Some(code))) if matches!(code.as_str(), "NoSuchBucket" | "ContainerNotFound")
        )
    }

    /// An error without what the store has answered, except for its status and code.
    fn failed(&self, doing: &str, name: &str, error: &StoreError) -> Error {
        let (kind, why) = match self.web.failure() {
            Some(Failure::Status(status, code)) => explain(status, code),
            Some(Failure::NoCredentials) => (
                Kind::Config,
                "there are no credentials: neither in the settings nor in the environment, and this machine has none of its own"
                    .to_owned(),
            ),
            Some(Failure::NoAnswer(host, why)) => (Kind::Unavailable, format!("no answer from {host}: {why}")),
            None => (Kind::Config, error.to_string()),
        };
        let what = if name.is_empty() {
            String::new()
        } else {
            format!("{name} in ")
        };
        Error::new(kind, format!("cannot {doing} {what}{}: {why}", self.location))
    }
}

fn explain(status: u16, code: Option<String>) -> (Kind, String) {
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    let (kind, meaning) = match status {
        300..400 => (Kind::Config, ", which is another region or endpoint"),
        401 | 403 => (
            Kind::Config,
            ": the credentials are wrong, or lack the right to do this",
        ),
        404 => (Kind::Config, ": there is no such bucket"),
        409 | 412 => (Kind::Retry, ": another process has changed it"),
        400..500 if status != 429 => (Kind::Config, ""),
        _ => (Kind::Unavailable, ""),
    };
    (kind, format!("the store has answered {status}{code}{meaning}"))
}

impl Objects for Bucket {
    fn read(&self, name: &str) -> Result<Option<String>> {
        let Some(bytes) = self.get(name)? else {
            return Ok(None);
        };
        String::from_utf8(bytes.into())
            .map(Some)
            .map_err(|_| Error::input(format!("{name} in {} is not UTF-8", self.location)))
    }

    fn write(&self, name: &str, content: &str) -> Result<()> {
        self.put(name, content, PutMode::Overwrite)?
            .map_err(|error| self.failed("write", name, &error))
    }

    fn create(&self, name: &str, content: &str) -> Result<bool> {
        // The condition of the second request makes sure that only one process creates it. The first is for stores that
        // ignore conditions.
        if self.get(name)?.is_some() {
            return Ok(false);
        }
        match self.put(name, content, PutMode::Create)? {
            Ok(()) => Ok(true),
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(false),
            // Two at once; S3 does not say which of them it was.
            Err(_) if matches!(self.web.failure(), Some(Failure::Status(409 | 412, _))) => Ok(false),
            Err(error) => Err(self.failed("create", name, &error)),
        }
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name)?;
        match self.wait(self.store.delete(&path)) {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound { .. }) if !self.bucket_is_missing() => Ok(()),
            Err(error) => Err(self.failed("remove", name, &error)),
        }
    }

    /// There are no folders in an object store, only names with slashes.
    fn remove_folder(&self, _: &str) {}

    fn folders_with(&self, name: &str) -> Result<Vec<String>> {
        let prefix =
            match self.prefix.as_str() {
                "" => None,
                prefix => Some(Path::parse(prefix).map_err(|_| {
                    Error::config(format!("{} is no name of a part of a bucket", self.location))
                })?),
            };
        let mut found = BTreeSet::new();
        let listed: Result<(), StoreError> = self.wait(async {
            let mut objects = self.store.list(prefix.as_ref());
            while let Some(object) = objects.next().await {
                found.insert(object?.location.to_string());
            }
            Ok(())
        });
        listed.map_err(|error| self.failed("list", "", &error))?;
        let start = prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default();
        let end = format!("/{name}");
        Ok(found
            .iter()
            .filter_map(|path| path.strip_prefix(&start)?.strip_suffix(&end))
            .filter(|folder| !folder.contains('/'))
            .map(str::to_owned)
            .collect())
    }

    fn location(&self) -> String {
        self.location.clone()
    }
}
