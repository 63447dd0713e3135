//! Reading, decoding and writing on separate threads, and STATE behind them.
//!
//! ```text
//! reader thread      blocks of whole lines, a few ahead of the decoding                            reader
//! caller's thread    reads lines, decodes records into their stream's encoder                      decode_loop
//!                    hands rows over, decides when they are committed, keeps the timers            committer
//! writer threads     own the sinks; a stream stays with one of them; calls come in order over a bounded queue
//!                                                                                                  writer
//! all of them        open and settle tickets of the ledger; STATE goes out behind what is durable  state_emitter
//! ```
//!
//! Two units. A *batch* is what [`Sink::write`](crate::sink::Sink::write) gets: small, so that memory stays flat.
//! A *commit* closes what a stream has written: after a number of rows or bytes, after a time, when a STATE waits for
//! it, at a barrier (a changed SCHEMA, ACTIVATE_VERSION), and at the end. The [ledger](crate::ledger) holds one
//! entry for each open commit; STATE follows what is durable.
//!
//! When a destination is slow its queue fills, the decoding waits, the reader waits, and so does the tap. What all
//! of it may take is one [`Budget`].

mod clock;
mod committer;
mod dead_letter;
mod decode_loop;
mod ending;
mod observer;
mod options;
mod reader;
mod repair;
mod schemas;
mod state_emitter;
mod stream;
mod writer;

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Instant;

use crossbeam_channel::{Receiver, bounded};

use crate::budget::Budget;
use crate::error::{Error, Kind, Result};
use crate::faults::KillPoints;
use crate::sink::{CommitMode, Destination};
pub use dead_letter::DeadLetters;
use decode_loop::DecodeLoop;
pub use observer::{Observer, StreamSummary, Summary};
pub use options::{
    ActivateVersion, FinalState, Limits, OnInvalid, Options, Repairs, Stop, UndeclaredProperties,
};
use reader::Reader;
use state_emitter::StateEmitter;
use writer::{Command, Failure, Writer, panic_message};

/// Commands that may wait for one writer.
const QUEUE: usize = 4;

/// What the parts of a run share.
#[derive(Clone, Copy)]
struct Shared<'e> {
    options: &'e Options,
    emitter: &'e StateEmitter,
    failure: &'e Failure,
    budget: &'e Budget,
    observer: &'e dyn Observer,
    stop: &'e dyn Stop,
}

impl Shared<'_> {
    /// Ends the run when a signal came or a writer failed.
    fn check(&self) -> Result<()> {
        if self.failure.is_set() {
            let failure = self.failure.take();
            return Err(failure.unwrap_or_else(|| Error::bug("a writer failed")));
        }
        match self.stop.signal() {
            Some(signal) => Err(Error::new(
                Kind::Interrupted(signal),
                format!("stopped by signal {signal}"),
            )),
            None => Ok(()),
        }
    }
}

/// Runs a destination on an input: records go to its sinks, and STATE comes out behind what is durable.
///
/// `output` gets one line a STATE, flushed. `stop` is looked at between blocks: when it says so, no more is read,
/// what is in hand is committed, and the run ends with [`Kind::Interrupted`]. The reading thread may then still sit
/// in a read; it is left behind.
///
/// The summary says what was done, also when the run failed. After an error what came before it is committed where
/// that is safe, and its STATE emitted.
/// A destination that counts; `examples` and the SDK have larger ones:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use melisma_engine::Result;
/// use melisma_engine::pipeline::{self, Options};
/// use melisma_engine::rows::{RowBatch, Rows};
/// use melisma_engine::schema::StreamSchema;
/// use melisma_engine::sink::{Destination, Sink};
///
/// #[derive(Default)]
/// struct Count(Arc<AtomicU64>);
///
/// impl Destination for Count {
///     type Plan = StreamSchema;
///     type Encoder = Rows;
///     type Worker = ();
///     type Sink = Self;
///
///     fn plan(&self, schema: &Arc<StreamSchema>, _: Option<&Arc<StreamSchema>>) -> Result<Arc<StreamSchema>> {
///         Ok(Arc::clone(schema))
///     }
///     fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<Rows> {
///         Ok(Rows::new(schema))
///     }
///     fn worker(&self) -> Result<()> {
///         Ok(())
///     }
///     fn sink(&self, (): &mut (), _: &Arc<StreamSchema>) -> Result<Self> {
///         Ok(Self(Arc::clone(&self.0)))
///     }
/// }
///
/// impl Sink for Count {
///     type Batch = RowBatch;
///     type Plan = StreamSchema;
///     type Worker = ();
///
///     fn write(&mut self, (): &mut (), batch: RowBatch) -> Result<()> {
///         self.0.fetch_add(batch.len() as u64, Ordering::Relaxed);
///         Ok(())
///     }
///     fn commit(&mut self, (): &mut ()) -> Result<()> {
///         Ok(())
///     }
///     fn change_plan(&mut self, (): &mut (), _: &Arc<StreamSchema>) -> Result<()> {
///         Ok(())
///     }
/// }
///
/// let input = r#"{"type":"SCHEMA","stream":"a","schema":{"properties":{"id":{"type":"integer"}}},"key_properties":["id"]}
/// {"type":"RECORD","stream":"a","record":{"id":1}}
/// {"type":"STATE","value":{"a":1}}
/// "#;
/// let count = Count::default();
/// let options = Options::default();
/// let (summary, result) = pipeline::run(input.as_bytes(), std::io::sink(), &count, &options, &(), &());
/// result?;
/// assert_eq!((count.0.load(Ordering::Relaxed), summary.states_emitted), (1, 1));
/// # Ok::<(), melisma_engine::Error>(())
/// ```
pub fn run<D: Destination>(
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    destination: &D,
    options: &Options,
    stop: &dyn Stop,
    observer: &dyn Observer,
) -> (Summary, Result<()>) {
    let budget = Budget::new(options.memory_budget);
    let at_end = options.commit == CommitMode::AtEnd;
    let interval = (!at_end).then_some(options.state_interval);
    let emitter = StateEmitter::new(Box::new(output), interval);
    let failure = Failure::default();
    let shared = Shared {
        options,
        emitter: &emitter,
        failure: &failure,
        budget: &budget,
        observer,
        stop,
    };
    let mut summary = Summary::default();
    let result = work(input, &KillPoints(destination), shared, &mut summary);
    // The reader, if it waits for memory, sees that nothing receives its blocks any more.
    budget.close();
    let result = both(result, failure.take().map_or(Ok(()), Err));
    let last = if at_end && result.is_err() {
        Ok(())
    } else {
        emitter.finish(Instant::now())
    };
    let result = both(result, last);
    summary.peak_bytes = budget.peak();
    summary.states_emitted = emitter.emitted();
    (summary, result)
}

