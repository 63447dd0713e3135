//! A file that grows, cut back to what was committed when a run was killed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use melisma_engine::{Error, Result, fault};

use super::folder;
use super::journal::{self, Journal};
use super::partial::Partial;
use super::write_back::WriteBack;

/// How much of a file's end is read at a time in search of its last line.
const STEP: u64 = 64 * 1024;

/// A last line without an end that is longer is no line of ours.
const LONGEST_TAIL: u64 = 64 * 1024 * 1024;

/// A file that grows; see the [module](super) for what it promises.
#[derive(Debug)]
pub(super) struct Append {
    path: PathBuf,
    file: File,
    /// Bytes in the file, all of them in whole lines.
    length: u64,
    write_back: WriteBack,
    /// From the first write on.
    journal: Option<Journal>,
    /// Bytes that the journal says are committed.
    committed: u64,
}

impl Append {
    /// Opens or makes the file and repairs its end. `is_whole` says whether a last line without a line end is whole.
    ///
    /// # Errors
    /// The file can not be opened, or another process is writing it.
    pub(super) fn open(path: &Path, is_whole: fn(&[u8]) -> bool) -> Result<Self> {
        let journal = Journal::path(path);
        recover(path, &journal)?;
        if journal.exists() {
            return Err(folder::taken(path));
        }
        let cannot = |error| Error::io(format!("cannot open {}", path.display()), error);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(cannot)?;
        let length = file.metadata().map_err(cannot)?.len();
        let mut append = Self {
            path: path.to_owned(),
            file,
            length,
            write_back: WriteBack::behind(length),
            journal: None,
            committed: length,
        };
        append.repair(is_whole)?;
        Ok(append)
    }

    /// Bytes in the file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Reads the file from its start. Bytes that are not committed are read too.
    ///
    /// # Errors
    /// The file can not be read.
    pub(super) fn reader(&self) -> Result<impl Read + use<>> {
        let file = File::open(&self.path)
            .map_err(|error| Error::io(format!("cannot open {}", self.path.display()), error))?;
        Ok(file.take(self.length))
    }

