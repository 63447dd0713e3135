//! Records as Rust types: `#[derive(Record)]` gives a struct its JSON Schema and writes it, fast.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use melisma_sdk::{Record, Stream, json};
//!
//! #[derive(Record)]
//! struct Order {
//!     id: i64,
//!     status: Status,
//!     buyer: Buyer,
//!     /// What the buyer said.
//!     note: Option<String>,
//!     labels: Vec<String>,
//!     extra: BTreeMap<String, serde_json::Value>,
//! }
//!
//! #[derive(Record)]
//! #[serde(rename_all = "snake_case")]
//! enum Status {
//!     Open,
//!     InDelivery,
//! }
//!
//! #[derive(Record)]
//! struct Buyer {
//!     name: String,
//!     #[record(format = "date-time")]
//!     since: String,
//! }
//!
//! let orders = Stream::of::<Order>("orders").key(["id"]);
//! let properties = &orders.schema()["properties"];
//! assert_eq!(properties["status"], json!({"type": "string", "enum": ["open", "in_delivery"]}));
//! assert_eq!(properties["note"]["type"], json!(["string", "null"]));
//! assert_eq!(orders.schema()["required"], json!(["id", "status", "buyer", "labels", "extra"]));
//! assert_eq!(properties["buyer"]["properties"]["since"]["format"], "date-time");
//! ```
//!
//! An `Option` is null or absent in a record: its property is nullable and not required.
//!
//! [`Output::record`](crate::Output::record) takes such a struct as it takes every type with serde's `Serialize`: the derive
//! implements `Serialize` and [`JsonSchema`](crate::JsonSchema) as well, so that a type derives either [`Record`] or those two. What
//! the derive is better at is the schema, which every target reads, and the types of other crates: their column is the one
//! that a database would choose.
//!
//! # Which type becomes which column
//!
#![doc = include_str!("columns.md")]
//!
//! # Attributes
//!
//! serde's `rename`, `rename_all`, `skip`, `skip_serializing`, `skip_serializing_if`, `flatten` (of another `Record`) and, on an
//! enum whose variants have fields, `tag` are followed. Those that are about reading alone, such as `default` and `alias`, are
//! ignored, so that a type may derive `Deserialize` too. Every other one is refused at compile time.
//!
//! `#[record(format = "date-time")]` sets the `format` of a field that is a text. `#[record(serde)]` takes a field of a type that
//! has `Serialize` and `JsonSchema` and is none of the above.
//!
//! ```compile_fail
//! #[derive(melisma_sdk::Record)]
//! struct Order {
//!     #[serde(with = "seconds")] // `serde(with)` is not supported by Record
//!     at: u64,
//! }
//! ```
//!
//! ```compile_fail
//! #[derive(melisma_sdk::Record)]
//! enum Event {
//!     Made { id: i64 }, // an enum whose variants have fields needs #[serde(tag = "..")]
//! }
//! ```

mod fields;
#[doc(hidden)]
pub mod private;
#[cfg(any(
    feature = "chrono",
    feature = "jiff",
    feature = "rust_decimal",
    feature = "time"
))]
mod short;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
mod times;

use serde::ser::{SerializeStruct, Serializer};
use serde_json::{Map, Value, json};

pub use melisma_sdk_derive::Record;

use crate::tap::nullable;

/// The name under which a [`Field`] passes on the digits of a number as text, for the writer of records.
pub(crate) const DIGITS: &str = "$melisma::digits";

/// A type that may be a property of a record.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a property of a record",
    note = "derive `Record` for it, turn on the feature of melisma-sdk that its crate has, or put `#[record(serde)]` on the \
            field if it has `Serialize` and `JsonSchema`"
)]
pub trait Field {
    /// Whether it may be null.
    const NULLABLE: bool = false;

    /// The JSON Schema of its values.
    fn schema() -> Value;

    /// Writes the value.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// A struct that may be a record: what `#[derive(Record)]` implements.
pub trait Record: Field {
    /// How many members a value has at most.
    const COUNT: usize;

    /// Its properties.
    fn properties() -> Properties;

    /// Writes its members.
    fn write_members<S: SerializeStruct>(&self, members: &mut S) -> Result<(), S::Error>;
}

/// The properties of a record, in order.
#[derive(Clone, Debug, Default)]
pub struct Properties {
    properties: Map<String, Value>,
    required: Vec<Value>,
}

impl Properties {
    /// Adds a property.
    pub fn add(&mut self, name: &str, property: private::Property) {
        if !property.may_be_absent {
            self.required.push(name.into());
        }
        self.properties.insert(name.to_owned(), property.schema);
    }

    /// Adds the properties of another record.
    pub fn flatten(&mut self, other: Self) {
        self.properties.extend(other.properties);
        self.required.extend(other.required);
    }

    /// The JSON Schema of an object with these properties.
    pub fn schema(self) -> Value {
        let Self { properties, required } = self;
        let mut schema = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        schema
    }
}

impl<T: Field> Field for Option<T> {
    const NULLABLE: bool = true;

    fn schema() -> Value {
        nullable(T::schema())
    }

    #[inline]
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.write(serializer),
            None => serializer.serialize_none(),
        }
    }
}
