//! The rows of a stream on their way into its table.
//!
//! Where rows are only added and fit the table as they are, they go straight into it. All others go into a temporary
//! table first, the stage, with their number beside them, and from there into the table by one statement at each commit:
//!
//! ```text
//! rows of the commit   (1, 'a') (2, 'b') (1, 'c')
//! stage                (1, 'a', 0) (2, 'b', 1) (1, 'c', 2)
//! of each key the last (2, 'b') (1, 'c')            -> merged into the table
//! ```
//!
//! The whole of it is one transaction, which ends at the commit of the worker. Where a stage that is committed is read faster,
//! a transaction with stages and no changed rows of tables is committed before it. Where a table cannot be changed once its
//! rows have changed in the transaction, rows of the old SCHEMA wait in their stage until the table has the columns of the new
//! one: then there are several stages, which are merged in their order.

use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray};
use arrow_schema::Schema;
use melisma_engine::{Error, Result, fault};

use super::dialect::{Dialect, TableName};
use super::merge::Merge;
use super::place::Place;
use super::plan::{Plan, Planned};
use super::stage::Stage;
use super::table::{Table, renamed};
use super::text;

/// A stream that is being loaded.
#[derive(Debug)]
pub(super) struct Load {
    plan: Arc<Plan>,
    table: Table,
    /// Its place among the loads of the worker, by which its stages are called.
    number: usize,
    /// Rows that wait, in their order. The last may be of another plan than the next rows.
    stages: Vec<Stage>,
    /// The number of stages so far, where each needs a name of its own.
    made: usize,
    /// Stages whose rows are on their way into the table, until the commit.
    used: Vec<TableName>,
    /// A record lacked a property.
    partial: bool,
    /// This run has written rows.
    has_rows: bool,
    /// No row is in the table, so that none needs to be replaced.
    is_empty: bool,
    old_rows: OldRows,
    transaction: Transaction,
}

/// The rows of earlier runs.
#[derive(Debug)]
enum OldRows {
    /// They stay, or are deleted.
    Done,
    /// They are to be deleted, and no others are there.
    Alone,
    /// They are to be deleted, and rows of this run are among them: the condition that they meet.
    Among(String),
}

/// What the open transaction has done to the table.
#[derive(Debug, Default)]
struct Transaction {
    has_created: bool,
    has_added_rows: bool,
    has_replaced_rows: bool,
}

impl Load {
    /// Makes the table ready.
    pub(super) fn begin(
        place: &mut Place<'_>,
        plan: &Arc<Plan>,
        number: usize,
        overwrite: bool,
    ) -> Result<Self> {
        let table = place.maker(true).prepare(plan)?;
        Ok(Self {
            number,
            stages: Vec::new(),
            made: 0,
            used: Vec::new(),
            partial: false,
            has_rows: false,
            is_empty: table.is_new,
            old_rows: if overwrite && !table.is_new {
                OldRows::Alone
            } else {
                OldRows::Done
            },
            transaction: Transaction {
                has_created: table.is_new,
                ..Transaction::default()
            },
            plan: Arc::clone(plan),
            table,
        })
    }

    /// The rows from here on are those of another plan.
    pub(super) fn change_plan(&mut self, place: &mut Place<'_>, plan: &Arc<Plan>) -> Result<()> {
        let alters = place.alters_changed_tables();
        if alters {
            self.flush(place)?;
        }
        let Transaction {
            has_created,
            has_replaced_rows,
            ..
        } = self.transaction;
        let can_alter = alters || has_created || !has_replaced_rows;
        self.table = place.maker(can_alter).prepare(plan)?;
        self.plan = Arc::clone(plan);
        Ok(())
    }

    /// Whether rows go straight into the table.
    fn is_direct(&self, dialect: &dyn Dialect) -> bool {
        let (plan, table) = (&self.plan, &self.table);
        let fits = |(column, place): (&Planned, &Option<usize>)| {
            place.is_some_and(|at| table.columns[at].1 == column.staged)
        };
        plan.key.is_empty()
            && !dialect.commits_early()
            && plan.columns.len() == table.columns.len()
            && plan.columns.iter().zip(&table.places).all(fits)
    }

