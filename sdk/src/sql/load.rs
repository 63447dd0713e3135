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
//! The whole of it is one transaction, which ends at the commit of the worker.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use melisma_engine::{Error, Result};

use super::config::Evolution;
use super::connection::Connection;
use super::dialect::TableName;
use super::dialect::{Dialect, Upsert};
use super::plan::Plan;
use super::table::{Maker, Table, create, quoted, renamed};
use super::text;
use super::types::SqlType;

/// The column of a stage that numbers its rows.
const ROW: &str = "_melisma_row";
/// 1 for the last row of each key.
const RANK: &str = "_melisma_rank";

/// What every statement needs.
pub(super) struct Place<'a> {
    pub(super) connection: &'a mut dyn Connection,
    pub(super) dialect: &'a dyn Dialect,
    pub(super) evolution: Evolution,
    pub(super) hard_delete: bool,
    /// A commit comes before each changed SCHEMA.
    pub(super) commits_per_stream: bool,
}

/// A stream that is being loaded.
#[derive(Debug)]
pub(super) struct Load {
    plan: Arc<Plan>,
    table: Table,
    /// Its place among the streams of its worker.
    number: usize,
    stage: TableName,
    /// The rows in the stage, which is there when they are more than none.
    staged: i64,
    /// Stages whose rows are on their way into the table, until the commit.
    used: Vec<TableName>,
    /// The number of them that there were.
    stages: usize,
    /// No row is in the table, so that none needs to be replaced.
    is_empty: bool,
    /// Rows of earlier runs are still there, and are to be deleted.
    replaces_all: bool,
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
        let mut load = Self {
            number,
            stage: place.dialect.stage(format!("_melisma_stage_{number}")),
            staged: 0,
            used: Vec::new(),
            stages: 0,
            is_empty: table.is_new,
            replaces_all: overwrite && !table.is_new,
            plan: Arc::clone(plan),
            table,
        };
        if load.is_direct(place.dialect) {
            load.delete_old(place)?;
        }
        Ok(load)
    }

    /// The rows from here on are those of another plan.
    pub(super) fn change_plan(&mut self, place: &mut Place<'_>, plan: &Arc<Plan>) -> Result<()> {
        self.flush(place)?;
        let is_new = self.table.is_new;
        let can_alter = place.commits_per_stream || place.dialect.alters_changed_tables();
        self.table = place.maker(can_alter).prepare(plan)?;
        self.table.is_new |= is_new;
        self.plan = Arc::clone(plan);
        Ok(())
    }

    /// Whether rows go straight into the table.
    fn is_direct(&self, dialect: &dyn Dialect) -> bool {
        let (plan, table) = (&self.plan, &self.table);
        let fits = |(column, place): (&super::plan::Planned, &Option<usize>)| {
            place.is_some_and(|at| table.columns[at].1 == column.staged)
        };
        plan.key.is_empty()
            && !dialect.commits_early()
            && plan.columns.len() == table.columns.len()
            && plan.columns.iter().zip(&table.places).all(fits)
    }

    pub(super) fn write(&mut self, place: &mut Place<'_>, batch: &RecordBatch) -> Result<()> {
        let plan = &self.plan;
        plan.check_keys(batch)?;
        let as_text: Vec<bool> = plan.columns.iter().map(|column| column.as_text).collect();
        let rows = if as_text.contains(&true) {
            text::with_texts(batch, &as_text)?
        } else {
            batch.clone()
        };
        if self.is_direct(place.dialect) {
            // In the order of the table, because a bulk load goes by the place of a column.
            let mut order: Vec<(usize, usize)> = self
                .table
                .places
                .iter()
                .flatten()
                .copied()
                .enumerate()
                .map(|(at, place)| (place, at))
                .collect();
            order.sort_unstable();
            let order: Vec<usize> = order.into_iter().map(|(_, at)| at).collect();
            let rows = project(&rows, &renamed(plan), &order)?;
            return place.connection.load(&plan.table, rows, false);
        }
        self.stage_rows(place, &rows)
    }

    fn stage_rows(&mut self, place: &mut Place<'_>, rows: &RecordBatch) -> Result<()> {
        let plan = &self.plan;
        if self.staged == 0 {
            let mut columns: Vec<(&str, &SqlType)> = plan
                .columns
                .iter()
                .map(|column| (&*column.name, &column.staged))
                .collect();
            columns.push((ROW, &SqlType::BigInt));
            match create(place.dialect, &columns, &[]) {
                Some(columns) => {
                    let sql = self.stage.sql(place.dialect);
                    let create = place.dialect.create_stage(&sql, &columns);
                    place
                        .connection
                        .execute("cannot create a temporary table", &create)?;
                }
                None => place
                    .connection
                    .create(&self.stage, with_row(&renamed(plan)), true)?,
            }
        }
        let count = i64::try_from(rows.num_rows()).unwrap_or(i64::MAX);
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(self.staged..self.staged + count));
        let columns = rows.columns().iter().cloned().chain([numbers]).collect();
        let rows = RecordBatch::try_new(with_row(&renamed(plan)), columns).map_err(no_batch)?;
        place.connection.load(&self.stage, rows, true)?;
        self.staged += count;
        Ok(())
    }

    /// Brings the rows of the stage into the table.
    pub(super) fn flush(&mut self, place: &mut Place<'_>) -> Result<()> {
        self.delete_old(place)?;
        if self.staged > 0 {
            let doing = format!("cannot load {}", self.plan.table.sql(place.dialect));
            for sql in self.statements(place)? {
                place.connection.change(&doing, &sql)?;
            }
            self.staged = 0;
            self.is_empty = false;
            self.stages += 1;
            let (number, stages) = (self.number, self.stages);
            if place.dialect.commits_early() {
                // Its rows are read at the commit, so the next rows go into another one.
                let next = place.dialect.stage(format!("_melisma_stage_{number}_{stages}"));
                self.used.push(std::mem::replace(&mut self.stage, next));
            } else {
                let drop = format!("DROP TABLE {}", self.stage.sql(place.dialect));
                place.connection.execute("cannot drop a temporary table", &drop)?;
            }
        }
        if place.hard_delete
            && let Some(deleted) = self.plan.named("_sdc_deleted_at")
        {
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

    /// Deletes the rows of earlier runs, once.
    fn delete_old(&mut self, place: &mut Place<'_>) -> Result<()> {
        if !std::mem::take(&mut self.replaces_all) {
            return Ok(());
        }
        let table = self.plan.table.sql(place.dialect);
        self.is_empty = true;
        let delete = place.dialect.delete_all(&table);
        place.connection.change(&format!("cannot empty {table}"), &delete)
    }

    /// Drops the stages whose rows were committed. They end with the connection, or by themselves, where this fails.
    pub(super) fn drop_used(&mut self, place: &mut Place<'_>) {
        for stage in self.used.drain(..) {
            let sql = stage.sql(place.dialect);
            let doing = "cannot drop a temporary table";
            if let Err(error) = place.connection.execute(doing, &format!("DROP TABLE {sql}")) {
                log::warn!("{error}");
            }
        }
    }

    /// Whether rows of the stage wait for the end of the run.
    pub(super) fn waits_for_the_end(&self) -> bool {
        self.replaces_all
    }

    /// The statements that bring the rows of the stage into the table.
    fn statements(&self, place: &mut Place<'_>) -> Result<Vec<String>> {
        let dialect = place.dialect;
        let table = self.plan.table.sql(dialect);
        let columns = self.columns(dialect);
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let list = quoted(dialect, &names);
        let source = self.source(place, &columns)?;
        let insert = format!("INSERT INTO {table} ({list}) {source}");
        let key: Vec<&str> = self.plan.key.iter().map(|&at| self.name(at)).collect();
        if key.is_empty() || self.is_empty {
            return Ok(vec![insert]);
        }
        Ok(match dialect.upsert() {
            Upsert::Merge => vec![merge(dialect, (&table, &source), &names, &key)],
            Upsert::DeleteUsing => {
                let stage = self.stage.sql(dialect);
                let on = self.plan.key.iter().map(|&at| {
                    let name = dialect.quote(self.name(at));
                    format!("{table}.{name} = {}", self.staged_key(dialect, &stage, at))
                });
                let on = on.collect::<Vec<_>>().join(" AND ");
                vec![format!("DELETE FROM {table} USING {stage} WHERE {on}"), insert]
            }
            Upsert::DeleteInsert => {
                let (stage, keys) = (self.stage.sql(dialect), quoted(dialect, &key));
                let staged = self.plan.key.iter().map(|&at| self.expression(dialect, at));
                let staged = staged.collect::<Vec<_>>().join(", ");
                vec![
                    format!("DELETE FROM {table} WHERE ({keys}) IN (SELECT {staged} FROM {stage})"),
                    insert,
                ]
            }
        })
    }

    /// A query for the rows of the stage, of each key the last.
    fn source(&self, place: &mut Place<'_>, columns: &[(&str, String)]) -> Result<String> {
        let dialect = place.dialect;
        let (stage, rank) = (self.stage.sql(dialect), dialect.quote(RANK));
        let list: Vec<String> = columns
            .iter()
            .map(|(name, value)| format!("{value} AS {}", dialect.quote(name)))
            .collect();
        let list = list.join(", ");
        let key: Vec<String> = self
            .plan
            .key
            .iter()
            .map(|&at| self.expression(dialect, at))
            .collect();
        let key = key.join(", ");
        // A query for the keys alone costs less than to number the rows of each.
        if key.is_empty() || self.has_distinct_keys(place, &stage, &key)? {
            return Ok(format!("SELECT {list} FROM {stage}"));
        }
        let row = dialect.quote(ROW);
        Ok(format!(
            "SELECT {list} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {row} DESC) AS {rank} \
             FROM {stage}) AS ranked WHERE {rank} = 1"
        ))
    }

    fn has_distinct_keys(&self, place: &mut Place<'_>, stage: &str, key: &str) -> Result<bool> {
        let count = format!("SELECT COUNT(*) FROM (SELECT DISTINCT {key} FROM {stage}) AS keys");
        let rows = place.connection.query("cannot read a temporary table", &count)?;
        let count = rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok());
        Ok(count == Some(self.staged))
    }

    /// The columns of the table that the rows have, and the expression of each over the stage.
    fn columns(&self, dialect: &dyn Dialect) -> Vec<(&str, String)> {
        let all = 0..self.plan.columns.len();
        all.filter(|&at| self.table.places[at].is_some())
            .map(|at| (self.name(at), self.expression(dialect, at)))
            .collect()
    }

    /// The name of a column in the table; in another case than the property's, where case does not count.
    fn name(&self, at: usize) -> &str {
        self.table.places[at].map_or(&self.plan.columns[at].name, |place| &self.table.columns[place].0)
    }

    fn expression(&self, dialect: &dyn Dialect, at: usize) -> String {
        self.converted(dialect, dialect.quote(&self.plan.columns[at].name), at)
    }

    /// A value of the stage in the type of the table.
    fn converted(&self, dialect: &dyn Dialect, value: String, at: usize) -> String {
        let column = &self.plan.columns[at];
        match self.table.places[at].map(|place| &self.table.columns[place].1) {
            Some(there) if *there != column.staged => dialect.cast(&value, &column.staged, there),
            _ => value,
        }
    }

    /// The key of a row of the stage, in a statement with other tables.
    fn staged_key(&self, dialect: &dyn Dialect, stage: &str, at: usize) -> String {
        let column = &self.plan.columns[at];
        let name = format!("{stage}.{}", dialect.quote(&column.name));
        self.converted(dialect, name, at)
    }

    /// Deletes or marks the rows of older versions, in the transaction.
    pub(super) fn activate_version(&mut self, place: &mut Place<'_>, version: i64) -> Result<()> {
        self.flush(place)?;
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

fn merge(dialect: &dyn Dialect, (table, source): (&str, &str), names: &[&str], key: &[&str]) -> String {
    let join = |parts: Vec<String>, by: &str| parts.join(by);
    let on = key
        .iter()
        .map(|name| dialect.quote(name))
        .map(|name| format!("stored.{name} = staged.{name}"));
    let set = names
        .iter()
        .filter(|name| !key.contains(name))
        .map(|name| dialect.quote(name));
    let set = join(set.map(|name| format!("{name} = staged.{name}")).collect(), ", ");
    let matched = if set.is_empty() {
        String::new()
    } else {
        format!(" WHEN MATCHED THEN UPDATE SET {set}")
    };
    let values = join(
        names
            .iter()
            .map(|name| format!("staged.{}", dialect.quote(name)))
            .collect(),
        ", ",
    );
    format!(
        "MERGE INTO {table} AS stored USING ({source}) AS staged ON {}{matched} WHEN NOT MATCHED THEN INSERT ({}) VALUES ({values})",
        join(on.collect(), " AND "),
        quoted(dialect, names)
    )
}

/// The columns at these places, by these names.
fn project(rows: &RecordBatch, names: &Arc<Schema>, order: &[usize]) -> Result<RecordBatch> {
    RecordBatch::try_new(Arc::clone(names), rows.columns().to_vec())
        .and_then(|rows| rows.project(order))
        .map_err(no_batch)
}

fn with_row(columns: &Arc<Schema>) -> Arc<Schema> {
    let row = Arc::new(Field::new(ROW, DataType::Int64, false));
    Arc::new(Schema::new(
        columns.fields().iter().cloned().chain([row]).collect::<Vec<_>>(),
    ))
}

fn no_batch(error: arrow_schema::ArrowError) -> Error {
    Error::bug("columns that are no batch").with_source(error)
}

impl Place<'_> {
    fn maker(&mut self, can_alter: bool) -> Maker<'_> {
        Maker {
            connection: self.connection,
            dialect: self.dialect,
            evolution: self.evolution,
            can_alter,
        }
    }
}
