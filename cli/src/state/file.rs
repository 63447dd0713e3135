//! One file with the bare state, as a tap's `--state` takes it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Result};

use super::Write;
use super::merge::{is_empty, merge};

/// A state file; replaced as a whole, so that a reader sees the old state or the new one.
pub(crate) struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// The file at `path`, which need not exist. A link is followed, so that what it points to is replaced.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The state, unless the file is absent or says nothing.
    pub(crate) fn read(&self) -> Result<Option<String>> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(format!("cannot read {}", self.path.display()), error)),
        };
        if is_empty(&text) {
            return Ok(None);
        }
        serde_json::from_str::<&serde_json::value::RawValue>(text.trim()).map_err(|error| {
            Error::config(format!("{} is not a state: not JSON", self.path.display())).with_source(error)
        })?;
        Ok(Some(text.trim().to_owned()))
    }

    /// Replaces the state: temporary file, fsync, rename, fsync of the folder.
    pub(crate) fn write(&self, state: &str, how: Write) -> Result<()> {
        let merged = match (how, self.read()?) {
            (Write::Partial, Some(old)) => merge(&old, state),
            _ => state.to_owned(),
        };
        self.replace(&merged)
            .map_err(|error| Error::io(format!("cannot write {}", self.path.display()), error))
    }

    fn replace(&self, state: &str) -> io::Result<()> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = folder.join(name);
        let written = File::create(&temporary).and_then(|mut file| {
            file.write_all(state.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        });
        if let Err(error) = written.and_then(|()| fs::rename(&temporary, &self.path)) {
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = StateFile::new(&folder.path().join("state.json"));
        assert_eq!(file.read().expect("absent is fine"), None);
        file.write(r#"{"a": 1.0}"#, Write::Complete).expect("written");
        file.write(r#"{"b": 2}"#, Write::Partial).expect("written");
        assert_eq!(
            file.read().expect("readable").as_deref(),
            Some(r#"{"a": 1.0, "b": 2}"#)
        );
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn a_file_that_is_no_json_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        fs::write(&path, "{oops").expect("written");
        assert!(StateFile::new(&path).read().is_err());
    }
}
