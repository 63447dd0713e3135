//! What of an appended file is committed, kept beside it while a run writes.
//!
//! A journal is text, one note a line. Notes are only added, so a torn write cannot hurt what was said before:
//!
//! ```text
//! file 2049 131081 1779790503123456789   which file it speaks of: device, inode, nanoseconds of its birth
//! committed 120 5d3a7e3c9f21b604         the number of committed bytes, and a hash of the last of them
//! writing 120 4096                       4096 bytes of ours are about to be written at byte 120
//! others 4300                            another program's bytes end at byte 4300
//! ```
//!
//! `committed` is durable when it is written; the others only outlive the process, which is what they are for: without
//! them a run that finds a journal could not tell the tail of a killed run from what others have added since.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use melisma_engine::{Error, Result, fault};

use super::folder;
use super::identity::{Identity, Mark};

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

    /// Begins the journal of a file, all of which is committed. Locked until it is removed or the process ends;
    /// durable on return, as is the file's own entry in the folder.
    pub(super) fn begin(data: &Path, identity: &Identity, mark: Mark) -> Result<Self> {
        let path = Self::path(data);
        let cannot = |error| Error::io(format!("cannot write {}", path.display()), error);
        let mut how = OpenOptions::new();
        how.append(true).create(true);
        folder::no_follow(&mut how);
        let Some(file) = folder::open_locked(&path, &how).map_err(cannot)? else {
            return Err(folder::taken(data));
        };
        if file.metadata().map_err(cannot)?.len() > 0 {
            return Err(Error::new(
                melisma_engine::Kind::Retry,
                format!(
                    "{} was written by another run meanwhile: start again",
                    data.display()
                ),
            ));
        }
        let mut journal = Self { file, path };
        journal.note(&format!("{identity}\n"))?;
        journal.commit(mark)?;
        folder::sync(folder::of(data))?;
        Ok(journal)
    }

    /// Records durably how many bytes of the file are committed.
    pub(super) fn commit(&mut self, mark: Mark) -> Result<()> {
        let line = format!("committed {} {:016x}\n", mark.length, mark.ending);
        fault!(FILES_JOURNAL_HALF, half line.as_bytes() => self.file);
        self.note(&line)?;
        self.file.sync_data().map_err(|error| self.cannot_write(error))
    }

    /// Notes that bytes are about to be written at the end of the file, which is at `from`.
    pub(super) fn writing(&mut self, from: u64, bytes: u64) -> Result<()> {
        self.note(&format!("writing {from} {bytes}\n"))
    }

    /// Notes that another program has written to the file, up to byte `end`.
    pub(super) fn others(&mut self, end: u64) -> Result<()> {
        self.note(&format!("others {end}\n"))
    }

    /// Ends the journal: the whole file is committed.
    pub(super) fn remove(self) -> Result<()> {
        fs::remove_file(&self.path)
            .map_err(|error| Error::io(format!("cannot remove {}", self.path.display()), error))
    }

    fn note(&mut self, line: &str) -> Result<()> {
        self.file
            .write_all(line.as_bytes())
            .map_err(|error| self.cannot_write(error))
    }

    fn cannot_write(&self, error: io::Error) -> Error {
        Error::io(format!("cannot write {}", self.path.display()), error)
    }
}

/// A journal that was found, locked by us.
#[derive(Debug)]
pub(super) struct Found {
    /// Keeps the lock.
    _file: File,
    pub(super) notes: Notes,
}

/// What a journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    /// Which file it speaks of; journals of melisma 0.1.0 do not say.
    pub(super) identity: Option<Identity>,
    /// `None` when the run was killed before it had said anything, and so before it wrote.
    pub(super) committed: Option<Mark>,
    /// Where the last write began and where it ends if all of it was written.
    pub(super) writing: Option<(u64, u64)>,
    /// The end of what other programs have written while the run was alive.
    pub(super) others: u64,
}

/// Reads a journal that a run has left; `None` when there is none, or its run is alive.
pub(super) fn find(path: &Path) -> Result<Option<Found>> {
    let cannot = |error| Error::io(format!("cannot read {}", path.display()), error);
    let mut how = OpenOptions::new();
    how.read(true);
    folder::no_follow(&mut how);
    let mut file = match folder::open_locked(path, &how) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error)),
    };
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(cannot)?;
    Ok(Some(Found {
        _file: file,
        notes: read(&text),
    }))
}

/// What the whole lines of a journal say; a later note takes precedence over an earlier one.
pub(super) fn read(text: &[u8]) -> Notes {
    let mut notes = Notes::default();
    let end = text.iter().rposition(|&byte| byte == b'\n').unwrap_or(0);
    for line in text[..end].split(|&byte| byte == b'\n') {
        let words = std::str::from_utf8(line).unwrap_or_default();
        let words: Vec<&str> = words.split(' ').collect();
        match words.as_slice() {
            ["file", rest @ ..] => notes.identity = Identity::parse(rest),
            ["committed", length, rest @ ..] => {
                let Ok(length) = length.parse() else { continue };
                let ending = rest.first().and_then(|hash| u64::from_str_radix(hash, 16).ok());
                notes.committed = Some(Mark {
                    length,
                    ending: ending.unwrap_or_default(),
                });
                notes.writing = None;
            }
            ["writing", from, bytes] => {
                if let (Ok(from), Ok(bytes)) = (from.parse::<u64>(), bytes.parse()) {
                    notes.writing = Some((from, from.saturating_add(bytes)));
                }
            }
            ["others", end] => notes.others = end.parse().unwrap_or(notes.others),
            _ => {}
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_does_not_count() {
        let text = b"committed 0 0a\ncommitted 120 0b\ncommitted 3456 0c\n";
        let committed = |text: &[u8]| read(text).committed.map(|mark| (mark.length, mark.ending));
        assert_eq!(committed(text), Some((3456, 12)));
        for cut in 0..text.len() {
            let expected = if cut >= 32 {
                Some((120, 11))
            } else if cut >= 15 {
                Some((0, 10))
            } else {
                None
            };
            assert_eq!(committed(&text[..cut]), expected, "cut at {cut}");
        }
        assert_eq!(committed(b"committed 7\n\0\0\0\0\0\n"), Some((7, 0)));
    }

    #[test]
    fn later_notes_take_precedence() {
        let notes = read(b"file 1 2 3\ncommitted 5 0\nwriting 5 10\nothers 20\nwriting 20 7\nwriting x\n");
        assert_eq!(notes.identity, Identity::parse(&["1", "2", "3"]));
        assert_eq!((notes.writing, notes.others), (Some((20, 27)), 20));
        assert_eq!(read(b"writing 5 10\ncommitted 15 0\n").writing, None);
    }
}
