//! FIFOs in the private folder of a run.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Makes a FIFO that only this user can open. Not every file system supports FIFOs.
#[cfg(not(target_vendor = "apple"))]
pub(super) fn make(path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, Mode, mkfifoat};
    Ok(mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?)
}

/// The same on macOS, where there is no safe call for it, but a program.
#[cfg(target_vendor = "apple")]
pub(super) fn make(path: &Path) -> io::Result<()> {
    let mut mkfifo = std::process::Command::new("/usr/bin/mkfifo");
    let status = mkfifo.args(["-m", "600"]).arg(path).status()?;
    status
        .success()
        .then_some(())
        .ok_or_else(|| io::Error::other(format!("mkfifo failed ({status})")))
}

/// Opens the reading and the writing end without waiting for another process. Reads then block until something is written.
pub(super) fn both_ends(path: &Path) -> io::Result<(File, File)> {
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let read = OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)?;
    rustix::fs::fcntl_setfl(&read, OFlags::empty())?;
    let write = OpenOptions::new().write(true).open(path)?;
    Ok((read, write))
}
