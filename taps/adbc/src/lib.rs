//! Singer tap for databases with an ADBC driver, and the same tap by the names of some of them.
//!
//! `discovery` asks the driver which tables there are (`objects`); `query` builds the SQL of a table, and `fetch` runs it in a
//! thread of the driver's own; `values` writes the Arrow batches that come into the records that go out, cell by cell.

mod bookmark;
mod config;
mod declared;
mod discovery;
mod drift;
mod duckdb;
mod duckdb_types;
mod fetch;
mod incremental;
mod kind;
mod objects;
mod postgresql_types;
mod query;
mod read;
mod snowflake;
mod sql;
mod sqlite;
mod stream;
mod table;
mod values;

use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;

use adbc_driver_manager::ManagedConnection;
use melisma_adbc::Database;
use melisma_sdk::arrow::ValueOptions;
use melisma_sdk::config::Names;
use melisma_sdk::internal::Connector;
use melisma_sdk::tap::Refused;
use melisma_sdk::{Catalog, Context, Result, Stream, Tap};

pub use config::{AdbcConfig, ReadConfig, ReplicationMethod, Settings, Source, StreamOptions};
pub use duckdb::DuckDbConfig;
pub use snowflake::SnowflakeConfig;
pub use sql::Sql;
pub use sqlite::SqliteConfig;

use discovery::Filter;
use fetch::{Connection, Queries};
use table::Table;

/// The tap by its own name.
pub type TapAdbc = DatabaseTap<AdbcConfig>;
/// The tap for DuckDB.
pub type TapDuckDb = DatabaseTap<DuckDbConfig>;
/// The tap for Snowflake.
pub type TapSnowflake = DatabaseTap<SnowflakeConfig>;
/// The tap for SQLite.
pub type TapSqlite = DatabaseTap<SqliteConfig>;

/// What `melisma` has inside of [`TapAdbc`].
pub static ADBC: Connector = Connector::tap::<TapAdbc>();
/// What `melisma` has inside of [`TapDuckDb`].
pub static DUCKDB: Connector = Connector::tap::<TapDuckDb>();
/// What `melisma` has inside of [`TapSnowflake`].
pub static SNOWFLAKE: Connector = Connector::tap::<TapSnowflake>();
/// What `melisma` has inside of [`TapSqlite`].
pub static SQLITE: Connector = Connector::tap::<TapSqlite>();

/// A tap of a database behind a driver.
#[derive(Debug)]
pub struct DatabaseTap<C> {
    database: Database,
    sql: Sql,
    read: ReadConfig,
    filter_schemas: Option<Names>,
    statement_options: Vec<(String, String)>,
    options: ValueOptions,
    connection: RefCell<Option<Connection>>,
    refused: RefCell<Vec<Refused>>,
    config: PhantomData<fn() -> C>,
}

impl<C> DatabaseTap<C> {
    /// The connection, which is made when it is needed first.
    fn connection(&self) -> Result<ManagedConnection> {
        if let Some(connection) = &*self.connection.borrow() {
            return Ok(connection.0.clone());
        }
        let mut connection = self.database.connect(true)?;
        for sql in self.sql.start() {
            melisma_adbc::run(&mut connection, &sql)
                .map_err(|error| self.database.error("cannot prepare the connection", &error))?;
        }
        self.connection.replace(Some(Connection(connection.clone())));
        Ok(connection)
    }

    /// The tables that the filter finds, by stream.
    fn tables(&self, filter: &Filter<'_>) -> Result<Vec<Table>> {
        let found = discovery::tables(&self.database, &mut self.connection()?, self.sql, filter)?;
        let mut known = HashMap::with_capacity(found.tables.len());
        for table in &found.tables {
            if let Some(other) = known.insert(table.id(), table) {
                return Err(discovery::one_stream(other, table));
            }
        }
        self.refused.replace(found.refused);
        Ok(found.tables)
    }

    /// The stream, read from its table.
    fn reads<'t>(&'t self, stream: Stream<'t>, table: Table) -> Stream<'t> {
        stream.sync(move |output| {
            let queries = Queries {
                database: &self.database,
                connection: Connection(self.connection()?),
                options: &self.statement_options,
            };
            read::stream(&table, &queries, (self.sql, &self.read, self.options), output)
        })
    }
}

impl<C: Settings> Tap for DatabaseTap<C> {
    type Config = C;

    fn open(config: C, _: &Context) -> Result<Self> {
        let source = config.source()?;
        let database = Database::open(source.address)?;
        let sql = match source.sql {
            Some(sql) => sql,
            None => Sql::of_vendor(&database.vendor()?),
        };
        let mut statement_options = sql.statement_options();
        statement_options.extend(source.statement_options);
        let options = ValueOptions {
            decimals_as_strings: source.decimals_as_strings,
            dates_as_strings: source.read.dates_as_string,
            invalid_dates: source.read.invalid_date_handling,
        };
        Ok(Self {
            database,
            sql,
            read: source.read,
            filter_schemas: source.filter_schemas,
            statement_options: statement_options.into_iter().collect(),
            options,
            connection: RefCell::default(),
            refused: RefCell::default(),
            config: PhantomData,
        })
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let filter = Filter {
            schemas: self.filter_schemas.as_ref(),
            tables: self.read.filter_tables.as_ref(),
            streams: None,
        };
        let streams = self.tables(&filter)?.into_iter().map(|table| {
            let stream = stream::stream(&table, &self.read, self.options)?;
            Ok(self.reads(stream, table))
        });
        streams.collect()
    }

    /// Only the selected streams are looked for.
    fn streams(&self, catalog: &Catalog, context: &Context) -> Result<Vec<Stream<'_>>> {
        let selected = catalog
            .entries()
            .filter(|entry| entry.selection().is_selected(&[]));
        let filter = Filter {
            streams: Some(selected.map(|entry| entry.id()).collect()),
            ..Filter::default()
        };
        let tables = self.tables(&filter)?;
        let entries = catalog.by_id();
        let mut streams = Vec::with_capacity(tables.len());
        for table in tables {
            context.stop().check()?;
            let Some(entry) = entries.get(table.id().as_str()) else {
                continue;
            };
            let stream = stream::stream(&table, &self.read, self.options)?;
            let stream = drift::corrected(stream, &table, *entry, self.options)?;
            streams.push(self.reads(stream, table));
        }
        Ok(streams)
    }

    fn refused(&self) -> Vec<Refused> {
        self.refused.borrow().clone()
    }
}
