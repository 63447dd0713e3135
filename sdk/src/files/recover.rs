//! Cutting what a killed run has appended but not committed, and nothing else.
//!
//! A file is cut only where its journal proves that the bytes are ours. Suppose that 120 bytes were committed and that
//! the last note is `writing 120 40`:
//!
//! | length now | what that means | what becomes of it |
//! |---|---|---|
//! | 120 | nothing was written | nothing |
//! | 160 | all 40 bytes are there | cut to 120 |
//! | 143, in the middle of a line | a part of them is there | cut to 120 |
//! | 143, at the end of a line | a part of them, or a line of another program | kept |
//! | 175 | another program has written since | kept |
//! | 90 | another program has cut the file | kept |
//!
//! When a process is killed, the kernel ends its write at a page; so a length that is a multiple of a page's size is
//! taken for ours, too. What is kept although it was ours comes a second time, which is allowed; what was cut although
//! it was not ours would be lost.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use melisma_engine::{Error, Result};

use super::folder;
use super::identity::{Identity, Mark};
use super::journal::{self, Notes};
use super::tail;

/// The smallest page that a kernel writes at a time.
const PAGE: u64 = 4096;

/// Follows the journal of a killed run, if there is one for `data`, and removes it; says whether there was one. A file
/// that a living run has is left alone.
pub(super) fn recover_unopened(data: &Path, journal: &Path) -> Result<bool> {
    let cannot = |error| Error::io(format!("cannot repair {}", data.display()), error);
    if !folder::is_regular(data) {
        // Removed or moved away since: the journal has nothing to speak of any more.
        let found = journal::find(journal)?;
        return found.map_or(Ok(false), |_| remove(journal));
    }
    match folder::open_locked(data, OpenOptions::new().read(true).write(true)) {
        Ok(Some(mut file)) => recover(data, &mut file, journal),
        Ok(None) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(cannot(error)),
    }
}

/// As [`recover_unopened`], for a file that is open and locked.
pub(super) fn recover(data: &Path, file: &mut File, journal: &Path) -> Result<bool> {
    let Some(found) = journal::find(journal)? else {
        return Ok(false);
    };
    let cannot = |error| Error::io(format!("cannot repair {}", data.display()), error);
    let length = file.metadata().map_err(cannot)?.len();
    match judge(file, length, &found.notes).map_err(cannot)? {
        Verdict::Whole => {}
        Verdict::Cut(to) => {
            file.set_len(to).and_then(|()| file.sync_all()).map_err(cannot)?;
            log::warn!(
                "{}: cut {} bytes that a killed run had written but not committed",
                data.display(),
                length - to
            );
        }
        Verdict::Changed(why) => log::warn!(
            "{}: {why} since a run was killed, so nothing was cut; rows that were not committed may come twice",
            data.display()
        ),
    }
    remove(journal)
}

fn remove(journal: &Path) -> Result<bool> {
    fs::remove_file(journal)
        .map(|()| true)
        .map_err(|error| Error::io(format!("cannot remove {}", journal.display()), error))
}

/// What a journal says about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing is there beyond what was committed.
    Whole,
    /// Everything beyond this length is ours, and was not committed.
    Cut(u64),
    /// Somebody else had the file in hand.
    Changed(&'static str),
}

fn judge(file: &mut File, length: u64, notes: &Notes) -> io::Result<Verdict> {
    let Some(committed) = notes.committed else {
        return Ok(Verdict::Whole);
    };
    if notes.identity != Some(Identity::of(file)?) {
        return Ok(Verdict::Changed("it was replaced"));
    }
    let from = committed.length.max(notes.others);
    if length < from {
        return Ok(Verdict::Changed("it was cut by another program"));
    }
    if Mark::at(file, committed.length)? != committed {
        return Ok(Verdict::Changed("it was written anew by another program"));
    }
    if length == from {
        return Ok(Verdict::Whole);
    }
    let ours = match notes.writing {
        Some((begin, end)) if length == begin || length == end => true,
        Some((begin, end)) if begin < length && length < end => {
            length.is_multiple_of(PAGE) || !tail::ends_a_line(file, length)?
        }
        _ => false,
    };
    Ok(if ours {
        Verdict::Cut(from)
    } else {
        Verdict::Changed("another program has written to it")
    })
}
