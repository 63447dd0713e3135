//! An API by a definition: its client, its streams, and the samples that schemas are inferred from.

use melisma_sdk::http::Client;
use melisma_sdk::{Catalog, Context, Result, Stream, json};
use serde_json::Value;

use crate::build::{self, Schemas};
use crate::definition::{self, OneOf, Source};
use crate::infer;
use crate::msdk::flatten::RAW;

/// The records of each stream that its schema is inferred from.
const SAMPLES: usize = 100;

/// The API.
pub(crate) struct Defined {
    source: Source,
    client: Client,
}

impl Defined {
    pub(crate) fn open(source: Source, context: &Context) -> Result<Self> {
        let client = build::client(&source, context)?;
        Ok(Self { source, client })
    }

    pub(crate) fn discover(&self) -> Result<Vec<Stream<'_>>> {
        self.streams_with(self.own_schemas()?)
    }

    /// The catalog says what records look like, so that nothing is sampled that was sampled for it.
    pub(crate) fn streams(&self, catalog: &Catalog) -> Result<Vec<Stream<'_>>> {
        let mut schemas = self.own_schemas()?;
        let is_ours = |id: &str| self.said().any(|(name, _)| name == id);
        for entry in catalog.entries() {
            if let Some(schema) = entry.schema()
                && is_ours(entry.id())
            {
                schemas
                    .entry(entry.id().to_owned())
                    .or_insert_with(|| schema.clone());
            }
        }
        self.streams_with(schemas)
    }

    fn said(&self) -> impl Iterator<Item = (&String, &definition::Stream)> {
        self.source
            .definition
            .read
            .iter()
            .map(|(name, said)| (name, said))
    }

    /// The schemas that the definition has.
    fn own_schemas(&self) -> Result<Schemas> {
        let mut schemas = Schemas::new();
        for (name, stream) in self.said() {
            let schema = match &stream.schema {
                Some(OneOf::Short(path)) => self.source.file(path).map_err(|error| error.in_stream(name))?,
                Some(OneOf::Long(schema)) => Value::Object(schema.clone()),
                None => continue,
            };
            schemas.insert(name.clone(), schema);
        }
        Ok(schemas)
    }

    /// The streams, after samples of those that have no schema.
    fn streams_with(&self, mut schemas: Schemas) -> Result<Vec<Stream<'_>>> {
        for (name, stream) in build::streams(&self.source, &self.client, &schemas)? {
            let family = build::family_of(&self.source, &name);
            if family.iter().all(|name| schemas.contains_key(name)) {
                continue;
            }
            let own = self.said().filter(|(name, _)| family.contains(name));
            let count = own.filter_map(|(_, said)| said.samples).max();
            let count = count.or(self.source.definition.samples).unwrap_or(SAMPLES);
            let samples = stream.sample(count)?;
            for (name, said) in self.said().filter(|(name, _)| family.contains(name)) {
                let records = samples.get(name).map(Vec::as_slice).unwrap_or_default();
                if records.is_empty() && !schemas.contains_key(name) {
                    log::warn!(
                        "stream {name}: no record was found that its schema could be inferred from; give it one"
                    );
                }
                schemas
                    .entry(name.clone())
                    .or_insert_with(|| self.inferred(said, records));
            }
        }
        let streams = build::streams(&self.source, &self.client, &schemas)?;
        streams.into_iter().map(|(_, stream)| stream.stream()).collect()
    }

    fn inferred(&self, said: &definition::Stream, records: &[Value]) -> Value {
        let mut schema = infer::schema(records, &said.key_names(), self.source.definition.plain_texts);
        if said.flatten.as_ref().is_some_and(|flatten| flatten.raw) {
            // Of any shape: what the samples have of it says nothing of the next record.
            schema["properties"][RAW] = json!({"type": ["object", "null"]});
        }
        schema
    }
}
