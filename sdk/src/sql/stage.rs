//! The temporary table in which the rows of a commit wait.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use melisma_engine::columns::ABSENT;
use melisma_engine::{Error, Result};

use super::dialect::TableName;
use super::place::Place;
use super::plan::Plan;
use super::table::{create, renamed};
use super::types::SqlType;

/// The column that numbers the rows.
pub(super) const ROW: &str = "_melisma_row";

/// Rows of one plan.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) name: TableName,
    pub(super) plan: Arc<Plan>,
    /// For each column of the plan the place of its column in the table; `None` where it has none.
    pub(super) places: Vec<Option<usize>>,
    pub(super) rows: i64,
    /// For each column of the plan whether a record lacks its property. `None`: all records are complete, and the column
    /// that says what one lacks is not there.
    pub(super) lacks: Option<Vec<bool>>,
}

impl Stage {
    /// Makes the table; `partial`: for records that lack properties, too.
    pub(super) fn create(
        place: &mut Place<'_>,
        name: TableName,
        plan: &Arc<Plan>,
        places: &[Option<usize>],
        partial: bool,
    ) -> Result<Self> {
        let stage = Self {
            name,
            plan: Arc::clone(plan),
            places: places.to_vec(),
            rows: 0,
            lacks: partial.then(|| vec![false; plan.columns.len()]),
        };
        let mut columns: Vec<(&str, &SqlType)> = plan
            .columns
            .iter()
            .map(|column| (&*column.name, &column.staged))
            .collect();
        if partial {
            columns.push((ABSENT, &SqlType::Text));
        }
        columns.push((ROW, &SqlType::BigInt));
        let doing = "cannot create a temporary table";
        match create(place.dialect, &columns, &[]) {
            Some(columns) => {
                let sql = stage.name.sql(place.dialect);
                let create = place.dialect.create_stage(&sql, &columns);
                place.connection.execute(doing, &create)?;
            }
            None => place.connection.create(&stage.name, stage.columns(), true)?,
        }
        Ok(stage)
    }

    /// Whether it is for rows of this plan, some of which may lack properties.
    pub(super) fn takes(&self, plan: &Arc<Plan>, partial: bool) -> bool {
        Arc::ptr_eq(&self.plan, plan) && (self.lacks.is_some() || !partial)
    }

    /// Adds rows, and for each what it lacks.
    pub(super) fn add(
        &mut self,
        place: &mut Place<'_>,
        rows: &RecordBatch,
        absent: Option<&StringArray>,
    ) -> Result<()> {
        let count = i64::try_from(rows.num_rows()).unwrap_or(i64::MAX);
        let mut columns = rows.columns().to_vec();
        if let Some(lacks) = &mut self.lacks {
            columns.push(match absent {
                Some(absent) => {
                    note(absent, lacks);
                    Arc::new(absent.clone())
                }
                None => new_null_array(&DataType::Utf8, rows.num_rows()),
            });
        }
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(self.rows..self.rows + count));
        columns.push(numbers);
        let rows = RecordBatch::try_new(self.columns(), columns)
            .map_err(|error| Error::bug("columns that are no batch").with_source(error))?;
        place.connection.load(&self.name, rows, true)?;
        self.rows += count;
        Ok(())
    }

    fn columns(&self) -> SchemaRef {
        let columns = renamed(&self.plan);
        let absent = self
            .lacks
            .is_some()
            .then(|| Arc::new(Field::new(ABSENT, DataType::Utf8, true)));
        let row = Arc::new(Field::new(ROW, DataType::Int64, false));
        let fields = columns.fields().iter().cloned().chain(absent).chain([row]);
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Drops the table.
    pub(super) fn drop(name: &TableName, place: &mut Place<'_>) -> Result<()> {
        let drop = format!("DROP TABLE {}", name.sql(place.dialect));
        place.connection.execute("cannot drop a temporary table", &drop)
    }
}

/// Notes which columns these records lack.
fn note(absent: &StringArray, lacks: &mut [bool]) {
    for text in absent.iter().flatten() {
        for (lacks, byte) in lacks.iter_mut().zip(text.bytes()) {
            *lacks |= byte == b'1';
        }
    }
}
