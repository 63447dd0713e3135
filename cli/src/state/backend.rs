//! State backends: where Meltano stores states outside of its system database, in its layout.
//!
//! In a folder ([`Files`]) or in an object store ([`store`]). The state of `dev:a-to-b` is in `dev:a-to-b/state.json`, as `{"completed": {...}, "partial": {...}}`. A file `lock` next
//! to it is held around a write, and has the time as its text. Runs and their locks stay in the system database.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use melisma_sdk::{Error, Kind, Result, show};

use super::backend_settings::BackendSettings;
use super::files::Files;
use super::objects::Objects;
use super::store;
use super::stored::Stored;

/// Other processes may take a lock each time that it is free, but not for ever.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// A state backend.
pub(crate) struct StateBackend {
    objects: Box<dyn Objects>,
    lock_timeout: Duration,
    lock_retry: Duration,
}

impl StateBackend {
    /// The backend of these settings.
    ///
    /// # Errors
    /// Its scheme is not supported, or something that an object store needs is missing. That a store can be reached is found
    /// out when it is read.
    pub(crate) fn open(settings: &BackendSettings) -> Result<Self> {
        let (scheme, place) = settings.uri.split_once("://").unwrap_or((&settings.uri, ""));
        let objects = match store::open(settings, scheme, place)? {
            Some(objects) => objects,
            None if scheme == "file" => Box::new(Files::at(place)),
            None => {
                return Err(Error::config(format!(
                    "state_backend.uri: {} is not supported; use systemdb, file:///FOLDER, s3://BUCKET/PREFIX, \
                     gs://BUCKET/PREFIX or azure://CONTAINER/PREFIX, or --state FILE",
                    show(scheme)
                )));
            }
        };
        Ok(Self {
            objects,
            lock_timeout: settings.lock_timeout,
            lock_retry: settings.lock_retry,
        })
    }

    /// Where states are, for people.
    pub(crate) fn location(&self) -> String {
        self.objects.location()
    }

    /// The state of an id.
    pub(super) fn read(&self, state_id: &str) -> Result<Stored> {
        let name = format!("{state_id}/state.json");
        let Some(text) = self.objects.read(&name)? else {
            return Ok(Stored::default());
        };
        Stored::from_json(&text).map_err(|error| {
            let what = format!("{name} in {} is not a state", self.location());
            Error::input(what).with_source(error)
        })
    }

    /// Stores a state, unless `unchanged` fails for what is stored.
    pub(super) fn write(
        &self,
        state_id: &str,
        next: &Stored,
        unchanged: impl FnOnce(&Stored) -> Result<()>,
    ) -> Result<()> {
        self.update(state_id, |found| {
            unchanged(&found)?;
            Ok(next.clone())
        })
    }

    /// Stores what `next` makes of what is stored.
    pub(super) fn update(&self, state_id: &str, next: impl FnOnce(Stored) -> Result<Stored>) -> Result<()> {
        self.locked(state_id, || {
            let next = next(self.read(state_id)?)?;
            self.objects
                .write(&format!("{state_id}/state.json"), &next.to_json())
        })
    }

    /// Removes a state, and its folder unless something else is in it.
    pub(super) fn clear(&self, state_id: &str) -> Result<()> {
        self.locked(state_id, || {
            self.objects.remove(&format!("{state_id}/state.json"))
        })?;
        self.objects.remove_folder(state_id);
        Ok(())
    }

    /// The ids of all states, in order.
    pub(super) fn ids(&self) -> Result<Vec<String>> {
        self.objects.folders_with("state.json")
    }

    /// Does `work` while this process has the lock of a state.
    fn locked(&self, state_id: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let lock = format!("{state_id}/lock");
        self.lock(&lock)?;
        let done = work();
        let unlocked = self.objects.remove(&lock);
        done.and(unlocked)
    }

