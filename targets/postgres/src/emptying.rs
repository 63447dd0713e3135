//! Decides how the old rows of a table that is overwritten but not dropped are removed: by TRUNCATE, or by DELETE where
//! that is not possible.

use melisma_postgres::literal;
use melisma_sdk::{Error, Result};

use crate::keeps::Query;
use crate::naming::TableName;
use crate::plan::Plan;
use crate::table::Table;

/// How the old rows go.
pub(crate) enum Emptying {
    /// All at once, and without a trigger for each.
    Truncate { only: bool },
    /// Row by row, in this table and not in those that inherit from it: where TRUNCATE is not granted, would also remove
    /// rows that row security hides from us, or would not reach the subscribers of a publication.
    Delete { only: bool, secured: bool },
    /// Rows of other tables refer to them by foreign keys, and may go with them: only those go that did not come again,
    /// and the others are updated.
    Gone { key: Vec<Box<str>>, only: bool },
}

/// Finds the way. What stands in the way of all of them is an error.
pub(crate) fn emptying(
    table: &TableName,
    old: &Table,
    new: &Plan,
    query: &mut Query<'_>,
) -> Result<Emptying> {
    let sql = format!(
        "select c.relkind = 'r', row_security_active(c.oid), has_table_privilege(c.oid, 'TRUNCATE') and not exists \
         (select from pg_publication p where not p.pubtruncate and (p.puballtables or exists \
         (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = c.oid))), \
         exists (select from pg_constraint where contype = 'f' and confrelid = c.oid and conrelid <> c.oid) \
         from pg_class c where c.oid = {}::regclass",
        literal(&table.sql())
    );
    let rows = query(&sql)?;
    let Some(row) = rows.first() else {
        return Err(Error::config(format!(
            "{}: dropped by another session",
            table.sql()
        )));
    };
    let (only, secured, truncates, referred): (bool, bool, bool, bool) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    if referred {
        let key = row_key(table, old, new)?;
        return Ok(Emptying::Gone { key, only });
    }
    Ok(if truncates && !secured {
        Emptying::Truncate { only }
    } else {
        Emptying::Delete { only, secured }
    })
}

/// The key by which old and new rows are the same ones.
fn row_key(table: &TableName, old: &Table, new: &Plan) -> Result<Vec<Box<str>>> {
    if !new.key.is_empty() && old.has_key(&new.key) {
        return Ok(new.key.clone());
    }
    if !old.key.is_empty() && old.key.iter().all(|column| new.columns.contains(column)) {
        return Ok(old.key.clone());
    }
    Err(Error::config(format!(
        "{}: foreign keys of other tables refer to it: expected key properties that are its primary key or have a unique \
         index, so that overwrite can keep the rows that come again, found none",
        table.sql()
    )))
}
