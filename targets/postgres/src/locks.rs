//! Who is in the way when a lock does not come.

use std::time::Duration;

use melisma_postgres::Server;
use melisma_sdk::{Error, Kind, show};

use crate::naming::TableName;

const HOLDERS: &str = "select l.pid, l.mode, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), \
    coalesce(a.state, '') from pg_catalog.pg_locks l join pg_catalog.pg_class c on c.oid = l.relation \
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    left join pg_catalog.pg_stat_activity a on a.pid = l.pid \
    where l.granted and n.nspname = $1 and c.relname = $2 and l.pid <> $3 \
    order by case l.mode when 'AccessExclusiveLock' then 0 when 'ExclusiveLock' then 1 when 'ShareRowExclusiveLock' then 2 \
    when 'ShareLock' then 3 when 'ShareUpdateExclusiveLock' then 4 else 5 end, l.pid limit 3";

/// The error of a lock that did not come in time. It names those who hold locks on the table, asked for on a new
/// connection: the waiting one's transaction is over.
pub(crate) fn error(doing: &str, server: &Server, table: &TableName, waited: Duration, pid: i32) -> Error {
    let holders = server.connect().ok().and_then(|mut client| {
        let rows = client
            .query(HOLDERS, &[&&*table.schema, &&*table.table, &pid])
            .ok()?;
        let holders: Vec<String> = rows
            .iter()
            .map(|row| {
                let (pid, mode): (i32, &str) = (row.get(0), row.get(1));
                let (program, user, state): (&str, &str, &str) = (row.get(2), row.get(3), row.get(4));
                format!(
                    "process {pid} ({}, user {}, {state}) holds {mode}",
                    if program.is_empty() {
                        "no name".to_owned()
                    } else {
                        show(program)
                    },
                    show(user)
                )
            })
            .collect();
        (!holders.is_empty()).then(|| holders.join("; "))
    });
    let holders = holders.unwrap_or_else(|| "nobody holds one any more".to_owned());
    Error::new(
        Kind::Retry,
        format!(
            "{doing}: waited {} s (lock_timeout_seconds) for a lock: {holders}",
            waited.as_secs_f64()
        ),
    )
}
