//! The exported snapshot that a sync reads: which transactions it sees.

use melisma_postgres::Session;
use melisma_postgres::{failed, literal};
use melisma_sdk::Result;

const DOING: &str = "cannot take a snapshot of the database";

/// A snapshot, held by the transaction that took it.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// Whose transactions its numbers count: system, timeline, database. `None` when the server does not say.
    pub(super) history: Option<String>,
    /// The position in the log before it was taken, and after.
    pub(super) lsn_before: u64,
    pub(super) lsn: u64,
    /// The oldest transaction that was open, and the next to begin.
    pub(super) xmin: u64,
    pub(super) next: u64,
    /// Whether the server reads ranges of pages without reading all others (version 14).
    pub(super) has_range_scans: bool,
}

/// A server that was promoted tells its new timeline in the names of its log files at once, in its control data later.
const HISTORY: &str = "
select s.system_identifier::text || '/'
  || case when pg_catalog.pg_is_in_recovery() then c.timeline_id::text
     else pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8) end
  || '/' || d.oid
from pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c, pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()";

const POSITION: &str = "
select (case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
  else pg_catalog.pg_current_wal_insert_lsn() end - '0/0'::pg_catalog.pg_lsn)::int8";

const SNAPSHOT: &str = "
select pg_catalog.txid_snapshot_xmin(s), pg_catalog.txid_snapshot_xmax(s),
  pg_catalog.current_setting('server_version_num')::int4
from pg_catalog.txid_current_snapshot() s";

const BEGIN: &str =
    "set idle_in_transaction_session_timeout = 0; begin isolation level repeatable read, read only";

impl Snapshot {
    /// Begins a transaction and takes its snapshot.
    pub(super) fn take(client: &mut Session) -> Result<Self> {
        // Some that speak PostgreSQL's protocol do not have all of this; then a run cannot be resumed.
        let place = history(client);
        client
            .batch_execute(BEGIN)
            .map_err(|error| failed(DOING, error))?;
        let row = client
            .query_one(SNAPSHOT, &[])
            .map_err(|error| failed(DOING, error))?;
        let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
        let version: i32 = row.get(2);
        let (history, lsn_before) = place.map_or((None, 0), |(history, lsn)| (Some(history), lsn));
        let lsn = match history {
            Some(_) => position(client).map_err(|error| failed(DOING, error))?,
            None => 0,
        };
        Ok(Self {
            history,
            lsn_before,
            lsn,
            xmin: unsigned(row.get(0)),
            next: unsigned(row.get(1)),
            has_range_scans: version >= 140_000,
        })
    }

    /// Lets other sessions see it: what [`join`] takes.
    pub(super) fn export(client: &mut Session) -> Result<String> {
        let row = client.query_one("select pg_catalog.pg_export_snapshot()", &[]);
        Ok(row.map_err(|error| failed(DOING, error))?.get(0))
    }
}

/// Begins a transaction that sees the snapshot of another.
pub(super) fn join(client: &mut Session, snapshot: &str) -> Result<()> {
    let statements = format!("{BEGIN}; set transaction snapshot {}", literal(snapshot));
    client
        .batch_execute(&statements)
        .map_err(|error| failed("cannot join the snapshot", error))
}

/// Ends the transaction of a snapshot.
pub(super) fn end(client: &mut Session) -> Result<()> {
    client
        .batch_execute("commit")
        .map_err(|error| failed("cannot end the transaction", error))
}

fn history(client: &mut Session) -> Option<(String, u64)> {
    let history = client.query_one(HISTORY, &[]).ok()?.get(0);
    Some((history, position(client).ok()?))
}

fn position(client: &mut Session) -> Result<u64, melisma_postgres::postgres::Error> {
    let lsn: Option<i64> = client.query_one(POSITION, &[])?.get(0);
    Ok(lsn.and_then(|lsn| u64::try_from(lsn).ok()).unwrap_or_default())
}
