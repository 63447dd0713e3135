//! Moving blocks through pipes.

use std::io::{self, Read};

/// Reads what is there, at most one block; 0 at the end. Never waits for a block to fill up.
pub(crate) fn read_block(input: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
