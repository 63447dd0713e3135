//! Creates schemas, tables, indexes and grants, before the first row.

use std::sync::Arc;

use melisma_postgres::{identifier, literal};
use melisma_sdk::{Error, Kind, Result, fault};

use crate::naming::TableName;
use crate::plan::{Key, Plan, plan_again};
use crate::run::Run;
use crate::session::Session;
use crate::shared_lock::one_at_a_time;
use crate::table::{Found, list, schema_exists};

/// Makes the schema when it is missing, and lets its readers in.
pub(crate) fn schema(session: &mut Session, run: &Run, stream: &str, table: &TableName) -> Result<()> {
    let schema = identifier(&table.schema);
    let missing = !schema_exists(&mut *run.catalog.client()?, &table.schema)?;
    let readers = run.readers(stream);
    if !missing && readers.is_empty() {
        return Ok(());
    }
    one_at_a_time(session, table)?;
    if missing {
        // Asked for only when it is missing: the right to make schemas is not needed otherwise.
        let sql = format!("create schema if not exists {schema}");
        session.execute(table, "cannot make the schema of", &sql)?;
    }
    for role in readers {
        let sql = format!("grant usage on schema {schema} to {}", identifier(role));
        session.execute(table, "cannot let readers into the schema of", &sql)?;
    }
    // Others wait for it. Where commits have to wait for a STATE there are no others.
    if run.state.is_none() {
        session.commit()?;
    }
    Ok(())
}

/// The plan for the table as it is by now, and the key of a first load that another run did not finish.
///
/// A plan is made when its SCHEMA is read; until the sink follows it, another run may have made or changed the
/// table. So whoever is about to change it keeps others away, looks again, and plans again when it is not what
/// the plan was made for. Rows may have been encoded by then: what they are encoded for has to stay the same.
pub(crate) fn agree(session: &mut Session, run: &Run, plan: &Arc<Plan>) -> Result<(Arc<Plan>, Option<Key>)> {
    if run.overwrite || plan.changes.is_empty() && plan.unfinished.is_none() {
        return Ok((Arc::clone(plan), None));
    }
    session.lock_change(&plan.name)?;
    let found = session.read_table(&plan.name)?;
    let (table, unfinished) = found.map(Found::planned).unzip();
    let unfinished = unfinished.flatten();
    if table == plan.before {
        return Ok((Arc::clone(plan), unfinished));
    }
    let fresh = plan_again(&run.rules, plan, table.as_ref())?;
    if !fresh.encodes_as(plan) {
        return Err(Error::new(
            Kind::Retry,
            format!(
                "{}: expected the table to stay as it was when the SCHEMA was read, found that another run or user \
                 changed it",
                plan.name.sql()
            ),
        ));
    }
    Ok((
        Arc::clone(plan.agreed.get_or_init(|| Arc::new(fresh))),
        unfinished,
    ))
}

/// Does what the plan says, in the transaction.
pub(crate) fn table(session: &mut Session, run: &Run, stream: &str, plan: &Plan) -> Result<()> {
    for change in &plan.changes {
        log::info!("{change}");
        session.execute(&plan.name, "cannot make or change table", change)?;
    }
    if plan.creates {
        readable(session, run, stream, &plan.name)?;
        if !run.overwrite {
            indexes(session, run, stream, plan)?;
        }
    }
    fault!(PG_TABLE, if !plan.changes.is_empty());
    Ok(())
}

/// Whether row security applies to us in a table that was made a moment ago: an event trigger may turn it on.
pub(crate) fn is_secured(session: &mut Session, table: &TableName) -> Result<bool> {
    let sql = format!(
        "select pg_catalog.row_security_active({}::pg_catalog.regclass)",
        literal(&table.sql())
    );
    let rows = session.query(table, "cannot read the catalog about", &sql)?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

/// Lets the readers read the table.
pub(crate) fn readable(session: &mut Session, run: &Run, stream: &str, table: &TableName) -> Result<()> {
    for role in run.readers(stream) {
        let sql = format!("grant select on table {} to {}", table.sql(), identifier(role));
        session.execute(table, "cannot let readers read", &sql)?;
    }
    Ok(())
}

/// The indexes that `schema_mapping` asks for.
fn indexes(session: &mut Session, run: &Run, stream: &str, plan: &Plan) -> Result<()> {
    let Some(mapping) = run.rules.naming.mapped(stream) else {
        return Ok(());
    };
    for columns in mapping.indices.get(&*plan.name.table).into_iter().flatten() {
        let columns = columns.split(',').map(str::trim);
        let sql = format!("create index on {} ({})", plan.name.sql(), list(columns));
        session.execute(&plan.name, "cannot make an index on", &sql)?;
    }
    Ok(())
}

impl Run {
    /// The roles that may read a stream's table.
    pub(crate) fn readers(&self, stream: &str) -> Vec<&str> {
        let mapped = self.rules.naming.mapped(stream);
        match mapped.and_then(|mapping| mapping.target_schema_select_permissions.as_ref()) {
            Some(roles) => roles.names(),
            None => self.roles.iter().map(String::as_str).collect(),
        }
    }
}
