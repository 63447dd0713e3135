//! The file names of a stream that is replaced: `orders.parquet`, and `orders.2.parquet` after its columns have
//! changed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use melisma_sdk::files::Files;
use melisma_sdk::{Error, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

/// The key, in a file's metadata, of the name of its stream.
const STREAM: &str = "melisma.stream";

/// The names of one stream.
pub(crate) struct Numbered {
    files: Arc<Files>,
    stream: Box<str>,
    path: PathBuf,
    /// Files so far.
    count: usize,
}

impl Numbered {
    pub(crate) fn new(files: &Arc<Files>, stream: &str) -> Result<Self> {
        Ok(Self {
            path: files.path(stream)?,
            files: Arc::clone(files),
            stream: stream.into(),
            count: 0,
        })
    }

    /// Where the next file appears.
    ///
    /// # Errors
    /// Another stream has that file.
    pub(crate) fn next_path(&mut self) -> Result<PathBuf> {
        self.count += 1;
        let path = numbered(&self.path, self.count);
        self.files.claim(&self.stream, &path)?;
        Ok(path)
    }

    /// Removes the files of this stream beyond those of this run: an earlier run has made them, whose columns had
    /// changed more often. One that is not known to be of this stream stays.
    pub(crate) fn remove_others(&self) -> Result<()> {
        for number in self.count + 1.. {
            let old = numbered(&self.path, number);
            if !is_of(&old, &self.stream) {
                return Ok(());
            }
            match fs::remove_file(&old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io(format!("cannot remove {}", old.display()), error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What a file says about its stream.
pub(crate) fn mark(stream: &str) -> KeyValue {
    KeyValue::new(STREAM.to_owned(), stream.to_owned())
}

/// Whether a file says that it is of this stream.
fn is_of(path: &Path, stream: &str) -> bool {
    if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let Ok(reader) = File::open(path)
        .map_err(Into::into)
        .and_then(SerializedFileReader::new)
    else {
        return false;
    };
    let metadata = reader.metadata().file_metadata().key_value_metadata();
    metadata.is_some_and(|pairs| {
        pairs
            .iter()
            .any(|pair| pair.key == STREAM && pair.value.as_deref() == Some(stream))
    })
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}
