//! Columns whose type does not take the values of their property.

use jiff::Timestamp;
use melisma_engine::Result;
use melisma_engine::error::show;

use super::{Maker, Table, type_name};
use crate::internal::names::aside;
use crate::sql::config::Evolution;
use crate::sql::dialect::Evolved;
use crate::sql::name::fit;
use crate::sql::plan::{Plan, Planned};
use crate::sql::types::SqlType;

/// The integers up to here are floats, too.
const EXACT: i64 = 1 << 53;

impl Maker<'_> {
    /// Makes the column at this place take the values, or puts one that does in its place.
    pub(super) fn evolve(
        &mut self,
        plan: &Plan,
        table: &mut Table,
        (at, column): (usize, &Planned),
        is_key: bool,
    ) -> Result<Option<usize>> {
        let dialect = self.dialect;
        let (name, there) = table.columns[at].clone();
        let wide = there
            .join(&column.sql_type)
            .filter(|_| matches!(self.evolution, Evolution::Evolve | Evolution::Version));
        let evolved = wide.as_ref().map(|to| Evolved {
            column: &name,
            from: &there,
            to,
        });
        let statements = evolved.and_then(|evolved| dialect.widen(&plan.table, &evolved));
        let in_the_way = match (&wide, &statements) {
            (Some(wide), Some(_)) => self.rounds(plan, (&name, &there), wide)?,
            _ => Some(format!(
                "found the column {} of type {}, and values of {}",
                dialect.quote(&name),
                type_name(dialect, &there),
                type_name(dialect, &column.sql_type)
            )),
        };
        match (wide, statements, in_the_way) {
            (Some(wide), Some(statements), None) => self.widen(plan, table, (at, &wide), &statements),
            (.., in_the_way) => {
                if self.evolution == Evolution::Version && !is_key {
                    return self.put_aside(plan, table, (at, column)).map(Some);
                }
                Err(self.refused(plan, &in_the_way.unwrap_or_default()))
            }
        }
    }

    fn widen(
        &mut self,
        plan: &Plan,
        table: &mut Table,
        (at, wide): (usize, &SqlType),
        statements: &[String],
    ) -> Result<Option<usize>> {
        let dialect = self.dialect;
        self.check_can_alter(plan)?;
        let doing = format!(
            "cannot make {} of {} the type {}",
            dialect.quote(&table.columns[at].0),
            plan.table.sql(dialect),
            type_name(dialect, wide)
        );
        for sql in statements {
            self.connection.execute(&doing, sql)?;
        }
        // It may have another place now.
        if let Some(columns) = self.columns(&plan.table)? {
            let moved = |place: usize| {
                let (name, _) = &table.columns[place];
                columns.iter().position(|(other, _)| other == name)
            };
            let places: Vec<Option<usize>> = table.places.iter().map(|place| place.and_then(moved)).collect();
            let at = moved(at);
            (table.columns, table.places) = (columns, places);
            return Ok(at);
        }
        Ok(Some(at))
    }

    /// Renames a column, which keeps its values, and adds a new one by its name.
    fn put_aside(
        &mut self,
        plan: &Plan,
        table: &mut Table,
        (at, column): (usize, &Planned),
    ) -> Result<usize> {
        self.check_can_alter(plan)?;
        let (name, sql) = (table.columns[at].0.clone(), plan.table.sql(self.dialect));
        let old = self.free_name(table, &name)?;
        let (from, to) = (self.dialect.quote(&name), self.dialect.quote(&old));
        let rename = format!("ALTER TABLE {sql} RENAME COLUMN {from} TO {to}");
        self.connection
            .execute(&format!("cannot rename {from} of {sql}"), &rename)?;
        log::warn!("{sql}: no type takes both what is in {from} and what comes: the column is now {to}");
        table.columns[at].0 = old;
        let new = Planned {
            name,
            ..column.clone()
        };
        self.add(plan, table, &new)
    }

    /// The name that it has from then on.
    fn free_name(&self, table: &Table, name: &str) -> Result<String> {
        let dialect = self.dialect;
        let stamp = Timestamp::now().strftime("%Y%m%d_%H%M").to_string();
        let is_taken = |free: &str| {
            let free = dialect.fold(free);
            table.columns.iter().any(|(other, _)| dialect.fold(other) == free)
        };
        aside(name, &stamp, |name| fit(name, dialect), is_taken)
    }

    /// What is found, if integers are to become floats, and there is one that would be rounded.
    fn rounds(
        &mut self,
        plan: &Plan,
        (name, from): (&str, &SqlType),
        to: &SqlType,
    ) -> Result<Option<String>> {
        if *from != SqlType::BigInt || *to != SqlType::Double {
            return Ok(None);
        }
        let (sql, quoted) = (plan.table.sql(self.dialect), self.dialect.quote(name));
        let find = format!("SELECT COUNT(*) FROM {sql} WHERE {quoted} NOT BETWEEN -{EXACT} AND {EXACT}");
        let rows = self.connection.query(&format!("cannot read {sql}"), &find)?;
        Ok(match rows.first().and_then(|row| row.first()?.as_deref()) {
            Some("0") => None,
            found => Some(format!(
                "found {} integers in {quoted} that a column of floats would round",
                show(found.unwrap_or("none"))
            )),
        })
    }
}
