//! Refused records, set aside in a JSONL file.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Position, Result};
use crate::json;

/// One object a record: `{"line":3,"byte":512,"stream":"orders","reason":"...","message":"{...}"}`, where `message`
/// is the input line as it came. The file is appended to; a record that comes again after a restart stands twice.
#[derive(Debug)]
pub struct DeadLetters {
    file: BufWriter<File>,
    path: PathBuf,
    line: Vec<u8>,
    /// How much more may be set aside.
    left: u64,
    /// Whether something is not on disk.
    dirty: bool,
}

impl DeadLetters {
    /// Opens or creates the file. A torn last line of a run that was killed is cut off: no STATE covered it.
    ///
    /// # Errors
    /// A file that can not be opened or cut ([`Kind::Io`](crate::Kind::Io)), as all errors here.
    pub fn open(path: &Path) -> Result<Self> {
        let cannot = |error| Error::io(format!("cannot open dead_letter_path {}", path.display()), error);
        // Not append mode: the tail is cut first, and nobody else writes to it.
        let mut how = OpenOptions::new();
        how.read(true).write(true).create(true).truncate(false);
        // Whole records stand in it: a new file is for this user only.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
        let mut file = how.open(path).map_err(cannot)?;
        cut_torn_line(&mut file).map_err(cannot)?;
        sync_folder_of(path).map_err(cannot)?;
        Ok(Self {
            file: BufWriter::new(file),
            path: path.to_owned(),
            line: Vec::new(),
            left: u64::MAX,
            dirty: false,
        })
    }

    /// Sets at most so many bytes aside; one line more is an error ([`Kind::Input`](crate::Kind::Input)).
    #[must_use]
    pub fn with_max_bytes(mut self, most: u64) -> Self {
        self.left = most;
        self
    }

    /// Sets a line aside. On disk only after [`sync`](Self::sync).
    pub fn add(&mut self, at: Position, stream: &str, reason: &str, message: &str) -> Result<()> {
        self.dirty = true;
        self.line.clear();
        self.line
            .extend_from_slice(format!(r#"{{"line":{},"byte":{},"stream":"#, at.line, at.byte).as_bytes());
        json::write_string(&mut self.line, stream);
        self.line.extend_from_slice(br#","reason":"#);
        json::write_string(&mut self.line, reason);
        self.line.extend_from_slice(br#","message":"#);
        json::write_string(&mut self.line, message);
        self.line.extend_from_slice(b"}\n");
        self.left = self.left.checked_sub(self.line.len() as u64).ok_or_else(|| {
            Error::input(
                "expected no more refused records than dead_letter_path may take (dead_letter_max_bytes), found one more",
            )
        })?;
        self.file
            .write_all(&self.line)
            .map_err(|error| self.cannot_write(error))
    }

    /// Brings all of it to the disk.
    pub fn sync(&mut self) -> Result<()> {
        if !self.dirty {
            return Ok(());
        }
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_data());
        synced.map_err(|error| self.cannot_write(error))?;
        self.dirty = false;
        Ok(())
    }

    fn cannot_write(&self, error: std::io::Error) -> Error {
        Error::io(
            format!("cannot write to dead_letter_path {}", self.path.display()),
            error,
        )
    }
}

/// Cuts what follows the last newline, and leaves the file's position at its end.
fn cut_torn_line(file: &mut File) -> std::io::Result<()> {
    const STEP: usize = 64 * 1024;
    let mut block = vec![0; STEP];
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(STEP as u64);
        let length = usize::try_from(end - start).unwrap_or(STEP);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block[..length])?;
        if let Some(newline) = memchr::memrchr(b'\n', &block[..length]) {
            end = start + newline as u64 + 1;
            break;
        }
        end = start;
    }
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end)).map(|_| ())
}

/// A new file is only there after a crash if its folder was synced.
fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_whole_lines_and_cuts_a_torn_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dead.jsonl");
        let torn = format!("{{\"line\":1}}\n{}", "x".repeat(200_000));
        std::fs::write(&path, torn).unwrap();
        let mut letters = DeadLetters::open(&path).unwrap();
        letters
            .add(
                Position { line: 3, byte: 512 },
                "a\"b",
                "l_tax: bad",
                "{\"x\": \"\\u00e9\"}",
            )
            .unwrap();
        letters.sync().unwrap();
        let expected =
            r#"{"line":3,"byte":512,"stream":"a\"b","reason":"l_tax: bad","message":"{\"x\": \"\\u00e9\"}"}"#;
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            format!("{{\"line\":1}}\n{expected}\n")
        );
    }

    #[test]
    fn a_file_without_any_newline_is_torn_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dead.jsonl");
        std::fs::write(&path, "abc").unwrap();
        DeadLetters::open(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = DeadLetters::open(Path::new("/nonexistent/dead.jsonl"))
            .err()
            .unwrap();
        assert!(
            error
                .to_string()
                .starts_with("cannot open dead_letter_path /nonexistent/dead.jsonl: ")
        );
    }
}
