//! The kill points around the calls of a destination and its sinks: a decorator, so that the pipeline need not know of
//! them. In a release each of its calls is the decorated one.

use std::sync::Arc;

use crate::error::Result;
use crate::fault;
use crate::schema::StreamSchema;
use crate::sink::{Destination, Sink};

/// A destination, or a sink of one, with a kill point before and after each call that writes.
pub(crate) struct KillPoints<T>(pub(crate) T);

impl<D: Destination> Destination for KillPoints<&D> {
    type Plan = D::Plan;
    type Encoder = D::Encoder;
    type Worker = D::Worker;
    type Sink = KillPoints<D::Sink>;

    fn plan(&self, schema: &Arc<StreamSchema>, previous: Option<&Arc<D::Plan>>) -> Result<Arc<D::Plan>> {
        self.0.plan(schema, previous)
    }

    fn encoder(&self, plan: &Arc<D::Plan>) -> Result<D::Encoder> {
        self.0.encoder(plan)
    }

    fn current_plan(&self, planned: &Arc<D::Plan>, encoder: &D::Encoder) -> Arc<D::Plan> {
        self.0.current_plan(planned, encoder)
    }

    fn worker(&self) -> Result<D::Worker> {
        self.0.worker()
    }

    fn sink(&self, worker: &mut D::Worker, plan: &Arc<D::Plan>) -> Result<Self::Sink> {
        fault!(SINK_OPEN_BEFORE);
        let sink = self.0.sink(worker, plan)?;
        fault!(SINK_OPEN_AFTER);
        Ok(KillPoints(sink))
    }
}

impl<S: Sink> Sink for KillPoints<S> {
    type Batch = S::Batch;
    type Plan = S::Plan;
    type Worker = S::Worker;

    fn write(&mut self, worker: &mut S::Worker, batch: S::Batch) -> Result<()> {
        fault!(SINK_WRITE_BEFORE);
        self.0.write(worker, batch)?;
        fault!(SINK_WRITE_AFTER);
        Ok(())
    }

    fn commit(&mut self, worker: &mut S::Worker) -> Result<()> {
        fault!(SINK_COMMIT_BEFORE);
        self.0.commit(worker)?;
        fault!(SINK_COMMIT_AFTER);
        Ok(())
    }

    fn commit_state(&mut self, worker: &mut S::Worker, state: &str) -> Result<()> {
        fault!(SINK_COMMIT_BEFORE);
        self.0.commit_state(worker, state)?;
        fault!(SINK_COMMIT_AFTER);
        Ok(())
    }

    fn change_plan(&mut self, worker: &mut S::Worker, plan: &Arc<S::Plan>) -> Result<()> {
        fault!(SINK_SCHEMA_BEFORE);
        self.0.change_plan(worker, plan)?;
        fault!(SINK_SCHEMA_AFTER);
        Ok(())
    }

    fn activate_version(&mut self, worker: &mut S::Worker, version: i64) -> Result<()> {
        fault!(SINK_ACTIVATE_BEFORE);
        self.0.activate_version(worker, version)?;
        fault!(SINK_ACTIVATE_AFTER);
        Ok(())
    }

    fn finish(&mut self, worker: &mut S::Worker) -> Result<()> {
        fault!(SINK_FINISH_BEFORE);
        self.0.finish(worker)?;
        fault!(SINK_FINISH_AFTER);
        Ok(())
    }
}
