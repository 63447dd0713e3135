//! The connection of a writing thread and the streams that it loads, in one transaction.

use std::sync::Arc;

use arrow_array::RecordBatch;
use melisma_engine::sink::{CommitMode, Sink};
use melisma_engine::{Error, Kind, Result, fault};

use super::connection::Connection;
use super::load::Load;
use super::place::Place;
use super::plan::Plan;
use super::run::Run;
use super::state::StateTable;

/// What the sinks of a writing thread share.
#[derive(Debug)]
pub struct Worker<C> {
    connection: C,
    run: Arc<Run>,
    loads: Vec<Load>,
    /// The table for STATE is there.
    has_state_table: bool,
    /// A call has failed: the transaction may be gone, and with it the rows of all streams.
    failed: bool,
}

/// Writes one stream.
#[derive(Debug)]
pub struct SqlSink<C> {
    /// Its place among those of the worker.
    number: usize,
    connection: std::marker::PhantomData<fn(C)>,
}

impl<C: Connection> Worker<C> {
    pub(super) fn new(connection: C, run: &Arc<Run>) -> Self {
        Self {
            connection,
            run: Arc::clone(run),
            loads: Vec::new(),
            has_state_table: false,
            failed: false,
        }
    }

    /// Makes a call that counts as failed unless it ends well, by a panic too.
    fn call<R>(&mut self, call: impl FnOnce(&mut Vec<Load>, &mut Place<'_>) -> Result<R>) -> Result<R> {
        if std::mem::replace(&mut self.failed, true) {
            return Err(Error::new(
                Kind::Unavailable,
                "nothing is committed after an error, which has rolled back the rows of other streams, too",
            ));
        }
        let mut place = Place {
            connection: &mut self.connection,
            dialect: &*self.run.dialect,
            evolution: self.run.config.schema_evolution,
            hard_delete: self.run.config.hard_delete,
            commits_per_stream: self.run.commit_mode() == CommitMode::PerStream,
        };
        let result = call(&mut self.loads, &mut place);
        match result {
            Ok(result) => {
                self.failed = false;
                Ok(result)
            }
            Err(error) => {
                // The error is what counts; without a transaction there is nothing to roll back.
                let _ = self.connection.rollback();
                Err(error)
            }
        }
    }

    pub(super) fn begin(&mut self, plan: &Arc<Plan>) -> Result<SqlSink<C>> {
        let overwrite = self.run.overwrites();
        self.call(|loads, place| {
            let number = loads.len();
            loads.push(Load::begin(place, plan, number, overwrite)?);
            Ok(SqlSink {
                number,
                connection: std::marker::PhantomData,
            })
        })
    }

    /// Commits the rows of all streams: a commit for one may commit those of others as well.
    fn commit(&mut self, state: Option<&str>) -> Result<()> {
        let (run, has_state_table) = (Arc::clone(&self.run), self.has_state_table);
        self.call(|loads, place| {
            commit_stages(loads, place)?;
            for load in loads.iter_mut().filter(|load| !load.waits_for_the_end()) {
                load.flush(place)?;
            }
            if let Some(state) = state {
                let table = StateTable::of(&run);
                if !has_state_table {
                    table.prepare(place)?;
                }
                fault!(SQL_STATE_BEFORE);
                table.store(place, state)?;
                fault!(SQL_STATE_AFTER);
            }
            commit(loads, place)
        })?;
        self.has_state_table |= state.is_some();
        Ok(())
    }
}

impl<C: Connection> Sink for SqlSink<C> {
    type Batch = RecordBatch;
    type Plan = Plan;
    type Worker = Worker<C>;

    fn write(&mut self, worker: &mut Worker<C>, batch: RecordBatch) -> Result<()> {
        worker.call(|loads, place| loads[self.number].write(place, &batch))
    }

    fn commit(&mut self, worker: &mut Worker<C>) -> Result<()> {
        match worker.run.commit_mode() {
            // Rows are published by `finish` alone.
            CommitMode::AtEnd => Ok(()),
            _ => worker.commit(None),
        }
    }

    fn commit_state(&mut self, worker: &mut Worker<C>, state: &str) -> Result<()> {
        worker.commit(Some(state))
    }

    fn change_plan(&mut self, worker: &mut Worker<C>, plan: &Arc<Plan>) -> Result<()> {
        worker.call(|loads, place| loads[self.number].change_plan(place, plan))
    }

    fn activate_version(&mut self, worker: &mut Worker<C>, version: i64) -> Result<()> {
        // Those of earlier runs do not stay in any case.
        if worker.run.overwrites() && !worker.loads[self.number].has_rows() {
            return Ok(());
        }
        worker.call(|loads, place| loads[self.number].activate_version(place, version))?;
        match worker.run.commit_mode() {
            CommitMode::PerStream => worker.commit(None),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, worker: &mut Worker<C>) -> Result<()> {
        // The input has ended for all streams: their tables are replaced at once, with the first that is finished.
        worker.call(|loads, place| {
            commit_stages(loads, place)?;
            for load in loads.iter_mut() {
                load.flush(place)?;
            }
            commit(loads, place)
        })
    }
}

/// Commits the stages, where that makes their rows faster to read and publishes no row: the tables may be new, or have new
/// columns, and the stages end with the connection.
fn commit_stages(loads: &[Load], place: &mut Place<'_>) -> Result<()> {
    if place.dialect.commits_stages()
        && loads.iter().any(Load::has_stages)
        && loads.iter().all(Load::is_staged)
    {
        place.connection.commit()?;
        fault!(SQL_STAGED);
    }
    Ok(())
}

/// Commits, and removes what was needed until then.
fn commit(loads: &mut [Load], place: &mut Place<'_>) -> Result<()> {
    fault!(SQL_COMMIT_BEFORE);
    place.connection.commit()?;
    fault!(SQL_COMMIT_AFTER);
    for load in loads {
        load.committed(place);
    }
    Ok(())
}
