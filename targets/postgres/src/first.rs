//! The first load into a new table: rows go straight into it, and the primary key is added at the end.
//!
//! An index that is built once is cheaper than one that grows with the rows. Until then a key may be there several
//! times. Which of its rows came last is known without a column for it: no two rows of one COPY have the same key, so
//! the last row is that of the youngest transaction, and in it that of the last statement (`xmin`, `cmin`).
//!
//! The table's comment says that its first load is not finished, from the transaction that made the table to the one
//! that adds the key. While the run lives it holds an advisory lock as well (`locks.rs`). A run that finds such a table
//! waits for the lock; when it gets it and the comment is still there, the run before is dead, and this one adds the key.
//!
//! Keys of which only the server knows whether they are equal (`interval`, `citext`, ...) have no such load: rows of one
//! COPY may have equal keys then. Their tables get the key at once.

use melisma_sdk::{Result, fault};

use crate::naming::TableName;
use crate::session::Session;
use crate::table::list;

/// Adds the key, in the transaction; of rows with the same key the last stays.
pub(crate) fn finish(session: &mut Session, table: &TableName, key: &[Box<str>]) -> Result<()> {
    fault!(PG_KEY);
    let sql = table.sql();
    let columns = list(key);
    let doing = "cannot add the primary key to";
    let add = format!("alter table {sql} add primary key ({columns})");
    if !session.try_unique(table, doing, &add)? {
        log::info!("{sql}: some keys came more than once; the last of each stays");
        let keep_last = format!(
            "delete from {sql} t using (select ctid, row_number() over (partition by {columns} order by \
             pg_catalog.age(xmin), cmin::text::bigint desc) as place from {sql}) d where t.ctid = d.ctid and d.place > 1"
        );
        session.execute(table, "cannot remove doubles from", &keep_last)?;
        session.execute(table, doing, &add)?;
    }
    session.execute(table, doing, &format!("comment on table {sql} is null"))?;
    fault!(PG_KEYED);
    Ok(())
}
