//! The private folder of one run: config files with secrets, the catalog, the state. It goes when the run ends.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Result};

/// A folder that only this user may look into; removed when it is dropped.
pub(crate) struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// A new folder in `parent`, named after the run.
    pub(crate) fn create(parent: &Path, run_id: &str) -> Result<Self> {
        let path = parent.join(format!("melisma-{run_id}"));
        fs::create_dir_all(parent)
            .and_then(|()| DirBuilder::new().mode(0o700).create(&path))
            .map_err(|error| Error::io(format!("cannot create {}", path.display()), error))?;
        Ok(Self {
            path: fs::canonicalize(&path).unwrap_or(path),
        })
    }

    /// Writes a file that only this user may read; its path.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        open(&path)
            .and_then(|mut file| file.write_all(content.as_bytes()))
            .map_err(|error| Error::io(format!("cannot write {}", path.display()), error))?;
        Ok(path)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}
