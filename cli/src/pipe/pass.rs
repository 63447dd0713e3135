//! Moving bytes from stdin to stdout.

use std::fs::File;
use std::io::{self, Write};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use melisma_sdk::{Error, Kind, Result};

use super::input::Input;
use crate::pipes::read_block;
use crate::tally::Tally;

/// Bytes of one read. Larger ones fall out of the processor's cache before they are written.
pub(crate) const BLOCK: u64 = 256 << 10;

/// Passes everything on and counts it; a buffer larger than one block is filled by a thread of its own.
pub(crate) fn pass(input: Input, output: File, buffer: u64, tally: &mut Tally) -> Result<()> {
    let bytes = usize::try_from(buffer).unwrap_or(usize::MAX);
    if buffer <= BLOCK {
        direct(input, output, bytes, tally)
    } else {
        buffered(input, output, bytes, tally)
    }
}

/// One thread: read, count, write.
fn direct(mut input: Input, mut output: File, block: usize, tally: &mut Tally) -> Result<()> {
    let mut block = vec![0; block];
    loop {
        let length = read_block(&mut input, &mut block).map_err(read_failed)?;
        if length == 0 {
            return Ok(());
        }
        tally.feed(&block[..length]);
        output.write_all(&block[..length]).map_err(write_failed)?;
    }
}

/// A reader that runs ahead of the writer by at most `bytes`.
fn buffered(input: Input, mut output: File, bytes: usize, tally: &mut Tally) -> Result<()> {
    let block = usize::try_from(BLOCK).unwrap_or(usize::MAX);
    let blocks = (bytes / block).max(2);
    let (full_in, full_out) = bounded::<Vec<u8>>(blocks);
    let (spare_in, spare_out) = bounded(blocks);
    // Not a scoped thread: when writing fails, the reader may wait for input that never comes, and is left behind.
    let reader = thread::spawn(move || read_ahead(input, block, &full_in, &spare_out));
    for filled in full_out {
        tally.feed(&filled);
        output.write_all(&filled).map_err(write_failed)?;
        // Full only when the reader has buffers enough.
        let _ = spare_in.try_send(filled);
    }
    reader
        .join()
        .map_err(|_| Error::bug("the reading thread panicked"))?
}

fn read_ahead(
    mut input: Input,
    block: usize,
    full: &Sender<Vec<u8>>,
    spare: &Receiver<Vec<u8>>,
) -> Result<()> {
    loop {
        let mut buffer = spare.try_recv().unwrap_or_default();
        buffer.resize(block, 0);
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

/// The reader of stdout went away, or the disk is full.
pub(super) fn write_failed(error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::BrokenPipe {
        Kind::Unavailable
    } else {
        Kind::Io
    };
    Error::new(kind, "cannot write to stdout").with_source(error)
}
