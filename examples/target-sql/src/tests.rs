use std::path::Path;

use melisma_sdk::sql::Sql;
use melisma_sdk::{Error, Kind, Result, check, json};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value};

use super::TargetSql;

#[test]
fn it_keeps_the_rules_of_a_target() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.db");
    let file = path.clone();
    let rows = move |stream: &str| {
        rows(&file, stream).map_err(|error| Error::new(Kind::Io, "cannot read").with_source(error))
    };
    check::target::<Sql<TargetSql>>()
        .config(json!({"path": path}))
        .rows(rows)
        .passes();
}

/// The rows of a table, which another connection than the target's reads.
fn rows(file: &Path, table: &str) -> Result<Vec<Value>, rusqlite::Error> {
    let database = Connection::open(file)?;
    if !database.table_exists(None, table)? {
        return Ok(Vec::new());
    }
    let mut query = database.prepare(&format!("SELECT * FROM \"{table}\""))?;
    let names: Vec<String> = query.column_names().map(str::to_owned).collect();
    let rows = query.query_map([], |row| {
        let members = names.iter().enumerate();
        let members = members.map(|(at, name)| Ok((name.clone(), value(row.get_ref(at)?))));
        members
            .collect::<Result<Map<_, _>, rusqlite::Error>>()
            .map(Value::from)
    });
    rows?.collect()
}

fn value(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Integer(value) => value.into(),
        ValueRef::Real(value) => value.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        _ => Value::Null,
    }
}
