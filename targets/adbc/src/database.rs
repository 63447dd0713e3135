//! A database behind a driver, and its SQL.

use std::sync::Arc;

use melisma_adbc::Address;
use melisma_sdk::Result;
use melisma_sdk::sql::Dialect;

use crate::dialects::DialectName;
use crate::session::Session;

/// An open database.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    database: melisma_adbc::Database,
    pub(crate) dialect: Arc<dyn Dialect>,
}

impl Database {
    /// Loads the driver, and opens the database; the dialect is that of what the database calls itself, unless it is known.
    pub(crate) fn open(address: Address, dialect: Option<DialectName>) -> Result<Self> {
        let database = melisma_adbc::Database::open(address)?;
        let name = match dialect {
            Some(name) => name,
            None => DialectName::of_vendor(&database.vendor()?),
        };
        Ok(Self {
            database,
            dialect: name.dialect(),
        })
    }

    /// A connection, with a transaction.
    pub(crate) fn connect(&self) -> Result<Session> {
        let connection = self.database.connect(false)?;
        Ok(Session::new(
            connection,
            self.database.clone(),
            Arc::clone(&self.dialect),
        ))
    }
}
