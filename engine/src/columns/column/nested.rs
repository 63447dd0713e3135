//! Objects and arrays as Arrow structs and lists, where a schema declares their contents.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType as ArrowType, Field, Fields};
use serde_json::Value;

use super::super::ColumnOptions;
use super::super::refused::{Refused, Replaced, refuse};
use super::Column;
use crate::cell::{Cell, Row, Text};
use crate::error::{Error, Result, show};
use crate::json::skip;
use crate::schema::types::Types;

/// Nested values under construction.
#[derive(Debug)]
pub(in crate::columns) enum Nested {
    /// An object with the properties that its schema names.
    Struct {
        names: Vec<String>,
        columns: Vec<Column>,
        /// Where the members of the object in hand stand in its text; empty for one that is absent.
        found: Vec<(usize, usize)>,
        rows: usize,
    },
    /// An array of values of one schema.
    List { items: Column, ends: Vec<i32> },
}

impl Nested {
    /// The struct or list of a schema; `None` where it allows anything else, or does not say what is inside.
    pub(in crate::columns) fn of(schema: &Value, options: ColumnOptions) -> Option<Self> {
        let types = Types::of(schema).ok()?.without(Types::NULL);
        let column = |schema: &Value| {
            let data_type = Types::of(schema).map(|types| types.data_type(schema));
            data_type
                .map(|data_type| Column::new(data_type, schema, options))
                .ok()
        };
        if types == Types::OBJECT {
            let properties = schema
                .get("properties")?
                .as_object()
                .filter(|all| !all.is_empty())?;
            let columns = properties.values().map(column).collect::<Option<Vec<_>>>()?;
            let names: Vec<String> = properties.keys().cloned().collect();
            return Some(Self::Struct {
                found: vec![(0, 0); names.len()],
                names,
                columns,
                rows: 0,
            });
        }
        let is_tuple = schema.get("prefixItems").is_some();
        let items = schema
            .get("items")
            .filter(|items| types == Types::ARRAY && items.is_object() && !is_tuple)?;
        Some(Self::List {
            items: column(items)?,
            ends: Vec::new(),
        })
    }

    pub(in crate::columns) fn data_type(&self) -> ArrowType {
        match self {
            Self::Struct { .. } => ArrowType::Struct(self.fields()),
            Self::List { items, .. } => ArrowType::List(item_field(items)),
        }
    }

    fn fields(&self) -> Fields {
        let Self::Struct { names, columns, .. } = self else {
            return Fields::empty();
        };
        names
            .iter()
            .zip(columns)
            .map(|(name, column)| Field::new(name, column.data_type(), true))
            .collect()
    }

    pub(in crate::columns) fn len(&self) -> usize {
        match self {
            Self::Struct { rows, .. } => *rows,
            Self::List { ends, .. } => ends.len(),
        }
    }

    pub(in crate::columns) fn bytes(&self) -> usize {
        match self {
            Self::Struct { columns, .. } => columns.iter().map(Column::bytes).sum(),
            Self::List { items, ends } => items.bytes() + ends.len() * 4,
        }
    }

    pub(in crate::columns) fn truncate(&mut self, to: usize) {
        match self {
            Self::Struct { columns, rows, .. } => {
                for column in columns {
                    column.truncate(to);
                }
                *rows = to.min(*rows);
            }
            Self::List { items, ends } => {
                ends.truncate(to);
                items.truncate(ends.last().map_or(0, |end| end.unsigned_abs() as usize));
            }
        }
    }

    pub(in crate::columns) fn push_nulls(&mut self, count: usize) {
        match self {
            Self::Struct { columns, rows, .. } => {
                for column in columns {
                    (0..count).for_each(|_| column.push_null());
                }
                *rows += count;
            }
            Self::List { ends, .. } => ends.resize(ends.len() + count, ends.last().copied().unwrap_or(0)),
        }
    }

    /// Adds an object or array. When it is refused, the parts that were added are taken out by the row's undoing.
    pub(in crate::columns) fn push(&mut self, cell: &Cell<'_>, row: &Row<'_>) -> Result<(), Refused> {
        match (self, cell) {
            (
                Self::Struct {
                    names,
                    columns,
                    found,
                    rows,
                },
                Cell::Json(json),
            ) if json.starts_with('{') => {
                find_members(json, names, found)?;
                for ((name, column), &(start, end)) in names.iter().zip(columns).zip(&*found) {
                    let value = json.get(start..end).unwrap_or_default();
                    let value = if value.is_empty() {
                        Cell::Absent
                    } else {
                        Cell::of_json(value)
                    };
                    push(column, &value, row).map_err(|refused| format!("{}: {refused}", show(name)))?;
                }
                *rows += 1;
                Ok(())
            }
            (Self::List { items, ends }, Cell::Json(json)) if json.starts_with('[') => {
                push_items(json, items, row)?;
                ends.push(i32::try_from(items.len()).map_err(|_| refuse("fewer items in one batch", cell))?);
                Ok(())
            }
            (Self::Struct { .. }, _) => Err(refuse("an object", cell)),
            (Self::List { .. }, _) => Err(refuse("an array", cell)),
        }
    }

