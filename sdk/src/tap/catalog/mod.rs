//! The catalog: what `--discover` prints and `--catalog` reads.

pub(super) mod check;
pub(super) mod left_out;
pub(super) mod method;
pub(super) mod opening;
pub(super) mod openings;
pub(super) mod record_schema;
pub(super) mod selection;
pub(super) mod start_date;
pub(super) mod stream;

use std::collections::HashMap;

use melisma_engine::{Error, Result};
use serde_json::{Map, Value, json};

use self::method::Method;
use self::selection::Selection;
use self::stream::Stream;

/// A catalog, kept as the JSON that it is: keys that melisma does not know stay, and stay in their order.
#[derive(Clone, Debug)]
pub struct Catalog {
    document: Map<String, Value>,
}

/// One stream of a catalog.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    fields: &'a Map<String, Value>,
}

impl Catalog {
    /// The catalog of these streams.
    pub fn of(streams: &[Stream<'_>]) -> Self {
        let streams: Vec<Value> = streams.iter().flat_map(Stream::family).map(entry_of).collect();
        let mut document = Map::new();
        document.insert("streams".into(), streams.into());
        Self { document }
    }

    /// Reads a catalog; `shown` names it in errors.
    ///
    /// ```
    /// use melisma_sdk::{Catalog, Stream, json};
    ///
    /// let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    /// let discovered = Catalog::of(&[Stream::new("orders", schema).key(["id"])]);
    /// let catalog = Catalog::read(discovered.to_text().as_bytes(), "catalog.json")?;
    /// let orders = catalog.entry("orders").expect("an entry");
    /// assert!(orders.selection().is_selected(&["properties", "id"]));
    /// # Ok::<(), melisma_sdk::Error>(())
    /// ```
    pub fn read(bytes: &[u8], shown: &str) -> Result<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let document: Value = serde_json::from_slice(bytes)
            .map_err(|error| Error::config(format!("the catalog {shown} is not JSON")).with_source(error))?;
        let Value::Object(document) = document else {
            return Err(Error::config(format!("the catalog {shown} must be an object")));
        };
        let entries = document.get("streams").and_then(Value::as_array);
        let Some(entries) = entries else {
            return Err(Error::config(format!(
                "the catalog {shown} has no list \"streams\""
            )));
        };
        for (i, entry) in entries.iter().enumerate() {
            let id = entry
                .get("tap_stream_id")
                .or_else(|| entry.get("stream"))
                .and_then(Value::as_str);
            if id.is_none() {
                return Err(Error::config(format!(
                    "the catalog {shown}: streams[{i}] has no tap_stream_id"
                )));
            }
        }
        Ok(Self { document })
    }

    /// The catalog as `--discover` prints it: two spaces of indent.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.document).unwrap_or_default();
        text.push('\n');
        text
    }

    /// All streams, in the catalog's order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let streams = self.document.get("streams").and_then(Value::as_array);
        streams.into_iter().flatten().filter_map(|entry| {
            Some(Entry {
                fields: entry.as_object()?,
            })
        })
    }

    /// The entries by their ids; of two with one id, the first counts.
    pub fn by_id(&self) -> HashMap<&str, Entry<'_>> {
        let mut entries = HashMap::new();
        for entry in self.entries() {
            entries.entry(entry.id()).or_insert(entry);
        }
        entries
    }

    /// The entry with this `tap_stream_id`; one without an id goes by its `stream`.
    pub fn entry(&self, id: &str) -> Option<Entry<'_>> {
        self.entries().find(|entry| entry.id() == id)
    }
}

