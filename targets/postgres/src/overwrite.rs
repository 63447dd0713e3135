//! `load_method: overwrite`: a new table takes the place of the old one.
//!
//! The rows of a run go into a table beside the old one. At the end, in one transaction, the new table gets the old
//! one's owner and grants, the old one is dropped, and the new one gets its name. Where something hangs on the old
//! table that would be lost or in the way (views, foreign keys, triggers, policies, rules, indexes beside the primary
//! key), the old table stays: it is emptied, and filled from the new one.

use melisma_postgres::{identifier, literal};
use melisma_sdk::Result;

use crate::naming::{Naming, TableName};
use crate::plan::{Plan, Rules, plan};
use crate::session::Session;
use crate::streams::{Run, Streams};
use crate::table::{Table, list};
use crate::types::Type;
use crate::{first, prepare, table};

impl Naming {
    /// The table that is loaded while the one of that name is read.
    pub(crate) fn aside(&self, name: &TableName) -> Result<TableName> {
        Ok(TableName {
            schema: name.schema.clone(),
            table: self.fit(&format!("{}__melisma_new", name.table))?.into(),
        })
    }
}

/// What a killed run has left.
pub(crate) fn drop_leftover(aside: &TableName) -> String {
    format!("drop table if exists {}", aside.sql())
}

/// Puts the table of the plan `new` in the place of `table`, in the transaction.
pub(crate) fn replace(
    session: &mut Session,
    streams: &Streams,
    run: &Run,
    table: &TableName,
    new: &Plan,
) -> Result<()> {
    let Some(mut old) = table::read(&mut *streams.catalog()?, table)? else {
        return rename(session, table, new);
    };
    if old.unfinished.is_some() {
        // Its first load may still go on, and must not go on into the new table.
        session.lock_first(table)?;
        session.unlock_first(table);
        match table::read(&mut *streams.catalog()?, table)? {
            Some(now) => old = now,
            None => return rename(session, table, new),
        }
    }
    if let Some(what) = hangs_on(session, table)? {
        log::info!("{} stays, and is filled anew: it has {what}", table.sql());
        if let Some(key) = &old.unfinished {
            first::finish(session, table, key)?;
        }
        return refill(session, run, (table, &old.table), new);
    }
    keep_rights(session, table, &new.name)?;
    session.execute(table, "cannot drop", &format!("drop table {}", table.sql()))?;
    rename(session, table, new)
}

/// Gives the new table the name, and its key the name that goes with it.
fn rename(session: &mut Session, table: &TableName, new: &Plan) -> Result<()> {
    let doing = "cannot rename a table to";
    let sql = format!(
        "alter table {} rename to {}",
        new.name.sql(),
        identifier(&table.table)
    );
    session.execute(table, doing, &sql)?;
    let find = format!(
        "select conname::text from pg_catalog.pg_constraint where conrelid = {}::regclass and contype = 'p'",
        literal(&table.sql())
    );
    let named = session.query(table, doing, &find)?;
    let Some(name) = named.first().map(|row| row.get::<_, String>(0)) else {
        return Ok(());
    };
    let usual = format!("{}_pkey", table.table);
    // A longer one would be cut by the server, and may then be somebody else's.
    if name != usual && usual.len() <= 63 {
        let (name, usual) = (identifier(&name), identifier(&usual));
        let sql = format!("alter table {} rename constraint {name} to {usual}", table.sql());
        session.execute(table, doing, &sql)?;
    }
    Ok(())
}

/// What would be lost with the old table, or keep it from being dropped.
fn hangs_on(session: &mut Session, table: &TableName) -> Result<Option<String>> {
    let oid = format!("{}::regclass", literal(&table.sql()));
    let sql = format!(
        "select what from (\
         select 'views' as what from pg_catalog.pg_depend d where d.refobjid = {oid} \
           and d.refclassid = 'pg_class'::regclass and d.classid = 'pg_rewrite'::regclass \
         union all select 'foreign keys' from pg_catalog.pg_constraint where contype = 'f' and (confrelid = {oid} or conrelid = {oid}) \
         union all select 'triggers' from pg_catalog.pg_trigger where tgrelid = {oid} and not tgisinternal \
         union all select 'policies' from pg_catalog.pg_policy where polrelid = {oid} \
         union all select 'rules' from pg_catalog.pg_rewrite where ev_class = {oid} \
         union all select 'indexes' from pg_catalog.pg_index where indrelid = {oid} and not indisprimary \
         union all select 'partitions' from pg_catalog.pg_inherits where inhparent = {oid} or inhrelid = {oid} \
         union all select 'publications' from pg_catalog.pg_publication_rel where prrelid = {oid}) w limit 1"
    );
    let rows = session.query(table, "cannot see what hangs on", &sql)?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// Gives the new table the owner and the grants of the old one.
fn keep_rights(session: &mut Session, table: &TableName, new: &TableName) -> Result<()> {
    let (old_oid, new_sql) = (
        format!("{}::regclass", literal(&table.sql())),
        literal(&new.sql()),
    );
    let sql = format!(
        "select 'grant ' || a.privilege_type || ' on table ' || {new_sql} || ' to ' || \
           case when a.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) end || \
           case when a.is_grantable then ' with grant option' else '' end \
         from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a where c.oid = {old_oid} and a.grantee <> c.relowner \
         union all select 'alter table ' || {new_sql} || ' owner to ' || quote_ident(pg_catalog.pg_get_userbyid(c.relowner)) \
         from pg_catalog.pg_class c where c.oid = {old_oid} and pg_catalog.pg_get_userbyid(c.relowner) <> current_user"
    );
    let doing = "cannot keep the owner and grants of";
    for row in session.query(table, doing, &sql)? {
        session.execute(table, doing, row.get(0))?;
    }
    Ok(())
}

/// Empties the old table and fills it from the new one, which is dropped. First the old one gets the new columns.
fn refill(session: &mut Session, run: &Run, (table, old): (&TableName, &Table), new: &Plan) -> Result<()> {
    let rules = Rules {
        // The key of the old table stays: nothing is upserted.
        upsert: false,
        // The schema of the plan is flat already.
        flattening: None,
        ..run.rules.clone()
    };
    let plan = plan(&rules, table, Some(old), &new.schema, &new.layout.hashes)?;
    prepare::table(session, run, &new.schema.stream, &plan)?;
    let doing = "cannot fill";
    session.execute(table, "cannot empty", &format!("truncate {}", table.sql()))?;
    let values: Vec<String> = plan
        .columns
        .iter()
        .map(|name| {
            let types = (plan.table.column(name), new.table.column(name));
            cast(
                &identifier(name),
                types.0.map(|c| &c.data_type),
                types.1.map(|c| &c.data_type),
            )
        })
        .collect();
    let sql = format!(
        "insert into {} ({}) select {} from {}; drop table {}",
        table.sql(),
        list(&plan.columns),
        values.join(", "),
        new.name.sql(),
        new.name.sql()
    );
    session.execute(table, doing, &sql)
}

/// A column of the new table as the old one takes it.
fn cast(column: &str, old: Option<&Type>, new: Option<&Type>) -> String {
    match (old, new) {
        (Some(old @ (Type::Json | Type::Jsonb)), Some(new)) if old != new => {
            format!("to_jsonb({column})::{}", old.sql())
        }
        (Some(old), Some(new)) if old != new => format!("{column}::{}", old.sql()),
        _ => column.to_owned(),
    }
}
