//! Pipes between processes: their size, and moving blocks through them.

use std::io::{self, Read};
use std::os::fd::AsFd;

use rustix::pipe::fcntl_setpipe_size;

/// What an unprivileged process may ask for on Linux.
pub(crate) const PIPE_BYTES: usize = 1 << 20;

/// Asks for a pipe buffer of `bytes`. No pipe, or no permission: then it stays as it is, which only costs time.
pub(crate) fn widen(pipe: impl AsFd, bytes: usize) {
    let _ = fcntl_setpipe_size(pipe, bytes.clamp(4096, PIPE_BYTES));
}

/// Reads what is there, at most one block; 0 at the end. Never waits for a block to fill up.
pub(crate) fn read_block(input: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
