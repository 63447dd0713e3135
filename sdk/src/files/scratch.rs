//! Room on the disk for rows that have none in memory.

use std::io::{BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use melisma_engine::{Error, Result};

use super::partial::Partial;

/// A temporary file of pieces, which are written one after another and read back in any order. It never appears under
/// a name of its own, is removed when it is dropped, and by the next run after a kill.
#[derive(Debug)]
pub struct Scratch {
    file: Partial,
    end: u64,
    /// Pieces that are still wanted. Without any the file starts anew.
    pieces: usize,
}

/// Where a piece is.
#[derive(Debug)]
pub struct Piece {
    start: u64,
    length: u64,
}

impl Scratch {
    /// A temporary file in a folder.
    pub(super) fn create(folder: &Path, run: &str) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("rows-{run}-{}-{number}", std::process::id());
        Ok(Self {
            file: Partial::create(&folder.join(name))?,
            end: 0,
            pieces: 0,
        })
    }

    /// Adds what `write` writes as a piece.
    ///
    /// # Errors
    /// What `write` returns, or the file cannot be written.
    pub fn add(&mut self, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<Piece> {
        let cannot = |error| Error::io("cannot write to a temporary file", error);
        let start = self.end;
        self.file.file().seek(SeekFrom::Start(start)).map_err(cannot)?;
        let mut out = BufWriter::with_capacity(1 << 16, &mut self.file);
        write(&mut out)?;
        out.flush().map_err(cannot)?;
        drop(out);
        self.end = self.file.file().stream_position().map_err(cannot)?;
        self.pieces += 1;
        Ok(Piece {
            start,
            length: self.end - start,
        })
    }

    /// Gives a piece back to `read`, and forgets it.
    ///
    /// # Errors
    /// What `read` returns, or the file cannot be read.
    pub fn take<T>(&mut self, piece: &Piece, read: impl FnOnce(&mut dyn Read) -> Result<T>) -> Result<T> {
        let cannot = |error| Error::io("cannot read a temporary file", error);
        self.file
            .file()
            .seek(SeekFrom::Start(piece.start))
            .map_err(cannot)?;
        let result = read(&mut self.file.file().take(piece.length));
        self.pieces = self.pieces.saturating_sub(1);
        if self.pieces == 0 {
            self.file.file().set_len(0).map_err(cannot)?;
            self.end = 0;
        }
        result
    }
}