    /// Adds bytes, whole lines in the end.
    ///
    /// # Errors
    /// The file can not be written, or another process has it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.journal.is_none() {
            let journal = Journal::begin(&self.path, self.length)?;
            let length = self
                .file
                .metadata()
                .map_err(|error| self.cannot_write(error))?
                .len();
            if length != self.length {
                // Nothing of ours is in the file yet, so its length is not for our journal to judge.
                journal.remove()?;
                return Err(Error::new(
                    melisma_engine::Kind::Unavailable,
                    format!(
                        "{} was changed by another program meanwhile: start again",
                        self.path.display()
                    ),
                ));
            }
            self.journal = Some(journal);
            self.committed = self.length;
            fault!(FILES_JOURNAL_BEGIN);
        }
        fault!(FILES_APPEND_HALF, {
            let half = self.file.write_all(&bytes[..bytes.len() / 2]);
            half.map_err(|error| self.cannot_write(error))?;
        });
        self.file
            .write_all(bytes)
            .map_err(|error| self.cannot_write(error))?;
        self.length += bytes.len() as u64;
        self.write_back.advance(&self.file, self.length);
        Ok(())
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// The file or its journal can not be written.
    pub(super) fn commit(&mut self) -> Result<()> {
        let Some(journal) = self.journal.as_mut().filter(|_| self.committed < self.length) else {
            return Ok(());
        };
        fault!(FILES_APPEND_SYNC);
        self.file
            .sync_data()
            .map_err(|error| Error::io(format!("cannot sync {}", self.path.display()), error))?;
        fault!(FILES_APPEND_NOTE);
        journal.commit(self.length)?;
        self.committed = self.length;
        fault!(FILES_JOURNAL_NOTED);
        Ok(())
    }

    /// Commits and ends the journal: the file is what it should be, whatever its length.
    ///
    /// # Errors
    /// As [`commit`](Append::commit).
    pub(super) fn finish(&mut self) -> Result<()> {
        self.commit()?;
        fault!(FILES_JOURNAL_END, if self.journal.is_some());
        self.journal.take().map_or(Ok(()), Journal::remove)
    }

    /// Replaces the file, whose rows are all committed, by what `change` makes of it: at once and durably.
    ///
    /// # Errors
    /// What `change` returns, or the file can not be written.
    pub(super) fn rewrite(
        &mut self,
        change: impl FnOnce(&mut dyn Read, &mut dyn io::Write) -> Result<()>,
    ) -> Result<()> {
        // Without a journal, either of the two files is complete as it stands; so there is no moment at which a
        // journal speaks of the other one.
        self.finish()?;
        folder::sync(folder::of(&self.path))?;
        let mut partial = Partial::create(&self.path)?;
        let mut out = io::BufWriter::with_capacity(1 << 16, &mut partial);
        change(&mut self.reader()?, &mut out)?;
        out.flush().map_err(|error| self.cannot_write(error))?;
        drop(out);
        partial.publish()?;
        let cannot = |error| Error::io(format!("cannot open {}", self.path.display()), error);
        self.file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&self.path)
            .map_err(cannot)?;
        self.length = self.file.metadata().map_err(cannot)?.len();
        self.write_back = WriteBack::behind(self.length);
        Ok(())
    }

    /// Sees to a last line without a line end, in a file that no journal speaks of.
    fn repair(&mut self, is_whole: fn(&[u8]) -> bool) -> Result<()> {
        let cannot = |error| Error::io(format!("cannot repair {}", self.path.display()), error);
        let tail = tail(&mut self.file, self.length).map_err(cannot)?;
        if tail.is_empty() {
            return Ok(());
        }
        if is_whole(&tail) {
            return self.write(b"\n").and_then(|()| self.finish());
        }
        let mut torn = self.path.clone().into_os_string();
        torn.push(".torn");
        let torn = PathBuf::from(torn);
        let mut aside = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&torn)
            .map_err(cannot)?;
        aside
            .write_all(&tail)
            .and_then(|()| aside.write_all(b"\n"))
            .and_then(|()| aside.sync_all())
            .map_err(cannot)?;
        folder::sync(folder::of(&torn))?;
        self.length -= tail.len() as u64;
        self.file
            .set_len(self.length)
            .and_then(|()| self.file.sync_all())
            .map_err(cannot)?;
        log::warn!(
            "{}: its last line had no end; {} bytes were moved to {}",
            self.path.display(),
            tail.len(),
            torn.display()
        );
        Ok(())
    }

    fn cannot_write(&self, error: io::Error) -> Error {
        Error::io(format!("cannot write {}", self.path.display()), error)
    }
}

/// What stands behind the last line end.
fn tail(file: &mut File, length: u64) -> io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    let mut start = length;
    while start > 0 {
        // As much again as there is: each byte is moved a few times at most.
        let step = start.min(STEP.max(tail.len() as u64));
        start -= step;
        if length - start > LONGEST_TAIL {
            let message = format!("its last line has no end, and more than {LONGEST_TAIL} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        file.seek(SeekFrom::Start(start))?;
        let mut block = Vec::new();
        Read::by_ref(file).take(step).read_to_end(&mut block)?;
        if let Some(at) = block.iter().rposition(|&byte| byte == b'\n') {
            block.drain(..=at);
            start = 0;
        }
        block.append(&mut tail);
        tail = block;
    }
    Ok(tail)
}

/// Cuts a file back to what the journal of a killed run says was committed, and removes the journal; says whether
/// there was one.
pub(super) fn recover(data: &Path, journal: &Path) -> Result<bool> {
    let Some(found) = journal::find(journal)? else {
        return Ok(false);
    };
    let cannot = |error| Error::io(format!("cannot repair {}", data.display()), error);
    match (found.committed, OpenOptions::new().write(true).open(data)) {
        (Some(committed), Ok(file)) => {
            let length = file.metadata().map_err(cannot)?.len();
            if length > committed {
                file.set_len(committed)
                    .and_then(|()| file.sync_all())
                    .map_err(cannot)?;
                log::warn!(
                    "{}: cut {} bytes that a killed run had written but not committed",
                    data.display(),
                    length - committed
                );
            } else if length < committed {
                log::warn!(
                    "{}: has {length} bytes, but {committed} were committed: it was changed since",
                    data.display()
                );
            }
        }
        // Removed or moved away since, or killed before anything was written.
        (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => {}
        (None, Ok(_)) => {}
        (_, Err(error)) => return Err(cannot(error)),
    }
    fs::remove_file(journal).map_err(cannot)?;
    Ok(true)
}
