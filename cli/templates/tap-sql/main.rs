//! The tables and views of an SQLite database.
use melisma_sdk::{Context, Error, JsonSchema, Kind, Output, Result, Stream, Tap, json};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OpenFlags, params_from_iter};

/// The tables and views of an SQLite database.
#[derive(serde::Deserialize, JsonSchema)]
struct Config {
    /// The database file.
    path: std::path::PathBuf,
}

struct @type@ {
    database: Connection,
}

impl Tap for @type@ {
    type Config = Config;

    fn open(config: Config, _: &Context) -> Result<Self> {
        let database = Connection::open_with_flags(&config.path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let what = format!("cannot open {}", config.path.display());
        let database = database.map_err(|error| Error::config(what).with_source(error))?;
        Ok(Self { database })
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        let tables = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name";
        let mut query = self.database.prepare(tables).map_err(refused)?;
        let names = query.query_map([], |row| row.get(0)).map_err(refused)?;
        let names: Vec<String> = names.collect::<Result<_, _>>().map_err(refused)?;
        names.into_iter().map(|name| self.stream(name)).collect()
    }
}

impl @type@ {
    /// A table as a stream. The user chooses a replication key in the catalog, or in `metadata` of meltano.yml.
    fn stream(&self, table: String) -> Result<Stream<'_>> {
        let columns = "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?) ORDER BY cid";
        let mut query = self.database.prepare(columns).map_err(refused)?;
        let mut rows = query.query([&table]).map_err(refused)?;
        let (mut properties, mut keys, mut unsupported) = (json!({}), Vec::new(), Vec::new());
        while let Some(row) = rows.next().map_err(refused)? {
            let name: String = row.get(0).map_err(refused)?;
            let declared: String = row.get(1).map_err(refused)?;
            let key: i64 = row.get(3).map_err(refused)?;
            let not_null: bool = row.get(2).map_err(refused)?;
            let mut types = types(&declared);
            if types.is_empty() {
                unsupported.push(name.clone());
            }
            if key == 0 && !not_null {
                types.push("null");
            }
            if key > 0 {
                keys.push((key, name.clone()));
            }
            properties[name] = json!({"type": types});
        }
        keys.sort();
        let schema = json!({"type": "object", "properties": properties});
        let stream = Stream::new(&*table, schema)
            .key(keys.iter().map(|(_, name)| name.as_str()))
            .unsupported(unsupported.iter().map(String::as_str));
        Ok(stream.sync(move |output| self.read(&table, output)))
    }

    fn read(&self, table: &str, output: &mut Output<'_>) -> Result<()> {
        let names: Vec<String> = output
            .columns()
            .iter()
            .map(|column| quote(&column.name))
            .collect();
        let mut select = format!("SELECT {} FROM {}", names.join(", "), quote(table));
        let mut since = None;
        if let Some(key) = output.replication_key().map(quote) {
            since = output.bookmark()?.map(parameter);
            if since.is_some() {
                select += &format!(" WHERE {key} >= ?");
            }
            select += &format!(" ORDER BY {key}");
        }
        let mut query = self.database.prepare(&select).map_err(refused)?;
        let mut rows = query.query(params_from_iter(since)).map_err(refused)?;
        while let Some(row) = rows.next().map_err(refused)? {
            let mut record = output.row();
            for column in 0..names.len() {
                match row.get_ref(column).map_err(refused)? {
                    ValueRef::Null => record.null(),
                    ValueRef::Integer(value) => record.int(value),
                    ValueRef::Real(value) => record.float(value),
                    ValueRef::Text(text) => record.text(&String::from_utf8_lossy(text)),
                    ValueRef::Blob(_) => record.absent(),
                }
            }
            record.end()?;
        }
        Ok(())
    }
}

/// The JSON types of a column with this declared type; none for bytes.
fn types(declared: &str) -> Vec<&'static str> {
    let declared = declared.to_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    if has(&["INT"]) {
        vec!["integer"]
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        vec!["string"]
    } else if has(&["BLOB"]) {
        Vec::new()
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        vec!["number"]
    } else {
        // SQLite keeps what it is given: numbers as numbers, dates as texts.
        vec!["number", "string"]
    }
}

/// A bookmark as the parameter of a query.
fn parameter(bookmark: serde_json::Value) -> Value {
    match bookmark {
        serde_json::Value::String(text) => Value::Text(text),
        number => number.as_i64().map_or_else(
            || number.as_f64().map_or(Value::Null, Value::Real),
            Value::Integer,
        ),
    }
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn refused(error: rusqlite::Error) -> Error {
    Error::new(Kind::Unavailable, "SQLite refused").with_source(error)
}

melisma_sdk::tap_main!(@type@);

#[cfg(test)]
mod tests;
