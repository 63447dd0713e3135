//! The relay: copies the tap's stdout to the target's stdin in large blocks, and counter on the way.

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use melisma_sdk::fault;

use crate::blocks::{BLOCK_BYTES, read_block};
use crate::count::Counter;

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
    let end = loop {
        let length = match read_block(&mut from, &mut block) {
            Ok(0) => break RelayEnd::Done,
            Ok(length) => length,
            Err(error) => break RelayEnd::Failed(error),
        };
        fault!(RUN_RELAY, error => break RelayEnd::Failed(error));
        counter.lock().feed(&block[..length]);
        counter.writing.store(true, Ordering::Relaxed);
        let written = to.write_all(&block[..length]);
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
