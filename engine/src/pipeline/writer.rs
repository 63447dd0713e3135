//! The writing threads: each owns the sinks of its streams and follows commands in their order.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crossbeam_channel::Receiver;

use super::observer::Observer;
use super::state_emitter::StateEmitter;
use crate::budget::Reservation;
use crate::encode::Encoder;
use crate::error::{Error, Result};
use crate::ledger::{Tally, Ticket};
use crate::sink::{CommitMode, Destination, Sink};

/// The batches that a destination's encoders make.
pub(super) type BatchOf<D> = <<D as Destination>::Encoder as Encoder>::Batch;

/// What the decoding thread asks of a writer, about one stream.
pub(super) struct Command<D: Destination> {
    pub(super) stream: usize,
    pub(super) what: What<D>,
}

/// Tickets are missing where another entry of the ledger stands for what is asked.
pub(super) enum What<D: Destination> {
    /// The first SCHEMA of the stream, by its name: make its sink.
    Open(Box<str>, Arc<D::Plan>, Option<Ticket>),
    /// A call of its sink.
    Call(Call<D>),
}

pub(super) enum Call<D: Destination> {
    /// A changed SCHEMA. Earlier rows were asked to be committed.
    ChangePlan(Arc<D::Plan>, Option<Ticket>),
    /// A batch, the number of its rows, and the memory they take.
    Write(BatchOf<D>, u64, Reservation),
    /// Make durable what was written, with the STATE that covers it where commits are made at STATEs.
    Commit(Unit, Option<Arc<str>>),
    /// ACTIVATE_VERSION. Earlier rows were asked to be committed.
    Activate(i64, Option<Ticket>),
    /// The input ended as it should: commit the unit if there is one, with the last STATE where commits are made at
    /// STATEs, then finish the sink.
    Finish(Option<Unit>, Option<Arc<str>>),
}

/// Records that become durable together, sealed.
pub(super) struct Unit {
    pub(super) ticket: Ticket,
    pub(super) received: u64,
    pub(super) refused: u64,
}

impl<D: Destination> What<D> {
    fn into_ticket(self) -> Option<Ticket> {
        match self {
            Self::Open(_, _, ticket) => ticket,
            Self::Call(call) => call.into_ticket(),
        }
    }
}

impl<D: Destination> Call<D> {
    fn into_ticket(self) -> Option<Ticket> {
        match self {
            Self::ChangePlan(_, ticket) | Self::Activate(_, ticket) => ticket,
            Self::Commit(unit, _) | Self::Finish(Some(unit), _) => Some(unit.ticket),
            Self::Write(..) | Self::Finish(None, _) => None,
        }
    }
}

/// The first error of the writers, where the decoding thread sees it.
#[derive(Default)]
pub(super) struct Failure {
    set: AtomicBool,
    first: Mutex<Option<Error>>,
}

impl Failure {
    pub(super) fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Keeps the first error; later ones go to the log.
    pub(super) fn set(&self, error: Error) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if self.set.swap(true, Ordering::AcqRel) {
            log::error!("{error}");
        } else {
            *first = Some(error);
        }
    }

    pub(super) fn take(&self) -> Option<Error> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// One writing thread. It lives on that thread, and so do the worker and the sinks.
pub(super) struct Writer<'e, D: Destination> {
    destination: &'e D,
    emitter: &'e StateEmitter,
    failure: &'e Failure,
    observer: &'e dyn Observer,
    streams: HashMap<usize, Stream<D::Sink>>,
    /// Made for the first sink: a thread that gets no stream needs no connection.
    worker: Option<D::Worker>,
    /// Commits are of all streams, each with the STATE that covers it: after one has failed there are no more.
    together: bool,
    failed: bool,
}

struct Stream<S> {
    name: Box<str>,
    /// `None` after it failed: everything later is let go, and its tickets hold the watermark.
    sink: Option<S>,
    /// Rows written since the last commit.
    written: u64,
}

impl<'e, D: Destination> Writer<'e, D> {
    pub(super) fn new(
        destination: &'e D,
        emitter: &'e StateEmitter,
        failure: &'e Failure,
        observer: &'e dyn Observer,
        commit: CommitMode,
    ) -> Self {
        Self {
            destination,
            emitter,
            failure,
            observer,
            streams: HashMap::new(),
            worker: None,
            together: commit == CommitMode::AtStates,
            failed: false,
        }
    }

