//! The reading thread: reads blocks of whole lines, a few ahead of the decoding thread.

use std::io::Read;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::budget::{Budget, Reservation};
use crate::error::{Error, Result};
use crate::fault;
use crate::line::{Chunk, LineReader};

/// Blocks that may wait to be decoded: enough for the tap to go on while the decoding thread waits for a processor.
const AHEAD: usize = 8;

/// What comes from the reading thread.
pub(super) enum Input {
    /// Lines, and the memory they take.
    Lines(Chunk, Reservation),
    /// The input ended as it should.
    End,
    /// It cannot be read any further.
    Failed(Error),
}

/// The decoding thread's end.
pub(super) struct Reader {
    /// The input; disconnected only by a bug, since every end is said.
    pub(super) input: Receiver<Input>,
    spares: Sender<Vec<u8>>,
}

impl Reader {
    /// Starts the thread. It is never joined: it may sit in a read that does not return, and ends by itself when
    /// it finds that nothing receives its blocks.
    pub(super) fn start(
        source: impl Read + Send + 'static,
        max_line_bytes: usize,
        budget: Budget,
    ) -> Result<Self> {
        let (send, input) = bounded(AHEAD);
        let (spares, spare) = bounded(AHEAD + 2);
        thread::Builder::new()
            .name("reader".into())
            .spawn(move || read(LineReader::new(source, max_line_bytes), &budget, &send, &spare))
            .map_err(|error| Error::io("cannot start the reading thread", error))?;
        Ok(Self { input, spares })
    }

    /// Gives a decoded block's buffer back to be filled again.
    pub(super) fn recycle(&self, chunk: Chunk) {
        // When the reader has spares enough or is gone, the buffer is simply freed.
        let _ = self.spares.try_send(chunk.into_buffer());
    }
}

fn read<R: Read>(mut lines: LineReader<R>, budget: &Budget, send: &Sender<Input>, spare: &Receiver<Vec<u8>>) {
    loop {
        let next = match next(&mut lines, spare.try_recv().unwrap_or_default()) {
            Ok(Some(chunk)) => {
                let memory = budget.reserve(chunk.bytes().len());
                Input::Lines(chunk, memory)
            }
            Ok(None) => Input::End,
            Err(error) => Input::Failed(error),
        };
        let last = !matches!(next, Input::Lines(..));
        if send.send(next).is_err() || last {
            return;
        }
    }
}

fn next<R: Read>(lines: &mut LineReader<R>, buffer: Vec<u8>) -> Result<Option<Chunk>> {
    let chunk = lines.next_chunk(buffer)?;
    fault!(READER_BLOCK, if chunk.is_some());
    fault!(READER_END, if chunk.is_none());
    Ok(chunk)
}