/// The first error counts; a second one goes to the log.
fn both(first: Result<()>, second: Result<()>) -> Result<()> {
    match (first, second) {
        (Err(first), Err(second)) => {
            if first.kind() != Kind::Bug {
                log::error!("{second}");
            }
            Err(first)
        }
        (first, second) => first.and(second),
    }
}

fn work<'e, D: Destination>(
    input: impl Read + Send + 'static,
    destination: &'e D,
    shared: Shared<'e>,
    summary: &mut Summary,
) -> Result<()> {
    let dead_letters = match &shared.options.on_invalid {
        OnInvalid::DeadLetter(path) => {
            Some(DeadLetters::open(path)?.with_max_bytes(shared.options.dead_letter_max_bytes))
        }
        OnInvalid::Fail | OnInvalid::Skip => None,
    };
    let reader = Reader::start(input, shared.options.max_line_bytes, shared.budget.clone())?;
    thread::scope(|scope| {
        let (mut writers, mut threads) = (Vec::new(), Vec::new());
        for number in 0..writing_threads(shared.options) {
            let (send, commands) = bounded(QUEUE);
            threads.push(start_writer(scope, number, destination, shared, commands)?);
            writers.push(send);
        }
        let mut decode_loop = DecodeLoop::new(destination, shared, writers, dead_letters);
        let result = drive(&mut decode_loop, &reader, shared.emitter);
        decode_loop.dismiss_writers();
        let panicked = threads
            .into_iter()
            .map(ScopedJoinHandle::join)
            .any(|joined| joined.is_err());
        *summary = decode_loop.summarize();
        let bug = || Err(shared.emitter.poison("a writing thread panicked"));
        both(result, if panicked { bug() } else { Ok(()) })
    })
}

fn start_writer<'scope, 'e: 'scope, D: Destination>(
    scope: &'scope Scope<'scope, '_>,
    number: usize,
    destination: &'e D,
    shared: Shared<'e>,
    commands: Receiver<Command<D>>,
) -> Result<ScopedJoinHandle<'scope, ()>> {
    let Shared {
        options,
        emitter,
        failure,
        observer,
        ..
    } = shared;
    let write = move || Writer::new(destination, emitter, failure, observer, options.commit).run(&commands);
    thread::Builder::new()
        .name(format!("writer-{number}"))
        .spawn_scoped(scope, write)
        .map_err(|error| Error::io("cannot start a writing thread", error))
}

/// One for all streams where they are committed at STATEs: no thread knows when another has written its part.
fn writing_threads(options: &Options) -> usize {
    match options.commit {
        CommitMode::AtStates => 1,
        CommitMode::PerStream | CommitMode::AtEnd => options.writers.max(1),
    }
}

fn drive<D: Destination>(
    decode_loop: &mut DecodeLoop<'_, D>,
    reader: &Reader,
    emitter: &StateEmitter,
) -> Result<()> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let ended = decode_loop.run(reader).and_then(|()| decode_loop.finish());
        if ended.is_err() {
            decode_loop.drain();
        }
        ended
    }));
    // What the panicked code had in hand is not to be trusted: nothing more is committed, and no STATE emitted.
    result.unwrap_or_else(|panic| Err(emitter.poison(&panic_message(&*panic))))
}
