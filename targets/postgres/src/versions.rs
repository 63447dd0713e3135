//! ACTIVATE_VERSION: deletes, or marks as deleted, the rows of older versions.

use melisma_sdk::Result;

use crate::plan::Plan;
use crate::session::Session;

/// Deletes the rows whose version is lower or not known, or marks them in `_sdc_deleted_at`, in the transaction.
/// A table without `_sdc_table_version` has no versions to tell apart.
pub(crate) fn activate(session: &mut Session, plan: &Plan, version: i64, delete: bool) -> Result<()> {
    if !plan.version || !(delete || plan.deleted_at) {
        log::warn!(
            "{}: ACTIVATE_VERSION needs the _sdc_ columns (add_record_metadata), and is skipped",
            plan.name.sql()
        );
        return Ok(());
    }
    let older = format!("(\"_sdc_table_version\" < {version} or \"_sdc_table_version\" is null)");
    let sql = if delete {
        format!("delete from {} where {older}", plan.name.sql())
    } else {
        format!(
            "update {} set \"_sdc_deleted_at\" = pg_catalog.clock_timestamp() where {older} and \"_sdc_deleted_at\" is null",
            plan.name.sql()
        )
    };
    session.execute(&plan.name, "cannot remove rows of an older version from", &sql)
}
