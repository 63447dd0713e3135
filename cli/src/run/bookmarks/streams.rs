//! What a catalog says of its streams: their ids, their replication keys, and of which type those are.

use serde_json::Value;

/// The streams of a catalog; none when the tap has no catalog, or one that the runner does not see.
#[derive(Clone, Copy)]
pub(super) struct Streams<'a>(Option<&'a Value>);

impl<'a> Streams<'a> {
    pub(super) fn of(catalog: Option<&'a Value>) -> Self {
        Self(catalog)
    }

    fn all(self) -> impl Iterator<Item = &'a Value> {
        let streams = self.0.and_then(|catalog| catalog.get("streams")?.as_array());
        streams.into_iter().flatten()
    }

    /// The id and the name of each stream. Bookmarks have the id.
    pub(super) fn names(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.all().filter_map(|stream| {
            let text = |key| stream.get(key).and_then(Value::as_str);
            let id = text("tap_stream_id").or_else(|| text("stream"))?;
            Some((id, text("stream").unwrap_or(id)))
        })
    }

    pub(super) fn stream(self, id: &str) -> Option<Stream<'a>> {
        let is_it = |stream: &&Value| {
            let of = stream.get("tap_stream_id").or_else(|| stream.get("stream"));
            of.and_then(Value::as_str) == Some(id)
        };
        self.all().find(is_it).map(Stream)
    }

    /// The names of the streams that are selected, as records have them.
    pub(super) fn selected(self) -> impl Iterator<Item = &'a str> {
        self.all()
            .filter(|stream| Stream(stream).is_selected())
            .filter_map(|stream| {
                let name = stream.get("stream").or_else(|| stream.get("tap_stream_id"));
                name.and_then(Value::as_str)
            })
    }
}

/// A stream of a catalog.
#[derive(Clone, Copy)]
pub(super) struct Stream<'a>(&'a Value);

impl<'a> Stream<'a> {
    /// The metadata of the stream itself.
    fn metadata(self) -> Option<&'a Value> {
        let is_own = |item: &&Value| {
            item.get("breadcrumb")
                .and_then(Value::as_array)
                .is_some_and(Vec::is_empty)
        };
        self.0
            .get("metadata")?
            .as_array()?
            .iter()
            .find(is_own)?
            .get("metadata")
    }

    fn text(self, in_metadata: &str, beside: &str) -> Option<&'a str> {
        let metadata = self.metadata().and_then(|metadata| metadata.get(in_metadata));
        metadata.or_else(|| self.0.get(beside)).and_then(Value::as_str)
    }

    fn is_selected(self) -> bool {
        let flag = |key| {
            self.metadata()
                .and_then(|metadata| metadata.get(key))
                .and_then(Value::as_bool)
        };
        flag("selected")
            .or_else(|| self.0.get("selected").and_then(Value::as_bool))
            .or_else(|| flag("selected-by-default"))
            .unwrap_or(false)
    }

    /// Whether its bookmark means nothing, because it is always extracted as a whole.
    pub(super) fn is_full_table(self) -> bool {
        let method = self.text("replication-method", "replication_method");
        method.or_else(|| self.text("forced-replication-method", "forced_replication_method"))
            == Some("FULL_TABLE")
    }

    /// The property that bookmarks are values of.
    pub(super) fn replication_key(self) -> Option<&'a str> {
        self.text("replication-key", "replication_key").or_else(|| {
            let valid = self.metadata()?.get("valid-replication-keys")?.as_array()?;
            // Of several the tap chooses one, and does not say which.
            valid.first()?.as_str().filter(|_| valid.len() == 1)
        })
    }

    /// Whether a property is a number; `None` when its schema does not say.
    pub(super) fn is_number(self, property: &str) -> Option<bool> {
        let types = self
            .0
            .get("schema")?
            .get("properties")?
            .get(property)?
            .get("type")?;
        let is = |name: &str| {
            types.as_str() == Some(name)
                || types
                    .as_array()
                    .is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)))
        };
        Some(!is("string") && (is("integer") || is("number")))
    }
}
