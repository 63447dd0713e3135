//! A window onto a pipe: the runner reads what passes, and the bytes go on to the target without being copied.
//!
//! `tee` gives a second pipe references to the pages that wait in the first one, so reading the second consumes nothing of
//! the first. `splice` then moves the pages themselves. What is left of a relay's two copies is the one that counts lines.
//!
//! It pays when the tap is fast and writes whole pages. The lines of a slow tap arrive one by one; each would keep a place
//! in the target's pipe to itself, where an ordinary write puts them together. Other systems than Linux have neither call,
//! and copy.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};

/// With less than this waiting, a copy is as cheap, and it merges short writes.
#[cfg(target_os = "linux")]
const WORTH_IT: u64 = 64 << 10;

/// The second pipe.
pub(super) struct Window {
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "nothing to look through")
    )]
    read: PipeReader,
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "nothing to look through")
    )]
    write: PipeWriter,
}

impl Window {
    /// Fails where no pipe can be made; a relay then copies.
    pub(super) fn open() -> io::Result<Self> {
        let (read, write) = io::pipe()?;
        melisma_sdk::internal::protocol::widen(&write);
        Ok(Self { read, write })
    }

    /// Reads what waits in `from` into `block`, and leaves it there for [`pass`]. Returns `None` when that is not worth it
    /// now, or cannot be done with this file.
    #[cfg(target_os = "linux")]
    pub(super) fn look(&mut self, from: &File, block: &mut [u8]) -> io::Result<Option<usize>> {
        use std::io::Read;

        if !rustix::io::ioctl_fionread(from).is_ok_and(|waiting| waiting >= WORTH_IT) {
            return Ok(None);
        }
        let flags = rustix::pipe::SpliceFlags::empty();
        let Ok(length) = rustix::pipe::tee(from, &self.write, block.len(), flags) else {
            return Ok(None);
        };
        self.read.read_exact(&mut block[..length])?;
        Ok((length > 0).then_some(length))
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn look(&mut self, _: &File, _: &mut [u8]) -> io::Result<Option<usize>> {
        Ok(None)
    }
}

/// Moves `length` bytes, which wait in `from`, into `to`.
#[cfg(target_os = "linux")]
pub(super) fn pass(from: &File, to: &File, mut length: usize) -> io::Result<()> {
    use rustix::pipe::{SpliceFlags, splice};

    while length > 0 {
        match splice(from, None, to, None, length, SpliceFlags::MOVE) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(moved) => length -= moved,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn pass(_: &File, _: &File, _: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
