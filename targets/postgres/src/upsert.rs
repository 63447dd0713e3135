//! Upsert: copies rows into a temporary table, and merges them into their table by key.
//!
//! Rows of several batches are collected in the stage (`stages.rs`), as long as no key comes twice, all are for the same
//! table and have the same columns, and there are not too many; then one statement merges them. Rows without a key go
//! this way, too, where the server takes no COPY into the table.
//!
//! Where only the server knows which keys are equal, each batch is merged alone (`ordered.rs`).

use std::collections::HashSet;

use melisma_sdk::Result;

use crate::copy::{CopyBatch, Group, RowOp};
use crate::keying::Keying;
use crate::merge::{self, present};
use crate::ordered::Extra;
use crate::plan::Plan;
use crate::session::{Load, Pending, Session};
use crate::stages::Stage;
use crate::staging;
use crate::table::list;

/// Bytes of COPY text that are collected in a stage: what it makes of them stays within the session's `temp_buffers`.
const STAGED_BYTES: usize = 8 << 20;

/// How the rows of one stream get from a stage into their table.
pub(crate) struct Upsert {
    keying: Keying,
    /// The columns that order the stage's rows, where only the server knows which keys are equal.
    extra: Option<Extra>,
}

impl Upsert {
    pub(crate) fn new(session: &mut Session, plan: &Plan) -> Result<Self> {
        Ok(Self {
            keying: Keying::read(session, plan)?,
            extra: (!plan.layout.exact).then(|| Extra::of(plan)),
        })
    }

    /// Brings a batch into a stage; into the table when the next rows cannot be in the stage beside them.
    pub(crate) fn write(&self, session: &mut Session, plan: &Plan, batch: &CopyBatch) -> Result<()> {
        if let Some(extra) = &self.extra {
            return self.write_ordered(session, plan, batch, extra);
        }
        for group in &batch.groups {
            match group.op {
                RowOp::Delete => {
                    let stage = self.fill(session, plan, group)?;
                    let sql = merge::delete(plan, &self.keying, &stage.sql());
                    session.execute(&plan.name, "cannot delete rows from", &sql)?;
                }
                RowOp::Put => self.put(session, plan, group, &batch.keys)?,
            }
        }
        Ok(())
    }

    /// Brings a batch whose keys only the server can compare into the table.
    fn write_ordered(
        &self,
        session: &mut Session,
        plan: &Plan,
        batch: &CopyBatch,
        extra: &Extra,
    ) -> Result<()> {
        if batch.groups.is_empty() {
            return Ok(());
        }
        let stage = self.empty(session, plan)?;
        for group in &batch.groups {
            self.copy(session, plan, stage, group)?;
        }
        extra.merge(session, plan, &self.keying, batch, &stage.sql())
    }

    /// Fills an empty stage with these rows.
    fn fill(&self, session: &mut Session, plan: &Plan, group: &Group) -> Result<Stage> {
        let stage = self.empty(session, plan)?;
        self.copy(session, plan, stage, group)?;
        Ok(stage)
    }

    fn empty(&self, session: &mut Session, plan: &Plan) -> Result<Stage> {
        session.settle()?;
        staging::empty(session, plan, self.extra.as_ref())
    }

    fn copy(&self, session: &mut Session, plan: &Plan, stage: Stage, group: &Group) -> Result<()> {
        let columns: Vec<&str> = present(plan, &group.mask).collect();
        let mut binary = plan.binary(|column| group.mask.has(column));
        let list = match &self.extra {
            Some(extra) => {
                binary = binary.map(|binary| [&binary[..], &Extra::BINARY].concat());
                extra.columns(plan, &group.mask)
            }
            None => list(columns.iter().copied()),
        };
        let load = Load {
            table: &plan.name,
            into: stage.sql(),
            columns,
            binary,
            list,
            is_stage: true,
            alone: false,
        };
        session.copy(&load, group)
    }

    fn put(&self, session: &mut Session, plan: &Plan, group: &Group, keys: &[u64]) -> Result<()> {
        let joins = |pending: &Pending| {
            pending.table == plan.name
                && pending.mask == group.mask
                && pending.tuples == group.tuples
                && pending.bytes + group.bytes() <= STAGED_BYTES
                && !keys.iter().any(|key| pending.keys.contains(key))
        };
        let mut pending = match session.pending().take_if(|pending| joins(pending)) {
            Some(pending) => {
                self.copy(session, plan, pending.stage, group)?;
                pending
            }
            None => {
                let stage = self.fill(session, plan, group)?;
                Pending {
                    merge: merge::put(plan, &self.keying, &group.mask, &stage.sql()),
                    table: plan.name.clone(),
                    stage,
                    mask: group.mask.clone(),
                    tuples: group.tuples,
                    keys: HashSet::default(),
                    bytes: 0,
                }
            }
        };
        pending.keys.extend(keys);
        pending.bytes += group.bytes();
        *session.pending() = Some(pending);
        Ok(())
    }
}
