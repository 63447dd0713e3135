//! Records what an API answers, for the tests of a tap.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use melisma_engine::{Error, Result};
use serde_json::Value;

use super::recording::{self, Hop};
use crate::config::Environment;
use crate::replaced::ReplacedFile;

/// Names the file that a run records its requests in.
pub(crate) const VARIABLE: &str = "MELISMA_HTTP_RECORD";

/// Records the requests of a tap and their answers, for [`Replay`](super::Replay) to give again.
///
/// A whole run is recorded when the environment variable `MELISMA_HTTP_RECORD` names a file, which is replaced; a test records by
/// [`Context::with_recorder`](crate::Context::with_recorder).
///
/// The file is a list of objects in the order of the requests, as [`Replay`](super::Replay) describes them. What the tap did not
/// use is not in it: answers that were tried again, request headers, and the headers of answers that say nothing about records.
/// Requests are sent one at a time meanwhile, so that two recordings of the same answers are the same file.
///
/// # Secrets
///
/// These become `****` wherever they are: in paths, in headers, in bodies.
///
/// - settings that are a [`Secret`](crate::Secret), the credentials of the authenticators of this module, and what was hidden with
///   [`secret::hide`](crate::secret::hide) or [`hide_token`](crate::secret::hide_token);
/// - the text of each member of an answer that is named like a secret: `access_token`, `refresh_token`, `id_token`, `token`,
///   `session_token`, `api_key`, `apikey`, `client_secret`, `secret`, `password`, `private_key`, `authorization`;
/// - the values of parameters in a query with one of these names, or `key`, `sig` or `signature`.
///
/// In the path of a request `****` stands for any text when it is replayed. What else is private, such as the names and addresses
/// in the records, is not known to the recorder: read the file before you share it.
///
/// ```
/// use melisma_sdk::http::{Client, Recorder, Replay};
/// use melisma_sdk::{Context, Stream, json, tap};
///
/// // In place of an API.
/// let api = Replay::serve(json!([{"path": "/items", "body": [{"id": 1, "password": "hunter2"}]}]))?;
/// let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
/// let recorder = Recorder::new();
/// let client = Client::new(&api.url(), &Context::default().with_recorder(&recorder))?;
/// let recorded = tap::test_stream(client.get("/items", Stream::new("items", schema.clone())).stream()?, "")?;
/// assert_eq!(recorder.exchanges(), json!([{"path": "/items", "body": [{"id": 1, "password": "****"}]}]));
///
/// let replay = Replay::serve(recorder.exchanges())?;
/// let client = Client::new(&replay.url(), &Context::default())?;
/// let replayed = tap::test_stream(client.get("/items", Stream::new("items", schema)).stream()?, "")?;
/// assert_eq!(replayed[1]["record"], recorded[1]["record"]);
/// # Ok::<(), melisma_sdk::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    hops: Arc<Mutex<Vec<Hop>>>,
}

impl Recorder {
    /// A recorder of nothing yet. Its clones record together.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was recorded so far, without secrets.
    pub fn exchanges(&self) -> Value {
        let hops = self.hops.lock().unwrap_or_else(PoisonError::into_inner);
        recording::exchanges(&hops)
    }

    /// Writes what was recorded so far to a file, which is replaced as a whole. A new one can be read by its owner alone; its folder
    /// is made when it is missing.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut text = serde_json::to_string_pretty(&self.exchanges()).unwrap_or_default();
        text.push('\n');
        let file = file(path)?;
        let written = file.replace(text.as_bytes());
        written.map_err(|error| Error::io(format!("cannot write {}", path.display()), error))
    }

    pub(super) fn add(&self, hops: Vec<Hop>) {
        let mut all = self.hops.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(hops);
    }
}

fn file(path: &Path) -> Result<ReplacedFile> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| Error::io(format!("cannot make the folder {}", folder.display()), error))?;
    }
    ReplacedFile::at(path)
}

/// The recording that the environment asks for.
#[derive(Debug)]
pub(crate) struct Requested {
    path: PathBuf,
    pub(crate) recorder: Recorder,
}

impl Requested {
    pub(crate) fn of(environment: &Environment) -> Result<Option<Self>> {
        let Some(path) = environment.get(VARIABLE).filter(|path| !path.is_empty()) else {
            return Ok(None);
        };
        let requested = Self {
            path: path.into(),
            recorder: Recorder::new(),
        };
        // What cannot be written shows before the API is asked for an hour, and a recording that is there stays until there is
        // a new one.
        let new = file(&requested.path)?.begin();
        new.map_err(|error| Error::config(format!("{VARIABLE}: cannot write {path}")).with_source(error))?;
        Ok(Some(requested))
    }

    /// The end of the run: what was recorded is kept, also when the run failed.
    pub(crate) fn finish(&self) -> Result<()> {
        self.recorder.save(&self.path)?;
        let (count, path) = (
            self.recorder.exchanges().as_array().map_or(0, Vec::len),
            self.path.display(),
        );
        log::info!("recorded {count} requests and their answers in {path} ({VARIABLE})");
        Ok(())
    }
}
