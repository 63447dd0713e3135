//! A file that grows, and whose uncommitted end is cut when a run was killed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use melisma_engine::{Error, Kind, Result, fault};

use super::folder;
use super::identity::{Identity, Mark};
use super::journal::Journal;
use super::partial::Partial;
use super::recover::recover;
use super::tail;
use super::write_back::WriteBack;

/// A file that grows; see the [module](super) for what it promises.
#[derive(Debug)]
pub(super) struct Append {
    /// Where the file is, links followed: its journal is there too, whatever name it was opened by.
    path: PathBuf,
    /// Locked: no other run writes the file, under whatever name.
    file: File,
    /// Bytes in the file, all of them in whole lines.
    length: u64,
    write_back: WriteBack,
    /// From the first write on.
    journal: Option<Journal>,
    /// Bytes that the journal says are committed.
    committed: u64,
    /// Whether another program was seen to write to the file.
    shared: bool,
}

impl Append {
    /// Opens or makes the file and cuts what a killed run has left of it.
    ///
    /// # Errors
    /// The file cannot be opened or is none, or another process is writing it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let cannot = |error| Error::io(format!("cannot open {}", path.display()), error);
        folder::refuse_special(path)?;
        let mut how = OpenOptions::new();
        how.read(true).append(true).create(true);
        let Some(mut file) = folder::open_locked(path, &how).map_err(cannot)? else {
            return Err(folder::taken(path));
        };
        let path = path.canonicalize().map_err(cannot)?;
        let journal = Journal::path(&path);
        recover(&path, &mut file, &journal)?;
        if journal.exists() {
            return Err(folder::taken(&path));
        }
        let length = file.metadata().map_err(cannot)?.len();
        Ok(Self {
            path,
            file,
            length,
            write_back: WriteBack::behind(length),
            journal: None,
            committed: length,
            shared: false,
        })
    }

    /// Bytes in the file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Reads the file from its start. Bytes that are not committed are read too.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn reader(&self) -> Result<impl Read + use<>> {
        let file = File::open(&self.path)
            .map_err(|error| Error::io(format!("cannot open {}", self.path.display()), error))?;
        Ok(file.take(self.length))
    }

    /// Adds bytes, whole lines in the end.
    ///
    /// # Errors
    /// The file cannot be written, or another process has it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let begins = self.journal.is_none();
        if begins {
            let of = Identity::of(&self.file).and_then(|of| Ok((of, Mark::at(&mut self.file, self.length)?)));
            let (identity, mark) = of.map_err(|error| self.cannot_write(error))?;
            self.journal = Some(Journal::begin(&self.path, &identity, mark)?);
            self.committed = self.length;
        }
        self.meet_others()?;
        fault!(FILES_JOURNAL_BEGIN, if begins);
        if let Some(journal) = &mut self.journal {
            journal.writing(self.length, bytes.len() as u64)?;
        }
        fault!(FILES_APPEND_HALF, half bytes => self.file);
        if let Err(error) = self.file.write_all(bytes) {
            self.take_back(bytes.len() as u64);
            return Err(self.cannot_write(error));
        }
        self.advance(bytes.len() as u64)?;
        self.write_back.advance(&self.file, self.length);
        Ok(())
    }

    /// Notes what another program has added since our last write, if anything.
    fn meet_others(&mut self) -> Result<()> {
        let length = self
            .file
            .metadata()
            .map_err(|error| self.cannot_write(error))?
            .len();
        if length == self.length {
            return Ok(());
        }
        if length < self.length {
            return Err(self.changed("was cut by another program"));
        }
        if !tail::ends_a_line(&mut self.file, length).map_err(|error| self.cannot_write(error))? {
            return Err(self.changed("is being written by another program, which has begun a line"));
        }
        self.others_wrote_until(length)
    }

    /// Goes to where our last write ended: behind what another program has put before it, if anything.
    fn advance(&mut self, written: u64) -> Result<()> {
        let end = self
            .file
            .stream_position()
            .map_err(|error| self.cannot_write(error))?;
        let Some(begin) = end.checked_sub(written).filter(|&begin| begin >= self.length) else {
            return Err(self.changed("was cut by another program"));
        };
        if begin > self.length {
            self.others_wrote_until(begin)?;
        }
        self.length = end;
        Ok(())
    }

    fn others_wrote_until(&mut self, end: u64) -> Result<()> {
        if !std::mem::replace(&mut self.shared, true) {
            log::warn!(
                "{}: another program writes to it as well: its lines are kept",
                self.path.display()
            );
        }
        self.length = end;
        self.journal
            .as_mut()
            .map_or(Ok(()), |journal| journal.others(end))
    }

    /// After a write that failed: removes what was written of it, unless somebody else has written meanwhile.
    fn take_back(&mut self, bytes: u64) {
        let length = self.file.metadata().map(|metadata| metadata.len());
        if length.is_ok_and(|length| self.length < length && length <= self.length + bytes) {
            // What cannot be cut now is cut by the next run.
            let _ = self.file.set_len(self.length);
        }
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// The file or its journal cannot be written, or the file is no longer where it was.
    pub(super) fn commit(&mut self) -> Result<()> {
        if self.journal.is_none() || self.committed >= self.length {
            return Ok(());
        }
        fault!(FILES_APPEND_SYNC);
        self.file
            .sync_data()
            .map_err(|error| Error::io(format!("cannot sync {}", self.path.display()), error))?;
        // Readers do not find the rows where they expect them, if they exist at all: no STATE may cover them.
        if !folder::is_at(&self.file, &self.path).map_err(|error| self.cannot_write(error))? {
            return Err(self.changed("was moved or removed by another program"));
        }
        fault!(FILES_APPEND_NOTE);
        let mark = Mark::at(&mut self.file, self.length).map_err(|error| self.cannot_write(error))?;
        if let Some(journal) = &mut self.journal {
            journal.commit(mark)?;
        }
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
    /// What `change` returns, or the file cannot be written, or another program writes to it.
    pub(super) fn rewrite(
        &mut self,
        change: impl FnOnce(&mut dyn Read, &mut dyn io::Write) -> Result<()>,
    ) -> Result<()> {
        // Without a journal, either of the two files is complete as it stands; so there is no moment at which a
        // journal speaks of the other one.
        self.finish()?;
        folder::sync(folder::of(&self.path))?;
        let old = self.file.metadata().map_err(|error| self.cannot_write(error))?;
        self.length = old.len();
        let mut partial = Partial::create(&self.path)?;
        partial.set_permissions(old.permissions())?;
        let mut out = io::BufWriter::with_capacity(1 << 16, &mut partial);
        change(&mut self.reader()?, &mut out)?;
        out.flush().map_err(|error| self.cannot_write(error))?;
        drop(out);
        let length = self.file.metadata().map_err(|error| self.cannot_write(error))?;
        if length.len() != self.length {
            return Err(self.changed("was written by another program while columns were added"));
        }
        partial.publish()?;
        let cannot = |error| Error::io(format!("cannot open {}", self.path.display()), error);
        let mut how = OpenOptions::new();
        how.read(true).append(true);
        self.file = folder::open_locked(&self.path, &how)
            .map_err(cannot)?
            .ok_or_else(|| folder::taken(&self.path))?;
        self.length = self.file.metadata().map_err(cannot)?.len();
        self.committed = self.length;
        self.write_back = WriteBack::behind(self.length);
        Ok(())
    }

    /// Whether the last line has its end, as it has in an empty file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn ends_a_line(&mut self) -> Result<bool> {
        tail::ends_a_line(&mut self.file, self.length)
            .map_err(|error| Error::io(format!("cannot read {}", self.path.display()), error))
    }

    /// Sees to a last line without a line end, in a file that no journal speaks of: gives it its end when `is_whole`
    /// says so, and moves it to a file beside this one otherwise.
    ///
    /// # Errors
    /// One of the files cannot be read or written.
    pub(super) fn repair(&mut self, is_whole: fn(&[u8]) -> bool) -> Result<()> {
        let cannot = |error| Error::io(format!("cannot repair {}", self.path.display()), error);
        let tail = tail::last_line(&mut self.file, self.length).map_err(cannot)?;
        if tail.is_empty() {
            return Ok(());
        }
        if is_whole(&tail) {
            return self.write(b"\n").and_then(|()| self.finish());
        }
        let torn = tail::move_aside(&self.path, &tail)?;
        if self.file.metadata().map_err(cannot)?.len() != self.length {
            return Err(self.changed("is being written by another program"));
        }
        self.length -= tail.len() as u64;
        self.file
            .set_len(self.length)
            .and_then(|()| self.file.sync_all())
            .map_err(cannot)?;
        self.committed = self.length;
        log::warn!(
            "{}: its last line had no end; {} bytes were moved to {}",
            self.path.display(),
            tail.len(),
            torn.display()
        );
        Ok(())
    }

    fn changed(&self, how: &str) -> Error {
        Error::new(Kind::Retry, format!("{} {how}: start again", self.path.display()))
    }

    fn cannot_write(&self, error: io::Error) -> Error {
        Error::io(format!("cannot write {}", self.path.display()), error)
    }
}
