//! From rows to batches for the tables that they go into.
//!
//! A value that its column does not hold widens the column, where the settings allow that. The encoder decides so by a new
//! plan, for which it needs no server, and hands it to the sink together with the first rows that need it:
//!
//! ```text
//! rows 1, 2       plan 1: "x" is a bigint      batch: [(plan 1, rows 1 2), (plan 2, rows 3 4)]
//! row 3: "ten"    plan 2: "x" is a text
//! row 4
//! ```

use std::sync::Arc;

use melisma_sdk::files::Pool;
use melisma_sdk::internal::copied::Column;
use melisma_sdk::{Encoder, Error, Result, Row, show};

use crate::copy::{CopyBatch, CopyEncoder, PassedOn, PassedTuples, Unwritten};
use crate::plan::{Plan, replan};
use crate::run::Run;

/// Writes rows as COPY lines for a table that their values may widen.
#[derive(Debug)]
pub struct TableEncoder {
    run: Arc<Run>,
    /// The plan that the lines are written for.
    plan: Arc<Plan>,
    copy: CopyEncoder,
    /// Lines for the plans before it.
    earlier: Vec<(Arc<Plan>, CopyBatch)>,
    earlier_rows: usize,
    /// The plan of the last batch, which the sink knows.
    handed: Arc<Plan>,
    /// How rows that come as lines of COPY are passed on under this plan.
    passed_on: Option<PassedOn>,
    /// The same of those that come as tuples.
    passed_tuples: Option<PassedTuples>,
}

/// Rows for one table, each part with the plan that its lines are written for.
#[derive(Debug)]
pub struct TableBatch {
    pub(crate) parts: Vec<(Arc<Plan>, CopyBatch)>,
}

impl TableEncoder {
    pub(crate) fn new(run: &Arc<Run>, plan: &Arc<Plan>, pool: &Arc<Pool>) -> Self {
        Self {
            run: Arc::clone(run),
            copy: CopyEncoder::new(&plan.layout, pool),
            plan: Arc::clone(plan),
            earlier: Vec::new(),
            earlier_rows: 0,
            handed: Arc::clone(plan),
            passed_on: None,
            passed_tuples: None,
        }
    }

    /// The plan that the sink follows when it has every batch. One that no row has needed in the end is forgotten: its
    /// record was refused for something else.
    pub(crate) fn handed_plan(&self) -> &Arc<Plan> {
        &self.handed
    }

    /// A row that was not written: refused, or to be written when the columns of these values hold more.
    #[cold]
    fn widen(&mut self, row: &Row<'_>, unwritten: Unwritten) -> Result<()> {
        let columns = match unwritten {
            Unwritten::Refused(error) => return Err(error),
            Unwritten::Widens(columns) => columns,
        };
        let names = &self.plan.layout.names;
        let properties: Vec<&str> = columns.iter().map(|&column| &*names[column]).collect();
        let wide = replan(&self.run.rules, self.plan.newest(), &properties)?;
        // The columns are no longer those of the source.
        self.passed_on = None;
        self.passed_tuples = None;
        self.end_part();
        self.plan = Arc::new(wide);
        self.copy.change_layout(&self.plan.layout);
        self.copy.push(row).map_err(|unwritten| match unwritten {
            Unwritten::Refused(error) => error,
            Unwritten::Widens(columns) => Error::bug(format!(
                "{}: does not hold what it was widened for",
                show(&self.plan.layout.names[columns[0]])
            )),
        })
    }
}

impl TableEncoder {
    /// The next rows cannot be among those so far.
    #[cold]
    fn end_part(&mut self) {
        self.earlier_rows += self.copy.rows();
        self.earlier.push((Arc::clone(&self.plan), self.copy.finish()));
    }
}

impl Encoder for TableEncoder {
    type Batch = TableBatch;

    #[inline]
    fn push(&mut self, row: &Row<'_>) -> Result<()> {
        if self.copy.holds_tuples() {
            self.end_part();
        }
        match self.copy.push(row) {
            Ok(()) => Ok(()),
            Err(unwritten) => self.widen(row, unwritten),
        }
    }

    fn takes_copied(&mut self, columns: &[Column]) -> bool {
        self.passed_on = PassedOn::of(&self.plan.layout, &self.plan.schema, columns);
        self.passed_on.is_some()
    }

    #[inline]
    fn push_copied(&mut self, fields: &str, row: &Row<'_>) -> Result<bool> {
        if self.copy.holds_tuples() {
            self.end_part();
        }
        match &self.passed_on {
            Some(how) => self.copy.push_copied(how, fields, row).map(|()| true),
            None => Ok(false),
        }
    }

    fn takes_tuples(&mut self, columns: &[Column]) -> bool {
        let passed_on = PassedOn::of(&self.plan.layout, &self.plan.schema, columns);
        let binary = self.plan.binary(|_| true);
        self.passed_tuples = passed_on.zip(binary).and_then(|(passed_on, binary)| {
            PassedTuples::of(&self.plan.layout, &passed_on, columns, &binary)
        });
        self.passed_tuples.is_some()
    }

    #[inline]
    fn push_tuple(&mut self, tuple: &[u8], row: &Row<'_>) -> Result<bool> {
        Ok(match &self.passed_tuples {
            Some(how) => self.copy.push_tuple(how, tuple, row),
            None => false,
        })
    }

    fn rows(&self) -> usize {
        self.earlier_rows + self.copy.rows()
    }

    fn bytes(&self) -> usize {
        let earlier = self.earlier.iter().map(|(_, batch)| batch.bytes());
        earlier.sum::<usize>() + self.copy.bytes()
    }

    fn finish(&mut self) -> Result<TableBatch> {
        let mut parts = std::mem::take(&mut self.earlier);
        self.earlier_rows = 0;
        parts.push((Arc::clone(&self.plan), self.copy.finish()));
        self.handed = Arc::clone(&self.plan);
        Ok(TableBatch { parts })
    }
}
