//! Singer target for databases with an ADBC driver, and the same target by the names of some of them.
//!
//! A driver is a shared library that the user installs, and that is loaded when a run names it: nothing of it is linked. Rows
//! are handed to it as Arrow columns, by the C data interface, without a copy. What the databases have in common is in
//! [`melisma_sdk::sql`]; a [dialect](DialectName) says in what they differ.

mod bigquery;
mod config;
mod database;
mod dialects;
mod duckdb;
mod redshift;
mod session;
mod snowflake;
mod sqlite;
mod transactions;
mod warehouse;

use melisma_adbc::Address;
use melisma_sdk::Result;
use melisma_sdk::internal::Connector;
use melisma_sdk::internal::copied;
use melisma_sdk::sql::{Opened, Sql, SqlTarget};
use melisma_sdk::target::StandardConfig;

pub use bigquery::{BigQueryConfig, TargetBigQuery};
pub use config::Config;
pub use database::Link;
pub use dialects::DialectName;
pub use duckdb::{DuckDb, DuckDbConfig, TargetDuckDb};
pub use redshift::{RedshiftConfig, TargetRedshift};
pub use session::Session;
pub use snowflake::{SnowflakeConfig, TargetSnowflake};
pub use sqlite::{Sqlite, SqliteConfig, TargetSqlite};
pub use transactions::{By, Transactions};
pub use warehouse::{Service, Warehouse, WarehouseConfig};

use database::Database;

/// The target by its own name.
pub type TargetAdbc = Sql<Adbc>;

/// What `melisma` has inside of [`TargetAdbc`].
pub static ADBC: Connector = Connector::target::<TargetAdbc>().taking_copied(copied::Form::Lines);
/// What `melisma` has inside of [`TargetBigQuery`].
pub static BIGQUERY: Connector = Connector::target::<TargetBigQuery>().taking_copied(copied::Form::Lines);
/// What `melisma` has inside of [`TargetDuckDb`].
pub static DUCKDB: Connector = Connector::target::<TargetDuckDb>().taking_copied(copied::Form::Lines);
/// What `melisma` has inside of [`TargetRedshift`].
pub static REDSHIFT: Connector = Connector::target::<TargetRedshift>().taking_copied(copied::Form::Lines);
/// What `melisma` has inside of [`TargetSnowflake`].
pub static SNOWFLAKE: Connector = Connector::target::<TargetSnowflake>().taking_copied(copied::Form::Lines);
/// What `melisma` has inside of [`TargetSqlite`].
pub static SQLITE: Connector = Connector::target::<TargetSqlite>().taking_copied(copied::Form::Lines);

/// Any database that has a driver.
#[derive(Debug)]
pub struct Adbc(Database);

impl SqlTarget for Adbc {
    type Config = Config;
    type Connection = Link;

    fn open(config: Config, standard: &mut StandardConfig) -> Result<Opened<Self>> {
        config::metadata_columns(standard, None, &config.sql);
        let uri = config.uri.into_iter().map(|uri| ("uri".to_owned(), uri));
        let address = Address {
            driver: config.driver,
            entrypoint: config.entrypoint,
            options: uri.chain(config.options).collect(),
            ..Address::default()
        };
        let database = Database::open(address, config.dialect)?;
        Ok(Opened {
            dialect: std::sync::Arc::clone(&database.dialect),
            target: Self(database),
            config: config.sql,
        })
    }

    fn connect(&self) -> Result<Link> {
        self.0.connect()
    }
}
