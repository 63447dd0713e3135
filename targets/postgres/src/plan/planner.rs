//! The walk over a stream's properties that a plan is made by: each gets a column, a new type for it, or a refusal.

use melisma_postgres::{identifier, literal};
use melisma_sdk::schema::Column;
use melisma_sdk::{Error, Result, StreamSchema, show};

use super::{Rules, Taken};
use crate::config::Evolution;
use crate::table::{MOST_COLUMNS, MOST_KEYS, Table, TableColumn, list};
use crate::types::Type;

pub(super) struct Planner<'r> {
    pub(super) rules: &'r Rules,
    pub(super) sql: String,
    pub(super) table: Table,
    pub(super) changes: Vec<String>,
    pub(super) creates: bool,
    /// The properties that bring values which their columns do not hold.
    pub(super) widens: &'r [&'r str],
}

impl Planner<'_> {
    /// The columns that take the properties, and what they need for that.
    pub(super) fn columns<'s>(&mut self, schema: &'s StreamSchema) -> Result<Vec<Taken<'s>>> {
        let rules = self.rules;
        let heeded = |column: &&Column| rules.takes(column);
        let properties = schema.columns.iter().filter(heeded).map(|column| &*column.name);
        let names = rules.naming.columns(properties)?;
        let cells = schema.columns.iter().enumerate();
        let mut taken = Vec::with_capacity(names.len());
        for ((cell, column), name) in cells.filter(|(_, column)| rules.takes(column)).zip(names) {
            let key = schema.key.contains(&cell);
            if let Some(data_type) = self.column(&name, column, key)? {
                let wider = self.wider(&name, column, key, &data_type)?;
                taken.push(Taken {
                    cell,
                    name,
                    column,
                    data_type,
                    wider,
                });
            }
        }
        Ok(taken)
    }

    /// The type that the column has in the end; `None` when it is left out.
    pub(super) fn column(&mut self, name: &str, column: &Column, key: bool) -> Result<Option<Type>> {
        let wanted = self.rules.mapping.column(column)?;
        let Some(at) = self.table.columns.iter().position(|there| &*there.name == name) else {
            let first = self.first_type(wanted);
            return self.new_column(name, column, key, first);
        };
        if self.table.columns[at].generated {
            return self.leave_out_generated(column, key);
        }
        self.evolve(at, column, key, wanted)
    }

    /// The server computes the column, so the values that came are not needed.
    fn leave_out_generated(&self, column: &Column, key: bool) -> Result<Option<Type>> {
        let name = show(&column.name);
        if key && self.rules.upsert {
            return Err(Error::config(format!(
                "{}: expected a column that takes values for the key property {name}, found a generated one",
                self.sql
            )));
        }
        log::warn!("{}: {name} is a generated column and is left out", self.sql);
        Ok(None)
    }

    /// Missing privileges are reported before the first row, and not by the statement that needs them.
    pub(super) fn check_rights(&self, taken: &[Taken<'_>], key: &[Box<str>]) -> Result<()> {
        for Taken { name, .. } in taken {
            let Some(there) = self.table.column(name) else {
                continue;
            };
            let updates = !key.is_empty() && !key.contains(name);
            let missing = if !there.rights.insert {
                "INSERT"
            } else if updates && !there.rights.update && !there.identity_always {
                "UPDATE"
            } else {
                if updates && there.identity_always {
                    log::warn!(
                        "{}: {} is GENERATED ALWAYS AS IDENTITY: a row that is updated keeps the value that it has",
                        self.sql,
                        show(name)
                    );
                }
                continue;
            };
            return Err(Error::config(format!(
                "{}: expected the privilege {missing} on column {}, which is not granted",
                self.sql,
                show(name)
            )));
        }
        Ok(())
    }

    pub(super) fn new_column(
        &mut self,
        name: &str,
        column: &Column,
        key: bool,
        wanted: Type,
    ) -> Result<Option<Type>> {
        if !self.creates && self.rules.evolution == Evolution::Freeze {
            if key {
                return Err(Error::config(format!(
                    "{}: expected a column for the key property {}, found none (schema_evolution freeze)",
                    self.sql,
                    show(&column.name)
                )));
            }
            log::warn!(
                "{}: {} has no column and is left out (schema_evolution freeze)",
                self.sql,
                show(&column.name)
            );
            return Ok(None);
        }
        self.changes.push(format!(
            "alter table {} add column {} {}",
            self.sql,
            identifier(name),
            wanted.sql()
        ));
        self.table.columns.push(TableColumn::new(name, wanted.clone()));
        Ok(Some(wanted))
    }

    pub(super) fn check_count(&self) -> Result<()> {
        let columns = self.table.columns.len() + self.table.dropped;
        if columns <= MOST_COLUMNS {
            return Ok(());
        }
        let dropped = match self.table.dropped {
            0 => String::new(),
            dropped => format!(", {dropped} of them dropped ones, which count"),
        };
        Err(Error::input(format!(
            "{}: expected at most {MOST_COLUMNS} columns, which is all that PostgreSQL gives a table, found \
             {columns}{dropped}",
            self.sql
        )))
    }

    /// Refuses keys that no index can be made for, before anything is loaded.
    pub(super) fn check_key(&self, key: &[Box<str>]) -> Result<()> {
        if key.len() > MOST_KEYS {
            return Err(Error::input(format!(
                "{}: expected at most {MOST_KEYS} key properties, which is all that PostgreSQL gives an index, found {}",
                self.sql,
                key.len()
            )));
        }
        let json = |column: &&TableColumn| match &column.data_type {
            Type::Array(element) => **element == Type::Json,
            data_type => *data_type == Type::Json,
        };
        let columns = key.iter().filter_map(|name| self.table.column(name));
        match columns.into_iter().find(json) {
            Some(column) => Err(Error::config(format!(
                "{}: expected a key whose values PostgreSQL can compare, found that {} is of type {}",
                self.sql,
                identifier(&column.name),
                column.data_type.sql()
            ))),
            None => Ok(()),
        }
    }

    /// Whether keys are equal on the server exactly when their bytes in the COPY are.
    pub(super) fn is_exact(&self, key: &[Box<str>]) -> bool {
        let columns = key.iter().filter_map(|name| self.table.column(name));
        columns
            .into_iter()
            .all(|column| column.data_type.is_exact() && !column.coarse)
    }

    /// Sees to it that an existing table has the key.
    pub(super) fn key(&mut self, key: &[Box<str>]) -> Result<()> {
        if self.creates || key.is_empty() || self.table.has_key(key) {
            return Ok(());
        }
        if matches!(self.rules.evolution, Evolution::Error | Evolution::Freeze) {
            return Err(Error::config(format!(
                "{}: expected a primary key or unique index on ({}), found none",
                self.sql,
                list(key)
            )));
        }
        if !self.table.key.is_empty() {
            self.changes.push(drop_key(&self.sql));
        }
        self.changes.push(format!(
            "alter table {} add primary key ({})",
            self.sql,
            list(key)
        ));
        self.table.key = key.to_vec();
        Ok(())
    }
}

/// Drops the primary key, whatever its name is.
fn drop_key(sql: &str) -> String {
    let table = literal(sql);
    let body = format!(
        "begin execute (select 'alter table ' || conrelid::regclass || ' drop constraint ' || quote_ident(conname) \
         from pg_catalog.pg_constraint where conrelid = {table}::regclass and contype = 'p'); end"
    );
    format!("do {}", literal(&body))
}
