//! Rows into a temporary table, and from there over those with the same key.
//!
//! The stage lives as long as the connection: no DDL for a batch. Rows of several batches are collected in it, as long
//! as no key comes twice, all have the same columns, and there are not too many; then one statement merges them. The
//! commit empties the stage, or a TRUNCATE when more rows follow in the same transaction.

use std::collections::HashSet;

use melisma_postgres::identifier;
use melisma_sdk::Result;

use crate::copy::{CopyBatch, Deed, Group, Mask};
use crate::plan::Plan;
use crate::session::{Pending, Session};
use crate::table::list;

/// Bytes of COPY text that are collected in a stage: what it makes of them stays within the session's `temp_buffers`.
const STAGED_BYTES: usize = 8 << 20;

/// The stage of one stream.
pub(crate) struct Stage {
    number: usize,
    /// The transaction in which it last got rows: they are still in it.
    used_in: Option<u64>,
}

impl Stage {
    /// Makes a stage with the columns of the plan.
    pub(crate) fn new(session: &mut Session, plan: &Plan) -> Result<Self> {
        let stage = Self {
            number: session.new_stage(),
            used_in: None,
        };
        let sql = format!(
            "create temporary table {} on commit delete rows as select {} from {} with no data",
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
    pub(crate) fn drop(&self, session: &mut Session, table: &crate::naming::TableName) -> Result<()> {
        session.execute(
            table,
            "cannot drop the stage of",
            &format!("drop table {}", self.sql()),
        )
    }

    /// Brings a batch into the stage; into the table when the next rows can not be in the stage beside them.
    pub(crate) fn write(&mut self, session: &mut Session, plan: &Plan, batch: &CopyBatch) -> Result<()> {
        for group in &batch.groups {
            match group.deed {
                Deed::Delete => {
                    self.fill(session, plan, group)?;
                    session.execute(&plan.name, "cannot delete rows from", &self.delete(plan))?;
                }
                Deed::Put => self.put(session, plan, group, &batch.keys)?,
            }
        }
        Ok(())
    }

    /// Empties the stage and fills it with these rows.
    fn fill(&mut self, session: &mut Session, plan: &Plan, group: &Group) -> Result<()> {
        session.settle()?;
        if self.used_in == Some(session.transaction()) {
            let sql = format!("truncate {}", self.sql());
            session.execute(&plan.name, "cannot empty the stage of", &sql)?;
        }
        self.copy(session, plan, group)
    }

    fn copy(&mut self, session: &mut Session, plan: &Plan, group: &Group) -> Result<()> {
        let columns = list(present(plan, &group.mask));
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
            merge: self.merge(plan, &group.mask),
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

    fn merge(&self, plan: &Plan, mask: &Mask) -> String {
        let columns = list(present(plan, mask));
        let updates: Vec<String> = present(plan, mask)
            .skip(plan.key.len())
            .map(|column| {
                let column = identifier(column);
                format!("{column} = excluded.{column}")
            })
            .collect();
        let resolution = match updates.as_slice() {
            [] => "nothing".to_owned(),
            updates => format!("update set {}", updates.join(", ")),
        };
        format!(
            "insert into {} ({columns}) select {columns} from {} on conflict ({}) do {resolution}",
            plan.name.sql(),
            self.sql(),
            list(&plan.key)
        )
    }

    fn delete(&self, plan: &Plan) -> String {
        let same: Vec<String> = plan
            .key
            .iter()
            .map(|column| {
                let column = identifier(column);
                format!("t.{column} = s.{column}")
            })
            .collect();
        format!(
            "delete from {} t using {} s where {}",
            plan.name.sql(),
            self.sql(),
            same.join(" and ")
        )
    }
}

/// The columns that a mask has, in the order of the COPY.
fn present<'p>(plan: &'p Plan, mask: &'p Mask) -> impl Iterator<Item = &'p str> {
    let columns = plan.columns.iter().enumerate();
    columns
        .filter(|(column, _)| mask.has(*column))
        .map(|(_, name)| &**name)
}
