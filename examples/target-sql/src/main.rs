//! Loads tables of an SQLite database: its SQL, its bulk load and its connection; the rest is the SDK's SQL kit.
use std::path::PathBuf;
use std::sync::Arc;

use melisma_sdk::arrow::array::cast::AsArray as _;
use melisma_sdk::arrow::array::types::{Float64Type, Int64Type};
use melisma_sdk::arrow::array::{Array, RecordBatch};
use melisma_sdk::arrow::schema::DataType;
use melisma_sdk::sql::{Connection, Dialect, Opened, Sql, SqlConfig, SqlTarget, SqlType, TableName};
use melisma_sdk::target::StandardConfig;
use melisma_sdk::{Error, JsonSchema, Kind, Result};
use rusqlite::params_from_iter;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// Loads tables of an SQLite database.
#[derive(serde::Deserialize, JsonSchema)]
struct Config {
    /// The file of the database.
    path: PathBuf,
    #[serde(flatten)]
    sql: SqlConfig,
}

/// The file of the database.
#[derive(Debug)]
struct TargetSql(PathBuf);

impl SqlTarget for TargetSql {
    type Config = Config;
    type Connection = Session;
    fn open(config: Config, _: &mut StandardConfig) -> Result<Opened<Self>> {
        Ok(Opened {
            target: Self(config.path),
            dialect: Arc::new(Sqlite),
            config: config.sql,
        })
    }
    fn connect(&self) -> Result<Session> {
        let opened = rusqlite::Connection::open(&self.0);
        let mut session = Session(opened.map_err(|error| failed("cannot open", error))?);
        session.execute("cannot open", "PRAGMA journal_mode = WAL; BEGIN")?;
        Ok(session)
    }
}

/// What SQLite says differently from others. A type is only a preference here; `TEXT` alone keeps every digit.
#[derive(Debug)]
struct Sqlite;

impl Dialect for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }
    fn fold(&self, name: &str) -> String {
        name.to_ascii_lowercase()
    }
    fn default_schema(&self) -> Option<&str> {
        None
    }
    fn sql_type(&self, of: &SqlType) -> Option<String> {
        Some(match of {
            SqlType::Boolean => "BOOLEAN".to_owned(),
            SqlType::BigInt => "INTEGER".to_owned(),
            SqlType::Double => "REAL".to_owned(),
            _ => "TEXT".to_owned(),
        })
    }
    fn parse_type(&self, declared: &str) -> SqlType {
        match declared {
            "BOOLEAN" => SqlType::Boolean,
            "INTEGER" => SqlType::BigInt,
            "REAL" => SqlType::Double,
            "TEXT" => SqlType::Text,
            other => SqlType::Other(other.to_owned()),
        }
    }
    fn stores_as_text(&self, of: &SqlType) -> bool {
        !matches!(of, SqlType::Boolean | SqlType::BigInt | SqlType::Double)
    }
    fn describe(&self, table: &TableName) -> Option<String> {
        let table = self.literal(&table.table);
        Some(format!("SELECT name, type FROM pragma_table_info({table})"))
    }
    fn has_primary_keys(&self) -> bool {
        true
    }
    fn has_one_writer(&self) -> bool {
        true
    }
}

struct Session(rusqlite::Connection);

impl Connection for Session {
    fn execute(&mut self, doing: &str, sql: &str) -> Result<()> {
        self.0.execute_batch(sql).map_err(|error| failed(doing, error))
    }
    fn query(&mut self, doing: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        query(&self.0, sql).map_err(|error| failed(doing, error))
    }
    fn load(&mut self, table: &TableName, rows: RecordBatch, _: bool) -> Result<()> {
        let marks = vec!["?"; rows.num_columns()].join(", ");
        let insert = format!("INSERT INTO {} VALUES ({marks})", table.sql(&Sqlite));
        let load = self.0.prepare_cached(&insert).and_then(|mut insert| {
            (0..rows.num_rows()).try_for_each(|row| {
                let values = rows.columns().iter().map(|column| value(column, row));
                insert.execute(params_from_iter(values)).map(drop)
            })
        });
        load.map_err(|error| failed("cannot insert rows", error))
    }
    fn commit(&mut self) -> Result<()> {
        self.execute("cannot commit", "COMMIT; BEGIN")
    }
    fn rollback(&mut self) -> Result<()> {
        self.execute("cannot roll back", "ROLLBACK; BEGIN")
    }
}

fn query(database: &rusqlite::Connection, sql: &str) -> rusqlite::Result<Vec<Vec<Option<String>>>> {
    let mut query = database.prepare(sql)?;
    let columns = query.column_count();
    let text = |value: ValueRef<'_>| match value {
        ValueRef::Integer(value) => Some(value.to_string()),
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    };
    let rows = query.query_map([], |row| {
        (0..columns).map(|at| Ok(text(row.get_ref(at)?))).collect()
    })?;
    rows.collect()
}

fn value(column: &dyn Array, row: usize) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match column.data_type() {
        _ if column.is_null(row) => ValueRef::Null,
        DataType::Boolean => ValueRef::Integer(column.as_boolean().value(row).into()),
        DataType::Int64 => ValueRef::Integer(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => ValueRef::Real(column.as_primitive::<Float64Type>().value(row)),
        _ => ValueRef::Text(column.as_string::<i32>().value(row).as_bytes()),
    })
}

fn failed(doing: &str, error: rusqlite::Error) -> Error {
    Error::new(Kind::Io, doing).with_source(error)
}

melisma_sdk::target_main!(Sql<TargetSql>);

#[cfg(test)]
mod tests;
