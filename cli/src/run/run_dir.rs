//! The private folder of a run, for config files with secrets, the catalog and the state.
//!
//! It is removed when the run ends. The folder of a run that was killed is removed by the next run.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Result};
use rustix::fs::OFlags;
use uuid::{Uuid, Variant, Version};

use super::fifo;

/// Folders of runs are named by this and a run id.
const PREFIX: &str = "melisma-";
/// A file that is locked as long as the run is alive.
const LOCK: &str = "lock";
/// The content of the lock file, so that no other file is mistaken for one. Older versions look for the same text.
const MARK: &str = "locked while a run of melisma lives\n";

/// A folder that only this user can access; removed when dropped.
pub(crate) struct RunDir {
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    /// Makes a folder in `parent`, named after the run, and removes those of runs that were killed.
    pub(crate) fn create(parent: &Path, run_id: &str) -> Result<Self> {
        let path = parent.join(format!("{PREFIX}{run_id}"));
        let cannot = |error| Error::io(format!("cannot create {}", path.display()), error);
        fs::create_dir_all(parent).map_err(cannot)?;
        sweep(parent);
        // Under another name until it is locked, so that another run does not mistake it for an abandoned one.
        let hidden = parent.join(format!(".{PREFIX}{run_id}"));
        DirBuilder::new().mode(0o700).create(&hidden).map_err(cannot)?;
        let lock = open(&hidden.join(LOCK))
            .and_then(|mut lock| {
                let _ = lock.try_lock();
                lock.write_all(MARK.as_bytes())?;
                fs::rename(&hidden, &path).map(|()| lock)
            })
            .map_err(cannot)?;
        Ok(Self {
            path: fs::canonicalize(&path).unwrap_or(path),
            _lock: lock,
        })
    }

    /// Writes a file that only this user can read; returns its path.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        open(&path)
            .and_then(|mut file| file.write_all(content.as_bytes()))
            .map_err(|error| Error::io(format!("cannot write {}", path.display()), error))?;
        Ok(path)
    }

    /// Makes a FIFO that only this user can open; returns its path.
    pub(crate) fn fifo(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        fifo::make(&path)?;
        Ok(path)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes folders that earlier runs of this user left. Errors are ignored: an old folder does no harm.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_of_a_run) {
            let _ = sweep_one(&entry.path());
        }
    }
}

/// Whether a name is `melisma-` and a run id: a UUID of version 7 in its usual form.
fn is_of_a_run(name: &str) -> bool {
    let id = name.strip_prefix(PREFIX).unwrap_or_default();
    Uuid::try_parse(id).is_ok_and(|uuid| {
        uuid.get_version() == Some(Version::SortRand)
            && uuid.get_variant() == Variant::RFC4122
            && uuid.to_string() == id
    })
}

/// Removes a folder if it is certainly that of a run that has ended: a folder of this user and not a link; its lock is a
/// file with the right content and is not held; it contains only files, since a run makes no folders in its own.
fn sweep_one(path: &Path) -> io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    let folder = fs::symlink_metadata(path)?;
    let lock = path.join(LOCK);
    if !folder.is_dir() || folder.uid() != own || !fs::symlink_metadata(&lock)?.is_file() {
        return Ok(());
    }
    let at_once = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).map_err(io::Error::other)?;
    let lock = OpenOptions::new().read(true).custom_flags(at_once).open(lock)?;
    let mut says = String::new();
    (&lock).take(MARK.len() as u64 + 1).read_to_string(&mut says)?;
    if says != MARK || lock.metadata()?.uid() != own || lock.try_lock().is_err() {
        return Ok(());
    }
    let files: Vec<_> = fs::read_dir(path)?.collect::<io::Result<_>>()?;
    for file in &files {
        if file.file_type()?.is_dir() {
            return Ok(());
        }
    }
    for file in files {
        // Removes a link, and not what it points to.
        fs::remove_file(file.path())?;
    }
    fs::remove_dir(path)
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
    use std::os::unix::fs::symlink;

    use super::*;

    fn run_id() -> String {
        Uuid::now_v7().to_string()
    }

    /// A folder as a killed run leaves it: the system releases the lock with the process.
    fn left(parent: &Path, name: &str) -> PathBuf {
        let folder = parent.join(name);
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join(LOCK), MARK).expect("written");
        fs::write(folder.join("tap.config.json"), "secret").expect("written");
        folder
    }

    fn sweep_once(parent: &Path) {
        drop(RunDir::create(parent, &run_id()).expect("made"));
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_is_alive_stays() {
        let parent = tempfile::tempdir().expect("a folder");
        let alive = RunDir::create(parent.path(), &run_id()).expect("made");
        alive.write("tap.config.json", "{}").expect("written");
        let killed = left(parent.path(), &format!("melisma-{}", run_id()));
        alive.fifo("counts").expect("made");
        sweep_once(parent.path());
        assert!(alive.path.join("tap.config.json").exists() && !killed.exists());
        drop(alive);
        assert_eq!(fs::read_dir(parent.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn what_is_not_surely_of_a_run_stays() {
        let parent = tempfile::tempdir().expect("a folder");
        let of_a_run = || format!("melisma-{}", run_id());
        let precious = parent.path().join("precious");
        fs::create_dir(&precious).expect("made");
        fs::write(precious.join(LOCK), MARK).expect("written");
        let names = [
            "melisma-project".to_owned(),
            "melisma-".to_owned(),
            "melisma-5ad2e5c9-0f1e-4b1b-9d8b-6a1f3f4b9f10".to_owned(),
            of_a_run().to_uppercase().replace("MELISMA", "melisma") + "x",
            of_a_run() + ".bak",
        ];
        let mut stay: Vec<_> = names.iter().map(|name| left(parent.path(), name)).collect();
        // With the name of a run, and not made by one.
        let strange = left(parent.path(), &of_a_run());
        fs::write(strange.join(LOCK), "").expect("written");
        let linked = left(parent.path(), &of_a_run());
        fs::remove_file(linked.join(LOCK)).expect("removed");
        symlink(precious.join(LOCK), linked.join(LOCK)).expect("made");
        let waits = left(parent.path(), &of_a_run());
        fs::remove_file(waits.join(LOCK)).expect("removed");
        fifo::make(&waits.join(LOCK)).expect("made");
        let deep = left(parent.path(), &of_a_run());
        fs::create_dir(deep.join("data")).expect("made");
        let link = parent.path().join(of_a_run());
        symlink(&precious, &link).expect("made");
        stay.extend([strange, linked, waits, deep, link, precious.join(LOCK)]);
        sweep_once(parent.path());
        for path in stay {
            assert!(fs::symlink_metadata(&path).is_ok(), "{} is gone", path.display());
        }
    }

    #[test]
    fn a_link_in_a_folder_that_is_removed_does_not_lead_out_of_it() {
        let parent = tempfile::tempdir().expect("a folder");
        let precious = parent.path().join("precious");
        fs::write(&precious, "precious").expect("written");
        let killed = left(parent.path(), &format!("melisma-{}", run_id()));
        symlink(&precious, killed.join("link")).expect("made");
        sweep_once(parent.path());
        assert!(!killed.exists() && precious.exists());
    }
}