    /// Takes the lock of a state. A lock that is older than `lock_timeout_seconds` is that of a dead process.
    fn lock(&self, name: &str) -> Result<()> {
        let began = Instant::now();
        loop {
            let now = Timestamp::now();
            let text = format!("{}.{:06}", now.as_second(), now.subsec_microsecond());
            if self.objects.create(name, &text)? {
                return Ok(());
            }
            let since = self.objects.read(name)?.as_deref().and_then(seconds);
            let is_dead = match since {
                Some(since) => now.as_second() - since > self.lock_timeout_seconds(),
                // It is being written, or never will be.
                None => began.elapsed() > self.lock_timeout,
            };
            if is_dead {
                self.objects.remove(name)?;
            } else if began.elapsed() > LONGEST_WAIT {
                return Err(Error::new(
                    Kind::Retry,
                    format!("{name} in {} is always locked by others", self.location()),
                ));
            } else {
                thread::sleep(self.lock_retry);
            }
        }
    }

    fn lock_timeout_seconds(&self) -> i64 {
        i64::try_from(self.lock_timeout.as_secs()).unwrap_or(i64::MAX)
    }
}

/// The whole seconds of a lock, which Python writes as a float.
fn seconds(text: &str) -> Option<i64> {
    text.trim().split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;

    fn backend(folder: &std::path::Path, lock_timeout: Duration) -> StateBackend {
        StateBackend::open(&BackendSettings {
            uri: format!("file://{}", folder.display()),
            options: BTreeMap::new(),
            lock_timeout,
            lock_retry: Duration::from_millis(10),
        })
        .expect("a folder")
    }

    fn stored(completed: &str, partial: &str) -> Stored {
        Stored {
            completed: Some(completed.to_owned()),
            partial: Some(partial.to_owned()),
        }
    }

    #[test]
    fn a_state_is_stored_as_meltano_reads_it_and_its_lock_is_released() {
        let folder = tempfile::tempdir().expect("a folder");
        let backend = backend(folder.path(), Duration::from_secs(10));
        assert_eq!(backend.read("dev:a-to-b").expect("none yet"), Stored::default());
        let next = stored(r#"{"singer_state": {"n":1.0}}"#, "{}");
        backend.write("dev:a-to-b", &next, |_| Ok(())).expect("written");
        let here = folder.path().join("dev:a-to-b");
        assert_eq!(
            fs::read_to_string(here.join("state.json")).expect("there"),
            r#"{"completed": {"singer_state": {"n":1.0}}, "partial": {}}"#
        );
        assert_eq!(
            fs::read_dir(&here).expect("a folder").count(),
            1,
            "no lock, no temporary file"
        );
        assert_eq!(backend.read("dev:a-to-b").expect("there"), next);
        fs::write(here.join("state.json"), r#"{"completed": {"singer_state": 1}}"#).expect("written");
        assert_eq!(backend.read("dev:a-to-b").expect("there").partial, None);
    }

    #[test]
    fn a_lock_is_waited_for_and_an_old_one_is_taken_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let patient = backend(folder.path(), Duration::from_secs(10));
        let backend = backend(folder.path(), Duration::from_millis(20));
        let lock = folder.path().join("x/lock");
        fs::create_dir(folder.path().join("x")).expect("made");
        for old in ["1.5", "not a number"] {
            fs::write(&lock, old).expect("written");
            backend
                .write("x", &Stored::default(), |_| Ok(()))
                .expect("written");
        }
        let now = Timestamp::now().as_second();
        fs::write(&lock, format!("{now}.25")).expect("written");
        let release = thread::spawn({
            let lock = lock.clone();
            move || {
                thread::sleep(Duration::from_millis(200));
                fs::remove_file(lock)
            }
        });
        patient
            .write("x", &Stored::default(), |_| {
                assert!(release.is_finished(), "it was locked");
                Ok(())
            })
            .expect("written");
    }

    #[test]
    fn other_schemes_are_refused_by_name() {
        for scheme in ["snowflake", "postgresql", "abfs"] {
            let settings = BackendSettings {
                uri: format!("{scheme}://b/p"),
                options: BTreeMap::new(),
                lock_timeout: Duration::ZERO,
                lock_retry: Duration::ZERO,
            };
            let error = StateBackend::open(&settings).err().expect("refused");
            assert!(
                error.to_string().contains(&format!("{scheme} is not supported")),
                "{error}"
            );
        }
    }
}
