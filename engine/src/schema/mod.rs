//! The schema of a stream: JSON Schema compiled into ordered, typed columns.

mod compile;
pub(crate) mod dialect;
mod loosen;
mod metadata;
mod pattern;
mod resolve;
pub(crate) mod types;

use std::sync::Arc;

use serde_json::Value;

pub use compile::{MAX_COLUMNS, MAX_NAME_BYTES};
pub use metadata::Metadata;

/// What a SCHEMA message says, compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSchema {
    /// The stream's name.
    pub stream: Box<str>,
    /// The top-level properties in the order of the schema, then the metadata columns if they are asked for.
    pub columns: Vec<Column>,
    /// The key properties, as indices of `columns`, in the order of the message.
    pub key: Vec<usize>,
    /// The message's `bookmark_properties`.
    pub bookmark_properties: Vec<Box<str>>,
    /// The JSON Schema with local references put in place, without those of its properties: the columns have them. Of
    /// `properties` the names are there, where a keyword beside it looks at them.
    pub schema: Value,
    /// Whether properties outside the schema make a record invalid (`additionalProperties: false`).
    pub closed: bool,
    /// Whether the schema says that records have other properties than those that it declares: by `additionalProperties`
    /// or `patternProperties`, or because it declares none.
    pub open: bool,
}

/// One top-level property.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The property's name.
    pub name: Box<str>,
    /// The type, unions resolved.
    pub data_type: DataType,
    /// Whether null is allowed.
    pub nullable: bool,
    /// Whether a record without it is invalid.
    pub required: bool,
    /// Set for the `_sdc_` columns that melisma fills in.
    pub metadata: Option<Metadata>,
    /// The property's JSON Schema, references put in place. Properties that say the same share it.
    pub schema: Arc<Value>,
}

/// The type of a column.
///
/// A union takes the narrowest type that holds every branch: `integer | number` is a number; a string with
/// anything scalar is text (the scalar's JSON text); anything with an object or array, or no type at all, is JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataType {
    /// `boolean`
    Boolean,
    /// `integer`, with the bounds of the schema where they fit 64 bits.
    Integer {
        /// `minimum`, or `exclusiveMinimum` + 1.
        minimum: Option<i64>,
        /// `maximum`, or `exclusiveMaximum` - 1.
        maximum: Option<i64>,
    },
    /// `number`
    Number,
    /// `singer.decimal` or `x-singer.decimal`, a string or a number of exact digits.
    Decimal {
        /// Digits in all; `None` when the schema gives none.
        precision: Option<u16>,
        /// Digits after the point; `None` when the schema gives none.
        scale: Option<u16>,
    },
    /// `string`, with `maxLength` in characters.
    Text {
        /// `maxLength`
        max_length: Option<u32>,
    },
    /// `string` of format `date`
    Date,
    /// `string` of format `time`
    Time,
    /// `string` of format `date-time`
    DateTime,
    /// `string` of format `uuid`
    Uuid,
    /// Objects, arrays, mixtures with them, and properties without a type.
    Json,
}

impl StreamSchema {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.name == name)
    }

    /// The names of the key properties.
    pub fn key_names(&self) -> impl Iterator<Item = &str> {
        self.key.iter().map(|&column| &*self.columns[column].name)
    }
}
