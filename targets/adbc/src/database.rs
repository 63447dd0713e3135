//! A database behind a driver, and its SQL.

use std::sync::Arc;

use melisma_adbc::Address;
use melisma_sdk::sql::{Connection as _, Dialect};
use melisma_sdk::{Error, Result, show};

use crate::dialects::{self, DialectName};
use crate::session::Session;
use crate::transactions::{By, Transactions};

/// A connection of a target.
pub type Link = Transactions<Session>;

/// An open database.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    database: melisma_adbc::Database,
    name: DialectName,
    pub(crate) dialect: Arc<dyn Dialect>,
    /// The statements that a connection begins with.
    first: Vec<String>,
}

/// The first version of the driver of PostgreSQL that writes all decimals as they are, and JSON as such.
const POSTGRESQL_DRIVER: (u32, u32) = (1, 13);
/// The first version of PostgreSQL with MERGE.
const MERGE: u32 = 15;

impl Database {
    /// Loads the driver, and opens the database; the dialect is that of what the database calls itself, unless it is known.
    pub(crate) fn open(address: Address, dialect: Option<DialectName>) -> Result<Self> {
        let database = melisma_adbc::Database::open(address)?;
        let name = match dialect {
            Some(name) => name,
            None => DialectName::of_vendor(&database.vendor()?),
        };
        let mut database = Self {
            database,
            name,
            dialect: name.dialect(),
            first: name.start().iter().map(|sql| (*sql).to_owned()).collect(),
        };
        if name == DialectName::Postgresql {
            database.check_driver()?;
            database.dialect = dialects::postgresql(database.version()? >= MERGE);
        }
        Ok(database)
    }

    /// The same, with a dialect that settings have a say in.
    pub(crate) fn with(
        address: Address,
        name: DialectName,
        dialect: Arc<dyn Dialect>,
        first: Vec<String>,
    ) -> Result<Self> {
        Ok(Self {
            database: melisma_adbc::Database::open(address)?,
            name,
            dialect,
            first,
        })
    }

    /// A connection, with a transaction.
    pub(crate) fn connect(&self) -> Result<Link> {
        let commits = self.name.commits();
        let connection = self.database.connect(commits != By::Driver)?;
        let mut session = Session::new(connection, self.database.clone(), Arc::clone(&self.dialect));
        for sql in &self.first {
            session.execute("cannot prepare the connection", sql)?;
        }
        Ok(Transactions::new(session, commits))
    }

    /// Refuses a driver of PostgreSQL whose bulk load changes values.
    fn check_driver(&self) -> Result<()> {
        let version = self.database.driver_version()?;
        match numbers(&version) {
            Some(found) if found < POSTGRESQL_DRIVER => Err(Error::config(format!(
                "config: driver: expected the driver of PostgreSQL in version 1.13 or later, because earlier ones write some \
                 decimals as others, found {}",
                show(&version)
            ))),
            _ => Ok(()),
        }
    }

    /// The major version of PostgreSQL.
    fn version(&self) -> Result<u32> {
        let query = "SELECT pg_catalog.current_setting('server_version_num')";
        let rows = self.connect()?.query("cannot ask for the version", query)?;
        let number = rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok());
        Ok(number.map_or(0, |number: u32| number / 10_000))
    }
}

/// The first two numbers of a version: `1.13.0`, `v1.4`.
pub(crate) fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}
