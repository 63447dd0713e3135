//! Reading, decoding and writing on separate threads, and STATE behind them.
//!
//! ```text
//! reader thread      blocks of whole lines, at most two ahead of the decoding
//! caller's thread    classifies lines, decodes records into their stream's encoder, closes batches, keeps the timers
//! writer threads     own the sinks; a stream stays with one of them; commands come in order over a bounded queue
//! ```
//!
//! Two units. A *batch* is what [`Sink::write`](crate::sink::Sink::write) gets: small, so that memory stays flat.
//! A *commit* closes what a stream has written, after so many rows or bytes, after so long, when a STATE waits for
//! it, at a barrier (a changed SCHEMA, ACTIVATE_VERSION), and at the end. The [ledger](crate::ledger) holds one
//! entry for each open commit; STATE follows what is durable.
//!
//! When a destination is slow its queue fills, the decoding waits, the reader waits, and so does the tap. What all
//! of it may take is one [`Budget`].

mod batches;
mod clock;
mod dead_letter;
mod ending;
mod observer;
mod options;
mod reader;
mod repair;
mod router;
mod stream;
mod teller;
mod together;
mod writer;

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use crossbeam_channel::bounded;

use crate::budget::Budget;
use crate::error::{Error, Kind, Result};
use crate::faults::KillPoints;
use crate::sink::{CommitMode, Destination};
pub use dead_letter::DeadLetters;
pub use observer::{Observer, StreamSummary, Summary};
pub use options::{FinalState, Limits, OnInvalid, Options, Repairs, Stop, UndeclaredProperties};
use reader::Reader;
use router::{Router, Shared};
use teller::Teller;
use writer::{Failure, Writer, panic_message};

/// Commands that may wait for one writer.
const QUEUE: usize = 4;

/// Runs a destination on an input: records go to its sinks, and STATE comes out behind what is durable.
///
/// `output` gets one line a STATE, flushed. `stop` is looked at between blocks: when it says so, no more is read,
/// what is in hand is committed, and the run ends with [`Kind::Interrupted`]. The reading thread may then still sit
/// in a read; it is left behind.
///
/// The summary says what was done, also when the run failed. After an error what came before it is committed where
/// that is safe, and STATE told as far as that goes.
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
    let teller = Teller::new(Box::new(output), interval);
    let failure = Failure::default();
    let shared = Shared {
        options,
        teller: &teller,
        failure: &failure,
        budget: &budget,
        observer,
        stop,
    };
    let mut summary = Summary::default();
    let result = work(input, &KillPoints(destination), shared, &mut summary);
    // The reader, if it waits for memory, sees that nobody listens any more.
    budget.close();
    let result = both(result, failure.take().map_or(Ok(()), Err));
    let told = if at_end && result.is_err() {
        Ok(())
    } else {
        teller.finish(Instant::now())
    };
    let result = both(result, told);
    summary.peak_bytes = budget.peak();
    summary.states_told = teller.told();
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
            let Shared {
                teller,
                failure,
                observer,
                ..
            } = shared;
            let at_states = shared.options.commit == CommitMode::AtStates;
            let thread = thread::Builder::new()
                .name(format!("writer-{number}"))
                .spawn_scoped(scope, move || {
                    Writer::new(destination, teller, failure, observer, at_states).run(&commands);
                })
                .map_err(|error| Error::io("cannot start a writing thread", error))?;
            threads.push(thread);
            writers.push(send);
        }
        let mut router = Router::new(destination, shared, writers, dead_letters);
        let result = drive(&mut router, &reader, shared.teller);
        // With nobody to send, the writers end their work.
        router.writers.clear();
        let panicked = threads
            .into_iter()
            .map(ScopedJoinHandle::join)
            .any(|joined| joined.is_err());
        *summary = router.summarize();
        let bug = || Err(shared.teller.poison("a writing thread panicked"));
        both(result, if panicked { bug() } else { Ok(()) })
    })
}

/// One for all streams where they are committed at STATEs: no thread knows when another has written its part.
fn writing_threads(options: &Options) -> usize {
    match options.commit {
        CommitMode::AtStates => 1,
        CommitMode::PerStream | CommitMode::AtEnd => options.writers.max(1),
    }
}

fn drive<D: Destination>(router: &mut Router<'_, D>, reader: &Reader, teller: &Teller) -> Result<()> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let ended = router.run(reader).and_then(|()| router.finish());
        if ended.is_err() {
            router.drain();
        }
        ended
    }));
    // What the panicked code had in hand is not to be trusted: nothing more is committed, no STATE told.
    result.unwrap_or_else(|panic| Err(teller.poison(&panic_message(&*panic))))
}
