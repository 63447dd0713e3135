//! Singer tap for CSV files: drop-in for `MeltanoLabs` tap-csv, with types, compression, patterns and incremental
//! reading on top. [`Config`] says what it can do.
//!
//! A file passes through one buffer: `source` decompresses and decodes into it, `plain` finds the rows whose cells stand
//! there as they are, 64 bytes at a time (`block`), `parse` takes the others apart at the `marks` that give them their
//! shape, and `sync` writes the cells into the records that go out. Nothing is allocated per row.

mod block;
mod codepage;
mod columns;
mod config;
mod copied;
mod dialect;
mod discover;
mod encoding;
mod entry;
mod files;
mod format;
mod forms;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gzip;
mod header;
mod infer;
mod marks;
mod parse;
mod plain;
mod reader;
mod record;
mod source;
mod step;
mod sync;
mod value;

use melisma_sdk::internal::Connector;
use melisma_sdk::{Catalog, Context, Result, Stream, Tap};

pub use config::{Compression, Config, DuplicateHeaders, FileConfig, OnTypeMismatch, Ragged};
use entry::Entry;

/// What `melisma` has inside of it.
pub static CONNECTOR: Connector = Connector::tap::<TapCsv>().handing_over_copied();

/// The tap.
#[derive(Debug)]
pub struct TapCsv {
    settings: Config,
    entries: Vec<Entry>,
}

impl TapCsv {
    fn stream<'t>(&'t self, entry: &'t Entry, schema: serde_json::Value) -> Stream<'t> {
        // The bookmark is that of a whole file, whatever a row says.
        let stream = Stream::new(entry.settings.entity.as_str(), schema)
            .key(entry.settings.keys.iter().map(String::as_str))
            .manual_bookmark()
            .sync(|output| sync::stream(entry, &self.settings, output));
        if self.settings.incremental {
            stream.replication_key(discover::MODIFIED)
        } else {
            stream
        }
    }

    fn discover_entry<'t>(&'t self, entry: &'t Entry) -> Result<Option<Stream<'t>>> {
        let schema = discover::schema(entry, &self.settings);
        let schema = schema.map_err(|error| error.in_stream(&entry.settings.entity))?;
        if schema.is_none() {
            log::warn!(
                "stream {}: is left out, because its files are empty and so have no columns",
                entry.settings.entity
            );
        }
        Ok(schema.map(|schema| self.stream(entry, schema)))
    }
}

impl Tap for TapCsv {
    type Config = Config;

    fn open(settings: Config, _: &Context) -> Result<Self> {
        Ok(Self {
            entries: Entry::all(&settings)?,
            settings,
        })
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let streams = self.entries.iter().map(|entry| self.discover_entry(entry));
        streams.filter_map(Result::transpose).collect()
    }

    /// The catalog says what there is to read, so that no file is opened before it is read. Where it has no schema, the
    /// files are looked at as in discovery.
    fn streams(&self, catalog: &Catalog, _: &Context) -> Result<Vec<Stream<'_>>> {
        let streams = self.entries.iter().map(|entry| {
            let Some(known) = catalog.entry(&entry.settings.entity) else {
                return Ok(None);
            };
            match known.schema() {
                Some(schema) => Ok(Some(self.stream(entry, schema.clone()))),
                None => self.discover_entry(entry),
            }
        });
        streams.filter_map(Result::transpose).collect()
    }
}
