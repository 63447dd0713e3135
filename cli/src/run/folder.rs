//! The private folder of one run: config files with secrets, the catalog, the state. It goes when the run ends; what
//! a run that was killed could not remove, the next one does.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use melisma_sdk::{Error, Result};
use rustix::fs::{CWD, Mode, OFlags, mkfifoat};

const PREFIX: &str = "melisma-";
/// Locked as long as the run lives.
const LOCK: &str = "lock";
/// What the lock's file says, so that no other file is taken for one.
const MARK: &str = "locked while a run of melisma lives\n";

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

/// Removes folders that runs of this user left. What can not be removed stays: it hinders nobody.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_of_a_run) {
            // What is in doubt is somebody else's.
            let _ = sweep_one(&entry.path());
        }
    }
}

/// `melisma-` and a UUID as [`uuid_v7`](super::uuid_v7) makes them.
fn is_of_a_run(name: &str) -> bool {
    let Some(id) = name.strip_prefix(PREFIX).map(str::as_bytes) else {
        return false;
    };
    id.len() == 36
        && id.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            14 => *byte == b'7',
            19 => b"89ab".contains(byte),
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Removes one folder, when it is surely that of a run that is gone: a folder of this user, no link; its lock a file
/// that says so and that nobody holds; nothing in it but files. A run puts no folder into its own.
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
        // A link is removed, and not what it points to.
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

    use super::super::uuid_v7;
    use super::*;

    /// A folder as a run that was killed leaves it: the lock goes with the process.
    fn left(parent: &Path, name: &str) -> PathBuf {
        let folder = parent.join(name);
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join(LOCK), MARK).expect("written");
        fs::write(folder.join("tap.config.json"), "secret").expect("written");
        folder
    }

    fn sweep_once(parent: &Path) {
        drop(RunFolder::create(parent, &uuid_v7()).expect("made"));
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_is_alive_stays() {
        let parent = tempfile::tempdir().expect("a folder");
        let alive = RunFolder::create(parent.path(), &uuid_v7()).expect("made");
        alive.write("tap.config.json", "{}").expect("written");
        let killed = left(parent.path(), &format!("melisma-{}", uuid_v7()));
        alive.fifo("counts").expect("made");
        sweep_once(parent.path());
        assert!(alive.path.join("tap.config.json").exists() && !killed.exists());
        drop(alive);
        assert_eq!(fs::read_dir(parent.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn what_is_not_surely_of_a_run_stays() {
        let parent = tempfile::tempdir().expect("a folder");
        let of_a_run = || format!("melisma-{}", uuid_v7());
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
        mkfifoat(CWD, waits.join(LOCK), Mode::RUSR | Mode::WUSR).expect("made");
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
        let killed = left(parent.path(), &format!("melisma-{}", uuid_v7()));
        symlink(&precious, killed.join("link")).expect("made");
        sweep_once(parent.path());
        assert!(!killed.exists() && precious.exists());
    }
}
