//! Resolves type names that taps give (`x-sql-datatype`) against the server's catalog.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use melisma_postgres::failed;
use melisma_postgres::postgres::Client;
use melisma_sdk::{Error, Result, StreamSchema, show};
use serde_json::Value;

use crate::types::{Spelled, Type};

/// What the server said about each name.
#[derive(Debug, Default)]
pub(crate) struct SqlTypes(Mutex<HashMap<Box<str>, Answer>>);

/// The type of a name, or that there is none.
#[derive(Clone, Debug)]
struct Answer(Option<Type>);

impl SqlTypes {
    /// Asks the server for the types that a schema names, each once in a run.
    pub(crate) fn ask(&self, client: &mut Client, schema: &StreamSchema) -> Result<()> {
        for column in &schema.columns {
            let mut names = Vec::new();
            collect(&column.schema, &mut names);
            for name in names {
                let Some(spelled) = Spelled::read(name) else {
                    continue;
                };
                let asked = self.known(name);
                let found = match asked {
                    Some(Answer(found)) => found,
                    None => find(client, &spelled)?,
                };
                if found.is_none() {
                    log::warn!(
                        "stream {}: {}: x-sql-datatype: the server has no type \"{}\": the rest of the schema decides",
                        show(&schema.stream),
                        show(&column.name),
                        show(name)
                    );
                }
                let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(name.into(), Answer(found));
            }
        }
        Ok(())
    }

    fn known(&self, name: &str) -> Option<Answer> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned()
    }

    /// The type of that name; `None` when the server has none. Before the server was asked, the name counts.
    ///
    /// # Errors
    /// What is not the name of a type.
    pub(crate) fn named(&self, name: &str) -> Result<Option<Type>> {
        let Some(spelled) = Spelled::read(name) else {
            return Err(Error::input(format!(
                "x-sql-datatype: expected the name of a PostgreSQL type, found \"{}\"",
                show(name)
            )));
        };
        Ok(match self.known(name) {
            Some(Answer(found)) => found,
            None if spelled.native() => Some(Type::named(&ours(&spelled).sql())),
            None => None,
        })
    }
}

/// MeltanoLabs' name of an extension's type, by its own name.
fn ours(spelled: &Spelled) -> Spelled {
    match spelled.sql().to_ascii_lowercase().as_str() {
        "pgvector" => Spelled::read("vector").unwrap_or_else(|| spelled.clone()),
        _ => spelled.clone(),
    }
}

/// Every `x-sql-datatype` in a schema, at any depth.
fn collect<'s>(schema: &'s Value, names: &mut Vec<&'s str>) {
    match schema {
        Value::Object(members) => {
            names.extend(members.get("x-sql-datatype").and_then(Value::as_str));
            members.values().for_each(|member| collect(member, names));
        }
        Value::Array(members) => members.iter().for_each(|member| collect(member, names)),
        _ => {}
    }
}

/// The type as the server knows it, `None` when it has none that a column can have.
fn find(client: &mut Client, spelled: &Spelled) -> Result<Option<Type>> {
    if !spelled.native() {
        return Ok(None);
    }
    let spelled = ours(spelled);
    // An array of it, so that a domain that is NOT NULL is no obstacle. No column can have a pseudo-type.
    let sql = format!(
        "select pg_catalog.format_type(e.oid, -1) from pg_catalog.pg_type t join pg_catalog.pg_type e on e.oid = t.typelem \
         where t.oid = pg_catalog.pg_typeof(null::{}[]) and e.typtype <> 'p'",
        spelled.element()
    );
    let row = match client.query_opt(&sql, &[]) {
        Ok(row) => row,
        Err(error) if error.as_db_error().is_some() => return Ok(None),
        Err(error) => return Err(failed("cannot ask for the types of x-sql-datatype", error)),
    };
    let Some(name) = row.map(|row| row.get::<_, String>(0)) else {
        return Ok(None);
    };
    let written = Type::named(&spelled.element());
    let element = match (&written, Type::named(&name)) {
        // A type that is not known here: its own name says the most, limits among it.
        (Type::Other(_), Type::Other(_)) => written,
        // Another name of one that is: `pg_catalog.int4`, `float(24)`.
        (Type::Other(_), known) => match Type::named(&format!("{name}{}", spelled.arguments())) {
            Type::Other(_) => known,
            limited => limited,
        },
        _ => written,
    };
    Ok(Some(match element {
        element if spelled.is_array() => Type::Array(Box::new(element)),
        element => element,
    }))
}
