//! Databases of tests: each target, its settings, and an independent reader of what it has written.

use std::path::{Path, PathBuf};
use std::process::Command;

use melisma_processes::Outcome;
use melisma_testing::postgres;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A database that is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    DuckDb,
    Sqlite,
    Postgresql,
    /// SQLite again, as a database that nothing is known of.
    Ansi,
}

/// Those that tables can be changed in.
pub(crate) const KNOWN: [Kind; 3] = [Kind::DuckDb, Kind::Sqlite, Kind::Postgresql];
pub(crate) const ALL: [Kind; 4] = [Kind::DuckDb, Kind::Sqlite, Kind::Postgresql, Kind::Ansi];
/// Those that are files, which one process writes at a time.
pub(crate) const FILES: [Kind; 2] = [Kind::DuckDb, Kind::Sqlite];

/// A database in a folder of its own, or on the server of the tests.
pub(crate) struct Database {
    pub(crate) kind: Kind,
    pub(crate) folder: TempDir,
    pub(crate) server: Option<postgres::Database<'static>>,
}

impl Database {
    pub(crate) fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = (kind == Kind::Postgresql).then(|| postgres::server().database());
        Self { kind, folder, server }
    }

    /// The database on the server.
    pub(crate) fn on_server(&self) -> &postgres::Database<'static> {
        self.server.as_ref().expect("a database of PostgreSQL")
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("test.db")
    }

    /// The settings that say where it is, with those of `more`.
    pub(crate) fn config(&self, more: &Value) -> Value {
        let path = self.path();
        let mut config = match self.kind {
            Kind::DuckDb => json!({"path": path, "driver": duckdb()}),
            Kind::Sqlite => json!({"database": path, "driver": sqlite()}),
            Kind::Postgresql => json!({"driver": packaged("postgresql"), "uri": self.on_server().url()}),
            Kind::Ansi => json!({"driver": sqlite(), "uri": path, "dialect": "ansi"}),
        };
        config["add_record_metadata"] = json!(false);
        for (name, value) in more.as_object().expect("settings") {
            config[name] = value.clone();
        }
        config
    }

    /// Loads these lines.
    pub(crate) fn load(&self, more: &Value, lines: &[Value]) -> Outcome {
        let input: Vec<String> = lines.iter().map(Value::to_string).collect();
        let input = input.join("\n") + "\n";
        self.load_text(more, &input)
    }

    pub(crate) fn load_text(&self, more: &Value, input: &str) -> Outcome {
        let config = self.folder.path().join("config.json");
        std::fs::write(&config, self.config(more).to_string()).expect("written");
        let name = match self.kind {
            Kind::DuckDb => "target-duckdb",
            Kind::Sqlite => "target-sqlite",
            Kind::Postgresql | Kind::Ansi => "target-adbc",
        };
        let mut target = Command::new(melisma_processes::melisma());
        melisma_processes::run(target.args([name, "--config"]).arg(config), input.as_bytes())
    }

    /// The rows of a query, read by another program; what JSON has no value for as its text.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Value {
        if self.kind == Kind::Postgresql {
            return self.rows_of_postgresql(sql);
        }
        // Moments as DuckDB spells them: the module would want another one for them.
        let read = match self.kind {
            Kind::DuckDb => {
                "import duckdb; c = duckdb.connect(sys.argv[1], read_only=True); c.execute(\"SET TimeZone='UTC'\")
found = c.sql(sys.argv[2])
columns = [f'\"{name}\"' + ('::VARCHAR' if 'ZONE' in str(of) else '') for name, of in zip(found.columns, found.types)]
rows = found.project(', '.join(columns)).fetchall()"
            }
            _ => "import sqlite3; rows = sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()",
        };
        let read =
            format!("import json, sys; {read}\nprint(json.dumps([list(row) for row in rows], default=str))");
        let output = Command::new(python())
            .args(["-c", &read])
            .arg(self.path())
            .arg(sql)
            .output()
            .expect("Python");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {errors}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// The rows of a query, read by psql; JSON as its text.
    #[track_caller]
    fn rows_of_postgresql(&self, sql: &str) -> Value {
        let sql = format!(
            "SET TimeZone = 'UTC'; SELECT coalesce(json_agg(cells), '[]') FROM (SELECT (SELECT \
             coalesce(json_agg(value), '[]') FROM json_each(row_to_json(row))) AS cells FROM ({sql}) AS row) AS rows"
        );
        let mut rows: Value = serde_json::from_str(&self.on_server().sql(&sql)).expect("JSON");
        for row in rows.as_array_mut().expect("rows") {
            for cell in row.as_array_mut().expect("a row") {
                if cell.is_object() || cell.is_array() {
                    *cell = cell.to_string().into();
                }
            }
        }
        rows
    }

    /// Changes the database by another program.
    #[track_caller]
    pub(crate) fn change(&self, sql: &str) {
        if self.kind == Kind::Postgresql {
            self.on_server().sql(sql);
            return;
        }
        let connect = match self.kind {
            // In a file that older versions read, too.
            Kind::DuckDb => {
                "import duckdb; c = duckdb.connect(sys.argv[1], config={'storage_compatibility_version': 'v1.4.0'})"
            }
            _ => "import sqlite3; c = sqlite3.connect(sys.argv[1], isolation_level=None)",
        };
        let change = format!("import sys; {connect}\nc.execute(sys.argv[2]); c.close()");
        let output = Command::new(python())
            .args(["-c", &change])
            .arg(self.path())
            .arg(sql)
            .output()
            .expect("Python");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// The type of each column of a table.
    pub(crate) fn types(&self, table: &str) -> Value {
        self.rows(&match self.kind {
            Kind::Postgresql => format!("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '\"{table}\"'::regclass AND attnum > 0 ORDER BY attnum"),
            Kind::DuckDb => format!("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"),
            _ => format!("SELECT name, type FROM pragma_table_info('{table}')"),
        })
    }
}

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("{name} is not set: run the tests with `cargo xtask test`"))
        .into()
}

/// The Python with DuckDB and the driver of SQLite.
pub(crate) fn python() -> PathBuf {
    variable("MELISMA_TEST_PYTHON")
}

/// The library of DuckDB.
pub(crate) fn duckdb() -> PathBuf {
    variable("MELISMA_TEST_DUCKDB")
}

/// The driver of SQLite, from its Python package.
pub(crate) fn sqlite() -> PathBuf {
    packaged("sqlite")
}

/// A driver, from its Python package.
pub(crate) fn packaged(name: &str) -> PathBuf {
    let lib = python()
        .parent()
        .and_then(Path::parent)
        .expect("an environment")
        .join("lib");
    let python = std::fs::read_dir(lib)
        .expect("read")
        .flatten()
        .next()
        .expect("a version")
        .path();
    python.join(format!(
        "site-packages/adbc_driver_{name}/libadbc_driver_{name}.so"
    ))
}

/// A SCHEMA message of these properties.
pub(crate) fn schema(stream: &str, properties: &Value, key: &[&str]) -> Value {
    json!({"type": "SCHEMA", "stream": stream, "schema": {"properties": properties}, "key_properties": key})
}

/// A RECORD message.
pub(crate) fn record(stream: &str, record: &Value) -> Value {
    json!({"type": "RECORD", "stream": stream, "record": record})
}

/// A STATE message.
pub(crate) fn state(value: &Value) -> Value {
    json!({"type": "STATE", "value": value})
}
