//! Which file is meant, and whether it still is what it was.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::time::UNIX_EPOCH;

/// How many of a file's last bytes are compared with what they were.
const ENDING: u64 = 64;

/// What tells a file from another that has taken its name: a new file may get the inode of one that was removed, but
/// not the moment at which it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    /// Nanoseconds; 0 where the file system does not say.
    born: u64,
}

impl Identity {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let born = metadata.created().ok();
        let born = born.and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        let (device, inode) = numbers(&metadata);
        Ok(Self {
            device,
            inode,
            born: born.map_or(0, |born| u64::try_from(born.as_nanos()).unwrap_or_default()),
        })
    }

    /// The words that [`Display`](fmt::Display) writes, without the first.
    pub(super) fn parse(words: &[&str]) -> Option<Self> {
        let [device, inode, born] = words else { return None };
        Some(Self {
            device: device.parse().ok()?,
            inode: inode.parse().ok()?,
            born: born.parse().ok()?,
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file {} {} {}", self.device, self.inode, self.born)
    }
}

#[cfg(unix)]
fn numbers(metadata: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Elsewhere the moment of birth has to do.
#[cfg(not(unix))]
fn numbers(_metadata: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}

/// A length of a file, and what its last bytes are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) length: u64,
    /// A hash of the last 64 bytes before it.
    pub(super) ending: u64,
}

impl Mark {
    /// The mark at `length`, read from the file, whose position is then anywhere.
    pub(super) fn at(file: &mut File, length: u64) -> io::Result<Self> {
        let start = length.saturating_sub(ENDING);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(length - start).read_to_end(&mut bytes)?;
        Ok(Self {
            length,
            ending: fnv(&bytes),
        })
    }
}

/// FNV-1a: enough to distinguish endings. It need not resist an attacker: whoever could forge an ending may write the
/// file anyway.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}
