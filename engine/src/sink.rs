//! Where batches become durable.

use std::sync::Arc;

use crate::encode::Encoder;
use crate::error::Result;
use crate::schema::StreamSchema;

/// Writes one stream.
///
/// The promise of a sink, and all that moves STATE: **when [`commit`](Sink::commit) returns `Ok`, everything
/// handed to the sink before is durable.** What was written but not committed may be lost by a crash, and is then
/// sent again.
///
/// Calls for one stream come one after another, on one thread, in the order of the input. They may block.
pub trait Sink: Send {
    /// What the stream's [`Encoder`] makes.
    type Batch: Send;

    /// Accepts rows. Nothing is promised yet.
    fn write(&mut self, batch: Self::Batch) -> Result<()>;

    /// Makes everything accepted so far durable.
    fn commit(&mut self) -> Result<()>;

    /// As [`commit`](Sink::commit), in a run that commits at its STATEs only
    /// ([`Options::commits_at_states`](crate::pipeline::Options::commits_at_states)): `state` covers exactly the rows
    /// that were handed to the sinks of all streams so far (at the end of an input whose last STATE was an empty one,
    /// which is never stored: at most those rows). A sink that stores it together with the rows makes them
    /// come exactly once. Called for several streams with the same STATE, one after another.
    fn commit_state(&mut self, state: &str) -> Result<()> {
        let _ = state;
        self.commit()
    }

    /// The stream's schema changed: later batches have the new columns. Rows of the old schema were committed, unless
    /// the run commits at its end or at STATEs only.
    fn change_schema(&mut self, schema: &Arc<StreamSchema>) -> Result<()>;

    /// Removes the rows of the stream whose version is lower than `version` (ACTIVATE_VERSION).
    ///
    /// Earlier rows were committed, unless the run commits at its end or at STATEs only; otherwise the effect must be
    /// durable when this returns. The default does nothing, as is right for files that only grow.
    fn activate_version(&mut self, version: i64) -> Result<()> {
        let _ = version;
        Ok(())
    }

    /// The input ended as it should and all was committed: close what is open, publish what waits for the end.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Makes the encoder and the sink of each stream.
pub trait Destination: Send + Sync {
    /// The form that this destination writes.
    type Encoder: Encoder;
    /// What writes it.
    type Sink: Sink<Batch = <Self::Encoder as Encoder>::Batch>;

    /// The encoder of a stream, on the decoding thread; called again for each changed schema.
    fn encoder(&self, schema: &Arc<StreamSchema>) -> Result<Self::Encoder>;

    /// The sink of a stream, on its writing thread; called once, at the first SCHEMA of the stream.
    fn sink(&self, schema: &Arc<StreamSchema>) -> Result<Self::Sink>;
}
