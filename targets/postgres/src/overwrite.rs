//! `load_method: overwrite`: loads a new table, which takes the place of the old one at the end.
//!
//! The rows of a run go into a table beside the old one. At the end, in one transaction, the old one is dropped and the
//! new one gets its name. That is done only when the old table is as this target would have made it, so that nothing is
//! lost with it (`keeps.rs`); any other table stays: it is emptied, and filled from the new one (`refill.rs`).
//!
//! Streams are put in their places one after another. In a run of many streams what was loaded is committed now and
//! then, because the server has locks for some thousands of tables only; a run that is killed then leaves its new
//! tables, which the next one drops.

use melisma_postgres::{identifier, literal};
use melisma_sdk::Result;

use crate::aside::loses;
use crate::naming::TableName;
use crate::plan::Plan;
use crate::run::Run;
use crate::session::Session;
use crate::table::{Table, read};
use crate::{first, keeps, refill};

/// What a killed run has left.
pub(crate) fn drop_leftover(aside: &TableName) -> String {
    format!("drop table if exists {}", aside.sql())
}

/// Puts the table of the plan `new` in the place of `table`, in the transaction.
pub(crate) fn replace(session: &mut Session, run: &Run, table: &TableName, new: &Plan) -> Result<()> {
    let Some(mut old) = read(&mut *run.catalog.client()?, table)? else {
        return rename(session, table, new, None);
    };
    if old.unfinished.is_some() {
        // Its first load may still go on, and must not go on into the new table.
        session.lock_first(table)?;
        session.unlock_first(table);
        match read(&mut *run.catalog.client()?, table)? {
            Some(now) => old = now,
            None => return rename(session, table, new, None),
        }
    }
    let Some(what) = stays(session, table, &old.table, new)? else {
        return swap(session, table, new);
    };
    log::info!("{} stays, and is filled anew: it has {what}", table.sql());
    if let Some(key) = &old.unfinished {
        first::finish(session, table, key)?;
    }
    refill::refill(session, run, (table, &old.table), new)
}

/// Why the old table is not to be dropped. When there is no reason it is locked, so that none comes up any more.
fn stays(session: &mut Session, table: &TableName, old: &Table, new: &Plan) -> Result<Option<String>> {
    const DOING: &str = "cannot see what hangs on";
    if let Some(what) = loses(old, new) {
        return Ok(Some(what));
    }
    for locked in [false, true] {
        if locked {
            let sql = format!("lock table {} in access exclusive mode", table.sql());
            session.execute(table, "cannot lock", &sql)?;
        }
        let mut query = |sql: &str| session.query(table, DOING, sql);
        let what = keeps::what(table, &mut query)?;
        let what = match what {
            None => keeps::changed(table, old, new, &mut query)?,
            what => what,
        };
        if what.is_some() {
            return Ok(what);
        }
    }
    Ok(None)
}

/// Drops the old table, and gives its name, its grants and the name of its key to the new one.
fn swap(session: &mut Session, table: &TableName, new: &Plan) -> Result<()> {
    let doing = "cannot keep the grants of";
    for row in session.query(table, doing, &keeps::grants(table, &new.name))? {
        session.execute(table, doing, row.get(0))?;
    }
    let key = key_name(session, table)?;
    session.execute(table, "cannot drop", &format!("drop table {}", table.sql()))?;
    rename(session, table, new, key)
}

/// Gives the new table the name, and its key the one that it had or that goes with the table's.
fn rename(session: &mut Session, table: &TableName, new: &Plan, key: Option<String>) -> Result<()> {
    let doing = "cannot rename a table to";
    let sql = format!(
        "alter table {} rename to {}",
        new.name.sql(),
        identifier(&table.table)
    );
    session.execute(table, doing, &sql)?;
    let Some(name) = key_name(session, table)? else {
        return Ok(());
    };
    let usual = key.unwrap_or_else(|| format!("{}_pkey", table.table));
    // A longer one would be cut by the server, and may then be somebody else's.
    if name != usual && usual.len() <= 63 {
        let (name, usual) = (identifier(&name), identifier(&usual));
        let sql = format!("alter table {} rename constraint {name} to {usual}", table.sql());
        session.execute(table, doing, &sql)?;
    }
    Ok(())
}

/// The name of the primary key.
fn key_name(session: &mut Session, table: &TableName) -> Result<Option<String>> {
    let find = format!(
        "select conname::text from pg_catalog.pg_constraint where conrelid = {}::pg_catalog.regclass and contype = 'p'",
        literal(&table.sql())
    );
    let rows = session.query(table, "cannot see the primary key of", &find)?;
    Ok(rows.first().map(|row| row.get(0)))
}
