//! The columns that rivals fill: arrow's own builders, found by name.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::{ArrayBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use melisma_engine::time::parse_date;
use serde_json::Value;

/// A value of a record as a general parser gives it.
pub enum Cell<'a> {
    /// null
    Null,
    /// An integer.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string, unescaped.
    Text(&'a str),
    /// An object or array, as JSON text.
    Json(&'a str),
}

enum Column {
    Int(Int64Builder),
    Float(Float64Builder),
    Date(Date32Builder),
    Text(StringBuilder),
}

/// Columns under construction.
pub struct Columns {
    names: HashMap<String, usize, foldhash::fast::RandomState>,
    columns: Vec<Column>,
    filled: Vec<bool>,
    schema: SchemaRef,
}

/// The Arrow schema of a JSON Schema of the corpora.
pub fn arrow_schema(schema: &Value) -> SchemaRef {
    let fields: Vec<Field> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let kind = &schema["type"];
            let kind = kind.as_str().or_else(|| kind[1].as_str()).unwrap_or("string");
            let data_type = match (kind, schema["format"].as_str()) {
                ("integer", _) => DataType::Int64,
                ("number", _) => DataType::Float64,
                (_, Some("date")) => DataType::Date32,
                _ => DataType::Utf8,
            };
            Field::new(name, data_type, true)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

impl Columns {
    /// Empty columns for a schema.
    pub fn new(schema: &Value) -> Self {
        let schema = arrow_schema(schema);
        let columns = schema.fields().iter().map(|field| match field.data_type() {
            DataType::Int64 => Column::Int(Int64Builder::new()),
            DataType::Float64 => Column::Float(Float64Builder::new()),
            DataType::Date32 => Column::Date(Date32Builder::new()),
            _ => Column::Text(StringBuilder::new()),
        });
        Self {
            names: schema
                .fields()
                .iter()
                .enumerate()
                .map(|(at, field)| (field.name().clone(), at))
                .collect(),
            columns: columns.collect(),
            filled: vec![false; schema.fields().len()],
            schema: Arc::clone(&schema),
        }
    }

    /// Puts a value into the column of that name.
    #[inline]
    pub fn put(&mut self, name: &str, cell: &Cell<'_>) {
        let Some(&at) = self.names.get(name) else { return };
        self.filled[at] = true;
        match (&mut self.columns[at], cell) {
            (Column::Int(values), Cell::Int(value)) => values.append_value(*value),
            (Column::Float(values), Cell::Float(value)) => values.append_value(*value),
            (Column::Float(values), Cell::Int(value)) => values.append_value(*value as f64),
            (Column::Date(values), Cell::Text(text)) => values.append_option(parse_date(text)),
            (Column::Text(values), Cell::Text(text) | Cell::Json(text)) => values.append_value(text),
            (Column::Int(values), _) => values.append_null(),
            (Column::Float(values), _) => values.append_null(),
            (Column::Date(values), _) => values.append_null(),
            (Column::Text(values), _) => values.append_null(),
        }
    }

    /// Ends a row: the columns that got nothing get a null.
    #[inline]
    pub fn end(&mut self) {
        for (column, filled) in self.columns.iter_mut().zip(&mut self.filled) {
            if !std::mem::take(filled) {
                match column {
                    Column::Int(values) => values.append_null(),
                    Column::Float(values) => values.append_null(),
                    Column::Date(values) => values.append_null(),
                    Column::Text(values) => values.append_null(),
                }
            }
        }
    }

    /// The rows so far, as a batch.
    pub fn finish(&mut self) -> RecordBatch {
        let arrays = self.columns.iter_mut().map(|column| match column {
            Column::Int(values) => ArrayBuilder::finish(values),
            Column::Float(values) => ArrayBuilder::finish(values),
            Column::Date(values) => ArrayBuilder::finish(values),
            Column::Text(values) => ArrayBuilder::finish(values),
        });
        RecordBatch::try_new(Arc::clone(&self.schema), arrays.collect()).expect("columns of their schema")
    }
}
