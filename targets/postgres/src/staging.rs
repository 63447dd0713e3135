//! Creates the temporary table for the rows of a plan.

use melisma_postgres::identifier;
use melisma_sdk::Result;

use crate::ordered::Extra;
use crate::plan::Plan;
use crate::session::Session;
use crate::stages::{Column, Stage};
use crate::table::{TableColumn, list};
use crate::types::Type;

/// An empty stage with the columns of the plan, and those that order its rows. No rows may wait in a stage.
pub(crate) fn empty(session: &mut Session, plan: &Plan, extra: Option<&Extra>) -> Result<Stage> {
    // A connection that has to be opened again has no stages.
    session.begin(&plan.name)?;
    let columns = columns(plan, extra);
    let transaction = session.transaction();
    if let Some((stage, used_in)) = session.stages().take(&columns, transaction) {
        if used_in == transaction {
            let sql = format!("truncate {}", stage.sql());
            session.execute(&plan.name, "cannot empty the stage of", &sql)?;
        }
        return Ok(stage);
    }
    if let Some(oldest) = session.stages().remove_oldest() {
        let sql = format!("drop table {}", oldest.sql());
        session.execute(&plan.name, "cannot make room for the stage of", &sql)?;
    }
    let stage = session.stages().add(columns, transaction);
    let sql = create(stage, plan, extra);
    session.execute(&plan.name, "cannot make a stage for", &sql)?;
    Ok(stage)
}

/// What a stage for the plan has in common with others that will do. A type with a precision that it does not tell is
/// like no other table's.
fn columns(plan: &Plan, extra: Option<&Extra>) -> Vec<Column> {
    let mut columns: Vec<Column> = taken(plan)
        .map(|column| (column.name.clone(), column.data_type.clone(), column.collation))
        .collect();
    if taken(plan).any(|column| column.coarse) {
        columns.push((plan.name.sql().into(), Type::Text, 0));
    }
    if let Some(extra) = extra {
        columns.push((extra.definitions().into(), Type::Integer, 0));
    }
    columns
}

/// The table's columns that the COPY has.
fn taken(plan: &Plan) -> impl Iterator<Item = &TableColumn> {
    plan.columns.iter().filter_map(|name| plan.table.column(name))
}

/// With a key the stage's columns have the collations of the table's, which say what is equal. Without one it is made
/// from types alone, which needs no right to read the table.
fn create(stage: Stage, plan: &Plan, extra: Option<&Extra>) -> String {
    let stage = stage.sql();
    if plan.key.is_empty() {
        let columns: Vec<String> = taken(plan)
            .map(|column| format!("{} {}", identifier(&column.name), column.data_type.sql()))
            .collect();
        return format!(
            "create temporary table {stage} ({}) on commit delete rows",
            columns.join(", ")
        );
    }
    let extra = extra.map(Extra::definitions).unwrap_or_default();
    format!(
        "create temporary table {stage} on commit delete rows as select {}{extra} from {} with no data",
        list(&plan.columns),
        plan.name.sql()
    )
}
