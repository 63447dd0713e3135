//! What the settings say, and what the threads of a run share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use melisma_postgres::postgres::Client;
use melisma_postgres::{Server, failed};
use melisma_sdk::{Result, StreamSchema};

use crate::aside;
use crate::plan::{Plan, Rules, plan};
use crate::state::StateTable;
use crate::table::{self, Found};

/// One run of the target.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) rules: Rules,
    /// Each stream is loaded into a new table, which takes the place of the old one at the end.
    pub(crate) overwrite: bool,
    /// Nothing is committed for a stream alone: all of them are together, at a STATE or at the end.
    pub(crate) together: bool,
    /// Where STATE is stored.
    pub(crate) state: Option<StateTable>,
    /// ACTIVATE_VERSION deletes rows, instead of marking them.
    pub(crate) deletes_versions: bool,
    /// Who may read the tables, unless `schema_mapping` says otherwise.
    pub(crate) roles: Vec<String>,
    pub(crate) catalog: Catalog,
}

impl Run {
    /// The plan for the first SCHEMA of a stream: for its table as it stands, or for a new one that takes its place.
    pub(crate) fn first_plan(&self, schema: &Arc<StreamSchema>) -> Result<Plan> {
        let name = self.rules.naming.table(&schema.stream)?;
        let hashes = RandomState::default();
        let mut catalog = self.catalog.client()?;
        if self.overwrite {
            let aside = self.rules.naming.aside(&name)?;
            return aside::planned(&mut catalog, &self.rules, &name, &aside, schema, &hashes);
        }
        let found = table::read(&mut catalog, &name)?;
        let (table, unfinished) = found.map(Found::planned).unzip();
        let mut plan = plan(&self.rules, &name, table.as_ref(), schema, &hashes)?;
        plan.unfinished = unfinished.flatten();
        Ok(plan)
    }

    /// The plan for the next SCHEMA of a stream.
    pub(crate) fn next_plan(&self, previous: &Plan, schema: &Arc<StreamSchema>) -> Result<Plan> {
        let Plan {
            name, table, layout, ..
        } = previous.newest();
        plan(&self.rules, name, Some(table), schema, &layout.hashes)
    }
}

/// The connection that asks the catalog, so that no transaction is begun to look something up.
pub(crate) struct Catalog {
    server: Server,
    client: Mutex<Client>,
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Catalog").field(&self.server).finish()
    }
}

impl Catalog {
    /// Connects, so that wrong settings are reported before anything is read.
    pub(crate) fn open(server: &Server) -> Result<Self> {
        Ok(Self {
            server: server.clone(),
            client: Mutex::new(server.connect()?),
        })
    }

    /// The connection; a new one when the server has ended it. Asked for each time: a connection that nothing was sent on
    /// does not know that it was closed.
    pub(crate) fn client(&self) -> Result<MutexGuard<'_, Client>> {
        const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
        // A panic in a query ends the run; what is locked is not looked at again but to be dropped.
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if client.is_valid(ANSWERS_WITHIN).is_err() {
            *client = self.server.connect()?;
        }
        Ok(client)
    }

    /// The number of the server's process behind the connection.
    pub(crate) fn pid(&self) -> Result<i32> {
        let row = self
            .client()?
            .query_one("select pg_catalog.pg_backend_pid()", &[]);
        row.map(|row| row.get(0))
            .map_err(|error| failed("cannot set up the connection", error))
    }
}
