//! A stream that is going to be read: what the tap and the catalog say of it together.

use serde_json::Value;

use super::method::Method;
use super::selection::Selection;
use crate::tap::bookmark::comparison::KeyType;
use crate::tap::bookmark::progress::Order;

/// What is known of a stream before it is read.
#[derive(Debug)]
pub(in crate::tap) struct Opening {
    pub(in crate::tap) name: Box<str>,
    /// The tap's schema: it gives the positions of a row's cells.
    pub(in crate::tap) own_schema: Value,
    /// The catalog's schema, or the tap's.
    pub(in crate::tap) schema: Value,
    pub(in crate::tap) selection: Selection,
    pub(in crate::tap) key: Vec<Box<str>>,
    pub(in crate::tap) method: Method,
    pub(in crate::tap) replication_key: Option<Box<str>>,
    pub(in crate::tap) order: Order,
    /// The tap applies the setting `start_date` itself.
    pub(in crate::tap) own_start_date: bool,
    /// Nothing of it is written: it is read for the sake of its children.
    pub(in crate::tap) silent: bool,
    /// The names of its children, selected or not.
    pub(in crate::tap) children: Vec<Box<str>>,
}

impl Opening {
    /// What the values of the replication key are.
    pub(in crate::tap) fn key_type(&self) -> KeyType {
        let properties = self.schema.get("properties");
        let property = properties.zip(self.replication_key.as_deref());
        let property = property.and_then(|(properties, key)| properties.get(key));
        property.map_or(KeyType::Text, KeyType::of)
    }
}
