//! The last line of a file, which may lack its end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use melisma_engine::{Error, Result};

use super::folder;

/// How much of a file's end is read at a time in search of its last line.
const STEP: u64 = 64 * 1024;

/// A last line without an end that is longer is no line of ours.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Whether a file of this length is empty or its last byte ends a line: a line feed, or a carriage return, which some
/// programs write alone.
pub(super) fn ends_a_line(file: &mut File, length: u64) -> io::Result<bool> {
    if length == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::Start(length - 1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(matches!(last, [b'\n' | b'\r']))
}

/// What stands behind the last line feed.
pub(super) fn last_line(file: &mut File, length: u64) -> io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    let mut start = length;
    while start > 0 {
        // As much again as there is: each byte is moved a few times at most.
        let step = start.min(STEP.max(tail.len() as u64));
        start -= step;
        if length - start > LONGEST {
            let message = format!("its last line has no end, and more than {LONGEST} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        file.seek(SeekFrom::Start(start))?;
        let mut block = Vec::new();
        io::Read::by_ref(file).take(step).read_to_end(&mut block)?;
        if let Some(at) = block.iter().rposition(|&byte| byte == b'\n') {
            block.drain(..=at);
            start = 0;
        }
        block.append(&mut tail);
        tail = block;
    }
    Ok(tail)
}

/// Adds the last line of a file to `<file>.torn`, durably; returns where that is.
pub(super) fn move_aside(path: &Path, line: &[u8]) -> Result<PathBuf> {
    let mut torn = path.to_owned().into_os_string();
    torn.push(".torn");
    let torn = PathBuf::from(torn);
    let cannot = |error| Error::io(format!("cannot write {}", torn.display()), error);
    folder::refuse_special(&torn)?;
    let mut aside = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&torn)
        .map_err(cannot)?;
    aside
        .write_all(line)
        .and_then(|()| aside.write_all(b"\n"))
        .and_then(|()| aside.sync_all())
        .map_err(cannot)?;
    folder::sync(folder::of(&torn))?;
    Ok(torn)
}