    pub(super) fn write(&mut self, place: &mut Place<'_>, batch: &RecordBatch) -> Result<()> {
        self.has_rows = true;
        let plan = &self.plan;
        let (rows, absent) = plan.split(batch)?;
        plan.check_keys(&rows)?;
        let as_text: Vec<bool> = plan.columns.iter().map(|column| column.as_text).collect();
        let rows = if as_text.contains(&true) {
            text::with_texts(&rows, &as_text)?
        } else {
            rows
        };
        if self.is_direct(place.dialect) {
            return self.add(place, &rows);
        }
        self.stage(place, &rows, absent.as_ref())
    }

    /// Adds rows to the table.
    fn add(&mut self, place: &mut Place<'_>, rows: &RecordBatch) -> Result<()> {
        if !self.keeps_old(place)? {
            self.delete_old(place)?;
        }
        self.is_empty = false;
        self.transaction.has_added_rows = true;
        // In the order of the table, because a bulk load goes by the place of a column.
        let places = self.table.places.iter().flatten().enumerate();
        let mut order: Vec<(usize, usize)> = places.map(|(at, &place)| (place, at)).collect();
        order.sort_unstable();
        let order: Vec<usize> = order.into_iter().map(|(_, at)| at).collect();
        let rows = project(rows, &renamed(&self.plan), &order)?;
        place.connection.load(&self.plan.table, rows, false)
    }

    fn stage(
        &mut self,
        place: &mut Place<'_>,
        rows: &RecordBatch,
        absent: Option<&StringArray>,
    ) -> Result<()> {
        self.partial |= absent.is_some();
        let last = self.stages.last();
        if !last.is_some_and(|stage| stage.takes(&self.plan, absent.is_some())) {
            let number = self.number;
            let before = if place.dialect.commits_early() {
                self.made
            } else {
                self.stages.len()
            };
            let name = match before {
                0 => format!("_melisma_stage_{number}"),
                before => format!("_melisma_stage_{number}_{before}"),
            };
            self.made += 1;
            let name = place.dialect.stage(name);
            let stage = Stage::create(place, name, &self.plan, &self.table.places, self.partial)?;
            self.stages.push(stage);
        }
        match self.stages.last_mut() {
            Some(stage) => stage.add(place, rows, absent),
            None => Err(Error::bug("rows without a stage")),
        }
    }

    /// Whether rows of the stream are in stages only, so that a commit changes none in its table.
    pub(super) fn is_staged(&self) -> bool {
        !self.transaction.has_added_rows && !self.transaction.has_replaced_rows
    }

    /// Whether rows wait in stages.
    pub(super) fn has_stages(&self) -> bool {
        !self.stages.is_empty()
    }

    /// Brings the rows of the stages into the table.
    pub(super) fn flush(&mut self, place: &mut Place<'_>) -> Result<()> {
        self.delete_old(place)?;
        for stage in std::mem::take(&mut self.stages) {
            self.merge(place, &stage)?;
            if place.dialect.commits_early() {
                // Its rows are read at the commit.
                self.used.push(stage.name);
            } else {
                Stage::drop(&stage.name, place)?;
            }
        }
        if place.hard_delete
            && let Some(deleted) = self.plan.named("_sdc_deleted_at")
        {
            self.transaction.has_replaced_rows = true;
            let (table, column) = (
                self.plan.table.sql(place.dialect),
                place.dialect.quote(&deleted.name),
            );
            let delete = format!("DELETE FROM {table} WHERE {column} IS NOT NULL");
            place
                .connection
                .change(&format!("cannot delete from {table}"), &delete)?;
        }
        Ok(())
    }

