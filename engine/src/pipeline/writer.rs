//! The writing threads: each owns the sinks of its streams and follows commands in their order.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crossbeam_channel::Receiver;

use super::observer::Observer;
use super::teller::Teller;
use crate::budget::Reservation;
use crate::encode::Encoder;
use crate::error::{Error, Result};
use crate::ledger::{Tally, Ticket};
use crate::schema::StreamSchema;
use crate::sink::{Destination, Sink};
use crate::{fault, planted};

/// The batches that a destination's encoders make.
pub(super) type BatchOf<D> = <<D as Destination>::Encoder as Encoder>::Batch;

/// What the decoding thread asks of a writer, about one stream.
pub(super) struct Command<B> {
    pub(super) stream: usize,
    pub(super) what: What<B>,
}

pub(super) enum What<B> {
    /// The first SCHEMA, or a changed one. Earlier rows were asked to be committed. Without a ticket when another
    /// entry of the ledger stands for it.
    Schema(Arc<StreamSchema>, Option<Ticket>),
    /// So many rows, and the memory they take.
    Write(B, u64, Reservation),
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

impl<B> What<B> {
    fn into_ticket(self) -> Option<Ticket> {
        match self {
            Self::Schema(_, ticket) | Self::Activate(_, ticket) => ticket,
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

/// One writing thread.
pub(super) struct Writer<'e, D: Destination> {
    destination: &'e D,
    teller: &'e Teller,
    failure: &'e Failure,
    observer: &'e dyn Observer,
    streams: HashMap<usize, Stream<D::Sink>>,
    /// Commits are of all streams: after one has failed there are no more.
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
        teller: &'e Teller,
        failure: &'e Failure,
        observer: &'e dyn Observer,
        together: bool,
    ) -> Self {
        Self {
            destination,
            teller,
            failure,
            observer,
            streams: HashMap::new(),
            together,
            failed: false,
        }
    }

    /// Follows commands until no more can come.
    pub(super) fn run(mut self, commands: &Receiver<Command<BatchOf<D>>>) {
        #[cfg(debug_assertions)]
        let commands = super::planted::reordered(commands);
        for Command { stream, what } in commands {
            // A panic of a sink is caught here, so that the other streams still end in good order.
            let done = catch_unwind(AssertUnwindSafe(|| self.follow(stream, what)));
            let result = done.unwrap_or_else(|panic| Err(self.teller.poison(&panic_message(&*panic))));
            if let Err(error) = result {
                let name = self.fail(stream);
                self.failure.set(match name {
                    Some(name) => error.in_stream(&name),
                    None => error,
                });
            }
        }
        // Sinks may panic when they are dropped, too.
        let streams = self.streams;
        if catch_unwind(AssertUnwindSafe(|| drop(streams))).is_err() {
            self.failure
                .set(self.teller.poison("a sink panicked when it was dropped"));
        }
    }

    fn fail(&mut self, stream: usize) -> Option<Box<str>> {
        self.failed = true;
        let stream = self.streams.get_mut(&stream)?;
        let sink = stream.sink.take();
        if catch_unwind(AssertUnwindSafe(|| drop(sink))).is_err() {
            self.teller.poison("a sink panicked when it was dropped");
        }
        Some(stream.name.clone())
    }

    fn follow(&mut self, id: usize, what: What<BatchOf<D>>) -> Result<()> {
        if self.together && self.failed {
            // A STATE that covers the failed stream's rows as well must not be stored with those of the others.
            if let Some(ticket) = what.into_ticket() {
                self.teller.abandon(ticket);
            }
            return Ok(());
        }
        if let What::Schema(schema, ticket) = what {
            return self.schema(id, &schema, ticket);
        }
        let Some((mut stream, sink)) = self.streams.get_mut(&id).and_then(Stream::open) else {
            if let Some(ticket) = what.into_ticket() {
                self.teller.abandon(ticket);
            }
            return Ok(());
        };
        let (teller, observer) = (self.teller, self.observer);
        let started = Instant::now();
        match what {
            What::Write(batch, rows, memory) => {
                planted!(DROPPED_BATCH, {
                    if super::planted::is_second() {
                        *stream.written += rows;
                        return Ok(());
                    }
                });
                fault!(SINK_WRITE_BEFORE);
                sink.write(batch)?;
                fault!(SINK_WRITE_AFTER);
                drop(memory);
                *stream.written += rows;
                observer.wrote(stream.name, rows, started.elapsed());
                Ok(())
            }
            What::Commit(unit, state) => {
                let result = commit(sink, *stream.written, state.as_deref());
                stream.close(unit, result, started, teller, observer)
            }
            What::Finish(unit, state) => {
                let result = commit(sink, *stream.written, state.as_deref()).and_then(|()| finish(sink));
                match unit {
                    Some(unit) => stream.close(unit, result, started, teller, observer),
                    None => result,
                }
            }
            What::Activate(version, ticket) => {
                let result = activate(sink, version);
                resolve(teller, ticket, result)
            }
            What::Schema(..) => Err(Error::bug("a SCHEMA was followed twice")),
        }
    }

    fn schema(&mut self, id: usize, schema: &Arc<StreamSchema>, ticket: Option<Ticket>) -> Result<()> {
        let teller = self.teller;
        let Some(stream) = self.streams.get_mut(&id) else {
            let name = schema.stream.clone();
            self.streams.insert(
                id,
                Stream {
                    name,
                    sink: None,
                    written: 0,
                },
            );
            let opened = open(self.destination, schema);
            return resolve(teller, ticket, opened.map(|sink| self.put(id, sink)));
        };
        let Some(sink) = stream.sink.as_mut() else {
            if let Some(ticket) = ticket {
                teller.abandon(ticket);
            }
            return Ok(());
        };
        let result = change(sink, schema);
        resolve(teller, ticket, result)
    }

    fn put(&mut self, id: usize, sink: D::Sink) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.sink = Some(sink);
        }
    }
}

