//! Databases of tests, made by other programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A database that is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    DuckDb,
    Sqlite,
}

pub(crate) const ALL: [Kind; 2] = [Kind::DuckDb, Kind::Sqlite];

/// A database in a folder of its own.
pub(crate) struct Database {
    pub(crate) kind: Kind,
    pub(crate) folder: TempDir,
}

impl Database {
    /// A new one that these statements made.
    #[track_caller]
    pub(crate) fn new(kind: Kind, statements: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Self { kind, folder };
        database.change(statements);
        database
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
        };
        for (name, value) in more.as_object().expect("settings") {
            config[name] = value.clone();
        }
        config
    }

    /// The same for tap-adbc.
    pub(crate) fn adbc_config(&self) -> Value {
        let path = self.path();
        match self.kind {
            Kind::DuckDb => {
                json!({"driver": duckdb(), "options": {"path": path, "access_mode": "READ_ONLY"}})
            }
            Kind::Sqlite => json!({"driver": sqlite(), "uri": path}),
        }
    }

    /// The name of the tap, and of the target.
    pub(crate) fn plugin(&self, role: &str) -> String {
        let name = match self.kind {
            Kind::DuckDb => "duckdb",
            Kind::Sqlite => "sqlite",
        };
        format!("{role}-{name}")
    }

    /// Changes the database by another program.
    #[track_caller]
    pub(crate) fn change(&self, statements: &[&str]) {
        let script = match self.kind {
            // Python's own DuckDB may be a later one, whose files the library cannot read.
            Kind::DuckDb => {
                "from adbc_driver_manager import dbapi
c = dbapi.connect(driver=sys.argv[3], entrypoint='duckdb_adbc_init', db_kwargs={'path': sys.argv[1]}, autocommit=True)
with c.cursor() as cursor:
    for statement in json.loads(sys.argv[2]): cursor.execute(statement)
c.close()"
            }
            Kind::Sqlite => {
                "import sqlite3; c = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in json.loads(sys.argv[2]): c.execute(statement)
c.close()"
            }
        };
        let output = Command::new(python())
            .args(["-c", &format!("import json, sys\n{script}")])
            .arg(self.path())
            .arg(json!(statements).to_string())
            .arg(duckdb())
            .output()
            .expect("Python");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
    }

    /// The rows of a query as texts, read by another program.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Value {
        let script = match self.kind {
            Kind::DuckDb => {
                "from adbc_driver_manager import dbapi
c = dbapi.connect(driver=sys.argv[3], entrypoint='duckdb_adbc_init', db_kwargs={'path': sys.argv[1]}, autocommit=True)
with c.cursor() as cursor:
    cursor.execute(sys.argv[2]); rows = cursor.fetchall()
c.close()"
            }
            Kind::Sqlite => "import sqlite3; rows = sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()",
        };
        let script = format!(
            "import json, sys\n{script}\nprint(json.dumps([list(row) for row in rows], default=str))"
        );
        let output = Command::new(python())
            .args(["-c", &script])
            .arg(self.path())
            .arg(sql)
            .arg(duckdb())
            .output()
            .expect("Python");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {errors}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("{name} is not set: run the tests with `cargo xtask test`"))
        .into()
}

/// The Python with the driver manager and the driver of SQLite.
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

/// A driver from its Python package.
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
