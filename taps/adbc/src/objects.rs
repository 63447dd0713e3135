//! The tables of a database, as its driver lists them (`AdbcConnectionGetObjects`).

use std::collections::HashSet;

use adbc_core::Connection as _;
use adbc_core::error::Result as DriverResult;
use adbc_core::options::ObjectDepth;
use adbc_driver_manager::ManagedConnection;
use melisma_sdk::Result;
use melisma_sdk::arrow::array::cast::AsArray as _;
use melisma_sdk::arrow::array::types::{Int16Type, Int32Type};
use melisma_sdk::arrow::array::{Array, ArrayRef, RecordBatch, StructArray};
use melisma_sdk::arrow::schema::{DataType, Field};
use melisma_sdk::arrow::{Cells, ValueOptions};

use crate::sql::identifier;

/// A table, view or the like.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) catalog: String,
    pub(crate) schema: String,
    pub(crate) name: String,
    /// Its name with its schema, as SQL has it.
    pub(crate) quoted: String,
    /// `table`, `VIEW`, `BASE TABLE`: what it is, in the driver's words.
    pub(crate) kind: String,
    pub(crate) columns: Vec<ObjectColumn>,
    /// The columns of its primary key, if it has one.
    pub(crate) primary_key: Option<Vec<String>>,
    /// The columns of each unique constraint.
    pub(crate) unique: Vec<Vec<String>>,
}

/// A column, as far as the driver knows it.
#[derive(Clone, Debug)]
pub(crate) struct ObjectColumn {
    pub(crate) name: String,
    /// Its name as SQL has it.
    pub(crate) quoted: String,
    pub(crate) sql_type: Option<String>,
    pub(crate) nullable: Option<bool>,
    pub(crate) comment: Option<String>,
    position: i32,
}

impl Object {
    /// Calls what is in upper case only by its lower case, as databases do whose names are so unless they are quoted. Names
    /// that would be those of others stay.
    pub(crate) fn in_lower_case(&mut self) {
        let columns: HashSet<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        let column = |name: &mut String| {
            let lower = lower(name);
            if !columns.contains(&lower) {
                *name = lower;
            }
        };
        let keys = self.primary_key.iter_mut().chain(&mut self.unique);
        keys.flatten().for_each(column);
        self.columns
            .iter_mut()
            .map(|column| &mut column.name)
            .for_each(column);
        (self.schema, self.name) = (lower(&self.schema), lower(&self.name));
    }
}

/// A name in lower case, if it is all in upper case.
fn lower(name: &str) -> String {
    if name.chars().any(char::is_lowercase) {
        name.to_owned()
    } else {
        name.to_lowercase()
    }
}

/// A table's name with its schema, as SQL has it.
pub(crate) fn qualified(schema: &str, name: &str) -> String {
    if schema.is_empty() {
        identifier(name)
    } else {
        format!("{}.{}", identifier(schema), identifier(name))
    }
}

/// All objects of a catalog, or of all catalogs; or those of this name, which is a pattern to some drivers.
pub(crate) fn read(
    connection: &ManagedConnection,
    depth: ObjectDepth,
    catalog: Option<&str>,
    table: Option<&str>,
) -> DriverResult<Vec<RecordBatch>> {
    let reader = connection.get_objects(depth, catalog, None, table, None, None)?;
    Ok(reader.collect::<std::result::Result<_, _>>()?)
}

/// The objects in the driver's answer.
pub(crate) fn parse(batches: &[RecordBatch]) -> Result<Vec<Object>> {
    let mut objects = Vec::new();
    for batch in batches {
        let catalogs = StructArray::from(batch.clone());
        for (catalog, schemas) in names_and_rows(&catalogs, "catalog_name", "catalog_db_schemas")? {
            let Some(schemas) = schemas else { continue };
            for (schema, tables) in names_and_rows(&schemas, "db_schema_name", "db_schema_tables")? {
                let Some(tables) = tables else { continue };
                for row in 0..tables.len() {
                    objects.push(table(&tables, row, (&catalog, &schema))?);
                }
            }
        }
    }
    Ok(objects)
}

