//! Runs the target as a process, on a database of the test's own.

use std::fs;
use std::process::Command;

use melisma_processes::{Live, Outcome, run};
use melisma_testing::postgres::{Database, server};
use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};

/// A target with a database.
pub(crate) struct Target {
    pub(crate) database: Database<'static>,
    folder: TempDir,
    settings: Value,
}

impl Target {
    /// With these settings besides those of the connection, and without `_sdc_` columns unless they are asked for.
    pub(crate) fn new(settings: Value) -> Self {
        Self {
            database: server().database(),
            folder: TempDir::new().expect("a folder"),
            settings,
        }
    }

    /// The same database with other settings.
    pub(crate) fn with(&mut self, settings: Value) -> &mut Self {
        self.settings = settings;
        self
    }

    /// Its command line, the settings written.
    fn command(&self) -> Command {
        let mut config = json!({
            "host": self.database.host(),
            "port": self.database.port(),
            "user": self.database.user(),
            "password": self.database.password(),
            "database": self.database.name(),
            "default_target_schema": "public",
            "add_record_metadata": false,
            // What these tests feed to an overwritten table need not end in a STATE; tests/e2e/it/end_of_input is about that.
            "require_final_state": false,
        });
        for (name, value) in self.settings.as_object().expect("settings") {
            config[name] = value.clone();
        }
        // A file for each run: another one may be reading its own.
        let file = NamedTempFile::new_in(&self.folder).expect("a file");
        let path = file.into_temp_path().keep().expect("kept");
        fs::write(&path, config.to_string()).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_target-postgres"));
        command.arg("--config").arg(path);
        command
    }

    /// Starts the process.
    pub(crate) fn start(&self) -> Live {
        Live::start(&mut self.command())
    }

    /// Runs on these lines to the end.
    pub(crate) fn run(&self, lines: &[Value]) -> Outcome {
        run(&mut self.command(), text(lines).as_bytes())
    }

    /// Runs on these lines; it must succeed. Returns the states.
    #[track_caller]
    pub(crate) fn load(&self, lines: &[Value]) -> Vec<String> {
        self.run(lines).ok().states()
    }

    /// Runs on these lines; it must end with this code, and say these words. Returns the states.
    #[track_caller]
    pub(crate) fn fail(&self, lines: &[Value], code: i32, words: &[&str]) -> Vec<String> {
        self.run(lines).fails(code, words).states()
    }

    /// What psql says.
    #[track_caller]
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.database.sql(sql).trim_end().to_owned()
    }

    /// `name type` of each column, `not null` behind it.
    #[track_caller]
    pub(crate) fn columns(&self, table: &str) -> String {
        self.sql(&format!(
            "select string_agg(attname || ' ' || format_type(atttypid, atttypmod) || \
             case when attnotnull then ' not null' else '' end, ', ' order by attnum) \
             from pg_attribute where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped"
        ))
    }

    /// The columns of the primary key.
    #[track_caller]
    pub(crate) fn key(&self, table: &str) -> String {
        self.sql(&format!(
            "select string_agg(a.attname, ', ' order by k.o) from pg_index i, unnest(i.indkey) with ordinality k(n, o), \
             pg_attribute a where i.indrelid = '{table}'::regclass and i.indisprimary and a.attrelid = i.indrelid and \
             a.attnum = k.n"
        ))
    }
}

/// Messages as a tap writes them.
pub(crate) fn text(lines: &[Value]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    lines.concat()
}

/// A SCHEMA.
pub(crate) fn schema(stream: &str, properties: Value, key: &[&str]) -> Value {
    let mut line = json!({"type": "SCHEMA", "stream": stream, "schema": {}, "key_properties": key});
    line["schema"]["properties"] = properties;
    line
}

/// A RECORD.
pub(crate) fn record(stream: &str, record: Value) -> Value {
    let mut line = json!({"type": "RECORD", "stream": stream});
    line["record"] = record;
    line
}

/// A STATE.
pub(crate) fn state(value: Value) -> Value {
    let mut line = json!({"type": "STATE"});
    line["value"] = value;
    line
}

/// Integer `id` and text `t`, which may be null.
pub(crate) fn plain(key: &[&str]) -> Value {
    schema(
        "s",
        json!({"id": {"type": "integer"}, "t": {"type": ["string", "null"]}}),
        key,
    )
}
