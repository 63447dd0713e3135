//! Singer tap for HTTP APIs that a YAML or JSON file describes: [`Definition`] says what it may say.
//!
//! `definition/` reads and checks the file and fills in the settings, `build/` makes streams of `melisma_sdk::http` of it, and
//! `infer` makes schemas for streams that have none.

mod build;
mod config;
mod definition;
mod infer;

use melisma_sdk::http::Client;
use melisma_sdk::{Catalog, Context, Result, Stream, Tap};
use serde_json::Value;

use build::Schemas;
pub use config::Config;
pub use definition::{
    Auth, Basic, Definition, Grant, Limits, OneOf, Pages, PagesWord, Reaction, Setting, Since, Source, State,
};

/// The records of each stream that its schema is inferred from.
const SAMPLES: usize = 100;

/// The tap.
pub struct TapRest {
    source: Source,
    client: Client,
}

impl Tap for TapRest {
    type Config = Config;

    fn open(config: Config, context: &Context) -> Result<Self> {
        let source = Source::read(&config.definition, &config.settings)?;
        let client = build::client(&source, context)?;
        Ok(Self { source, client })
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        self.streams_with(self.own_schemas()?)
    }

    /// The catalog says what records look like, so that nothing is sampled that was sampled for it.
    fn streams(&self, catalog: &Catalog, _: &Context) -> Result<Vec<Stream<'_>>> {
        let mut schemas = self.own_schemas()?;
        for entry in catalog.entries() {
            if let Some(schema) = entry.schema()
                && self
                    .source
                    .definition
                    .read
                    .iter()
                    .any(|(name, _)| name == entry.id())
            {
                schemas
                    .entry(entry.id().to_owned())
                    .or_insert_with(|| schema.clone());
            }
        }
        self.streams_with(schemas)
    }
}

impl TapRest {
    /// The schemas that the definition has.
    fn own_schemas(&self) -> Result<Schemas> {
        let mut schemas = Schemas::new();
        for (name, stream) in &self.source.definition.read {
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
            let samples = stream.sample(self.source.definition.samples.unwrap_or(SAMPLES))?;
            for (name, said) in self
                .source
                .definition
                .read
                .iter()
                .filter(|(name, _)| family.contains(name))
            {
                let records = samples.get(name).map(Vec::as_slice).unwrap_or_default();
                if records.is_empty() && !schemas.contains_key(name) {
                    log::warn!(
                        "stream {name}: no record was found that its schema could be inferred from; give it one"
                    );
                }
                schemas
                    .entry(name.clone())
                    .or_insert_with(|| infer::schema(records, &said.key_names()));
            }
        }
        let streams = build::streams(&self.source, &self.client, &schemas)?;
        streams.into_iter().map(|(_, stream)| stream.stream()).collect()
    }
}
