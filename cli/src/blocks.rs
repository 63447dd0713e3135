//! Reading pipes in blocks.

use std::io::{self, Read};

/// Bytes of one read. Larger blocks fall out of the processor's cache before they are written.
pub(crate) const BLOCK_BYTES: usize = 256 << 10;

/// Reads what is available, at most one block; 0 at the end. Never waits for a block to fill up.
pub(crate) fn read_block(input: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
