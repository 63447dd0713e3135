//! Singer tap for PostgreSQL: drop-in for `MeltanoLabs` tap-postgres, at the speed of the server. [`Config`] says
//! what it can do.
//!
//! `discovery` reads the catalog; `columns` turns the selected columns of a table into a query and decoders; `copy`
//! takes the binary COPY stream of that query apart, and `decode` writes its values into the record that goes out.
//! Nothing is allocated for a row.

mod columns;
mod config;
mod copied;
mod copy;
mod decode;
mod depth;
mod discovery;
mod drift;
mod full_table;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod incremental;
mod kind;
mod position;
mod query;
mod schema;
mod sync;

use std::cell::RefCell;
use std::collections::HashMap;

use melisma_postgres::{Server, Session};
use melisma_sdk::internal::Connector;
use melisma_sdk::{Catalog, Context, Error, Result, Stream, Tap, show};

pub use config::{Config, InvalidDates, LogBased, Names, ReplicationMethod, StreamOptions, Values};
use discovery::{Filter, Table};

/// What `melisma` has inside of it.
pub static CONNECTOR: Connector = Connector::tap::<TapPostgres>().handing_over_copied();

/// The tap.
#[derive(Debug)]
pub struct TapPostgres {
    settings: Config,
    server: Server,
    /// An idle open session, for the next stream that needs one.
    session: RefCell<Option<Session>>,
}

impl TapPostgres {
    /// Does something with a session, which is kept when it worked.
    fn with_session<T>(&self, work: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
        let open = self.session.take();
        let mut session = open.map_or_else(|| self.server.session(), Ok)?;
        let done = work(&mut session)?;
        self.session.replace(Some(session));
        Ok(done)
    }

    /// The tables that the filter finds, by stream.
    fn tables(&self, filter: &Filter<'_>) -> Result<Vec<Table>> {
        let tables = self.with_session(|session| discovery::tables(session, filter))?;
        let mut known = HashMap::with_capacity(tables.len());
        for table in &tables {
            if let Some(other) = known.insert(table.id(), table) {
                return Err(one_stream(other, table));
            }
        }
        Ok(tables)
    }

    fn describe(&self, table: &Table) -> Stream<'static> {
        table.stream(&self.settings, self.server.database())
    }

    /// The stream, read from its table.
    fn reads<'t>(&'t self, stream: Stream<'t>, table: Table) -> Stream<'t> {
        stream.sync(move |output| {
            self.with_session(|session| sync::stream(&table, &self.server, session, &self.settings, output))
        })
    }
}

fn one_stream(one: &Table, other: &Table) -> Error {
    Error::config(format!(
        "the tables {}.{} and {}.{} are one stream {}: choose one with filter_schemas or filter_tables",
        show(&one.schema),
        show(&one.name),
        show(&other.schema),
        show(&other.name),
        show(&one.id()),
    ))
}

impl Tap for TapPostgres {
    type Config = Config;

    fn open(settings: Config, _: &Context) -> Result<Self> {
        Ok(Self {
            server: settings.connection.server("tap_postgres")?,
            settings,
            session: RefCell::default(),
        })
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let tables = self.tables(&Filter::of(&self.settings))?;
        let streams = tables
            .into_iter()
            .map(|table| self.reads(self.describe(&table), table));
        Ok(streams.collect())
    }

    /// Only the selected streams are looked for.
    fn streams(&self, catalog: &Catalog, context: &Context) -> Result<Vec<Stream<'_>>> {
        let selected = catalog
            .entries()
            .filter(|entry| entry.selection().is_selected(&[]));
        let tables = self.tables(&Filter::streams(selected.map(|entry| entry.id()).collect()))?;
        let entries = catalog.by_id();
        let mut readable = Vec::with_capacity(tables.len());
        for table in tables {
            context.stop().check()?;
            let id = table.id();
            let Some(entry) = entries.get(id.as_str()) else {
                continue;
            };
            match self.with_session(|session| Ok(discovery::refusal(session, &table)))? {
                Some(error) => log::warn!("stream {id}: {error}"),
                None => {
                    let stream = self.describe(&table);
                    let stream = drift::corrected(stream, &table, *entry, &self.settings.values);
                    readable.push(self.reads(stream, table));
                }
            }
        }
        Ok(readable)
    }
}
