//! A small file that is always whole: a state, statistics. It is replaced, never written into.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use melisma_engine::{Error, Result};

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;
/// Names that are tried for a new file. Only what a killed process of the same number left is in the way.
const MAX_NAMES: u32 = 1000;

/// A file that a reader sees as it was or as it is, and never half of it.
#[derive(Debug)]
pub struct ReplacedFile {
    path: PathBuf,
    /// Of a new file, the umask aside.
    mode: u32,
}

impl ReplacedFile {
    /// The file at `path`, which need not exist. A link is followed: what it points to is replaced, and the link stays.
    ///
    /// # Errors
    /// It is a device, a folder, a FIFO or a loop of links ([`Kind::Config`](crate::Kind::Config)): a rename would put
    /// a file in its place.
    pub fn at(path: &Path) -> Result<Self> {
        let refused = |why: &str| Error::config(format!("cannot replace {}: it is {why}", path.display()));
        let mut at = path.to_owned();
        for _ in 0..MAX_LINKS {
            match fs::symlink_metadata(&at) {
                Ok(there) if there.is_symlink() => {
                    let to = fs::read_link(&at).map_err(|_| refused("a link that cannot be read"))?;
                    // Relative to the folder of the link; an absolute one replaces it all.
                    at = at.parent().unwrap_or(Path::new("")).join(to);
                }
                Ok(there) if !there.is_file() => return Err(refused("not a regular file")),
                _ => {
                    return Ok(Self {
                        path: at,
                        mode: 0o600,
                    });
                }
            }
        }
        Err(refused("a loop of links"))
    }

    /// Lets others read a new file where the umask does: for what is no secret.
    #[must_use]
    pub fn for_everybody(self) -> Self {
        Self { mode: 0o666, ..self }
    }

    /// Where it is, links followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the content.
    pub fn replace(&self, content: &[u8]) -> io::Result<()> {
        let mut new = self.begin()?;
        new.write_all(content)?;
        new.commit()
    }

    /// A new file beside it, for this user only, or with the permissions of the one that it will replace.
    pub fn begin(&self) -> io::Result<Replacement> {
        let (temporary, file) = create(&self.path, self.mode)?;
        let new = Replacement {
            path: self.path.clone(),
            temporary: Some(temporary),
            file,
        };
        if let Ok(old) = fs::metadata(&self.path) {
            new.file.set_permissions(old.permissions())?;
        }
        Ok(new)
    }
}

/// The new content of a [`ReplacedFile`]; removed unless it is committed.
#[derive(Debug)]
pub struct Replacement {
    path: PathBuf,
    temporary: Option<PathBuf>,
    file: File,
}

impl Replacement {
    /// Brings what was written to the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Puts it in the place of the old one, durably.
    pub fn commit(mut self) -> io::Result<()> {
        self.sync()?;
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.path)?;
        }
        self.temporary = None;
        #[cfg(unix)]
        File::open(folder(&self.path))?.sync_all()?;
        Ok(())
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            let _ = fs::remove_file(temporary);
        }
    }
}

fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A file that was not there before: whatever has the same name is somebody else's, and stays.
fn create(path: &Path, mode: u32) -> io::Result<(PathBuf, File)> {
    let mut how = OpenOptions::new();
    how.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
    for n in 0..MAX_NAMES {
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}-{n}.melisma-tmp", std::process::id()));
        let temporary = folder(path).join(name);
        match how.open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use melisma_engine::Kind;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("a folder")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn links_are_followed_and_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).expect("made");
        symlink("real/state", at("link")).expect("made");
        symlink(at("link"), at("second")).expect("made");
        for text in ["1", "2"] {
            ReplacedFile::at(&at("second"))
                .expect("a file")
                .replace(text.as_bytes())
                .expect("written");
            assert_eq!(fs::read_to_string(at("real/state")).expect("there"), text);
        }
        assert_eq!(names(folder.path()), ["link", "real", "second"]);
        assert_eq!(names(&at("real")), ["state"]);
        symlink("round", at("round")).expect("made");
        assert!(ReplacedFile::at(&at("round")).is_err());
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), rustix::fs::Mode::RUSR).expect("made");
        symlink("/dev/null", at("device")).expect("made");
        for path in [
            at("fifo"),
            at("device"),
            folder.path().to_owned(),
            "/dev/null".into(),
        ] {
            let error = ReplacedFile::at(&path).expect_err("refused");
            assert_eq!(error.kind(), Kind::Config, "{error}");
        }
    }

    #[test]
    fn what_others_have_put_in_the_way_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        let in_the_way = folder
            .path()
            .join(format!(".state.{}-0.melisma-tmp", std::process::id()));
        let precious = folder.path().join("precious");
        fs::write(&precious, "precious").expect("written");
        symlink(&precious, &in_the_way).expect("made");
        ReplacedFile::at(&path)
            .expect("a file")
            .replace(b"1")
            .expect("written");
        assert_eq!(fs::read_to_string(&path).expect("there"), "1");
        assert_eq!(fs::read_to_string(&precious).expect("there"), "precious");
    }
}
