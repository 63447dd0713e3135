//! A stream as a tap describes it.

use std::fmt;

use melisma_engine::Result;
use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::method::Method;
use super::record_schema;
use crate::tap::output::Output;

/// One stream of a tap: its schema, its keys, how it can be read, and what reads it.
///
/// ```
/// use melisma_sdk::{Output, Stream, json};
///
/// let colours = ["red", "green"];
/// let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
/// let stream = Stream::new("colours", schema).key(["name"]).sync(|output: &mut Output<'_>| {
///     colours.iter().try_for_each(|name| output.record(&json!({"name": name})))
/// });
/// assert_eq!(stream.name(), "colours");
/// ```
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent yes or no of the builder"
)]
pub struct Stream<'t> {
    pub(in crate::tap) name: Box<str>,
    pub(in crate::tap) schema: Value,
    pub(in crate::tap) key: Vec<Box<str>>,
    pub(in crate::tap) replication_key: Option<Box<str>>,
    pub(in crate::tap) forced: Option<Method>,
    pub(in crate::tap) preferred: Option<Method>,
    pub(in crate::tap) log_based: bool,
    pub(in crate::tap) sorted: bool,
    pub(in crate::tap) check_sorted: bool,
    pub(in crate::tap) manual_bookmark: bool,
    pub(in crate::tap) own_start_date: bool,
    pub(in crate::tap) selected_by_default: bool,
    pub(in crate::tap) unsupported: Vec<Box<str>>,
    pub(in crate::tap) metadata: Map<String, Value>,
    pub(in crate::tap) property_metadata: Map<String, Value>,
    pub(in crate::tap) fields: Map<String, Value>,
    /// What reads the stream and its children; a child has none of its own.
    pub(in crate::tap) sync: Option<Sync<'t>>,
    pub(in crate::tap) children: Vec<Stream<'t>>,
    /// Property, its schema, and why that is not the catalog's.
    pub(in crate::tap) corrections: Vec<(Box<str>, Value, Box<str>)>,
}

/// Reads a stream: called once in a run, at most.
pub(in crate::tap) type Sync<'t> = Box<dyn FnOnce(&mut Output<'_>) -> Result<()> + 't>;

impl<'t> Stream<'t> {
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
            own_start_date: false,
            selected_by_default: true,
            unsupported: Vec::new(),
            metadata: Map::new(),
            property_metadata: Map::new(),
            fields: Map::new(),
            sync: None,
            children: Vec::new(),
            corrections: Vec::new(),
        }
    }

    /// A stream whose records are values of `T`.
    ///
    /// ```
    /// use melisma_sdk::{Record, Stream, json};
    ///
    /// #[derive(Record)]
    /// struct Colour {
    ///     name: String,
    ///     rgb: Option<u32>,
    /// }
    ///
    /// let stream = Stream::of::<Colour>("colours");
    /// assert_eq!(stream.schema()["properties"]["name"], json!({"type": "string"}));
    /// ```
    pub fn of<T: JsonSchema>(name: impl Into<String>) -> Self {
        Self::new(name, record_schema::of::<T>())
    }

    /// What reads the stream: it writes the records to the [`Output`] that it gets. It may borrow the tap, and is called only
    /// when the stream or one of its children is selected.
    ///
    /// An error ends the run, after what was written so far and its STATE went out.
    #[must_use]
    pub fn sync(mut self, read: impl FnOnce(&mut Output<'_>) -> Result<()> + 't) -> Self {
        self.sync = Some(Box::new(read));
        self
    }

    /// Adds a stream whose records are found at the records of this one, such as the issues of a project. The sync of this
    /// stream writes both: see [`Output::child`].
    #[must_use]
    pub fn child(mut self, child: Stream<'t>) -> Self {
        self.children.push(child);
        self
    }

    /// The properties that identify a record (key properties).
    #[must_use]
    pub fn key<'a>(mut self, properties: impl IntoIterator<Item = &'a str>) -> Self {
        self.key = properties.into_iter().map(Into::into).collect();
        self
    }

    /// The property that grows as records change. It makes the stream INCREMENTAL unless the catalog says otherwise.
    ///
    /// It is a number, a date, a date-time or another text that sorts. Texts that are times are compared as such, even where
    /// the schema does not say so; a stream whose key has no order is refused at discovery.
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

    /// Records come in any order after all.
    #[cfg(feature = "http")]
    pub(crate) fn unsorted(mut self) -> Self {
        self.sorted = false;
        self
    }

    /// Takes a record out of order in a sorted stream as it comes; the bookmark stays at the largest value.
    #[must_use]
    pub fn unchecked_order(mut self) -> Self {
        self.check_sorted = false;
        self
    }

    /// The tap sets the bookmark itself ([`Output::set_bookmark`]); the values of the
    /// replication key in records do not move it.
    #[must_use]
    pub fn manual_bookmark(mut self) -> Self {
        self.manual_bookmark = true;
        self
    }

    /// The tap applies the setting `start_date` to this stream itself, whatever its replication key is. For others the
    /// setting is where [`Output::bookmark`] starts, and it is refused where the replication key is
    /// a number.
    #[must_use]
    pub fn own_start_date(mut self) -> Self {
        self.own_start_date = true;
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

    /// The stream, and its children and theirs.
    pub(in crate::tap) fn family(&self) -> Vec<&Stream<'t>> {
        let below = self.children.iter().flat_map(Stream::family);
        std::iter::once(self).chain(below).collect()
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
    pub(in crate::tap) fn default_method(&self) -> Method {
        self.method_with(self.replication_key.as_deref())
    }

    /// How the stream is read with this replication key when the catalog does not say.
    pub(in crate::tap) fn method_with(&self, replication_key: Option<&str>) -> Method {
        self.forced.unwrap_or(match replication_key {
            Some(_) => Method::Incremental,
            None => self.preferred.unwrap_or(Method::FullTable),
        })
    }
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("name", &self.name)
            .field("schema", &self.schema)
            .field("key", &self.key)
            .field("replication_key", &self.replication_key)
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}
