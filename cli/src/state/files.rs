//! The `file://` state backend.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use melisma_sdk::internal::replaced::ReplacedFile;
use melisma_sdk::{Error, Result};

use super::objects::Objects;

/// A folder.
pub(super) struct Files(PathBuf);

impl Files {
    /// The folder of a URI without its scheme. The host of the URI means nothing, so `file://./x` is `/x`, as in Meltano.
    pub(super) fn at(place: &str) -> Self {
        let path = place.find('/').map_or("", |slash| &place[slash..]);
        Self(PathBuf::from(path))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn failed(&self, doing: &str, name: &str, error: io::Error) -> Error {
        Error::io(format!("cannot {doing} {}", self.path(name).display()), error)
    }

    fn make_folder(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder).map_err(|error| self.failed("write", name, error))
    }
}

impl Objects for Files {
    fn read(&self, name: &str) -> Result<Option<String>> {
        match fs::read_to_string(self.path(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("read", name, error)),
        }
    }

    fn write(&self, name: &str, content: &str) -> Result<()> {
        self.make_folder(name)?;
        ReplacedFile::at(&self.path(name))?
            .replace(content.as_bytes())
            .map_err(|error| self.failed("write", name, error))
    }

    fn create(&self, name: &str, content: &str) -> Result<bool> {
        self.make_folder(name)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.path(name));
        match file {
            Ok(mut file) => {
                let written = file.write_all(content.as_bytes());
                written.map_err(|error| self.failed("write", name, error))?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(self.failed("create", name, error)),
        }
    }

    fn remove(&self, name: &str) -> Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed("remove", name, error)),
            _ => Ok(()),
        }
    }

    fn remove_folder(&self, name: &str) {
        // The system refuses to remove a folder that is not empty.
        let _ = fs::remove_dir(self.path(name));
    }

    fn folders_with(&self, name: &str) -> Result<Vec<String>> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed("read", "", error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| self.failed("read", "", error))?;
            if entry.path().join(name).is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn location(&self) -> String {
        self.0.display().to_string()
    }
}
