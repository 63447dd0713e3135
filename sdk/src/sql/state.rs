//! STATE in the database (`state_in_target`), stored in the transaction of the rows that it covers.

use melisma_engine::{Error, Result};

use super::connection::Connection;
use super::dialect::Dialect;
use super::dialect::TableName;
use super::place::Place;
use super::run::Run;
use super::table::{Maker, create};
use super::types::SqlType;

/// The name of the table.
const TABLE: &str = "_melisma_state";

/// Where the STATE of a run goes.
#[derive(Debug)]
pub(super) struct StateTable<'a> {
    run: &'a Run,
    table: TableName,
}

impl<'a> StateTable<'a> {
    pub(super) fn of(run: &'a Run) -> Self {
        let schema = run.dialect.default_schema();
        let schema = run.config.default_target_schema.as_deref().or(schema);
        Self {
            run,
            table: TableName {
                schema: schema.map(str::to_owned),
                table: TABLE.to_owned(),
            },
        }
    }

    /// Refuses a dialect that cannot make the table.
    pub(super) fn check(dialect: &dyn Dialect) -> Result<()> {
        if dialect.sql_type(&SqlType::Text).is_some() {
            return Ok(());
        }
        let name = dialect.name();
        Err(Error::config(format!(
            "config: state_in_target: expected false, because the dialect {name} does not know the types of the database, \
             found true"
        )))
    }

    /// Makes the table when it is missing, in the transaction.
    pub(super) fn prepare(&self, place: &mut Place<'_>) -> Result<()> {
        let dialect = place.dialect;
        let mut maker = Maker {
            connection: place.connection,
            dialect,
            evolution: place.evolution,
            can_alter: true,
        };
        if maker.columns(&self.table)?.is_some() {
            return Ok(());
        }
        let sql = self.table.sql(dialect);
        let doing = format!("cannot create {sql}");
        if let Some(schema) = &self.table.schema
            && let Some(create) = dialect.create_schema(schema)
        {
            place.connection.execute(&doing, &create)?;
        }
        let columns = [
            ("state_id", &SqlType::Text),
            ("state", &SqlType::Text),
            ("updated_at", &SqlType::Timestamp),
        ];
        let columns = create(dialect, &columns, &["state_id"]).unwrap_or_default();
        place
            .connection
            .execute(&doing, &format!("CREATE TABLE {sql} ({columns})"))
    }

    /// Puts the STATE, its bytes as they came, in the place of the one before.
    pub(super) fn store(&self, place: &mut Place<'_>, state: &str) -> Result<()> {
        let (dialect, sql) = (place.dialect, self.table.sql(place.dialect));
        let doing = format!("cannot store the STATE in {sql}");
        let id = dialect.literal(&self.run.config.state_id);
        let column = dialect.quote("state_id");
        place
            .connection
            .change(&doing, &format!("DELETE FROM {sql} WHERE {column} = {id}"))?;
        let (state, now) = (dialect.literal(state), dialect.now());
        place.connection.change(
            &doing,
            &format!("INSERT INTO {sql} VALUES ({id}, {state}, {now})"),
        )
    }

    /// The STATE that is there, if any.
    pub(super) fn read(&self, connection: &mut dyn Connection) -> Result<Option<String>> {
        let dialect = &*self.run.dialect;
        let mut maker = Maker {
            connection,
            dialect,
            evolution: self.run.config.schema_evolution,
            can_alter: true,
        };
        if maker.columns(&self.table)?.is_none() {
            return Ok(None);
        }
        let (sql, column) = (self.table.sql(dialect), dialect.quote("state_id"));
        let id = dialect.literal(&self.run.config.state_id);
        let find = format!(
            "SELECT {} FROM {sql} WHERE {column} = {id}",
            dialect.quote("state")
        );
        let rows = connection.query(&format!("cannot read {sql}"), &find)?;
        Ok(rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next().flatten()))
    }
}
