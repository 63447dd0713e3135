//! Advisory locks, named by their table, and the error that names the processes that hold a lock for too long.

use std::time::Duration;

use melisma_postgres::Server;
use melisma_sdk::internal::names::fnv;
use melisma_sdk::{Error, Kind, show};

use crate::naming::TableName;

/// What an advisory lock of ours is about. Such a lock keeps runs apart that mean the same table, before there is one
/// and while it is free.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The table has its first load: held from before the table is made until it has its key. Whoever gets this lock
    /// and finds a table whose first load has not ended knows that the run which began it is dead.
    FirstLoad,
    /// The table is made or changed, until the end of the transaction.
    Change,
}

/// The two keys of an advisory lock: what it is about, with `mel` in front, and a hash of the table's name. Two tables
/// with the same hash wait for each other, which does no harm.
pub(crate) fn keys(purpose: Purpose, table: &TableName) -> (i32, i32) {
    let purpose = match purpose {
        Purpose::FirstLoad => 1,
        Purpose::Change => 2,
    };
    let hash = fnv(format!("{}\0{}", table.schema, table.table).as_bytes());
    (0x6d65_6c00 + purpose, (hash ^ hash >> 32) as i32)
}

const HOLDERS: &str = "select l.pid, case when l.locktype <> 'advisory' then l.mode \
    when l.classid::int8 = $4 then 'the lock of a first load' else 'the lock of a change' end, \
    coalesce(a.application_name, ''), coalesce(a.usename::text, ''), coalesce(a.state, '') \
    from pg_catalog.pg_locks l left join pg_catalog.pg_class c on c.oid = l.relation \
    left join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    left join pg_catalog.pg_stat_activity a on a.pid = l.pid \
    where l.granted and l.pid <> $3 and (n.nspname = $1 and c.relname = $2 \
    or l.locktype = 'advisory' and l.classid::int8 between $4 and $4 + 1 and l.objid::int8 = $5 and l.objsubid = 2) \
    order by case l.mode when 'AccessExclusiveLock' then 0 when 'ExclusiveLock' then 1 when 'ShareRowExclusiveLock' then 2 \
    when 'ShareLock' then 3 when 'ShareUpdateExclusiveLock' then 4 else 5 end, l.pid limit 3";

/// The error of a lock that did not come in time. It names those who hold locks on the table, asked for on a new
/// connection: the waiting one's transaction is over.
pub(crate) fn error(doing: &str, server: &Server, table: &TableName, waited: Duration, pid: i32) -> Error {
    let holders = server.connect().ok().and_then(|mut client| {
        let (first_load, hash) = keys(Purpose::FirstLoad, table);
        let (first_load, hash) = (i64::from(first_load), i64::from(hash.cast_unsigned()));
        let rows = client
            .query(
                HOLDERS,
                &[&&*table.schema, &&*table.table, &pid, &first_load, &hash],
            )
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
    let holders = holders.unwrap_or_else(|| "no process holds one any more".to_owned());
    Error::new(
        Kind::Retry,
        format!(
            "{doing}: waited {} s (lock_timeout_seconds) for a lock: {holders}",
            waited.as_secs_f64()
        ),
    )
}
