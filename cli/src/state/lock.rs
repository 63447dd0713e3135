//! The lock of a state file: a file next to it that is locked as long as its run is alive.
//!
//! The system releases the lock when the process ends, however it ends, so a lock is never stale. The owner in the file is
//! only for messages. The state file itself cannot be the lock, because it is replaced with each state.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use melisma_sdk::{Error, Kind, Result};
use rustix::fs::OFlags;

use super::owner::Owner;

/// The end of the lock file's name.
const SUFFIX: &str = ".melisma-lock";

/// A lock that this run holds until it is dropped.
pub(super) struct Lock {
    /// The file that is locked.
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Locks a state file. With `force`, a lock that another run holds is ignored, and nothing is locked.
    ///
    /// # Errors
    /// Another run holds the lock ([`Kind::Retry`]); or the lock file cannot be created, and so no state file either
    /// ([`Kind::Io`]).
    pub(super) fn take(state: &Path, force: bool) -> Result<Option<Self>> {
        let path = path_for(state);
        let cannot = |error| {
            Error::io(
                format!(
                    "cannot store a state in {}: its lock {}",
                    state.display(),
                    path.display()
                ),
                error,
            )
        };
        loop {
            let mut file = open(&path).map_err(cannot)?;
            match file.try_lock() {
                // On a file system without locks, nothing more can be done.
                Ok(()) => {}
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
                Err(TryLockError::WouldBlock) if force => return Ok(None),
                Err(TryLockError::WouldBlock) => return Err(taken(state, &mut file)),
                Err(TryLockError::Error(error)) => return Err(cannot(error)),
            }
            // The last owner may have removed the file after it was opened here.
            if !is_at(&file, &path).map_err(cannot)? {
                continue;
            }
            let owner = serde_json::to_string(&Owner::current()).unwrap_or_default();
            file.set_len(0)
                .and_then(|()| file.write_all(format!("{owner}\n").as_bytes()))
                .map_err(cannot)?;
            return Ok(Some(Self { file, path }));
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while it is locked, so no other run can have locked it. A file that stays behind does no harm. If another
        // file is in its place now, that is not ours to remove.
        if is_at(&self.file, &self.path).unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens the lock file and creates it if it is absent. Because the file is truncated before the owner is written to it, a
/// link, or a file that does not look like a lock, is refused.
fn open(path: &Path) -> io::Result<File> {
    let not_a_lock = || {
        io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file of that name exists and is not a lock",
        )
    };
    let no_link = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(no_link)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(not_a_lock());
    }
    let mut text = String::new();
    let read = (&file).take(4096).read_to_string(&mut text);
    (&file).rewind()?;
    match read {
        // A lock file may be incomplete after a crash.
        Ok(_) if text.is_empty() || text.starts_with("{\"host\"") => Ok(file),
        _ => Err(not_a_lock()),
    }
}

fn path_for(state: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(state.file_name().unwrap_or_default());
    name.push(SUFFIX);
    state.with_file_name(name)
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn taken(state: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    let _ = file.take(4096).read_to_string(&mut text);
    let owner = serde_json::from_str::<Owner>(&text).map_or_else(
        |_| "an unknown process".to_owned(),
        |owner| owner.describe(Timestamp::now()),
    );
    Error::new(
        Kind::Retry,
        format!(
            "another run is using the state in {}: {owner}; wait for it or end it, which releases the lock, or use --force",
            state.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_at_a_time_and_nothing_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state.json");
        let first = Lock::take(&state, false).expect("free").expect("held");
        let Err(error) = Lock::take(&state, false) else {
            panic!("two have it");
        };
        assert_eq!(error.kind(), Kind::Retry);
        let said = error.to_string();
        for word in ["pid ", " on host ", "0 s ago", "--force"] {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(Lock::take(&state, true).expect("forced").is_none());
        drop(first);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
        assert!(Lock::take(&state, false).expect("free again").is_some());
    }

    #[test]
    fn a_file_that_is_not_a_lock_is_neither_truncated_nor_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (state, precious) = (folder.path().join("state.json"), folder.path().join("precious"));
        fs::write(&precious, "precious").expect("written");
        for link in [true, false] {
            if link {
                std::os::unix::fs::symlink(&precious, path_for(&state)).expect("made");
            } else {
                fs::write(path_for(&state), "precious").expect("written");
            }
            assert!(Lock::take(&state, false).is_err());
            assert_eq!(fs::read_to_string(path_for(&state)).expect("there"), "precious");
            fs::remove_file(path_for(&state)).expect("removed");
        }
        assert_eq!(fs::read_to_string(&precious).expect("there"), "precious");
    }

    #[test]
    fn a_lock_that_a_killed_run_left_is_free() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state.json");
        fs::write(path_for(&state), "{\"host\": \"x\"").expect("written");
        assert!(Lock::take(&state, false).expect("free").is_some());
    }
}
