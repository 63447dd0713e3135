//! Singer tap for PostgreSQL: drop-in for `MeltanoLabs` tap-postgres, at the speed of the server. [`Settings`] says
//! what it can do.
//!
//! `discovery` reads the catalog; `columns` turns the selected columns of a table into a query and decoders; `copy`
//! takes the binary COPY stream of that query apart, and `decode` writes its values into the record that goes out.
//! Nothing is allocated for a row.

mod columns;
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
mod settings;
mod sync;

use std::cell::RefCell;
use std::collections::HashMap;

use melisma_postgres::{Server, Session};
use melisma_sdk::{Catalog, Error, Output, Result, Stream, Tap, show};

use discovery::{Filter, Table};
pub use settings::{InvalidDates, LogBased, Maps, Names, ReplicationMethod, Settings, StreamOptions, Values};

/// The tap.
#[derive(Debug)]
pub struct TapPostgres {
    settings: Settings,
    server: Server,
    /// What discovery found, by stream.
    tables: RefCell<HashMap<String, Table>>,
    /// An open session that nobody uses, for the next that needs one.
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

    fn find(&self, filter: &Filter<'_>) -> Result<Vec<Stream>> {
        let tables = self.with_session(|session| discovery::tables(session, filter))?;
        let streams = tables
            .iter()
            .map(|table| table.stream(&self.settings, self.server.database()))
            .collect();
        let mut known = self.tables.borrow_mut();
        for table in tables {
            let name = (table.schema.clone(), table.name.clone());
            if let Some(other) = known.insert(table.id(), table)
                && (other.schema.clone(), other.name.clone()) != name
            {
                return Err(Error::config(format!(
                    "the tables {}.{} and {}.{} are one stream {}: choose one with filter_schemas or filter_tables",
                    show(&other.schema),
                    show(&other.name),
                    show(&name.0),
                    show(&name.1),
                    show(&other.id()),
                )));
            }
        }
        Ok(streams)
    }
}

impl Tap for TapPostgres {
    const NAME: &'static str = "tap-postgres";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = Settings;

    fn open(settings: Settings) -> Result<Self> {
        settings.check()?;
        Ok(Self {
            server: settings.connection.server("tap_postgres")?,
            settings,
            tables: RefCell::default(),
            session: RefCell::default(),
        })
    }

    fn discover(&self) -> Result<Vec<Stream>> {
        self.find(&Filter::of(&self.settings))
    }

    /// Only the selected streams are looked for.
    fn streams(&self, catalog: &Catalog) -> Result<Vec<Stream>> {
        let selected = catalog
            .entries()
            .filter(|entry| entry.selection().is_selected(&[]));
        let streams = self.find(&Filter::streams(selected.map(|entry| entry.id()).collect()))?;
        let (entries, tables) = (catalog.by_id(), self.tables.borrow());
        let mut readable = Vec::with_capacity(streams.len());
        for stream in streams {
            let (Some(table), Some(entry)) = (tables.get(stream.name()), entries.get(stream.name())) else {
                continue;
            };
            match self.with_session(|session| Ok(discovery::refusal(session, table)))? {
                Some(error) => log::warn!("stream {}: {error}", table.id()),
                None => readable.push(drift::corrected(stream, table, *entry, &self.settings.values)),
            }
        }
        Ok(readable)
    }

    fn sync(&self, output: &mut Output<'_>) -> Result<()> {
        let tables = self.tables.borrow();
        let table = tables
            .get(output.stream())
            .ok_or_else(|| Error::bug("a stream without a table"))?;
        self.with_session(|session| sync::stream(table, &self.server, session, &self.settings, output))
    }
}
