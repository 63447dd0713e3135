//! Writes each stream to a table of an SQLite database.
use std::sync::Arc;

use melisma_sdk::schema::{Column, DataType, StreamSchema};
use melisma_sdk::target::{Capabilities, LoadMethod, RecordTarget, Records, StandardConfig};
use melisma_sdk::{Cell, Error, JsonSchema, Kind, Result, RowView};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Writes each stream to a table of an SQLite database.
#[derive(serde::Deserialize, JsonSchema)]
struct Config {
    /// The database file.
    path: std::path::PathBuf,
}

/// The connection, on which a transaction is always open.
struct @type@ {
    database: Connection,
    /// Records replace those with the same key.
    upserts: bool,
}

/// A table, and the columns of the key by which records replace each other.
struct Table {
    name: String,
    key: String,
}

impl RecordTarget for @type@ {
    type Config = Config;
    type Table = Table;

    const CAPABILITIES: Capabilities = Capabilities::UPSERT;

    fn open(config: Config, standard: &mut StandardConfig) -> Result<Self> {
        let database = Connection::open(config.path).map_err(refused)?;
        let begin = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN";
        database.execute_batch(begin).map_err(refused)?;
        Ok(Self {
            database,
            upserts: standard.load_method != LoadMethod::Append,
        })
    }

    // For the first SCHEMA of a stream, and when it changes.
    fn table(&mut self, schema: &Arc<StreamSchema>) -> Result<Table> {
        let name = quote(&schema.stream);
        let key = join(schema.key_names().filter(|_| self.upserts).map(quote));
        let primary = Some(format!("PRIMARY KEY ({key})")).filter(|_| !key.is_empty());
        let columns = join(schema.columns.iter().map(define).chain(primary));
        let create = format!("CREATE TABLE IF NOT EXISTS {name} ({columns})");
        self.database.execute_batch(&create).map_err(refused)?;
        for column in &schema.columns {
            let known = self
                .database
                .column_exists(None, &*schema.stream, &column.name);
            if !known.map_err(refused)? {
                let add = format!("ALTER TABLE {name} ADD COLUMN {}", define(column));
                self.database.execute_batch(&add).map_err(refused)?;
            }
        }
        self.database
            .execute_batch("COMMIT; BEGIN")
            .map_err(refused)?;
        Ok(Table { name, key })
    }

    fn write(&mut self, table: &mut Table, record: RowView<'_>) -> Result<()> {
        let Table { name, key } = table;
        let names = || record.present().map(|(column, _)| quote(&column.name));
        let marks = join(names().map(|_| "?".to_owned()));
        let mut insert = format!("INSERT INTO {name} ({}) VALUES ({marks})", join(names()));
        if !key.is_empty() {
            let set = join(names().map(|name| format!("{name} = excluded.{name}")));
            insert += &format!(" ON CONFLICT ({key}) DO UPDATE SET {set}");
        }
        let values = params_from_iter(record.present().map(|(_, cell)| match cell {
            Cell::Absent | Cell::Null => Value::Null,
            Cell::Bool(value) => Value::Integer(value.into()),
            Cell::Int(value) => Value::Integer(value),
            text => Value::Text(text.to_string()),
        }));
        let mut insert = self.database.prepare_cached(&insert).map_err(refused)?;
        insert.execute(values).map(drop).map_err(refused)
    }

    // When this returns, the records are durable: the STATE that covers them may be emitted.
    fn commit(&mut self, _: &mut Table) -> Result<()> {
        self.database
            .execute_batch("COMMIT; BEGIN")
            .map_err(refused)
    }
}

fn define(column: &Column) -> String {
    let kind = match column.data_type {
        DataType::Boolean | DataType::Integer { .. } => "INTEGER",
        DataType::Number => "REAL",
        _ => "TEXT",
    };
    format!("{} {kind}", quote(&column.name))
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn refused(error: rusqlite::Error) -> Error {
    Error::new(Kind::Io, "SQLite refused").with_source(error)
}

melisma_sdk::target_main!(Records<@type@>);

#[cfg(test)]
mod tests;
