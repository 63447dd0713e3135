//! The table `melisma_runs`, which Meltano ignores: what runs have done.

use super::sql::{Sql, transaction};

/// The name of the table.
pub(super) const NAME: &str = "melisma_runs";
const TABLE: &str = "CREATE TABLE IF NOT EXISTS melisma_runs (id INTEGER NOT NULL PRIMARY KEY, run_id VARCHAR NOT NULL, report VARCHAR NOT NULL);";

/// Creates the table; returns whether it is there now. A role that may not create tables can run pipelines nevertheless.
pub(super) fn create_table(sql: &mut dyn Sql) -> bool {
    transaction(sql, "tables", |sql| sql.batch(TABLE)).is_ok()
}