impl<'a> Entry<'a> {
    /// `tap_stream_id`
    pub fn id(&self) -> &'a str {
        let id = self
            .fields
            .get("tap_stream_id")
            .or_else(|| self.fields.get("stream"));
        id.and_then(Value::as_str).unwrap_or_default()
    }

    /// The JSON Schema, unless it is missing or empty.
    pub fn schema(&self) -> Option<&'a Value> {
        self.fields
            .get("schema")
            .filter(|schema| schema.as_object().is_some_and(|schema| !schema.is_empty()))
    }

    /// A field of the entry, by either spelling: `replication_method` or `replication-method`.
    pub fn field(&self, name: &str) -> Option<&'a Value> {
        either(self.fields, name)
    }

    /// A keyword of the stream's own metadata (breadcrumb `[]`), by either spelling.
    pub fn metadata(&self, name: &str) -> Option<&'a Value> {
        let items = self.fields.get("metadata").and_then(Value::as_array)?;
        let root = |item: &&'a Value| {
            item.get("breadcrumb")
                .and_then(Value::as_array)
                .is_some_and(Vec::is_empty)
        };
        either(items.iter().find(root)?.get("metadata")?.as_object()?, name)
    }

    /// A keyword in the metadata of each top-level property that has it, by either spelling.
    pub fn of_properties(&self, name: &str) -> HashMap<&'a str, &'a Value> {
        let items = self.fields.get("metadata").and_then(Value::as_array);
        let value = |item: &'a Value| {
            let [properties, property] = item.get("breadcrumb")?.as_array()?.as_slice() else {
                return None;
            };
            let property = property.as_str().filter(|_| properties == "properties")?;
            Some((property, either(item.get("metadata")?.as_object()?, name)?))
        };
        items.into_iter().flatten().filter_map(value).collect()
    }

    /// The rules of selection.
    pub fn selection(&self) -> Selection {
        Selection::of(self.fields)
    }

    /// `key_properties`, then `table-key-properties`, then, for a view, `view-key-properties`.
    pub fn key_properties(&self) -> Option<Vec<Box<str>>> {
        let view = || self.metadata("view-key-properties");
        let list = self.field("key_properties").filter(|list| list.is_array());
        let list = list
            .or_else(|| self.metadata("table-key-properties"))
            .filter(|list| !is_empty(list))
            .or_else(view);
        let list = list.or_else(|| self.field("key_properties"))?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(Into::into).collect())
    }

    /// The replication key: the user's metadata, then the entry's own.
    pub fn replication_key(&self) -> Option<&'a str> {
        let user = self.metadata("replication-key").and_then(Value::as_str);
        user.or_else(|| self.field("replication_key")?.as_str())
            .filter(|key| !key.is_empty())
    }

    /// The replication method: that of the user's metadata, then the entry's own, then the forced one.
    ///
    /// `discovered` is the method that discovery writes into the entry. An entry that says the same may not have been
    /// looked at by anybody, so what else the user wrote goes before it: a `forced-replication-method`, which users of the
    /// Meltano SDK set because its taps leave the entry's method empty, or a `replication-key` in the metadata alone.
    pub fn replication_method(&self, discovered: Method) -> Result<Option<Method>> {
        let read = |value: Option<&Value>| {
            let word = value.and_then(Value::as_str).filter(|word| !word.is_empty());
            let method = word.map(Method::parse).transpose();
            method.map_err(|error| error.in_stream(self.id()))
        };
        if let Some(user) = read(self.metadata("replication-method"))? {
            return Ok(Some(user));
        }
        let entry = read(self.field("replication_method"))?;
        let forced = read(self.metadata("forced-replication-method"))?;
        let key = self.metadata("replication-key").and_then(Value::as_str);
        let keyed = key.filter(|key| !key.is_empty()).map(|_| Method::Incremental);
        Ok(match entry {
            Some(method) if method != discovered => Some(method),
            entry => forced.or(keyed).or(entry),
        })
    }
}

fn is_empty(list: &Value) -> bool {
    list.as_array().is_some_and(Vec::is_empty)
}

/// The value under `name` as written, with hyphens or with underscores.
fn either<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let present = |name: &str| map.get(name).filter(|value| !value.is_null());
    present(name)
        .or_else(|| present(&name.replace('-', "_")))
        .or_else(|| present(&name.replace('_', "-")))
}

