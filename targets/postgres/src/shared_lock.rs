//! A lock for what all streams of a database share: schemas, and the table of STATE.

use melisma_sdk::Result;

use crate::naming::TableName;
use crate::session::Session;

/// The key of the advisory lock, `melisma` in ASCII.
const SHARED_THINGS: i64 = 0x006d_656c_6973_6d61;

/// Waits until no other connection of a target makes or changes what several streams share: the server does not take
/// two at once. Until the end of the transaction.
pub(crate) fn one_at_a_time(session: &mut Session, table: &TableName) -> Result<()> {
    let sql = format!("select pg_catalog.pg_advisory_xact_lock({SHARED_THINGS})");
    session.execute(table, "cannot wait for other connections about", &sql)
}
