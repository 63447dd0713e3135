//! Rows of the files of DuckDB and SQLite: of a copy, so that a look repairs nothing. DuckDB is read by its Python package,
//! SQLite by another copy of its library than the driver's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::row;
use crate::drivers;
use crate::rig::{Kind, Rig};
use crate::source::{Row, Stream};

/// What a database holds: the rows of each stream, and the STATE beside them.
pub(super) struct Contents {
    pub(super) rows: [Vec<Row>; 3],
    pub(super) state: Option<String>,
}

/// Reads all of it.
pub(super) fn contents(rig: &Rig<'_>) -> Result<Contents, String> {
    let folder = TempDir::new().map_err(|error| format!("no folder: {error}"))?;
    let Some(copy) = copy(rig, folder.path())? else {
        return Ok(Contents {
            rows: Default::default(),
            state: None,
        });
    };
    let found = match rig.kind {
        Kind::DuckDb => duckdb(&copy)?,
        _ => sqlite(&copy).map_err(|error| format!("P3: SQLite: {error}"))?,
    };
    let mut rows: [Vec<Row>; 3] = Default::default();
    for stream in Stream::ALL {
        for value in found[stream.name()].as_array().into_iter().flatten() {
            let read = row(value).ok_or_else(|| format!("P3: {}: no row: {value}", stream.name()))?;
            rows[stream as usize].push(read);
        }
    }
    let state = found["state"].as_str().map(str::to_owned);
    Ok(Contents { rows, state })
}

/// The database and what belongs to it; `None` if there is none.
fn copy(rig: &Rig<'_>, folder: &Path) -> Result<Option<PathBuf>, String> {
    let file = rig.path("out.db");
    if !file.exists() {
        return Ok(None);
    }
    for suffix in ["", ".wal", "-journal", "-wal", "-shm"] {
        let name = format!("out.db{suffix}");
        let from = rig.path(&name);
        if from.exists() {
            fs::copy(&from, folder.join(&name)).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    Ok(Some(folder.join("out.db")))
}

const READ: &str = r#"
import duckdb, json, sys
c = duckdb.connect(sys.argv[1])
found = {}
tables = {name for (name,) in c.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").fetchall()}
for name in tables & {"orders", "events", "people"}:
    # Moments as numbers: the module needs another one for them.
    columns = "SELECT COLUMNS('^[^_]') FROM " + name
    rows = c.sql(f'SELECT * REPLACE (epoch_us("at") AS "at") FROM ({columns}) ORDER BY n')
    found[name] = [dict(zip(rows.columns, row)) for row in rows.fetchall()]
if "_melisma_state" in tables:
    found["state"] = c.execute("SELECT max(state) FROM _melisma_state").fetchone()[0]
print(json.dumps(found, default=str))
"#;

fn duckdb(file: &Path) -> Result<Value, String> {
    let output = Command::new(drivers::python())
        .args(["-c", READ])
        .arg(file)
        .output()
        .map_err(|error| format!("Python: {error}"))?;
    if !output.status.success() {
        return Err(format!("P3: DuckDB: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("P3: DuckDB: {error}"))
}

fn sqlite(file: &Path) -> Result<Value, rusqlite::Error> {
    let database = Connection::open(file)?;
    let mut found = Map::new();
    for stream in Stream::ALL {
        if !database.table_exists(None, stream.name())? {
            continue;
        }
        let mut query = database.prepare(&format!("SELECT * FROM {} ORDER BY n", stream.name()))?;
        let names: Vec<String> = query.column_names().map(str::to_owned).collect();
        let rows = query.query_map([], |row| {
            let members = names
                .iter()
                .enumerate()
                .map(|(at, name)| Ok((name.clone(), value(name, row.get_ref(at)?))));
            members
                .collect::<Result<Map<_, _>, rusqlite::Error>>()
                .map(Value::Object)
        })?;
        let rows = rows.collect::<Result<Vec<Value>, _>>()?;
        found.insert(stream.name().to_owned(), rows.into());
    }
    if database.table_exists(None, "_melisma_state")? {
        let state: Option<String> = database
            .query_row("SELECT state FROM _melisma_state", [], |row| row.get(0))
            .optional()?;
        found.insert("state".to_owned(), json!(state));
    }
    Ok(found.into())
}

fn value(name: &str, cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Integer(value @ (0 | 1)) if name == "flag" => json!(value == 1),
        ValueRef::Integer(value) => json!(value),
        ValueRef::Real(value) => json!(value),
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
    }
}
