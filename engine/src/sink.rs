//! Where batches become durable: the traits that a destination implements.
//!
//! A [`Destination`] answers four questions. What becomes of a schema ([`plan`](Destination::plan))? Which form do its
//! rows take ([`encoder`](Destination::encoder))? What does a writing thread need ([`worker`](Destination::worker))? And
//! who writes a stream ([`sink`](Destination::sink))? Everything that the decoding thread decides about a stream is in
//! its plan, which travels to the writing thread with the SCHEMA, in order with the batches:
//!
//! ```text
//! decoding thread   SCHEMA -> plan -> encoder -> rows ... batch        SCHEMA -> plan -> encoder -> rows ... batch
//!                              |                        |                         |                        |
//! writing thread    worker ->  sink(worker, plan)     write(worker, batch)      change_plan(worker, plan)  write(..)
//! ```

use std::sync::Arc;

use crate::encode::Encoder;
use crate::error::{Error, Result};
use crate::schema::StreamSchema;

/// When rows become durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommitMode {
    /// Each stream is committed by itself: by rows, bytes, age, and when a STATE waits for it.
    #[default]
    PerStream,
    /// All streams are committed together, at a STATE that covers exactly their rows, which the sinks are handed
    /// ([`Sink::commit_state`]). All streams are written by one thread.
    AtStates,
    /// Only a clean end of the input makes rows durable: every sink is committed and finished once, and the only STATE
    /// emitted is the last. For destinations that replace what was there.
    AtEnd,
}

impl CommitMode {
    /// Whether a commit is one of all streams, which no stream can ask for alone.
    pub(crate) fn is_of_all_streams(self) -> bool {
        self != Self::PerStream
    }
}

/// Writes one stream.
///
/// The promise of a sink, and all that moves STATE: **when [`commit`](Sink::commit) returns `Ok`, everything
/// handed to the sink before is durable.** What was written but not committed may be lost by a crash, and is then
/// sent again.
///
/// Calls for one stream come one after another, on one thread, in the order of the input. They may block.
///
/// **Between a sink's `write` and its `commit`, sinks of other streams write and commit**: those of the same thread in
/// between, those of other threads at the same time. Two connections of which each waits for what the other has locked
/// would wait for ever. So what is locked while rows are written (a database's transaction, a file for all streams)
/// belongs to the [`Worker`](Sink::Worker), which all sinks of a thread are handed in turn. A commit for one of them then
/// commits the rows of the others as well, which is allowed. After an error that has rolled their rows back, too, none of
/// them may say any more that it has committed.
pub trait Sink {
    /// What the stream's [`Encoder`] makes.
    type Batch: Send;

    /// What was decided about the stream when its schema was read ([`Destination::plan`]).
    type Plan;

    /// What all sinks of a writing thread share ([`Destination::worker`]).
    type Worker;

    /// Accepts rows. Nothing is promised yet.
    fn write(&mut self, worker: &mut Self::Worker, batch: Self::Batch) -> Result<()>;

    /// Makes everything accepted so far durable.
    fn commit(&mut self, worker: &mut Self::Worker) -> Result<()>;

    /// As [`commit`](Sink::commit), in a run that commits at its STATEs only ([`CommitMode::AtStates`]): `state` covers
    /// exactly the rows that were handed to the sinks of all streams so far (at the end of an input whose last STATE was
    /// an empty one, which is never stored: at most those rows). A sink that stores it together with the rows makes them
    /// come exactly once. Called for several streams with the same STATE, one after another.
    fn commit_state(&mut self, worker: &mut Self::Worker, state: &str) -> Result<()> {
        let _ = state;
        self.commit(worker)
    }

    /// The stream's schema changed: later batches are encoded for this plan. Rows of the old one were committed, unless
    /// all streams are committed together ([`CommitMode`]).
    fn change_plan(&mut self, worker: &mut Self::Worker, plan: &Arc<Self::Plan>) -> Result<()>;

    /// Removes the rows of the stream whose version is lower than `version` (ACTIVATE_VERSION). Called only
    /// where sinks do so ([`ActivateVersion::Apply`](crate::pipeline::ActivateVersion::Apply)).
    ///
    /// Earlier rows were committed, unless all streams are committed together; otherwise the effect must be durable when
    /// this returns.
    fn activate_version(&mut self, worker: &mut Self::Worker, version: i64) -> Result<()> {
        let _ = (worker, version);
        Err(Error::bug(
            "the destination says that it applies ACTIVATE_VERSION, but its sink does not",
        ))
    }

    /// The input ended as it should and all was committed: close what is open, publish what waits for the end.
    fn finish(&mut self, worker: &mut Self::Worker) -> Result<()> {
        let _ = worker;
        Ok(())
    }
}

/// Plans each stream, and makes its encoder and its sink.
pub trait Destination: Send + Sync {
    /// What is decided about a stream when its schema is read: columns, types, names. Where there is nothing to decide it
    /// is the [`StreamSchema`] itself.
    type Plan: Send + Sync;
    /// The form that this destination writes.
    type Encoder: Encoder;
    /// What the sinks of one writing thread share: a connection, or `()`. Made, used and dropped on that thread.
    type Worker;
    /// What writes one stream.
    type Sink: Sink<Batch = <Self::Encoder as Encoder>::Batch, Plan = Self::Plan, Worker = Self::Worker>;

    /// The plan for a schema, on the decoding thread. `previous` is the stream's plan so far; `None` for its first SCHEMA.
    ///
    /// An error refuses the SCHEMA: what came before it is committed, and the run ends.
    fn plan(&self, schema: &Arc<StreamSchema>, previous: Option<&Arc<Self::Plan>>)
    -> Result<Arc<Self::Plan>>;

    /// The encoder for the rows of a plan, on the decoding thread.
    fn encoder(&self, plan: &Arc<Self::Plan>) -> Result<Self::Encoder>;

    /// The plan that an encoder has come to, which the next [`plan`](Destination::plan) of the stream has as its
    /// `previous`; asked for when all batches of the encoder are with the sink. An encoder may change the plan in the
    /// middle of a stream, for a value that does not fit; it then hands the new plan to the sink in its batch.
    fn current_plan(&self, planned: &Arc<Self::Plan>, encoder: &Self::Encoder) -> Arc<Self::Plan> {
        let _ = encoder;
        Arc::clone(planned)
    }

    /// What the sinks of one writing thread share. Called at most once for each thread, on that thread, before its first
    /// sink is made.
    fn worker(&self) -> Result<Self::Worker>;

    /// The sink of a stream, on its writing thread; called once, with the plan for the first SCHEMA of the stream.
    fn sink(&self, worker: &mut Self::Worker, plan: &Arc<Self::Plan>) -> Result<Self::Sink>;
}