/// The entry that discovery prints for a stream.
fn entry_of(stream: &Stream<'_>) -> Value {
    let mut entry = Map::new();
    entry.insert("tap_stream_id".into(), (*stream.name).into());
    entry.insert("stream".into(), (*stream.name).into());
    entry.insert("replication_method".into(), stream.default_method().name().into());
    if let Some(key) = &stream.replication_key {
        entry.insert("replication_key".into(), (**key).into());
    }
    entry.insert("key_properties".into(), json!(stream.key));
    entry.extend(stream.fields.clone());
    entry.insert("schema".into(), stream.schema.clone());
    entry.insert("metadata".into(), metadata_of(stream));
    Value::Object(entry)
}

fn metadata_of(stream: &Stream<'_>) -> Value {
    let mut root = Map::new();
    root.insert("inclusion".into(), "available".into());
    root.insert("selected-by-default".into(), stream.selected_by_default.into());
    root.insert("table-key-properties".into(), json!(stream.key));
    if let Some(method) = stream.forced {
        root.insert("forced-replication-method".into(), method.name().into());
    }
    if let Some(key) = &stream.replication_key {
        root.insert("valid-replication-keys".into(), json!([key]));
    }
    root.extend(stream.metadata.clone());
    let mut items = vec![json!({"breadcrumb": [], "metadata": root})];
    let properties = stream.schema.get("properties").and_then(Value::as_object);
    for name in properties.into_iter().flat_map(Map::keys) {
        let is = |names: &[Box<str>]| names.iter().any(|other| **other == **name);
        let inclusion = if is(&stream.unsupported) {
            "unsupported"
        } else if is(&stream.key) || stream.replication_key.as_deref() == Some(name) {
            "automatic"
        } else {
            "available"
        };
        let mut metadata = json!({"inclusion": inclusion});
        if let (Some(more), Some(metadata)) = (
            stream.property_metadata.get(name).and_then(Value::as_object),
            metadata.as_object_mut(),
        ) {
            metadata.extend(more.clone());
        }
        items.push(json!({"breadcrumb": ["properties", name], "metadata": metadata}));
    }
    items.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(text: &str) -> Catalog {
        Catalog::read(text.as_bytes(), "c.json").expect("reads")
    }

    #[test]
    fn what_is_not_known_stays_in_its_place() {
        let text = "{\n  \"version\": 3,\n  \"streams\": [\n    {\n      \"zebra\": 1,\n      \"tap_stream_id\": \"s\",\n      \
                    \"schema\": {},\n      \"metadata\": [\n        {\n          \"breadcrumb\": [],\n          \
                    \"metadata\": {\n            \"sql-datatype\": \"int\"\n          }\n        }\n      ]\n    }\n  ]\n}\n";
        assert_eq!(catalog(text).to_text(), text);
    }

    #[test]
    fn methods_and_keys_by_both_spellings_and_in_order() {
        let read = |entry: &str, root: &str| {
            let text = format!(
                r#"{{"streams": [{{"tap_stream_id": "s"{entry}, "metadata": [{{"breadcrumb": [], "metadata": {root}}}]}}]}}"#
            );
            let catalog = catalog(&text);
            let entry = catalog.entry("s").expect("there");
            let key = entry.replication_key().map(str::to_owned);
            let method = entry.replication_method(Method::FullTable).expect("known");
            (method, key)
        };
        let incremental = Some(Method::Incremental);
        assert_eq!(read("", "{}"), (None, None));
        assert_eq!(
            read(r#", "replication_method": "INCREMENTAL""#, "{}").0,
            incremental
        );
        assert_eq!(
            read(r#", "replication-method": "INCREMENTAL""#, "{}").0,
            incremental
        );
        assert_eq!(
            read("", r#"{"replication-method": "INCREMENTAL"}"#).0,
            incremental
        );
        assert_eq!(
            read("", r#"{"replication_method": "INCREMENTAL"}"#).0,
            incremental
        );
        assert_eq!(
            read("", r#"{"forced-replication-method": "INCREMENTAL"}"#).0,
            incremental
        );
        let discovered = r#", "replication_method": "FULL_TABLE", "replication_key": "a""#;
        let edited = r#"{"replication-method": "INCREMENTAL", "replication-key": "b"}"#;
        assert_eq!(read(discovered, edited), (incremental, Some("b".into())));
    }

    #[test]
    fn what_a_user_wrote_goes_before_what_was_discovered() {
        let method = |entry: &str, root: &str, discovered| {
            let text = format!(
                r#"{{"streams": [{{"tap_stream_id": "s"{entry}, "metadata": [{{"breadcrumb": [], "metadata": {root}}}]}}]}}"#
            );
            let catalog = catalog(&text);
            let entry = catalog.entry("s").expect("there");
            entry.replication_method(discovered).expect("known")
        };
        let (full, incremental, log) = (Method::FullTable, Method::Incremental, Method::LogBased);
        let entry_full = r#", "replication_method": "FULL_TABLE""#;
        let forced = r#"{"forced-replication-method": "INCREMENTAL", "replication-key": "a"}"#;
        assert_eq!(method(entry_full, forced, full), Some(incremental));
        assert_eq!(
            method(r#", "replication_method": """#, forced, full),
            Some(incremental)
        );
        assert_eq!(
            method(entry_full, forced, incremental),
            Some(full),
            "the entry was edited"
        );
        assert_eq!(method(entry_full, forced, log), Some(full));
        let key = r#"{"replication-key": "a"}"#;
        assert_eq!(method(entry_full, key, full), Some(incremental));
        assert_eq!(method(entry_full, r#"{"replication-key": ""}"#, full), Some(full));
        assert_eq!(
            method(
                r#", "replication_method": "FULL_TABLE", "replication_key": "a""#,
                "{}",
                full
            ),
            Some(full)
        );
        let both = r#"{"forced-replication-method": "FULL_TABLE", "replication-method": "INCREMENTAL"}"#;
        assert_eq!(method(entry_full, both, full), Some(incremental));
        let tap_forces = r#"{"forced-replication-method": "FULL_TABLE", "replication-key": "a"}"#;
        assert_eq!(method(entry_full, tap_forces, full), Some(full));
    }

    #[test]
    fn key_properties_in_the_meltano_sdks_order() {
        let keys = |entry: &str| {
            let catalog = catalog(&format!(r#"{{"streams": [{{"tap_stream_id": "s", {entry}}}]}}"#));
            catalog
                .entry("s")
                .expect("there")
                .key_properties()
                .map(|keys| keys.join(","))
        };
        let metadata = r#""metadata": [{"breadcrumb": [], "metadata": {"table-key-properties": ["b"]}}]"#;
        assert_eq!(
            keys(&format!(r#""key_properties": ["a"], {metadata}"#)).as_deref(),
            Some("a")
        );
        assert_eq!(keys(metadata).as_deref(), Some("b"));
        let view = r#""metadata": [{"breadcrumb": [], "metadata": {"view-key-properties": ["v"]}}]"#;
        assert_eq!(keys(view).as_deref(), Some("v"));
        assert_eq!(keys(r#""key_properties": []"#).as_deref(), Some(""));
        assert_eq!(keys(r#""is_view": false"#), None);
    }

    #[test]
    fn a_stream_tells_more_of_itself_and_of_its_properties() {
        let stream = Stream::new("s", json!({"properties": {"a": {}, "b": {}}}))
            .field("table_name", "t")
            .prefers(Method::Incremental)
            .property_metadata("a", "sql-datatype", "integer");
        let entry = entry_of(&stream);
        assert_eq!(entry["table_name"], "t");
        assert_eq!(entry["replication_method"], "INCREMENTAL");
        let metadata = &entry["metadata"];
        assert_eq!(
            metadata[1]["metadata"],
            json!({"inclusion": "available", "sql-datatype": "integer"})
        );
        assert_eq!(metadata[2]["metadata"], json!({"inclusion": "available"}));
    }

    #[test]
    fn a_catalog_without_streams_is_refused() {
        for text in ["[]", "{}", "nonsense", r#"{"streams": [{}]}"#] {
            assert!(Catalog::read(text.as_bytes(), "c.json").is_err(), "{text}");
        }
    }
}
