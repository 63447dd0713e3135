//! Rows into a temporary table, and from there over those with the same key.
//!
//! The stage lives as long as the connection: no DDL for a batch. Rows of several batches are collected in it, as long
//! as no key comes twice, all have the same columns, and there are not too many; then one statement merges them. The
//! commit empties the stage, or a TRUNCATE when more rows follow in the same transaction.
//!
//! Where only the server knows which keys are equal, each batch is merged alone (`ordered.rs`).

use std::collections::HashSet;

use melisma_sdk::Result;

use crate::copy::{CopyBatch, Deed, Group};
use crate::keying::Keying;
use crate::merge::{self, present};
use crate::ordered::Extra;
use crate::plan::Plan;
use crate::session::{Pending, Session};
use crate::table::list;

/// Bytes of COPY text that are collected in a stage: what it makes of them stays within the session's `temp_buffers`.
const STAGED_BYTES: usize = 8 << 20;

/// The stage of one stream.
pub(crate) struct Stage {
    number: usize,
    keying: Keying,
    /// The columns that order its rows, where only the server knows which keys are equal.
    extra: Option<Extra>,
    /// The transaction in which it last got rows: they are still in it.
    used_in: Option<u64>,
}

impl Stage {
    /// Makes a stage with the columns of the plan.
    pub(crate) fn new(session: &mut Session, plan: &Plan) -> Result<Self> {
        let stage = Self {
            number: session.new_stage(),
            keying: Keying::read(session, plan)?,
            extra: (!plan.layout.exact).then(|| Extra::of(plan)),
            used_in: None,
        };
        let extra = stage.extra.as_ref().map(Extra::definitions).unwrap_or_default();
        let sql = format!(
            "create temporary table {} on commit delete rows as select {}{extra} from {} with no data",
            stage.sql(),
            list(&plan.columns),
            plan.name.sql()
        );
        session.execute(&plan.name, "cannot make a stage for", &sql)?;
        Ok(stage)
    }

    fn sql(&self) -> String {
        format!("pg_temp.melisma_stage_{}", self.number)
    }

    /// Removes the table.
    pub(crate) fn remove(&self, session: &mut Session, table: &crate::naming::TableName) -> Result<()> {
        session.execute(
            table,
            "cannot drop the stage of",
            &format!("drop table {}", self.sql()),
        )
    }

    /// Brings a batch into the stage; into the table when the next rows can not be in the stage beside them.
    pub(crate) fn write(&mut self, session: &mut Session, plan: &Plan, batch: &CopyBatch) -> Result<()> {
        if self.extra.is_some() {
            return self.write_ordered(session, plan, batch);
        }
        for group in &batch.groups {
            match group.deed {
                Deed::Delete => {
                    self.fill(session, plan, group)?;
                    let sql = merge::delete(plan, &self.keying, &self.sql());
                    session.execute(&plan.name, "cannot delete rows from", &sql)?;
                }
                Deed::Put => self.put(session, plan, group, &batch.keys)?,
            }
        }
        Ok(())
    }

    /// Brings a batch whose keys only the server can compare into the table.
    fn write_ordered(&mut self, session: &mut Session, plan: &Plan, batch: &CopyBatch) -> Result<()> {
        self.empty(session, plan)?;
        for group in &batch.groups {
            self.copy(session, plan, group)?;
        }
        match &self.extra {
            Some(extra) if !batch.groups.is_empty() => {
                extra.merge(session, plan, &self.keying, batch, &self.sql())
            }
            _ => Ok(()),
        }
    }

    /// Empties the stage and fills it with these rows.
    fn fill(&mut self, session: &mut Session, plan: &Plan, group: &Group) -> Result<()> {
        self.empty(session, plan)?;
        self.copy(session, plan, group)
    }

    fn empty(&mut self, session: &mut Session, plan: &Plan) -> Result<()> {
        session.settle()?;
        if self.used_in == Some(session.transaction()) {
            let sql = format!("truncate {}", self.sql());
            session.execute(&plan.name, "cannot empty the stage of", &sql)?;
        }
        Ok(())
    }

    fn copy(&mut self, session: &mut Session, plan: &Plan, group: &Group) -> Result<()> {
        let columns = match &self.extra {
            Some(extra) => extra.columns(plan, &group.mask),
            None => list(present(plan, &group.mask)),
        };
        let sql = format!("copy {} ({columns}) from stdin", self.sql());
        session.copy(&plan.name, &sql, group, false)?;
        self.used_in = Some(session.transaction());
        Ok(())
    }

    fn put(&mut self, session: &mut Session, plan: &Plan, group: &Group, keys: &[u64]) -> Result<()> {
        let number = self.number;
        let joins = session.pending().as_ref().is_some_and(|pending| {
            pending.stage == number
                && pending.mask == group.mask
                && pending.bytes + group.bytes() <= STAGED_BYTES
                && !keys.iter().any(|key| pending.keys.contains(key))
        });
        let pending = if joins {
            let pending = session.pending().take();
            self.copy(session, plan, group)?;
            pending
        } else {
            self.fill(session, plan, group)?;
            None
        };
        let mut pending = pending.unwrap_or_else(|| Pending {
            merge: merge::put(plan, &self.keying, &group.mask, &self.sql()),
            table: plan.name.clone(),
            stage: number,
            mask: group.mask.clone(),
            keys: HashSet::default(),
            bytes: 0,
        });
        pending.keys.extend(keys);
        pending.bytes += group.bytes();
        *session.pending() = Some(pending);
        Ok(())
    }
}
