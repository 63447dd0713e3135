//! The relay: passes the tap's stdout to the target's stdin, and counts on the way.
//!
//! What a fast tap has written goes on through a [`Window`], without a copy; the lines of a slow one are copied in blocks.

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use melisma_sdk::fault;

use super::window::{self, Window};
use crate::blocks::{BLOCK_BYTES, read_block};
use crate::count::{Counter, StateMarks};

/// Why the relay ended.
#[derive(Debug)]
pub(crate) enum RelayEnd {
    /// The tap closed its stdout, and everything was passed to the target.
    Done,
    /// The target closed its stdin or has ended.
    TargetGone,
    /// Reading or writing failed for another reason.
    Failed(io::Error),
}

/// A counter that one thread feeds and the progress display reads.
#[derive(Clone, Default)]
pub(crate) struct SharedCounter {
    counter: Arc<Mutex<Counter>>,
    writing: Arc<AtomicBool>,
}

impl SharedCounter {
    /// One that also notes which records each state covers.
    pub(crate) fn with_marks() -> Self {
        let counter = Self::default();
        counter.lock().marks = Some(StateMarks::default());
        counter
    }

    /// The counter. Hold the lock only briefly: the relay waits for it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Counter> {
        self.counter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the relay is waiting for the target to accept a block.
    pub(crate) fn is_writing(&self) -> bool {
        self.writing.load(Ordering::Relaxed)
    }
}

/// Copies until one side ends, reports how that ended, and only then closes the target's end.
///
/// In the other order a target that is quick to exit would be seen to end before it had everything.
pub(crate) fn relay(from: File, mut to: File, counter: &SharedCounter, report: impl FnOnce(RelayEnd)) {
    report(copy(from, &mut to, counter));
}

fn copy(mut from: File, to: &mut File, counter: &SharedCounter) -> RelayEnd {
    let mut block = vec![0; BLOCK_BYTES];
    let mut window = Window::open().ok();
    let end = loop {
        let piece = match next_piece(&mut from, &mut window, &mut block) {
            Ok(Piece { length: 0, .. }) => break RelayEnd::Done,
            Ok(piece) => piece,
            Err(error) => break RelayEnd::Failed(error),
        };
        let bytes = &block[..piece.length];
        fault!(RUN_RELAY, error => break RelayEnd::Failed(error));
        counter.lock().feed(bytes);
        counter.writing.store(true, Ordering::Relaxed);
        let written = if piece.still_waits {
            window::pass(&from, to, bytes.len())
        } else {
            to.write_all(bytes)
        };
        counter.writing.store(false, Ordering::Relaxed);
        if let Err(error) = written {
            break if error.kind() == io::ErrorKind::BrokenPipe {
                RelayEnd::TargetGone
            } else {
                RelayEnd::Failed(error)
            };
        }
    };
    counter.lock().finish();
    end
}

/// What the tap wrote next.
struct Piece {
    length: usize,
    /// The bytes were only looked at, and are still in the tap's pipe.
    still_waits: bool,
}

fn next_piece(from: &mut File, window: &mut Option<Window>, block: &mut [u8]) -> io::Result<Piece> {
    if let Some(window) = window
        && let Some(length) = window.look(from, block)?
    {
        return Ok(Piece {
            length,
            still_waits: true,
        });
    }
    let length = read_block(from, block)?;
    Ok(Piece {
        length,
        still_waits: false,
    })
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, PipeWriter, Read, pipe};
    use std::os::fd::OwnedFd;
    use std::thread;

    use super::*;

    fn ends() -> (PipeReader, PipeWriter) {
        pipe().expect("a pipe")
    }

    fn file(end: impl Into<OwnedFd>) -> File {
        File::from(end.into())
    }

    /// Short lines go by copy, and what a fast tap leaves waiting goes by the window: in any mixture the bytes and their
    /// order stay.
    #[test]
    fn bytes_pass_in_their_order_however_they_are_written() {
        let ((tap_reads, mut tap), (mut target, target_writes)) = (ends(), ends());
        let line = br#"{"type":"RECORD","stream":"s","record":{"n":0123456789}}"#;
        let mut sent = Vec::new();
        let mut pieces = Vec::new();
        for size in [1, 7, 700, 70_000, 700_000, 3, 2_000_000, 1] {
            let mut piece: Vec<u8> = line.iter().copied().cycle().take(size).collect();
            piece.push(b'\n');
            sent.extend_from_slice(&piece);
            pieces.push(piece);
        }
        let counter = SharedCounter::default();
        let received = thread::scope(|scope| {
            scope.spawn(|| {
                for piece in &pieces {
                    tap.write_all(piece).expect("write");
                }
                drop(tap);
            });
            scope.spawn(|| relay(file(tap_reads), file(target_writes), &counter, |_| ()));
            let mut received = Vec::new();
            target.read_to_end(&mut received).map(|_| received).expect("read")
        });
        assert!(received == sent, "{} bytes of {}", received.len(), sent.len());
        let counter = counter.lock();
        assert_eq!((counter.lines, counter.bytes), (8, sent.len() as u64));
    }

    #[test]
    fn a_target_that_sees_the_end_of_its_input_cannot_be_known_to_have_ended_before_it() {
        for _ in 0..200 {
            let ((tap_reads, tap), (mut target, target_writes)) = (ends(), ends());
            let (report, reported) = crossbeam_channel::unbounded();
            drop(tap);
            thread::scope(|scope| {
                scope.spawn(|| {
                    relay(
                        file(tap_reads),
                        file(target_writes),
                        &SharedCounter::default(),
                        |end| {
                            let _ = report.send(end);
                        },
                    );
                });
                let _ = target.read_to_end(&mut Vec::new()).expect("read");
                let end = reported.try_recv().expect("the relay reported its end first");
                assert!(matches!(end, RelayEnd::Done), "{end:?}");
            });
        }
    }
}
