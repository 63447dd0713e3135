//! A file under a temporary name until it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use melisma_engine::{Error, Result, fault};

use super::folder;
use super::write_back::WriteBack;

/// A file under a temporary name, in the folder where it will appear. Dropped unpublished, it is removed.
#[derive(Debug)]
pub struct Partial {
    file: File,
    /// Bytes in the file.
    length: u64,
    write_back: WriteBack,
    temporary: PathBuf,
    path: PathBuf,
    published: bool,
}

impl Partial {
    /// Begins the file that will appear at `path`; not buffered.
    ///
    /// # Errors
    /// It cannot be made, or another process is making it.
    pub fn create(path: &Path) -> Result<Self> {
        let temporary = folder::partial_name(path);
        let cannot = |error| Error::io(format!("cannot make {}", temporary.display()), error);
        folder::refuse_special(path)?;
        let mut how = OpenOptions::new();
        how.read(true).write(true).create(true).truncate(false);
        folder::no_follow(&mut how);
        let file = loop {
            let Some(file) = folder::open_locked(&temporary, &how).map_err(cannot)? else {
                return Err(folder::taken(path));
            };
            if file.metadata().map_err(cannot)?.len() == 0 {
                break file;
            }
            // Removed rather than cut: what is there may be a file of somebody else under a second name.
            fs::remove_file(&temporary).map_err(cannot)?;
        };
        Ok(Self {
            file,
            length: 0,
            write_back: WriteBack::behind(0),
            temporary,
            path: path.to_owned(),
            published: false,
        })
    }

    /// Where the file will appear.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself, for what is read and written elsewhere than at its end.
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives the file the permissions of the one whose place it takes.
    pub(super) fn set_permissions(&self, permissions: fs::Permissions) -> Result<()> {
        self.file
            .set_permissions(permissions)
            .map_err(|error| Error::io(format!("cannot make {}", self.temporary.display()), error))
    }

    /// Reads what was written so far, from the start; then writes go on where they were.
    ///
    /// # Errors
    /// What `read` returns, or the file cannot be read.
    pub fn read_back<T>(&mut self, read: impl FnOnce(&mut dyn Read) -> Result<T>) -> Result<T> {
        let cannot = |error| Error::io("cannot read a temporary file back", error);
        let end = self.file.stream_position().map_err(cannot)?;
        self.file.seek(SeekFrom::Start(0)).map_err(cannot)?;
        let result = read(&mut Read::by_ref(&mut self.file).take(end));
        self.file.seek(SeekFrom::Start(end)).map_err(cannot)?;
        result
    }

    /// Begins another file in the place of this one, which can still be read back but no longer appears.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn successor(&mut self) -> Result<Self> {
        fs::remove_file(&self.temporary)
            .map_err(|error| Error::io(format!("cannot remove {}", self.temporary.display()), error))?;
        self.published = true;
        Self::create(&self.path)
    }

    /// Lets the file appear, whole and durable, in place of an older one if there is one.
    ///
    /// # Errors
    /// It cannot be synced or renamed.
    pub fn publish(mut self) -> Result<()> {
        let cannot = |error| Error::io(format!("cannot write {}", self.path.display()), error);
        fault!(FILES_PART_SYNC);
        self.file.sync_all().map_err(cannot)?;
        fault!(FILES_PART_RENAME);
        fs::rename(&self.temporary, &self.path).map_err(cannot)?;
        self.published = true;
        fault!(FILES_PART_FOLDER);
        folder::sync(folder::of(&self.path))
    }
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.length += written as u64;
        self.write_back.advance(&self.file, self.length);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is removed by the next run.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}