fn names_and_rows(rows: &StructArray, name: &str, below: &str) -> Result<Vec<(String, Option<StructArray>)>> {
    (0..rows.len())
        .map(|row| Ok((text(rows, name, row)?.unwrap_or_default(), list(rows, below, row))))
        .collect()
}

fn table(tables: &StructArray, row: usize, (catalog, schema): (&str, &str)) -> Result<Object> {
    let mut columns = Vec::new();
    if let Some(rows) = list(tables, "table_columns", row) {
        for row in 0..rows.len() {
            let name = text(&rows, "column_name", row)?.unwrap_or_default();
            columns.push(ObjectColumn {
                quoted: identifier(&name),
                name,
                sql_type: text(&rows, "xdbc_type_name", row)?,
                // 0: no nulls, 1: nulls, 2: not known.
                nullable: short(&rows, "xdbc_nullable", row).map(|nullable| nullable != 0),
                comment: text(&rows, "remarks", row)?.filter(|comment| !comment.is_empty()),
                position: integer(&rows, "ordinal_position", row).unwrap_or_default(),
            });
        }
    }
    columns.sort_by_key(|column| column.position);
    let (mut primary_key, mut unique) = (None, Vec::new());
    if let Some(rows) = list(tables, "table_constraints", row) {
        for row in 0..rows.len() {
            let columns = || texts(&rows, "constraint_column_names", row);
            match text(&rows, "constraint_type", row)?.as_deref() {
                Some("PRIMARY KEY") => primary_key = Some(columns()?),
                Some("UNIQUE") => unique.push(columns()?),
                _ => {}
            }
        }
    }
    let name = text(tables, "table_name", row)?.unwrap_or_default();
    Ok(Object {
        catalog: catalog.to_owned(),
        schema: schema.to_owned(),
        quoted: qualified(schema, &name),
        name,
        kind: text(tables, "table_type", row)?.unwrap_or_default(),
        columns,
        primary_key,
        unique,
    })
}

fn text(rows: &StructArray, name: &str, row: usize) -> Result<Option<String>> {
    let Some(column) = rows.column_by_name(name) else {
        return Ok(None);
    };
    let field = Field::new(name, column.data_type().clone(), true);
    let cells = Cells::new(column, &field, ValueOptions::default())?;
    Ok(cells.text(row)?.map(str::to_owned))
}

fn short(rows: &StructArray, name: &str, row: usize) -> Option<i16> {
    let column = rows.column_by_name(name)?;
    let values = column.as_primitive_opt::<Int16Type>()?;
    values.is_valid(row).then(|| values.value(row))
}

fn integer(rows: &StructArray, name: &str, row: usize) -> Option<i32> {
    let column = rows.column_by_name(name)?;
    let values = column.as_primitive_opt::<Int32Type>()?;
    values.is_valid(row).then(|| values.value(row))
}

/// The items of a list.
fn items(rows: &StructArray, name: &str, row: usize) -> Option<ArrayRef> {
    let column = rows.column_by_name(name)?;
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::List(_) => Some(column.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Some(column.as_list::<i64>().value(row)),
        _ => None,
    }
}

fn list(rows: &StructArray, name: &str, row: usize) -> Option<StructArray> {
    items(rows, name, row)?.as_struct_opt().cloned()
}

fn texts(rows: &StructArray, name: &str, row: usize) -> Result<Vec<String>> {
    let Some(items) = items(rows, name, row) else {
        return Ok(Vec::new());
    };
    let field = Field::new(name, items.data_type().clone(), true);
    let cells = Cells::new(&items, &field, ValueOptions::default())?;
    let texts = (0..items.len()).map(|row| Ok(cells.text(row)?.unwrap_or_default().to_owned()));
    texts.collect()
}
