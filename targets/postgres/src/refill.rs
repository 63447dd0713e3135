//! Overwrites a table that must not be dropped: empties it, and fills it from the newly loaded one.

use melisma_postgres::identifier;
use melisma_sdk::{Error, Result};

use crate::emptying::{Emptying, emptying};
use crate::naming::TableName;
use crate::plan::{Plan, Rules, plan_into};
use crate::prepare;
use crate::run::Run;
use crate::session::Session;
use crate::table::{Table, list};
use crate::types::Type;

/// Empties the old table and fills it from the new one, which is dropped. The old one gets the new columns.
pub(crate) fn refill(
    session: &mut Session,
    run: &Run,
    (table, old): (&TableName, &Table),
    new: &Plan,
) -> Result<()> {
    let rules = Rules {
        // The key of the old table stays: nothing is upserted.
        upsert: false,
        // The schema of the plan is flat already.
        flattening: None,
        ..run.rules.clone()
    };
    let plan = plan_into(&rules, table, old, new)?;
    let emptying = emptying(table, old, new, &mut |sql| {
        session.query(table, "cannot see how to empty", sql)
    })?;
    // An empty table is changed faster. One with triggers that wait for the end of the transaction cannot be changed.
    if matches!(emptying, Emptying::Truncate { .. }) {
        empty(session, table, new, &emptying)?;
        prepare::table(session, run, &new.schema.stream, &plan)?;
    } else {
        prepare::table(session, run, &new.schema.stream, &plan)?;
        empty(session, table, new, &emptying)?;
    }
    let sql = format!(
        "{}; drop table {}",
        insert(table, &plan, new, &emptying),
        new.name.sql()
    );
    session.execute(table, "cannot fill", &sql)
}

/// Tables that inherit from this one keep their rows; a partitioned table has none but those of its partitions.
fn from(table: &TableName, only: bool) -> String {
    format!("{}{}", if only { "only " } else { "" }, table.sql())
}

fn empty(session: &mut Session, table: &TableName, new: &Plan, emptying: &Emptying) -> Result<()> {
    let doing = "cannot empty";
    match emptying {
        Emptying::Truncate { only } => {
            session.execute(table, doing, &format!("truncate {}", from(table, *only)))
        }
        Emptying::Delete { only, secured } => {
            session.execute(table, doing, &format!("delete from {}", from(table, *only)))?;
            let left = format!("select from {} limit 1", from(table, *only));
            if *secured && !session.query(table, doing, &left)?.is_empty() {
                return Err(Error::config(format!(
                    "{}: row security lets us read rows that it does not let us delete, so they cannot be overwritten",
                    table.sql()
                )));
            }
            Ok(())
        }
        Emptying::Gone { key, only } => {
            let same: Vec<String> = key
                .iter()
                .map(|column| {
                    let column = identifier(column);
                    format!("s.{column} = t.{column}")
                })
                .collect();
            let sql = format!(
                "delete from {} t where not exists (select from {} s where {})",
                from(table, *only),
                new.name.sql(),
                same.join(" and ")
            );
            session.execute(table, doing, &sql)
        }
    }
}

fn insert(table: &TableName, plan: &Plan, new: &Plan, emptying: &Emptying) -> String {
    let values: Vec<String> = plan
        .columns
        .iter()
        .map(|name| {
            let types = (plan.table.column(name), new.table.column(name));
            cast(
                &identifier(name),
                types.0.map(|c| &c.data_type),
                types.1.map(|c| &c.data_type),
            )
        })
        .collect();
    let on_conflict = match emptying {
        Emptying::Gone { key, .. } => {
            let updates: Vec<String> = plan
                .columns
                .iter()
                .filter(|name| !key.contains(name))
                .filter(|name| {
                    plan.table
                        .column(name)
                        .is_none_or(|column| !column.identity_always)
                })
                .map(|name| format!("{0} = excluded.{0}", identifier(name)))
                .collect();
            let updates = match updates.as_slice() {
                [] => "nothing".to_owned(),
                updates => format!("update set {}", updates.join(", ")),
            };
            format!(" on conflict ({}) do {updates}", list(key))
        }
        _ => String::new(),
    };
    format!(
        "insert into {} ({}) overriding system value select {} from {}{on_conflict}",
        table.sql(),
        list(&plan.columns),
        values.join(", "),
        new.name.sql(),
    )
}

/// A column of the new table as the old one takes it.
fn cast(column: &str, old: Option<&Type>, new: Option<&Type>) -> String {
    match (old, new) {
        (Some(old @ (Type::Json | Type::Jsonb)), Some(new)) if old != new => {
            format!("to_jsonb({column})::{}", old.sql())
        }
        (Some(old), Some(new)) if old != new => format!("{column}::{}", old.sql()),
        _ => column.to_owned(),
    }
}
