//! The new table that is loaded during `load_method: overwrite`, before it takes the place of the old one.

use std::sync::Arc;

use foldhash::fast::RandomState;
use melisma_postgres::postgres::Client;
use melisma_postgres::{failed, identifier};
use melisma_sdk::{Result, StreamSchema};

use crate::config::Evolution;
use crate::emptying::emptying;
use crate::keeps;
use crate::naming::{Naming, TableName};
use crate::plan::{Plan, Rules, plan, plan_like};
use crate::table::{Table, read};

impl Naming {
    /// The table that is loaded while the one of that name is read.
    pub(crate) fn aside(&self, name: &TableName) -> Result<TableName> {
        Ok(TableName {
            schema: name.schema.clone(),
            table: self.fit(&format!("{}__melisma_new", name.table))?.into(),
        })
    }
}

/// Plans the new table, `aside`. What stands in the way of its rows getting into `table` is found now, before any is
/// read.
pub(crate) fn planned(
    catalog: &mut Client,
    rules: &Rules,
    table: &TableName,
    aside: &TableName,
    schema: &Arc<StreamSchema>,
    hashes: &RandomState,
) -> Result<Plan> {
    let Some(old) = read(catalog, table)? else {
        return plan(rules, aside, None, schema, hashes);
    };
    let mut query = |sql: &str| {
        let rows = catalog.query(sql, &[]);
        rows.map_err(|error| {
            failed(
                &format!("cannot read the catalog about table {}", table.sql()),
                error,
            )
        })
    };
    let kept = keeps::what(table, &mut query)?;
    let new = match plan_like(rules, aside, &old.table, schema, hashes) {
        Err(error) if kept.is_none() && matches!(rules.evolution, Evolution::Widen | Evolution::Version) => {
            // No value of the old table is kept, so that its columns need not hold the new ones.
            match plan(rules, aside, None, schema, hashes) {
                Ok(new) if loses(&old.table, &new).is_none() => return Ok(new),
                _ => return Err(error),
            }
        }
        new => new?,
    };
    if kept.is_some() || loses(&old.table, &new).is_some() {
        emptying(table, &old.table, &new, &mut query)?;
    }
    Ok(new)
}

/// What the new table lacks of the old one's columns and key.
pub(crate) fn loses(old: &Table, new: &Plan) -> Option<String> {
    let mut columns = new.table.columns.iter();
    for column in &old.columns {
        let next = columns.next();
        if next.is_none_or(|new| new.name != column.name) {
            let name = identifier(&column.name);
            return Some(match new.table.column(&column.name) {
                Some(_) => format!("column {name} in another place"),
                None => format!("column {name}, which the stream lacks"),
            });
        }
    }
    (!old.key.is_empty() && new.key.is_empty()).then(|| "a primary key".to_owned())
}