    fn merge(&mut self, place: &mut Place<'_>, stage: &Stage) -> Result<()> {
        let merge = Merge {
            dialect: place.dialect,
            table: &self.table,
            stage,
            hard_delete: place.hard_delete,
        };
        let doing = format!("cannot load {}", stage.plan.table.sql(place.dialect));
        // A query for the keys alone costs less than to number the rows of each.
        let distinct = match merge.count_keys() {
            None => true,
            Some(count) => {
                let rows = place.connection.query("cannot read a temporary table", &count)?;
                let count = rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok());
                count == Some(stage.rows)
            }
        };
        fault!(SQL_MERGE);
        let only_new = self.is_empty
            || match merge.finds_keys().filter(|_| place.dialect.inserts_new_keys()) {
                None => false,
                Some(found) => place.connection.query(&doing, &found)?.is_empty(),
            };
        for sql in merge.statements(only_new, distinct) {
            place.connection.change(&doing, &sql)?;
        }
        fault!(SQL_MERGED);
        self.transaction.has_replaced_rows |= !self.is_empty && !stage.plan.key.is_empty();
        self.is_empty = false;
        Ok(())
    }

    /// The transaction has ended: the stages whose rows were committed are dropped. They end with the connection, or by
    /// themselves, where this fails.
    pub(super) fn committed(&mut self, place: &mut Place<'_>) {
        self.transaction = Transaction::default();
        for stage in self.used.drain(..) {
            if let Err(error) = Stage::drop(&stage, place) {
                log::warn!("{error}");
            }
        }
    }

    /// Deletes the rows of earlier runs, once.
    fn delete_old(&mut self, place: &mut Place<'_>) -> Result<()> {
        let table = self.plan.table.sql(place.dialect);
        let delete = match std::mem::replace(&mut self.old_rows, OldRows::Done) {
            OldRows::Done => return Ok(()),
            OldRows::Alone => {
                self.is_empty = true;
                place.dialect.delete_all(&table)
            }
            OldRows::Among(old) => format!("DELETE FROM {table} WHERE {old}"),
        };
        self.transaction.has_replaced_rows = true;
        place.connection.change(&format!("cannot empty {table}"), &delete)
    }

    /// Whether the rows of earlier runs stay until the end, beside those of this one, because the table could not be changed
    /// for another SCHEMA once they are deleted.
    fn keeps_old(&mut self, place: &mut Place<'_>) -> Result<bool> {
        let Some(number) = place.dialect.row_number() else {
            return Ok(false);
        };
        if matches!(self.old_rows, OldRows::Alone) && !place.alters_changed_tables() {
            let table = self.plan.table.sql(place.dialect);
            let last = format!("SELECT MAX({number}) FROM {table}");
            let last = place.connection.query(&format!("cannot read {table}"), &last)?;
            let last = last.into_iter().next().and_then(|row| row.into_iter().next()?);
            let last: i64 = last.and_then(|last| last.parse().ok()).unwrap_or(-1);
            self.old_rows = OldRows::Among(format!("{number} <= {last}"));
        }
        Ok(matches!(self.old_rows, OldRows::Among(_)))
    }

    /// Whether rows of the stages wait for the end of the run.
    pub(super) fn waits_for_the_end(&self) -> bool {
        !matches!(self.old_rows, OldRows::Done)
    }

    /// Whether this run has written rows.
    pub(super) fn has_rows(&self) -> bool {
        self.has_rows
    }

    /// Deletes or marks the rows of older versions, in the transaction.
    pub(super) fn activate_version(&mut self, place: &mut Place<'_>, version: i64) -> Result<()> {
        self.flush(place)?;
        self.transaction.has_replaced_rows = true;
        let (plan, dialect) = (&self.plan, place.dialect);
        let table = plan.table.sql(dialect);
        let deleted = plan.named("_sdc_deleted_at");
        let Some(of) = plan
            .named("_sdc_table_version")
            .filter(|_| place.hard_delete || deleted.is_some())
        else {
            log::warn!(
                "{table}: ACTIVATE_VERSION needs the _sdc_ columns (add_record_metadata), and is skipped"
            );
            return Ok(());
        };
        let of = dialect.quote(&of.name);
        let older = format!("({of} < {version} OR {of} IS NULL)");
        let sql = match deleted.filter(|_| !place.hard_delete) {
            None => format!("DELETE FROM {table} WHERE {older}"),
            Some(deleted) => {
                let deleted = dialect.quote(&deleted.name);
                let now = dialect.now();
                format!("UPDATE {table} SET {deleted} = {now} WHERE {older} AND {deleted} IS NULL")
            }
        };
        place.connection.change(
            &format!("cannot remove rows of an older version from {table}"),
            &sql,
        )
    }
}

/// The columns at these places, by these names.
fn project(rows: &RecordBatch, names: &Arc<Schema>, order: &[usize]) -> Result<RecordBatch> {
    RecordBatch::try_new(Arc::clone(names), rows.columns().to_vec())
        .and_then(|rows| rows.project(order))
        .map_err(|error| Error::bug("columns that are no batch").with_source(error))
}
