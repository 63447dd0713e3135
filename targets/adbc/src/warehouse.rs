//! Targets of services: settings that come to a driver, its SQL and a place.

use std::marker::PhantomData;
use std::sync::Arc;

use melisma_adbc::Address;
use melisma_sdk::sql::{self, Dialect, Opened, SqlConfig, SqlTarget};
use melisma_sdk::target::StandardConfig;
use melisma_sdk::{JsonSchema, Result};
use serde::de::DeserializeOwned;

use crate::database::{Database, Link};
use crate::dialects::DialectName;
use crate::transactions::By;

/// The settings of the target for a service.
pub trait WarehouseConfig: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The driver, the SQL and the settings.
    ///
    /// # Errors
    /// Settings that are refused.
    fn warehouse(self, standard: &mut StandardConfig) -> Result<Warehouse>;

    /// The standard settings where they are not set.
    fn defaults() -> StandardConfig {
        sql::defaults()
    }
}

/// What the settings of a target for a warehouse come to, before its driver is loaded.
#[derive(Debug)]
pub struct Warehouse {
    /// The driver and its options.
    pub address: Address,
    /// Whose SQL it is.
    pub name: DialectName,
    /// The SQL, as the settings have it.
    pub dialect: Arc<dyn Dialect>,
    /// Statements for each connection, beside those of the dialect.
    pub start: Vec<String>,
    /// The settings of all SQL targets.
    pub sql: SqlConfig,
    /// Where the rows go, for people.
    pub location: String,
}

impl Warehouse {
    /// The statements that a connection begins with.
    pub fn first(&self) -> Vec<String> {
        let own = self.name.start().iter().map(|sql| (*sql).to_owned());
        own.chain(self.start.iter().cloned()).collect()
    }

    /// How changes of rows are committed.
    pub fn commits(&self) -> By {
        self.name.commits()
    }
}

/// The database of a service, as settings of the type `C` name it.
#[derive(Debug)]
pub struct Service<C> {
    database: Database,
    location: String,
    config: PhantomData<fn() -> C>,
}

impl<C: WarehouseConfig> SqlTarget for Service<C> {
    type Config = C;
    type Connection = Link;

    fn defaults() -> StandardConfig {
        C::defaults()
    }

    fn open(config: C, standard: &mut StandardConfig) -> Result<Opened<Self>> {
        let warehouse = config.warehouse(standard)?;
        let first = warehouse.first();
        let dialect = Arc::clone(&warehouse.dialect);
        Ok(Opened {
            target: Self {
                database: Database::with(warehouse.address, warehouse.name, dialect, first)?,
                location: warehouse.location,
                config: PhantomData,
            },
            dialect: warehouse.dialect,
            config: warehouse.sql,
        })
    }

    fn connect(&self) -> Result<Link> {
        self.database.connect()
    }

    fn location(&self) -> Option<String> {
        Some(self.location.clone())
    }
}
