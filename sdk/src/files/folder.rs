//! Folders and the files in them: made, locked and synced.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use melisma_engine::{Error, Result};

/// The end of a temporary file's name; no other program uses it.
pub(super) const PARTIAL: &str = ".melisma-partial";

/// The temporary name beside a file: hidden, so that patterns such as `*.csv` pass it by.
pub(super) fn partial_name(path: &Path) -> PathBuf {
    hidden(path, PARTIAL)
}

/// `.` before the file's name and `suffix` after it, in the same folder.
pub(super) fn hidden(path: &Path, suffix: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}

/// Makes a folder and those above it. New ones are synced into the folder that holds them.
pub(super) fn create(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create(parent)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => sync(parent.unwrap_or(Path::new("."))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(Error::io(
            format!("cannot make the folder {}", folder.display()),
            error,
        )),
    }
}

/// Makes what was created, renamed or removed in a folder durable.
#[cfg(unix)]
pub(super) fn sync(folder: &Path) -> Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    File::open(folder)
        .and_then(|file| file.sync_all())
        .map_err(|error| Error::io(format!("cannot sync the folder {}", folder.display()), error))
}

/// Windows cannot open a folder as a file, and writes such changes through by itself.
#[cfg(not(unix))]
pub(super) fn sync(_folder: &Path) -> Result<()> {
    Ok(())
}

/// The folder that holds a file.
pub(super) fn of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Whether a regular file is there, links followed.
pub(super) fn is_regular(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Refuses a path where something other than a file is: rows in a FIFO or a device are not durable, and renaming over
/// one would remove it. A link counts as what it leads to.
pub(super) fn refuse_special(path: &Path) -> Result<()> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(());
    };
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() {
        "a folder"
    } else {
        "a device, a FIFO or a socket"
    };
    Err(Error::config(format!(
        "{}: expected a file to write rows to, found {found}",
        path.display()
    )))
}

/// Opens no symbolic link: a file of our own is never one, and through one that somebody has put there we would write
/// to, or cut, a file of theirs.
#[cfg(unix)]
pub(super) fn no_follow(how: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    how.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
}

/// Elsewhere making a link takes rights that make it needless.
#[cfg(not(unix))]
pub(super) fn no_follow(_how: &mut OpenOptions) {}

/// Where a path leads: links followed as far as it exists.
pub(super) fn place(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Ok(place) = path.canonicalize() {
        return same_file_key(&place);
    }
    let folder = of(&path);
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    same_file_key(&folder.join(path.file_name().unwrap_or_default()))
}

/// Whether two paths lead to the same file, which need not exist yet.
pub(crate) fn is_same_place(a: &Path, b: &Path) -> bool {
    place(a) == place(b)
}

/// What tells whether two paths are one file: case too, where file systems do not see it.
pub(super) fn same_file_key(path: &Path) -> PathBuf {
    if cfg!(any(windows, target_os = "macos")) {
        PathBuf::from(path.to_string_lossy().to_lowercase())
    } else {
        path.to_owned()
    }
}

/// Opens a file and locks it against other processes until it is closed; `None` when another has it. What is locked
/// is the file that is there: one that its last owner has renamed or removed since it was opened is let go, so that
/// no complete file is taken for a temporary one.
pub(super) fn open_locked(path: &Path, how: &OpenOptions) -> io::Result<Option<File>> {
    loop {
        let file = how.open(path)?;
        if !lock(&file)? {
            return Ok(None);
        }
        if is_at(&file, path)? {
            return Ok(Some(file));
        }
    }
}

/// False when another process has the lock. A file system that knows no locks is taken to be used by one process.
fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let own = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Windows renames no file that is open.
#[cfg(not(unix))]
pub(super) fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Two processes want to write one file.
pub(super) fn taken(path: &Path) -> Error {
    Error::new(
        melisma_engine::Kind::Retry,
        format!(
            "another process, or another stream of this run, is writing {}",
            path.display()
        ),
    )
}
