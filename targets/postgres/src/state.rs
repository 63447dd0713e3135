//! Stores STATE in the database (`state_in_target`), in the transaction of the rows that it covers.

use melisma_postgres::postgres::Client;
use melisma_postgres::{failed, identifier, literal};
use melisma_sdk::{Result, fault};

use crate::naming::TableName;
use crate::session::Session;
use crate::shared_lock::one_at_a_time;

/// The name of the table.
const TABLE: &str = "_melisma_state";

/// Where states go.
#[derive(Clone, Debug)]
pub(crate) struct StateTable {
    pub(crate) table: TableName,
    /// Whose state it is.
    pub(crate) id: String,
}

impl StateTable {
    pub(crate) fn new(schema: &str, id: &str) -> Self {
        let schema = if schema.is_empty() { "public" } else { schema };
        Self {
            table: TableName {
                schema: schema.into(),
                table: TABLE.into(),
            },
            id: id.to_owned(),
        }
    }

    /// Makes the table when it is missing, in the transaction.
    pub(crate) fn prepare(&self, session: &mut Session) -> Result<()> {
        let doing = "cannot make";
        let find = format!(
            "select where pg_catalog.to_regclass({}) is not null",
            literal(&self.table.sql())
        );
        if !session.query(&self.table, doing, &find)?.is_empty() {
            return Ok(());
        }
        one_at_a_time(session, &self.table)?;
        let schema = &self.table.schema;
        let there = format!(
            "select from pg_catalog.pg_namespace where nspname = {}",
            literal(schema)
        );
        if session.query(&self.table, doing, &there)?.is_empty() {
            let sql = format!("create schema if not exists {}", identifier(schema));
            session.execute(&self.table, doing, &sql)?;
        }
        let sql = format!(
            "create table if not exists {} (state_id text primary key, state text not null, \
             updated_at timestamp with time zone not null)",
            self.table.sql()
        );
        session.execute(&self.table, doing, &sql)
    }

    /// The STATE that is there, if any.
    pub(crate) fn read(&self, client: &mut Client) -> Result<Option<String>> {
        let doing = format!("cannot read {}", self.table.sql());
        let there = client
            .query_one(
                "select pg_catalog.to_regclass($1) is not null",
                &[&self.table.sql()],
            )
            .map_err(|error| failed(&doing, error))?;
        if !there.get::<_, bool>(0) {
            return Ok(None);
        }
        let find = format!("select state from {} where state_id = $1", self.table.sql());
        let row = client
            .query_opt(&find, &[&self.id])
            .map_err(|error| failed(&doing, error))?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Puts the STATE, its bytes as they came, in the place of the one before, in the transaction.
    pub(crate) fn store(&self, session: &mut Session, state: &str) -> Result<()> {
        fault!(PG_STATE_BEFORE);
        let sql = format!(
            "insert into {} values ({}, {}, pg_catalog.clock_timestamp()) on conflict (state_id) do update set \
             state = excluded.state, updated_at = excluded.updated_at",
            self.table.sql(),
            literal(&self.id),
            literal(state)
        );
        session.execute(&self.table, "cannot store the STATE in", &sql)?;
        fault!(PG_STATE_AFTER);
        Ok(())
    }
}
