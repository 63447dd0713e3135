//! What becomes of a stream: its table and the columns of its rows.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch, StringArray};
use arrow_schema::SchemaRef;

use melisma_engine::columns::{ColumnOptions, Columns};
use melisma_engine::error::show;
use melisma_engine::schema::StreamSchema;
use melisma_engine::{Error, Result};

use super::config::SqlConfig;
use super::dialect::TableName;
use super::name::column_names;
use super::types::SqlType;
use super::{Dialect, text};

/// The table of a stream and the columns of its rows, as its SCHEMA and the dialect have them. What the table is like in the
/// database is found out on the writing thread, in the transaction that changes it.
#[derive(Debug)]
pub struct Plan {
    pub(super) schema: Arc<StreamSchema>,
    pub(super) table: TableName,
    /// One for each property, in the order of the schema.
    pub(super) columns: Vec<Planned>,
    /// The key by which rows replace each other, as indices of `columns`; empty where rows are only added.
    pub(super) key: Vec<usize>,
    /// The columns of a batch, after [`text`] has changed them.
    pub(super) arrow: SchemaRef,
}

/// A column of the rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) sql_type: SqlType,
    /// The type of its values in the stage.
    pub(super) staged: SqlType,
    /// Its values are made text before they are handed over.
    pub(super) as_text: bool,
}

impl Plan {
    pub(super) fn new(
        schema: &Arc<StreamSchema>,
        (config, replaces): (&SqlConfig, bool),
        dialect: &dyn Dialect,
    ) -> Result<Self> {
        let within = |error: Error| error.in_stream(&schema.stream);
        if config.primary_key_required && schema.key.is_empty() {
            return Err(
                Error::input("expected key properties (primary_key_required), found none")
                    .in_stream(&schema.stream),
            );
        }
        let table = TableName::of_stream(&schema.stream, config.default_target_schema.as_deref(), dialect);
        let names =
            column_names(schema.columns.iter().map(|column| &*column.name), dialect).map_err(within)?;
        let arrow = Arc::clone(Columns::new(schema, ColumnOptions::default()).schema());
        let columns: Vec<Planned> = arrow
            .fields()
            .iter()
            .zip(&schema.columns)
            .zip(names)
            .map(|((field, column), name)| {
                let sql_type = SqlType::of(field.data_type(), column.data_type);
                let as_text = dialect.stores_as_text(&sql_type);
                let sql_type = if as_text {
                    stored(sql_type, dialect)
                } else {
                    sql_type
                };
                Planned {
                    name,
                    staged: dialect.staged(&sql_type),
                    sql_type,
                    as_text,
                }
            })
            .collect();
        let as_text: Vec<bool> = columns.iter().map(|column| column.as_text).collect();
        Ok(Self {
            schema: Arc::clone(schema),
            table: table.map_err(within)?,
            key: if replaces { schema.key.clone() } else { Vec::new() },
            arrow: text::schema(&arrow, &as_text),
            columns,
        })
    }

    /// The column that has this metadata name, if the rows have it.
    pub(super) fn named(&self, property: &str) -> Option<&Planned> {
        let at = self
            .schema
            .columns
            .iter()
            .position(|column| &*column.name == property)?;
        self.columns.get(at)
    }

    /// Whether batches say which properties their records lack: where rows replace others, such a property stays as it was.
    pub(super) fn notes_absent(&self) -> bool {
        !self.key.is_empty()
    }

    /// How the rows become columns.
    pub(super) fn options(&self) -> ColumnOptions {
        ColumnOptions {
            absent: self.notes_absent(),
            ..ColumnOptions::default()
        }
    }

    /// A batch of the encoder as the columns of the plan, and what its records lack, if one lacks anything.
    pub(super) fn split(&self, batch: &RecordBatch) -> Result<(RecordBatch, Option<StringArray>)> {
        if !self.notes_absent() {
            return Ok((batch.clone(), None));
        }
        let columns: Vec<usize> = (0..self.columns.len()).collect();
        let rows = batch
            .project(&columns)
            .map_err(|error| Error::bug("a batch without the columns of its plan").with_source(error))?;
        let absent = batch.column(columns.len()).as_string::<i32>();
        let is_partial = absent.null_count() < absent.len();
        Ok((rows, is_partial.then(|| absent.clone())))
    }

    /// Refuses rows without a key: no row could ever replace them.
    pub(super) fn check_keys(&self, rows: &RecordBatch) -> Result<()> {
        match self.key.iter().find(|&&at| rows.column(at).null_count() > 0) {
            None => Ok(()),
            Some(&at) => Err(Error::input(format!(
                "{}: expected a value for each record, because it is a key, found null",
                show(&self.schema.columns[at].name)
            ))
            .in_stream(&self.schema.stream)),
        }
    }
}

/// A type that is stored as text and has no name of its own is a text.
fn stored(sql_type: SqlType, dialect: &dyn Dialect) -> SqlType {
    match dialect.sql_type(&sql_type) {
        Some(name) => dialect.parse_type(&name),
        None => sql_type,
    }
}