    /// Follows commands until no more can come.
    pub(super) fn run(mut self, commands: &Receiver<Command<D>>) {
        for Command { stream, what } in commands {
            // A panic of a sink is caught here, so that the other streams still end in good order.
            let done = catch_unwind(AssertUnwindSafe(|| self.follow(stream, what)));
            let result = done.unwrap_or_else(|panic| Err(self.emitter.poison(&panic_message(&*panic))));
            if let Err(error) = result {
                let name = self.fail(stream);
                self.failure.set(match name {
                    Some(name) => error.in_stream(&name),
                    None => error,
                });
            }
        }
        // Sinks may panic when they are dropped, too, and so may the worker, which they must not outlive.
        let Self {
            streams,
            worker,
            failure,
            emitter,
            ..
        } = self;
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            drop(streams);
            drop(worker);
        }));
        if dropped.is_err() {
            failure.set(emitter.poison("a sink panicked when it was dropped"));
        }
    }

    fn fail(&mut self, stream: usize) -> Option<Box<str>> {
        self.failed = true;
        let stream = self.streams.get_mut(&stream)?;
        let sink = stream.sink.take();
        if catch_unwind(AssertUnwindSafe(|| drop(sink))).is_err() {
            self.emitter.poison("a sink panicked when it was dropped");
        }
        Some(stream.name.clone())
    }

    fn follow(&mut self, id: usize, what: What<D>) -> Result<()> {
        if self.together && self.failed {
            // A STATE that covers the failed stream's rows as well must not be stored with those of the others.
            self.abandon(what.into_ticket());
            return Ok(());
        }
        match what {
            What::Open(name, plan, ticket) => {
                let stream = Stream {
                    name,
                    sink: None,
                    written: 0,
                };
                self.streams.insert(id, stream);
                let opened = self.open(id, &plan);
                settle(self.emitter, ticket, Tally::default(), opened)
            }
            What::Call(call) => self.call(id, call),
        }
    }

    fn open(&mut self, id: usize, plan: &Arc<D::Plan>) -> Result<()> {
        let worker = match &mut self.worker {
            Some(worker) => worker,
            None => self.worker.insert(self.destination.worker()?),
        };
        let sink = self.destination.sink(worker, plan)?;
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.sink = Some(sink);
        }
        Ok(())
    }

    fn call(&mut self, id: usize, call: Call<D>) -> Result<()> {
        let stream = self.streams.get_mut(&id);
        let (
            Some(Stream {
                name,
                sink: Some(sink),
                written,
            }),
            Some(worker),
        ) = (stream, &mut self.worker)
        else {
            self.abandon(call.into_ticket());
            return Ok(());
        };
        let (emitter, observer, started) = (self.emitter, self.observer, Instant::now());
        let close = |unit: Unit, written: &mut u64, result: Result<()>| {
            let written = std::mem::take(written);
            if result.is_ok() {
                observer.committed(name, written, started.elapsed());
            }
            let tally = unit.tally(written);
            settle(emitter, Some(unit.ticket), tally, result)
        };
        match call {
            Call::Write(batch, rows, memory) => {
                sink.write(worker, batch)?;
                drop(memory);
                *written += rows;
                observer.wrote(name, rows, started.elapsed());
                Ok(())
            }
            Call::Commit(unit, state) => {
                let result = commit(sink, worker, *written, state.as_deref());
                close(unit, written, result)
            }
            Call::Finish(unit, state) => {
                let result = commit(sink, worker, *written, state.as_deref());
                let result = result.and_then(|()| sink.finish(worker));
                match unit {
                    Some(unit) => close(unit, written, result),
                    None => result,
                }
            }
            Call::Activate(version, ticket) => {
                let result = sink.activate_version(worker, version);
                settle(emitter, ticket, Tally::default(), result)
            }
            Call::ChangePlan(plan, ticket) => {
                let result = sink.change_plan(worker, &plan);
                settle(emitter, ticket, Tally::default(), result)
            }
        }
    }

    /// What was asked is not done, and holds the watermark from now on.
    fn abandon(&self, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            self.emitter.abandon(ticket);
        }
    }
}

impl Unit {
    fn tally(&self, written: u64) -> Tally {
        Tally {
            received: self.received,
            written,
            refused: self.refused,
        }
    }
}

/// Commits what was written, or stores a STATE even when there are no rows.
fn commit<S: Sink>(sink: &mut S, worker: &mut S::Worker, written: u64, state: Option<&str>) -> Result<()> {
    match state {
        Some(state) => sink.commit_state(worker, state),
        None if written > 0 => sink.commit(worker),
        None => Ok(()),
    }
}

/// The ledger learns whether what was asked is durable.
fn settle(emitter: &StateEmitter, ticket: Option<Ticket>, tally: Tally, result: Result<()>) -> Result<()> {
    match (ticket, result) {
        (Some(ticket), Ok(())) => emitter.commit(ticket, tally, Instant::now()),
        (Some(ticket), Err(error)) => {
            emitter.abandon(ticket);
            Err(error)
        }
        (None, result) => result,
    }
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!(
        "panicked: {}",
        text.as_deref()
            .map_or_else(|| "no message".into(), crate::error::show)
    )
}