fn commit<S: Sink>(sink: &mut S, written: u64, state: Option<&str>) -> Result<()> {
    fault!(SINK_COMMIT_BEFORE, if written > 0 || state.is_some());
    match state {
        Some(state) => sink.commit_state(state)?,
        None if written > 0 => sink.commit()?,
        None => return Ok(()),
    }
    fault!(SINK_COMMIT_AFTER);
    Ok(())
}

fn open<D: Destination>(destination: &D, schema: &Arc<StreamSchema>) -> Result<D::Sink> {
    fault!(SINK_OPEN_BEFORE);
    let sink = destination.sink(schema)?;
    fault!(SINK_OPEN_AFTER);
    Ok(sink)
}

fn change<S: Sink>(sink: &mut S, schema: &Arc<StreamSchema>) -> Result<()> {
    fault!(SINK_SCHEMA_BEFORE);
    sink.change_schema(schema)?;
    fault!(SINK_SCHEMA_AFTER);
    Ok(())
}

fn activate<S: Sink>(sink: &mut S, version: i64) -> Result<()> {
    fault!(SINK_ACTIVATE_BEFORE);
    sink.activate_version(version)?;
    fault!(SINK_ACTIVATE_AFTER);
    Ok(())
}

fn finish<S: Sink>(sink: &mut S) -> Result<()> {
    fault!(SINK_FINISH_BEFORE);
    sink.finish()?;
    fault!(SINK_FINISH_AFTER);
    Ok(())
}

/// A stream whose sink is whole.
struct Open<'s> {
    name: &'s str,
    written: &'s mut u64,
}

impl<S> Stream<S> {
    fn open(&mut self) -> Option<(Open<'_>, &mut S)> {
        let sink = self.sink.as_mut()?;
        Some((
            Open {
                name: &self.name,
                written: &mut self.written,
            },
            sink,
        ))
    }
}

impl Open<'_> {
    /// What was written is durable, if `result` says so.
    fn close(
        &mut self,
        unit: Unit,
        result: Result<()>,
        started: Instant,
        teller: &Teller,
        observer: &dyn Observer,
    ) -> Result<()> {
        let Unit {
            ticket,
            received,
            refused,
        } = unit;
        if let Err(error) = result {
            teller.abandon(ticket);
            return Err(error);
        }
        let written = std::mem::take(self.written);
        let now = Instant::now();
        observer.committed(self.name, written, now - started);
        teller.commit(
            ticket,
            Tally {
                received,
                written,
                refused,
            },
            now,
        )
    }
}

/// A schema change or the like is done, or failed.
fn resolve(teller: &Teller, ticket: Option<Ticket>, result: Result<()>) -> Result<()> {
    match (ticket, result) {
        (Some(ticket), Ok(())) => teller.commit(ticket, Tally::default(), Instant::now()),
        (Some(ticket), Err(error)) => {
            teller.abandon(ticket);
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
