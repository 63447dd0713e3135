//! The private folder of one run: config files with secrets, the catalog, the state. It goes when the run ends; what
//! a run that was killed could not remove, the next one does.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Result};
use rustix::fs::{CWD, Mode, mkfifoat};

const PREFIX: &str = "melisma-";
/// Locked as long as the run lives.
const LOCK: &str = "lock";

/// A folder that only this user may look into; removed when it is dropped.
pub(crate) struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// A new folder in `parent`, named after the run. Those of runs that were killed are removed.
    pub(crate) fn create(parent: &Path, run_id: &str) -> Result<Self> {
        let path = parent.join(format!("{PREFIX}{run_id}"));
        let cannot = |error| Error::io(format!("cannot create {}", path.display()), error);
        fs::create_dir_all(parent).map_err(cannot)?;
        sweep(parent);
        // Under another name until it is locked, so that nobody takes it for one that was left.
        let hidden = parent.join(format!(".{PREFIX}{run_id}"));
        DirBuilder::new().mode(0o700).create(&hidden).map_err(cannot)?;
        let lock = open(&hidden.join(LOCK))
            .and_then(|lock| {
                let _ = lock.try_lock();
                fs::rename(&hidden, &path).map(|()| lock)
            })
            .map_err(cannot)?;
        Ok(Self {
            path: fs::canonicalize(&path).unwrap_or(path),
            _lock: lock,
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

    /// Makes a FIFO that only this user may open; its path. Not every file system has them.
    pub(crate) fn fifo(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR)?;
        Ok(path)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes this user's folders whose runs are gone. What can not be removed stays: it hinders nobody.
fn sweep(parent: &Path) {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let of_a_run = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        let own_folder =
            || fs::symlink_metadata(entry.path()).is_ok_and(|there| there.is_dir() && there.uid() == own);
        if of_a_run && own_folder() {
            let lock = File::open(entry.path().join(LOCK));
            if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_is_alive_stays() {
        let parent = tempfile::tempdir().expect("a folder");
        let there = |id: &str| parent.path().join(format!("melisma-{id}")).exists();
        let alive = RunFolder::create(parent.path(), "alive").expect("made");
        alive.write("tap.config.json", "{}").expect("written");
        // The lock goes with the process, the folder stays.
        let killed = RunFolder::create(parent.path(), "killed").expect("made");
        let left = killed.path.clone();
        drop(killed);
        fs::create_dir(&left).expect("made");
        fs::write(left.join(LOCK), "").expect("written");
        fs::write(left.join("tap.config.json"), "secret").expect("written");
        fs::create_dir(parent.path().join("melisma-strange")).expect("made");
        drop(RunFolder::create(parent.path(), "next").expect("made"));
        assert!(there("alive") && !there("killed") && there("strange") && !there("next"));
    }
}
