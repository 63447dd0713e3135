//! One writer for lines, whatever the way of writing.

use std::io::{self, Read, Write as _};
use std::path::Path;

use melisma_engine::{Error, Result};

use super::append::Append;
use super::partial::Partial;
use super::parts::Parts;

/// Writes the lines of one stream; see the [module](super) for what each way of writing promises.
#[derive(Debug)]
pub struct Writer {
    /// What each file begins with.
    header: Vec<u8>,
    how: How,
}

#[derive(Debug)]
enum How {
    Append(Append),
    Replace { file: Option<Partial>, length: u64 },
    Parts { names: Parts, open: Option<Partial> },
}

impl Writer {
    pub(super) fn append(file: Append) -> Self {
        Self {
            header: Vec::new(),
            how: How::Append(file),
        }
    }

    pub(super) fn replace(path: &Path) -> Result<Self> {
        Ok(Self {
            header: Vec::new(),
            how: How::Replace {
                file: Some(Partial::create(path)?),
                length: 0,
            },
        })
    }

    pub(super) fn parts(names: Parts) -> Self {
        Self {
            header: Vec::new(),
            how: How::Parts { names, open: None },
        }
    }

    /// What each file begins with from now on; files that have a beginning keep it.
    pub fn set_header(&mut self, header: Vec<u8>) {
        self.header = header;
    }

    /// Bytes in the one file of the stream, header included; 0 for parts.
    pub fn length(&self) -> u64 {
        match &self.how {
            How::Append(file) => file.length(),
            How::Replace { length, .. } => *length,
            How::Parts { .. } => 0,
        }
    }

    /// What earlier runs have left in the file that this one appends to.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn earlier(&self) -> Result<Option<impl Read + use<>>> {
        match &self.how {
            How::Append(file) if file.length() > 0 => file.reader().map(Some),
            _ => Ok(None),
        }
    }

    /// Whether the last line of what earlier runs have left has its end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn ends_a_line(&mut self) -> Result<bool> {
        match &mut self.how {
            How::Append(file) => file.ends_a_line(),
            _ => Ok(true),
        }
    }

    /// Writes whole lines; none is nothing, and makes no part.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, lines: &[u8]) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.begin()?;
        self.put(lines)
    }

    /// Makes durable what was written; for files that are replaced, only [`finish`](Writer::finish) does.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn commit(&mut self) -> Result<()> {
        match &mut self.how {
            How::Append(file) => file.commit(),
            How::Replace { .. } => Ok(()),
            How::Parts { open, .. } => open.take().map_or(Ok(()), Partial::publish),
        }
    }

    /// The run ended as it should: nothing more is written. One file is there even if it has no rows.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(&mut self) -> Result<()> {
        if !matches!(self.how, How::Parts { .. }) {
            self.begin()?;
        }
        self.commit()?;
        match &mut self.how {
            How::Append(file) => file.finish(),
            How::Replace { file, .. } => file.take().map_or(Ok(()), Partial::publish),
            How::Parts { .. } => Ok(()),
        }
    }

    /// Replaces the stream's one file by what `change` makes of it. What was written before must be committed when
    /// the file is one that grows. Parts are left alone.
    ///
    /// # Errors
    /// What `change` returns, or the file cannot be written.
    pub fn rewrite(
        &mut self,
        change: impl FnOnce(&mut dyn Read, &mut dyn io::Write) -> Result<()>,
    ) -> Result<()> {
        match &mut self.how {
            How::Append(file) => file.rewrite(change),
            How::Replace {
                file: Some(old),
                length,
            } => {
                // The new one takes the temporary name of the old one, which goes on without a name.
                let mut out = old.successor()?;
                let mut buffer = io::BufWriter::with_capacity(
                    1 << 16,
                    Counted {
                        file: &mut out,
                        bytes: 0,
                    },
                );
                old.read_back(|read| change(read, &mut buffer))?;
                let counted = buffer
                    .into_inner()
                    .map_err(|error| cannot_write(old.path(), error.into_error()))?;
                *length = counted.bytes;
                *old = out;
                Ok(())
            }
            How::Replace { file: None, .. } | How::Parts { .. } => Ok(()),
        }
    }

    /// Makes sure that there is a file to write to, and that it has its header.
    fn begin(&mut self) -> Result<()> {
        let is_new = match &mut self.how {
            How::Append(file) => file.length() == 0,
            How::Replace { length, .. } => *length == 0,
            How::Parts { open: Some(_), .. } => false,
            How::Parts { names, open } => {
                *open = Some(names.begin()?);
                true
            }
        };
        if is_new && !self.header.is_empty() {
            let header = std::mem::take(&mut self.header);
            self.put(&header)?;
            self.header = header;
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.how {
            How::Append(file) => file.write(bytes),
            How::Replace {
                file: Some(file),
                length,
            } => {
                *length += bytes.len() as u64;
                file.write_all(bytes)
                    .map_err(|error| cannot_write(file.path(), error))
            }
            How::Parts { open: Some(file), .. } => file
                .write_all(bytes)
                .map_err(|error| cannot_write(file.path(), error)),
            How::Replace { file: None, .. } | How::Parts { open: None, .. } => {
                Err(Error::bug("a file was written after its end"))
            }
        }
    }
}

fn cannot_write(path: &Path, error: io::Error) -> Error {
    Error::io(format!("cannot write {}", path.display()), error)
}

/// Counts what goes into a file.
struct Counted<'a> {
    file: &'a mut Partial,
    bytes: u64,
}

impl io::Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