    /// Takes note of the values in it that became null.
    pub(in crate::columns) fn take_replaced(&mut self, all: &mut Replaced) {
        match self {
            Self::Struct { columns, .. } => columns.iter_mut().for_each(|column| column.take_replaced(all)),
            Self::List { items, .. } => items.take_replaced(all),
        }
    }

    pub(in crate::columns) fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let fields = self.fields();
        let bug = |error| Error::bug("nested columns that do not fit their schema").with_source(error);
        match self {
            Self::Struct { columns, rows, .. } => {
                *rows = 0;
                let arrays = columns
                    .iter_mut()
                    .map(Column::finish)
                    .collect::<Result<Vec<_>>>()?;
                StructArray::try_new(fields, arrays, nulls)
                    .map(|array| Arc::new(array) as ArrayRef)
                    .map_err(bug)
            }
            Self::List { items, ends } => {
                let field = item_field(items);
                let offsets: Vec<i32> = std::iter::once(0).chain(ends.drain(..)).collect();
                let values = items.finish()?;
                debug_assert_eq!(
                    offsets.last().map(|end| end.unsigned_abs() as usize),
                    Some(values.len())
                );
                ListArray::try_new(
                    field,
                    OffsetBuffer::new(ScalarBuffer::from(offsets)),
                    values,
                    nulls,
                )
                .map(|array| Arc::new(array) as ArrayRef)
                .map_err(bug)
            }
        }
    }
}

/// Adds a value, or null in its place.
fn push(column: &mut Column, value: &Cell<'_>, row: &Row<'_>) -> Result<(), Refused> {
    match column.push(value, row) {
        Err(refused) if column.replace(&refused) => Ok(()),
        pushed => pushed,
    }
}

fn item_field(items: &Column) -> Arc<Field> {
    Arc::new(Field::new("item", items.data_type(), true))
}

/// Finds the values of the named members in an object whose syntax has been checked; the last of two counts.
///
/// # Errors
/// A member that the schema does not name: the struct has no place for it, and it is not to be lost.
fn find_members(json: &str, names: &[String], found: &mut [(usize, usize)]) -> Result<(), Refused> {
    found.fill((0, 0));
    let bytes = json.as_bytes();
    let mut at = skip::space(bytes, 1);
    let mut expected = 0;
    while bytes.get(at) == Some(&b'"') {
        let Ok((end, escaped)) = skip::string(bytes, at + 1) else {
            break;
        };
        let name = Text::new(json.get(at + 1..end - 1).unwrap_or_default(), escaped).to_text();
        let start = skip::space(bytes, skip::space(bytes, end) + 1);
        let Ok(stop) = skip::skip_value(bytes, start) else {
            break;
        };
        // Members come in the order of the schema, more often than not.
        let place = if names.get(expected).is_some_and(|next| *next == name) {
            Some(expected)
        } else {
            names.iter().position(|known| *known == name)
        };
        match place {
            Some(place) => {
                found[place] = (start, stop);
                expected = place + 1;
            }
            None => {
                return Err(format!(
                    "expected only properties that the schema names (nested: struct), found \"{}\"",
                    show(&name)
                ));
            }
        }
        at = skip::space(bytes, stop);
        if bytes.get(at) == Some(&b',') {
            at = skip::space(bytes, at + 1);
        }
    }
    Ok(())
}

fn push_items(json: &str, items: &mut Column, row: &Row<'_>) -> Result<(), Refused> {
    let bytes = json.as_bytes();
    let mut at = skip::space(bytes, 1);
    let mut index = 0;
    while bytes.get(at).is_some_and(|byte| *byte != b']') {
        let Ok(stop) = skip::skip_value(bytes, at) else {
            break;
        };
        let value = Cell::of_json(json.get(at..stop).unwrap_or_default());
        push(items, &value, row).map_err(|refused| format!("[{index}]: {refused}"))?;
        index += 1;
        at = skip::space(bytes, stop);
        if bytes.get(at) == Some(&b',') {
            at = skip::space(bytes, at + 1);
        }
    }
    Ok(())
}
