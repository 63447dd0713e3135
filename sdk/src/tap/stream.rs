//! A stream as a tap describes it.

use std::fmt;

use melisma_engine::error::show;
use melisma_engine::{Error, Result};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// One stream of a tap: its schema, keys and how it can be read.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent yes or no of the builder"
)]
pub struct Stream {
    pub(super) name: Box<str>,
    pub(super) schema: Value,
    pub(super) key: Vec<Box<str>>,
    pub(super) replication_key: Option<Box<str>>,
    pub(super) forced: Option<Method>,
    pub(super) preferred: Option<Method>,
    pub(super) log_based: bool,
    pub(super) sorted: bool,
    pub(super) check_sorted: bool,
    pub(super) manual_bookmark: bool,
    pub(super) selected_by_default: bool,
    pub(super) unsupported: Vec<Box<str>>,
    pub(super) metadata: Map<String, Value>,
    pub(super) property_metadata: Map<String, Value>,
    pub(super) fields: Map<String, Value>,
    /// Property, its schema, and why that is not the catalog's.
    pub(super) corrections: Vec<(Box<str>, Value, Box<str>)>,
}

/// How a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Everything, each time.
    FullTable,
    /// From the bookmark of the replication key on.
    Incremental,
    /// From a log of changes.
    LogBased,
}

impl Stream {
    /// A stream with the JSON Schema of its records.
    pub fn new(name: impl Into<String>, schema: Value) -> Self {
        Self {
            name: name.into().into(),
            schema,
            key: Vec::new(),
            replication_key: None,
            forced: None,
            preferred: None,
            log_based: false,
            sorted: false,
            check_sorted: true,
            manual_bookmark: false,
            selected_by_default: true,
            unsupported: Vec::new(),
            metadata: Map::new(),
            property_metadata: Map::new(),
            fields: Map::new(),
            corrections: Vec::new(),
        }
    }

    /// A stream whose records are values of `T`.
    pub fn of<T: JsonSchema>(name: impl Into<String>) -> Self {
        let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        });
        let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
        if let Some(schema) = schema.as_object_mut() {
            schema.shift_remove("title");
        }
        Self::new(name, schema)
    }

    /// The properties that identify a record (key properties).
    #[must_use]
    pub fn key<'a>(mut self, properties: impl IntoIterator<Item = &'a str>) -> Self {
        self.key = properties.into_iter().map(Into::into).collect();
        self
    }

    /// The property that grows as records change. It makes the stream INCREMENTAL unless the catalog says otherwise.
    #[must_use]
    pub fn replication_key(mut self, property: impl Into<String>) -> Self {
        self.replication_key = Some(property.into().into());
        self
    }

    /// Records come in the order of the replication key, so the bookmark moves with each of them and an interrupted
    /// run resumes. A record out of order is an error.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.sorted = true;
        self
    }

    /// Takes a record out of order in a sorted stream as it comes; the bookmark stays at the largest value.
    #[must_use]
    pub fn unchecked_order(mut self) -> Self {
        self.check_sorted = false;
        self
    }

    /// The tap sets the bookmark itself ([`Output::set_bookmark`](super::Output::set_bookmark)); the values of the
    /// replication key in records do not move it.
    #[must_use]
    pub fn manual_bookmark(mut self) -> Self {
        self.manual_bookmark = true;
        self
    }

    /// The only way in which this stream can be read, whatever the catalog says of keys.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.forced = Some(method);
        self.log_based |= method == Method::LogBased;
        self
    }

    /// How this stream is read when neither the catalog nor a replication key says otherwise. FULL_TABLE if not set.
    #[must_use]
    pub fn prefers(mut self, method: Method) -> Self {
        self.preferred = Some(method);
        self
    }

    /// The stream can be read LOG_BASED when the catalog asks for it.
    #[must_use]
    pub fn log_based(mut self) -> Self {
        self.log_based = true;
        self
    }

    /// The stream is read only when the catalog selects it.
    #[must_use]
    pub fn not_selected_by_default(mut self) -> Self {
        self.selected_by_default = false;
        self
    }

    /// Properties that the source has but the tap can not read: listed in the catalog, never in a record.
    #[must_use]
    pub fn unsupported<'a>(mut self, properties: impl IntoIterator<Item = &'a str>) -> Self {
        self.unsupported = properties.into_iter().map(Into::into).collect();
        self
    }

    /// Adds to the stream's own metadata in the catalog: `schema-name`, `is-view`, `row-count`.
    #[must_use]
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Adds to a property's metadata in the catalog: `sql-datatype`.
    #[must_use]
    pub fn property_metadata(
        mut self,
        property: &str,
        name: impl Into<String>,
        value: impl Into<Value>,
    ) -> Self {
        let items = self
            .property_metadata
            .entry(property)
            .or_insert_with(|| Map::new().into());
        if let Value::Object(items) = items {
            items.insert(name.into(), value.into());
        }
        self
    }

    /// Adds a field to the stream's entry in the catalog: `table_name`, `is_view`.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// Says that the catalog's schema of a property is no longer true: `schema` takes its place, with a warning that says
    /// `why`, or an error in a `strict` run.
    #[must_use]
    pub fn corrects(mut self, property: &str, schema: Value, why: impl Into<String>) -> Self {
        self.corrections
            .push((property.into(), schema, why.into().into()));
        self
    }

    /// The stream's name, which is its `tap_stream_id` too.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The JSON Schema of its records.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// How the stream is read when the catalog does not say.
    pub(super) fn default_method(&self) -> Method {
        self.method_with(self.replication_key.as_deref())
    }

    /// How the stream is read with this replication key when the catalog does not say.
    pub(super) fn method_with(&self, replication_key: Option<&str>) -> Method {
        self.forced.unwrap_or(match replication_key {
            Some(_) => Method::Incremental,
            None => self.preferred.unwrap_or(Method::FullTable),
        })
    }
}

impl Method {
    /// Reads `FULL_TABLE`, `INCREMENTAL` or `LOG_BASED`.
    pub fn parse(word: &str) -> Result<Self> {
        match word.to_ascii_uppercase().as_str() {
            "FULL_TABLE" => Ok(Self::FullTable),
            "INCREMENTAL" => Ok(Self::Incremental),
            "LOG_BASED" => Ok(Self::LogBased),
            _ => Err(Error::config(format!(
                "replication method: expected FULL_TABLE, INCREMENTAL or LOG_BASED, found {}",
                show(word)
            ))),
        }
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::FullTable => "FULL_TABLE",
            Self::Incremental => "INCREMENTAL",
            Self::LogBased => "LOG_BASED",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
