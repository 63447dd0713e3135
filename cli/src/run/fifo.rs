//! FIFOs in the folder of a run.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens the reading and the writing end, and waits for nobody on the other side. Reading then waits for what is written.
pub(super) fn both_ends(path: &Path) -> io::Result<(File, File)> {
    let at_once = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let read = OpenOptions::new().read(true).custom_flags(at_once).open(path)?;
    rustix::fs::fcntl_setfl(&read, OFlags::empty())?;
    let write = OpenOptions::new().write(true).open(path)?;
    Ok((read, write))
}
