//! Discovers tables, columns and keys, with three queries whatever the size of the database.

mod query;
mod stream;

use melisma_postgres::{Session, failed, identifier};
use melisma_sdk::{Error, Result};

use crate::config::{Config, Names};
use crate::kind::{Kind, Types};

/// A table, view or the like.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) oid: u32,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) form: Form,
    /// It is a part of a partitioned table.
    pub(crate) is_partition: bool,
    /// How many rows the server thinks it has.
    pub(crate) rows: Option<i64>,
    pub(crate) columns: Vec<Column>,
    /// The columns of the primary key, else of the first unique index.
    pub(crate) key: Vec<String>,
}

impl Table {
    /// The name with its schema, quoted for SQL.
    pub(crate) fn quoted_name(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.name))
    }
}

/// What a relation is (`relkind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Table,
    Partitioned,
    View,
    MaterializedView,
    Foreign,
}

/// A column that may be read.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// `numeric(10,2)`
    pub(crate) sql_type: String,
    pub(crate) nullable: bool,
    pub(crate) comment: Option<String>,
}

/// Which tables are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter<'a> {
    pub(crate) schemas: Option<&'a Names>,
    pub(crate) tables: Option<&'a Names>,
    /// Streams by name.
    pub(crate) streams: Option<Vec<&'a str>>,
}

impl<'a> Filter<'a> {
    /// What the settings ask for.
    pub(crate) fn of(settings: &'a Config) -> Self {
        let some = |names: &'a Option<Names>| names.as_ref().filter(|names| !names.0.is_empty());
        Self {
            schemas: some(&settings.filter_schemas),
            tables: some(&settings.filter_tables),
            streams: None,
        }
    }

    /// Only these streams, wherever they are.
    pub(crate) fn streams(names: Vec<&'a str>) -> Self {
        Self {
            streams: Some(names),
            ..Self::default()
        }
    }
}

impl Table {
    /// The stream's name: `schema-table`.
    pub(crate) fn id(&self) -> String {
        format!("{}-{}", self.schema, self.name)
    }

    /// Whether it is a view, materialized or not.
    pub(crate) fn is_view(&self) -> bool {
        matches!(self.form, Form::View | Form::MaterializedView)
    }
}

/// Why a view or foreign table that may be read cannot be: what is below it is gone, or its owner may not read it any
/// more, which only the server finds out, when it begins to read.
pub(crate) fn refusal(client: &mut Session, table: &Table) -> Option<Error> {
    if !matches!(table.form, Form::View | Form::Foreign) {
        return None;
    }
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| identifier(&column.name))
        .collect();
    let name = table.quoted_name();
    let probe = client.batch_execute(&format!("select {} from {name} limit 0", columns.join(", ")));
    let refused = probe
        .err()
        .map(|error| failed(&format!("cannot read {name}"), error));
    // Whatever else is wrong, reading finds it, too.
    refused.filter(|error| error.kind() == melisma_sdk::Kind::Config)
}

/// The tables that may be read, in the order of their names.
pub(crate) fn tables(client: &mut Session, filter: &Filter<'_>) -> Result<Vec<Table>> {
    let types: Types = query::types(client)?;
    let mut tables = query::tables(client, filter, &types)?;
    query::keys(client, &mut tables)?;
    Ok(tables)
}
