//! How much of an appended file is committed, kept beside it while a run writes.
//!
//! One line for each commit, `committed 1234`, the last whole one holds. Lines are only added, so a torn write of
//! the journal can not hurt what it said before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use melisma_engine::{Error, Result, fault};

use super::folder;

/// The end of a journal's name.
pub(super) const SUFFIX: &str = ".melisma-journal";

#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Where the journal of a file is.
    pub(super) fn path(data: &Path) -> PathBuf {
        folder::hidden(data, SUFFIX)
    }

    /// Begins the journal of a file that has `length` bytes, all of them committed. Locked until it is removed or
    /// the process ends; durable on return, as is the file's own entry in the folder.
    pub(super) fn begin(data: &Path, length: u64) -> Result<Self> {
        let path = Self::path(data);
        let cannot = |error| Error::io(format!("cannot write {}", path.display()), error);
        let Some(file) =
            folder::open_locked(&path, OpenOptions::new().append(true).create(true)).map_err(cannot)?
        else {
            return Err(folder::taken(data));
        };
        if file.metadata().map_err(cannot)?.len() > 0 {
            return Err(Error::new(
                melisma_engine::Kind::Unavailable,
                format!(
                    "{} was written by another run meanwhile: start again",
                    data.display()
                ),
            ));
        }
        let mut journal = Self { file, path };
        journal.commit(length)?;
        folder::sync(folder::of(data))?;
        Ok(journal)
    }

    /// Notes durably that so many bytes of the file are committed.
    pub(super) fn commit(&mut self, length: u64) -> Result<()> {
        let line = format!("committed {length}\n");
        fault!(FILES_JOURNAL_HALF, {
            let half = self.file.write_all(&line.as_bytes()[..line.len() / 2]);
            half.map_err(|error| Error::io(format!("cannot write {}", self.path.display()), error))?;
        });
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Error::io(format!("cannot write {}", self.path.display()), error))
    }

    /// Ends the journal: the whole file is committed.
    pub(super) fn remove(self) -> Result<()> {
        fs::remove_file(&self.path)
            .map_err(|error| Error::io(format!("cannot remove {}", self.path.display()), error))
    }
}

/// A journal that was found, locked by us.
pub(super) struct Found {
    /// Keeps the lock.
    _file: File,
    /// What it says; `None` when the run was killed before it had said anything, and so before it wrote.
    pub(super) committed: Option<u64>,
}

/// Reads a journal that a run has left; `None` when there is none, or its run is alive.
pub(super) fn find(path: &Path) -> Result<Option<Found>> {
    let cannot = |error| Error::io(format!("cannot read {}", path.display()), error);
    let mut file = match folder::open_locked(path, OpenOptions::new().read(true)) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error)),
    };
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(cannot)?;
    Ok(Some(Found {
        _file: file,
        committed: last(&text),
    }))
}

/// The last whole line's length.
pub(super) fn last(text: &[u8]) -> Option<u64> {
    let end = text.iter().rposition(|&byte| byte == b'\n')?;
    text[..end].rsplit(|&byte| byte == b'\n').find_map(|line| {
        std::str::from_utf8(line)
            .ok()?
            .strip_prefix("committed ")?
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::last;

    #[test]
    fn a_torn_line_does_not_count() {
        let text = b"committed 0\ncommitted 120\ncommitted 3456\n";
        assert_eq!(last(text), Some(3456));
        for cut in 0..text.len() {
            let expected = if cut >= 26 {
                Some(120)
            } else if cut >= 12 {
                Some(0)
            } else {
                None
            };
            assert_eq!(last(&text[..cut]), expected, "cut at {cut}");
        }
        assert_eq!(last(b"committed 7\n\0\0\0\0\0\n"), Some(7));
    }
}
