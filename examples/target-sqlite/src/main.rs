//! Writes each stream to a table of an SQLite database.
use melisma_sdk::schema::{Column, DataType, StreamSchema};
use melisma_sdk::target::{Capabilities, LoadMethod, RecordTarget, Records, StandardConfig};
use melisma_sdk::{Cell, Error, JsonSchema, Kind, Result, RowView};
use rusqlite::{Connection, params_from_iter, types::Value};

/// Writes each stream to a table of an SQLite database.
#[derive(serde::Deserialize, JsonSchema)]
struct Config {
    /// The database file.
    path: std::path::PathBuf,
}
/// The connection, on which a transaction is always open, and whether records replace those with the same key.
struct TargetSqlite(Connection, bool);
impl RecordTarget for TargetSqlite {
    type Config = Config;
    /// The name of the table, and the columns of the key by which records replace each other.
    type Table = (String, String);
    const CAPABILITIES: Capabilities = Capabilities::UPSERT;
    fn open(config: Config, standard: &mut StandardConfig) -> Result<Self> {
        let database = Connection::open(config.path).map_err(refused)?;
        let begin = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN";
        database.execute_batch(begin).map_err(refused)?;
        Ok(Self(database, standard.load_method != LoadMethod::Append))
    }
    fn table(&mut self, schema: &std::sync::Arc<StreamSchema>) -> Result<Self::Table> {
        let table = quote(&schema.stream);
        let key = join(schema.key_names().filter(|_| self.1).map(quote));
        let primary = Some(format!("PRIMARY KEY ({key})")).filter(|_| !key.is_empty());
        let columns = join(schema.columns.iter().map(define).chain(primary));
        let create = format!("CREATE TABLE IF NOT EXISTS {table} ({columns})");
        self.0.execute_batch(&create).map_err(refused)?;
        for column in &schema.columns {
            let known = self.0.column_exists(None, &*schema.stream, &column.name);
            if !known.map_err(refused)? {
                let add = format!("ALTER TABLE {table} ADD COLUMN {}", define(column));
                self.0.execute_batch(&add).map_err(refused)?;
            }
        }
        self.0.execute_batch("COMMIT; BEGIN").map_err(refused)?;
        Ok((table, key))
    }
    fn write(&mut self, (table, key): &mut Self::Table, record: RowView<'_>) -> Result<()> {
        let names = || record.present().map(|(column, _)| quote(&column.name));
        let marks = join(names().map(|_| "?".to_owned()));
        let mut insert = format!("INSERT INTO {table} ({}) VALUES ({marks})", join(names()));
        if !key.is_empty() {
            let set = join(names().map(|name| format!("{name} = excluded.{name}")));
            insert = format!("{insert} ON CONFLICT ({key}) DO UPDATE SET {set}");
        }
        let values = params_from_iter(record.present().map(|(_, cell)| match cell {
            Cell::Absent | Cell::Null => Value::Null,
            Cell::Bool(value) => Value::Integer(value.into()),
            Cell::Int(value) => Value::Integer(value),
            text => Value::Text(text.to_string()),
        }));
        let mut insert = self.0.prepare_cached(&insert).map_err(refused)?;
        insert.execute(values).map(drop).map_err(refused)
    }
    fn commit(&mut self, _: &mut Self::Table) -> Result<()> {
        self.0.execute_batch("COMMIT; BEGIN").map_err(refused)
    }
}
fn define(column: &Column) -> String {
    match column.data_type {
        DataType::Boolean | DataType::Integer { .. } => quote(&column.name) + " INTEGER",
        DataType::Number => quote(&column.name) + " REAL",
        _ => quote(&column.name) + " TEXT",
    }
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
melisma_sdk::target_main!(Records<TargetSqlite>);

#[cfg(test)]
mod tests;
