//! One file with the bare state, as a tap's `--state` takes it.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use melisma_sdk::replaced::ReplacedFile;
use melisma_sdk::{Error, Kind, Result, fault};

use super::Write;
use super::lock::Lock;
use super::merge::{is_empty, merge};
use super::pipeline::{self, Look, Pipeline, Taking};

/// A state file; replaced as a whole, so that a reader sees the old state or the new one.
pub(crate) struct StateFile {
    file: ReplacedFile,
    /// What is in it, as far as this run knows; `None` when it is absent.
    known: Option<String>,
    /// Until the run ends. `None` when `--force` passed over another run's.
    _lock: Option<Lock>,
}

impl StateFile {
    /// The file at `path`, which need not exist, locked for this run. A link is followed, so that what it points to is
    /// replaced. `force` passes over the lock of another run.
    ///
    /// # Errors
    /// Another run has it ([`Kind::Retry`]); it is no file ([`Kind::Config`]); its folder can not be written, so no
    /// state could be kept ([`Kind::Io`]).
    pub(crate) fn open(path: &Path, force: bool) -> Result<Self> {
        let file = ReplacedFile::at(path).map_err(|error| {
            let what = format!("cannot keep a state in {}", path.display());
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

    /// Whether this pipeline may resume from what is there; what is to be said of it.
    ///
    /// # Errors
    /// It is another pipeline's ([`Kind::Config`]).
    pub(super) fn look(&self, pipeline: &Pipeline, taking: Taking) -> Result<Look> {
        if self.known.as_deref().is_none_or(is_empty) {
            return Ok(Look::default());
        }
        let place = self.path().display().to_string();
        pipeline.look(&place, pipeline::of_file(self.path()).as_ref(), taking)
    }

    /// The state, unless the file is absent or says nothing.
    pub(crate) fn read(&self) -> Result<Option<String>> {
        let Some(text) = self.known.as_deref().filter(|text| !is_empty(text)) else {
            return Ok(None);
        };
        serde_json::from_str::<&serde_json::value::RawValue>(text.trim()).map_err(|error| {
            Error::config(format!("{} is not a state: not JSON", self.path().display())).with_source(error)
        })?;
        Ok(Some(text.trim().to_owned()))
    }

    /// Replaces the state: temporary file, fsync, rename, fsync of the folder.
    ///
    /// # Errors
    /// Somebody else has changed the file, which is left as it is ([`Kind::Retry`]); it can not be written
    /// ([`Kind::Io`]).
    pub(crate) fn write(&mut self, state: &str, how: Write) -> Result<()> {
        if content(self.path())? != self.known {
            return Err(Error::new(
                Kind::Retry,
                format!(
                    "{} was changed by somebody else during this run; nothing was overwritten",
                    self.path().display()
                ),
            ));
        }
        let merged = match (how, self.read()?) {
            (Write::Partial, Some(old)) => merge(&old, state),
            _ => state.to_owned(),
        } + "\n";
        self.replace(&merged)
            .map_err(|error| Error::io(format!("cannot write {}", self.path().display()), error))?;
        self.known = Some(merged);
        Ok(())
    }

    fn replace(&self, state: &str) -> io::Result<()> {
        let mut file = self.file.begin()?;
        fault!(STORE_HALF, io, {
            file.write_all(&state.as_bytes()[..state.len() / 2])?;
        });
        file.write_all(state.as_bytes())?;
        file.sync()?;
        fault!(STORE_RENAME, io);
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
        file.write(r#"{"a": 1.0}"#, Write::Complete).expect("written");
        file.write(r#"{"b": 2}"#, Write::Partial).expect("written");
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
    fn a_file_that_is_no_json_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        fs::write(&path, "{oops").expect("written");
        assert!(open(&path).read().is_err());
    }

    #[test]
    fn a_change_by_somebody_else_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let mut file = open(&path);
        file.write("1", Write::Complete).expect("written");
        for theirs in [Some("2\n"), None] {
            match theirs {
                Some(text) => fs::write(&path, text).expect("written"),
                None => fs::remove_file(&path).expect("removed"),
            }
            let error = file.write("3", Write::Complete).expect_err("changed");
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
        file.write("1", Write::Complete).expect("written");
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
        file.write("2", Write::Complete).expect("written");
        assert_eq!(mode(), 0o640);
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        assert_eq!(
            StateFile::open(Path::new("/dev/null"), false)
                .err()
                .expect("refused")
                .kind(),
            Kind::Config
        );
    }
}
