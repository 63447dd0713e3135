//! Plans for columns whose types do not hold what the SCHEMA allows (`schema_evolution`).
//!
//! With `widen_on: value` a column keeps its type as long as the values fit. So a table that another target made stays
//! as it is, with all views on it, and the plan says for each column what it can become ([`Wider`]); the encoder asks
//! for that when a value comes that does not fit. At the SCHEMA itself a column changes only when no value that the
//! schema allows could fit it: a `bigint` that is to hold texts.

use melisma_postgres::identifier;
use melisma_sdk::internal::names::aside;
use melisma_sdk::schema::Column;
use melisma_sdk::{Error, Result, show};

use super::Planner;
use crate::config::{Evolution, WidenOn};
use crate::copy::Wider;
use crate::mapping::Wanted;
use crate::types::Type;

impl Planner<'_> {
    /// The type of a new column. That of the peer, when it can still become one that holds all.
    pub(super) fn first_type(&self, wanted: Wanted) -> Type {
        let Wanted { usual, all, .. } = wanted;
        let widens = self.rules.widen_on == WidenOn::Value
            && matches!(self.rules.evolution, Evolution::Widen | Evolution::Version);
        if widens && (usual.takes(&all) || usual.widened(&all).is_some()) {
            usual
        } else {
            all
        }
    }

    /// The type that the column at this place has in the end.
    pub(super) fn evolve(
        &mut self,
        at: usize,
        column: &Column,
        key: bool,
        wanted: Wanted,
    ) -> Result<Option<Type>> {
        let evolution = self.rules.evolution;
        let there = self.table.columns[at].data_type.clone();
        let forced = self.widens.contains(&&*column.name);
        if evolution == Evolution::Freeze || !forced && self.stays(&there, &wanted) {
            return Ok(Some(there));
        }
        let wide = if forced {
            there.widened(&wanted.all)
        } else {
            there.join(&wanted.all)
        };
        let users = self.table.columns[at].used_by.clone();
        match (wide, &users) {
            (Some(wide), None) if evolution != Evolution::Error => {
                self.alter(at, &wide);
                Ok(Some(wide))
            }
            (None, _) | (Some(_), Some(_)) if evolution == Evolution::Version && !key => {
                self.put_aside(at, column, key, wanted)
            }
            (wide, users) => {
                let why = match (evolution, wide, users) {
                    (Evolution::Error, ..) => "error".to_owned(),
                    (_, Some(_), Some(users)) => in_the_way(users),
                    (Evolution::Version, ..) => "version, which keeps keys as they are".to_owned(),
                    _ => "widen: no type holds both".to_owned(),
                };
                Err(Error::config(format!(
                    "{}: expected a column of type {} for {}, found {} (schema_evolution {why})",
                    self.sql,
                    wanted.all.sql(),
                    show(&column.name),
                    there.sql(),
                )))
            }
        }
    }

    /// Whether a column of that type stays as it is.
    fn stays(&self, there: &Type, wanted: &Wanted) -> bool {
        there.takes(&wanted.all) || self.rules.widen_on == WidenOn::Value && wanted.some_fit(there)
    }

    /// What the column becomes for a value that does not fit it.
    pub(super) fn wider(&self, name: &str, column: &Column, key: bool, there: &Type) -> Result<Wider> {
        let rules = self.rules;
        if rules.widen_on == WidenOn::Schema && rules.evolution != Evolution::Freeze {
            return Ok(Wider::Never);
        }
        let wanted = rules.mapping.column(column)?;
        let wide = there.widened(&wanted.all);
        if wide.is_none() && there.takes(&wanted.all) {
            return Ok(Wider::Never);
        }
        let users = self
            .table
            .column(name)
            .and_then(|column| column.used_by.as_deref());
        let renames = rules.evolution == Evolution::Version && !key;
        let stays = |why: &str| Wider::Stays(format!("the column stays {}: {why}", there.sql()).into());
        Ok(match (rules.evolution, wide, users) {
            (Evolution::Freeze, ..) => stays("schema_evolution is freeze"),
            (Evolution::Error, ..) => stays("schema_evolution is error"),
            (_, Some(wide), None) => Wider::To(wide.form()),
            _ if renames => Wider::To(wanted.all.form()),
            (_, Some(_), Some(users)) => stays(&in_the_way(users)),
            (_, None, _) => stays(&format!("no type holds both it and {}", wanted.all.sql())),
        })
    }

    fn alter(&mut self, at: usize, wide: &Type) {
        let there = &mut self.table.columns[at];
        let column = identifier(&there.name);
        self.changes.push(format!(
            "alter table {} alter column {column} type {} using {}",
            self.sql,
            wide.sql(),
            there.data_type.conversion(&column, wide)
        ));
        there.data_type = wide.clone();
        there.coarse = false;
    }

    /// Renames the column, and adds a new one in its place.
    fn put_aside(&mut self, at: usize, column: &Column, key: bool, wanted: Wanted) -> Result<Option<Type>> {
        let name = self.table.columns[at].name.clone();
        let old = self.free_name(&name)?;
        self.changes.push(format!(
            "alter table {} rename column {} to {}",
            self.sql,
            identifier(&name),
            identifier(&old)
        ));
        self.table.columns[at].name = old.into();
        // A value that did not fit the usual type may be what this is for.
        self.new_column(&name, column, key, wanted.all)
    }

    /// The name that it has from then on.
    fn free_name(&self, name: &str) -> Result<String> {
        let fit = |name: &str| self.rules.naming.fit(name);
        aside(name, &self.rules.stamp, fit, |free| {
            self.table.column(free).is_some()
        })
    }
}

/// Why a column that others use cannot change, and what to do.
fn in_the_way(users: &str) -> String {
    format!(
        "{} uses the column, and PostgreSQL changes no column that is used: drop it and make it again afterwards, or \
         choose schema_evolution freeze and on_invalid skip or dead_letter",
        show(users)
    )
}
