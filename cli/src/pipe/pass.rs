//! Copying stdin to stdout without `--validate`.

use std::fs::File;
use std::io::{self, Write};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use melisma_sdk::{Error, Kind, Result};

use super::input::Input;
use crate::blocks::{BLOCK_BYTES, read_block};
use crate::count::Counter;

/// Copies everything and counts it. A buffer larger than one block is filled by a thread of its own.
pub(crate) fn pass(input: Input, output: File, buffer: u64, counter: &mut Counter) -> Result<()> {
    let bytes = usize::try_from(buffer).unwrap_or(usize::MAX);
    if bytes <= BLOCK_BYTES {
        unbuffered(input, output, bytes, counter)
    } else {
        buffered(input, output, bytes, counter)
    }
}

/// One thread: read, count, write.
fn unbuffered(mut input: Input, mut output: File, block: usize, counter: &mut Counter) -> Result<()> {
    let mut block = vec![0; block];
    loop {
        let length = read_block(&mut input, &mut block).map_err(read_failed)?;
        if length == 0 {
            return Ok(());
        }
        counter.feed(&block[..length]);
        output.write_all(&block[..length]).map_err(write_failed)?;
    }
}

/// A reader that runs ahead of the writer by at most `bytes`.
fn buffered(input: Input, mut output: File, bytes: usize, counter: &mut Counter) -> Result<()> {
    let blocks = (bytes / BLOCK_BYTES).max(2);
    let (full_in, full_out) = bounded::<Vec<u8>>(blocks);
    let (spare_in, spare_out) = bounded(blocks);
    // Not a scoped thread: when writing fails, the reader may be waiting for input that never comes. It ends with the
    // process.
    let reader = thread::spawn(move || read_ahead(input, &full_in, &spare_out));
    for filled in full_out {
        counter.feed(&filled);
        output.write_all(&filled).map_err(write_failed)?;
        // The channel is full only when the reader has enough buffers.
        let _ = spare_in.try_send(filled);
    }
    reader
        .join()
        .map_err(|_| Error::bug("the reading thread panicked"))?
}

fn read_ahead(mut input: Input, full: &Sender<Vec<u8>>, spare: &Receiver<Vec<u8>>) -> Result<()> {
    loop {
        let mut buffer = spare.try_recv().unwrap_or_default();
        buffer.resize(BLOCK_BYTES, 0);
        let length = read_block(&mut input, &mut buffer).map_err(read_failed)?;
        buffer.truncate(length);
        if length == 0 || full.send(buffer).is_err() {
            return Ok(());
        }
    }
}

fn read_failed(error: io::Error) -> Error {
    Error::io("cannot read stdin", error)
}

/// The error of a stdout whose reader is gone, or of a full disk.
pub(super) fn write_failed(error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::BrokenPipe {
        Kind::Unavailable
    } else {
        Kind::Io
    };
    Error::new(kind, "cannot write to stdout").with_source(error)
}
