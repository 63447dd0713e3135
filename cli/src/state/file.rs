//! A state file, with the state as a tap's `--state` reads it.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use melisma_sdk::internal::replaced::ReplacedFile;
use melisma_sdk::{Error, Kind, Result, fault};

use super::WriteMode;
use super::lock::Lock;
use super::merge::{is_empty, merge};
use super::pipeline::{self, Adoption, OwnerCheck, Pipeline};

/// A state file. It is replaced as a whole, so that a reader sees either the old state or the new one.
pub(crate) struct StateFile {
    file: ReplacedFile,
    /// Its content, as this run has read or written it last; `None` when it is absent.
    known: Option<String>,
    /// Held until the run ends. `None` when `--force` ignored the lock of another run.
    _lock: Option<Lock>,
}

impl StateFile {
    /// Opens and locks the file at `path`, which need not exist. A link is followed, so that the file it points to is
    /// replaced. `force` ignores the lock of another run.
    ///
    /// # Errors
    /// Another run has locked it ([`Kind::Retry`]); it is not a file ([`Kind::Config`]); its folder cannot be written to,
    /// so that no state could be stored ([`Kind::Io`]).
    pub(crate) fn open(path: &Path, force: bool) -> Result<Self> {
        let file = ReplacedFile::at(path).map_err(|error| {
            let what = format!("cannot store a state in {}", path.display());
            Error::new(error.kind(), what).with_source(error)
        })?;
        let lock = Lock::take(file.path(), force)?;
        let known = content(file.path())?;
        Ok(Self {
            file,
            known,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Checks whether this pipeline may resume from the state in the file.
    ///
    /// # Errors
    /// The state belongs to another pipeline ([`Kind::Config`]).
    pub(super) fn check_owner(&self, pipeline: &Pipeline, adoption: Adoption) -> Result<OwnerCheck> {
        if self.known.as_deref().is_none_or(is_empty) {
            return Ok(OwnerCheck::default());
        }
        let location = self.path().display().to_string();
        pipeline.check_owner(&location, pipeline::owner_of_file(self.path()).as_ref(), adoption)
    }

    /// The state, unless the file is absent or empty.
    pub(crate) fn read(&self) -> Result<Option<String>> {
        let Some(text) = self.known.as_deref().filter(|text| !is_empty(text)) else {
            return Ok(None);
        };
        serde_json::from_str::<&serde_json::value::RawValue>(text.trim()).map_err(|error| {
            Error::config(format!(
                "{} is not a state file, because it is not JSON",
                self.path().display()
            ))
            .with_source(error)
        })?;
        Ok(Some(text.trim().to_owned()))
    }

    /// Replaces the state: temporary file, fsync, rename, fsync of the folder.
    ///
    /// # Errors
    /// Another process has changed the file, which is not overwritten ([`Kind::Retry`]); or it cannot be written
    /// ([`Kind::Io`]).
    pub(crate) fn write(&mut self, state: &str, mode: WriteMode) -> Result<()> {
        if content(self.path())? != self.known {
            return Err(Error::new(
                Kind::Retry,
                format!(
                    "{} was changed by another process during this run; nothing was overwritten",
                    self.path().display()
                ),
            ));
        }
        let merged = match (mode, self.read()?) {
            (WriteMode::Partial, Some(old)) => merge(&old, state),
            _ => state.to_owned(),
        } + "\n";
        self.replace(&merged)
            .map_err(|error| Error::io(format!("cannot write {}", self.path().display()), error))?;
        self.known = Some(merged);
        Ok(())
    }

    fn replace(&self, state: &str) -> io::Result<()> {
        let mut file = self.file.begin()?;
        fault!(STORE_HALF, half state.as_bytes() => file);
        file.write_all(state.as_bytes())?;
        file.sync()?;
        fault!(STORE_RENAME);
        file.commit()
    }
}

/// The text of the file; `None` when it is absent.
fn content(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("cannot read {}", path.display()), error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn open(path: &Path) -> StateFile {
        StateFile::open(path, false).expect("opens")
    }

    #[test]
    fn replaces_the_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let mut file = open(&path);
        assert_eq!(file.read().expect("absent is fine"), None);
        file.write(r#"{"a": 1.0}"#, WriteMode::Complete).expect("written");
        file.write(r#"{"b": 2}"#, WriteMode::Partial).expect("written");
        assert_eq!(
            file.read().expect("readable").as_deref(),
            Some(r#"{"a": 1.0, "b": 2}"#)
        );
        drop(file);
        assert_eq!(
            open(&path).read().expect("readable").as_deref(),
            Some(r#"{"a": 1.0, "b": 2}"#)
        );
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn a_file_that_is_not_json_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        fs::write(&path, "{oops").expect("written");
        assert!(open(&path).read().is_err());
    }

    #[test]
    fn a_change_by_another_process_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let mut file = open(&path);
        file.write("1", WriteMode::Complete).expect("written");
        for theirs in [Some("2\n"), None] {
            match theirs {
                Some(text) => fs::write(&path, text).expect("written"),
                None => fs::remove_file(&path).expect("removed"),
            }
            let error = file.write("3", WriteMode::Complete).expect_err("changed");
            assert_eq!(error.kind(), Kind::Retry);
            assert_eq!(fs::read_to_string(&path).ok().as_deref(), theirs);
        }
    }

    #[test]
    fn only_this_user_reads_a_new_file_and_an_old_one_keeps_its_permissions() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let mode = || fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        let mut file = open(&path);
        file.write("1", WriteMode::Complete).expect("written");
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
        file.write("2", WriteMode::Complete).expect("written");
        assert_eq!(mode(), 0o640);
    }

    #[test]
    fn a_device_is_not_replaced() {
        assert_eq!(
            StateFile::open(Path::new("/dev/null"), false)
                .err()
                .expect("refused")
                .kind(),
            Kind::Config
        );
    }
}
