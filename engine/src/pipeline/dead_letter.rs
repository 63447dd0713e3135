//! The dead-letter file: refused records as JSON lines. Several runs may share one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Kind, Position, Result};
use crate::json;

/// What every letter begins with.
const BEGINNING: &[u8] = br#"{"line":"#;

/// Letters that are written at once: whole lines, so that those of two runs do not get into each other.
const PIECE: usize = 64 << 10;

/// How often a file that another process has locked is tried again, [`PAUSE`] apart. Runs hold the lock that excludes
/// others only while they look at the file's end.
const TRIES: usize = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// One object a record: `{"line":3,"byte":512,"stream":"orders","reason":"...","message":"{...}"}`, where `message`
/// is the input line as it came. The file is appended to; a record that comes again after a restart is duplicated.
#[derive(Debug)]
pub struct DeadLetters {
    /// Opened to append, and locked against those who would cut it.
    file: File,
    path: PathBuf,
    /// Whole lines that are not in the file yet.
    waiting: Vec<u8>,
    /// How many more bytes may be written.
    left: u64,
    /// Whether something is not on disk.
    dirty: bool,
}

impl DeadLetters {
    /// Opens or creates the file. What is in it stays, but for a last line that a killed run has begun: no STATE
    /// covered it.
    ///
    /// # Errors
    /// A file that cannot be opened or read ([`Kind::Io`]); one that holds something else, or is no file
    /// ([`Kind::Config`]); one that another program has locked ([`Kind::Retry`]).
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            file: open(path)?,
            path: path.to_owned(),
            waiting: Vec::new(),
            left: u64::MAX,
            dirty: false,
        })
    }

    /// Writes at most this number of bytes; one line more is an error ([`Kind::Input`](crate::Kind::Input)).
    #[must_use]
    pub fn with_max_bytes(mut self, most: u64) -> Self {
        self.left = most;
        self
    }

    /// Adds a letter. On disk only after [`sync`](Self::sync).
    pub fn add(&mut self, at: Position, stream: &str, reason: &str, message: &str) -> Result<()> {
        self.dirty = true;
        let start = self.waiting.len();
        self.waiting
            .extend_from_slice(format!(r#"{{"line":{},"byte":{},"stream":"#, at.line, at.byte).as_bytes());
        json::write_string(&mut self.waiting, stream);
        self.waiting.extend_from_slice(br#","reason":"#);
        json::write_string(&mut self.waiting, reason);
        self.waiting.extend_from_slice(br#","message":"#);
        json::write_string(&mut self.waiting, message);
        self.waiting.extend_from_slice(b"}\n");
        let Some(left) = self.left.checked_sub((self.waiting.len() - start) as u64) else {
            self.waiting.truncate(start);
            return Err(Error::input(
                "expected no more refused records than dead_letter_path may take (dead_letter_max_bytes), found one more",
            ));
        };
        self.left = left;
        if self.waiting.len() < PIECE {
            return Ok(());
        }
        self.write()
    }

    /// Writes what waits, in one call: what another run writes comes before it or after it. A file that was moved away
    /// since, as logs are, has a new one in its place then.
    fn write(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        if !is_at(&self.file, &self.path) {
            self.file = open(&self.path)?;
        }
        if !self.ends_a_line().map_err(|error| self.cannot_write(error))? {
            self.waiting.insert(0, b'\n');
        }
        let written = self.file.write_all(&self.waiting);
        self.waiting.clear();
        written.map_err(|error| self.cannot_write(error))
    }

    /// Whether the file ends where a line does. While another run writes, half of its piece can be seen: only what stays
    /// without a line end is a torn letter.
    fn ends_a_line(&mut self) -> io::Result<bool> {
        for _ in 0..TRIES {
            let length = self.file.metadata()?.len();
            if ends_a_line(&mut self.file, length)? {
                return Ok(true);
            }
            std::thread::sleep(PAUSE);
        }
        Ok(false)
    }

    /// Brings all of it to the disk.
    pub fn sync(&mut self) -> Result<()> {
        if !self.dirty {
            return Ok(());
        }
        self.write()?;
        self.file.sync_data().map_err(|error| self.cannot_write(error))?;
        if !is_at(&self.file, &self.path) {
            return Err(Error::new(
                Kind::Retry,
                format!(
                    "dead_letter_path {} was moved or removed by another program: start again",
                    self.path.display()
                ),
            ));
        }
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

impl Drop for DeadLetters {
    /// A run that fails leaves the letters that no STATE covers yet, too.
    fn drop(&mut self) {
        let _ = self.write();
    }
}

/// Opens or creates the file, and shares its lock with other runs.
fn open(path: &Path) -> Result<File> {
    let cannot = |error| Error::io(format!("cannot open dead_letter_path {}", path.display()), error);
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(wrong(path, "a folder, a device or a FIFO"));
    }
    let mut how = OpenOptions::new();
    how.read(true).append(true).create(true);
    // Whole records stand in it: a new file is for this user only.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    let mut file = how.open(path).map_err(cannot)?;
    check_content(&mut file, path)?;
    // No other run has the file open: what stands behind its last line end is not a letter that is being written.
    if is_locked(file.try_lock()).map_err(cannot)? {
        cut_torn_letter(&mut file).map_err(cannot)?;
        // Where locks are unknown there is nothing to give back.
        let _ = file.unlock();
    }
    share(&file, path)?;
    sync_folder_of(path).map_err(cannot)?;
    Ok(file)
}

fn wrong(path: &Path, found: &str) -> Error {
    Error::config(format!(
        "dead_letter_path: expected a file for refused records, found {found}: {}",
        path.display()
    ))
}

/// Refuses a file that letters would break for whoever reads it: a state, a catalog, an output file in JSON, a database.
/// To a plain text they are added.
fn check_content(file: &mut File, path: &Path) -> Result<()> {
    let mut start = Vec::new();
    Read::by_ref(file)
        .take(4096)
        .read_to_end(&mut start)
        .map_err(|error| Error::io(format!("cannot read dead_letter_path {}", path.display()), error))?;
    let text = start.trim_ascii_start();
    if start.contains(&0) {
        Err(wrong(path, "a file that is no text"))
    } else if text.starts_with(b"[") || text.starts_with(b"{") && !is_begun(text) {
        Err(wrong(path, "a file with other JSON in it"))
    } else {
        Ok(())
    }
}

/// Whether this is a letter or the beginning of one.
fn is_begun(text: &[u8]) -> bool {
    text.starts_with(BEGINNING) || BEGINNING.starts_with(text)
}

/// Whether a lock was taken; yes where the file system knows none.
fn is_locked(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Locks the file together with other runs, against those who would lock it for themselves.
fn share(file: &File, path: &Path) -> Result<()> {
    for _ in 0..TRIES {
        let locked = is_locked(file.try_lock_shared())
            .map_err(|error| Error::io(format!("cannot lock dead_letter_path {}", path.display()), error))?;
        if locked {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
    Err(Error::new(
        Kind::Retry,
        format!("dead_letter_path {} is locked by another process", path.display()),
    ))
}

/// Whether a path still leads to the file that was opened there.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(own), Ok(there)) => (own.dev(), own.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Windows moves no file that is open.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

fn ends_a_line(file: &mut File, length: u64) -> io::Result<bool> {
    if length == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Cuts what follows the last line end if it is the beginning of a letter: anything else is not ours.
fn cut_torn_letter(file: &mut File) -> io::Result<()> {
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
    let mut begins = |at: u64| -> io::Result<bool> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        Read::by_ref(file)
            .take(BEGINNING.len() as u64)
            .read_to_end(&mut bytes)?;
        Ok(is_begun(&bytes))
    };
    if begins(0)? && begins(end)? {
        file.set_len(end)?;
    }
    Ok(())
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

    const AT: Position = Position { line: 3, byte: 512 };

    #[test]
    fn appends_whole_lines_and_cuts_a_letter_that_was_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dead.jsonl");
        let torn = format!("{{\"line\":1}}\n{{\"line\":{}", "x".repeat(200_000));
        fs::write(&path, torn).unwrap();
        let mut letters = DeadLetters::open(&path).unwrap();
        letters
            .add(AT, "a\"b", "l_tax: bad", "{\"x\": \"\\u00e9\"}")
            .unwrap();
        letters.sync().unwrap();
        let expected =
            r#"{"line":3,"byte":512,"stream":"a\"b","reason":"l_tax: bad","message":"{\"x\": \"\\u00e9\"}"}"#;
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            format!("{{\"line\":1}}\n{expected}\n")
        );
    }

    #[test]
    fn text_of_others_stays_and_letters_get_lines_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        for before in ["no line end", "a\nno line end", "ended\n", "{\"line\":1}"] {
            let path = folder.path().join("notes.txt");
            fs::write(&path, before).unwrap();
            let mut letters = DeadLetters::open(&path).unwrap();
            letters.sync().unwrap();
            let kept = if before.starts_with('{') { "" } else { before };
            assert_eq!(fs::read_to_string(&path).unwrap(), kept, "nothing was refused");
            letters.add(AT, "s", "bad", "{}").unwrap();
            drop(letters);
            let after = fs::read_to_string(&path).unwrap();
            let (first, letter) = after
                .trim_end()
                .rsplit_once('\n')
                .unwrap_or(("", after.trim_end()));
            assert_eq!(first, kept.trim_end());
            assert!(letter.starts_with(r#"{"line":3,"#), "{after}");
        }
    }

    #[test]
    fn two_runs_share_a_file_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dead.jsonl");
        let mut runs: Vec<DeadLetters> = (0..3).map(|_| DeadLetters::open(&path).unwrap()).collect();
        for number in 0..300 {
            let message = "m".repeat(number * 7);
            for (letters, stream) in runs.iter_mut().zip(["a", "b", "c"]) {
                letters.add(AT, stream, "bad", &message).unwrap();
                if number % 10 == 0 {
                    letters.sync().unwrap();
                }
            }
        }
        drop(runs);
        let text = fs::read_to_string(&path).unwrap();
        for stream in ["a", "b", "c"] {
            let of =
                |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["stream"] == stream;
            assert_eq!(text.lines().filter(|line| of(line)).count(), 300, "{stream}");
        }
    }

    #[test]
    fn what_holds_something_else_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other");
        let others: [&[u8]; 4] = [
            b"{\"bookmarks\": {}}\n",
            b"{\"id\": 1}\n{\"id\": 2}\n",
            b" [1]",
            b"SQLite format 3\0",
        ];
        for other in others {
            fs::write(&path, other).unwrap();
            let error = DeadLetters::open(&path).unwrap_err();
            assert_eq!(error.kind(), Kind::Config, "{error}");
            assert_eq!(fs::read(&path).unwrap(), other);
        }
        let error = DeadLetters::open(folder.path()).unwrap_err();
        assert_eq!(error.kind(), Kind::Config, "{error}");
        #[cfg(unix)]
        assert_eq!(
            DeadLetters::open(Path::new("/dev/null")).unwrap_err().kind(),
            Kind::Config
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_moved_away_gets_a_successor() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("dead.jsonl"), folder.path().join("old"));
        let mut letters = DeadLetters::open(&path).unwrap();
        letters.add(AT, "s", "first", "{}").unwrap();
        letters.sync().unwrap();
        fs::rename(&path, &old).unwrap();
        letters.add(AT, "s", "second", "{}").unwrap();
        letters.sync().unwrap();
        assert!(fs::read_to_string(&old).unwrap().contains("first"));
        assert!(fs::read_to_string(&path).unwrap().contains("second"));
        // A state took its place.
        fs::write(folder.path().join("state"), "{\"bookmarks\": {}}\n").unwrap();
        fs::rename(folder.path().join("state"), &path).unwrap();
        letters.add(AT, "s", "third", "{}").unwrap();
        assert_eq!(letters.sync().unwrap_err().kind(), Kind::Config);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"bookmarks\": {}}\n");
    }

    #[test]
    fn a_file_that_is_locked_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dead.jsonl");
        let other = File::create(&path).unwrap();
        other.lock().unwrap();
        assert_eq!(DeadLetters::open(&path).unwrap_err().kind(), Kind::Retry);
    }

    #[test]
    fn no_more_than_the_most_bytes_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dead.jsonl");
        let mut letters = DeadLetters::open(&path).unwrap().with_max_bytes(100);
        letters.add(AT, "s", "bad", "{}").unwrap();
        assert_eq!(letters.add(AT, "s", "bad", "{}").unwrap_err().kind(), Kind::Input);
        letters.sync().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
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
