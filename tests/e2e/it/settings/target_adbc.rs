//! target-adbc and its names.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::files::{bytes, join, lines, standard};
use super::{Probe, Subject, every_setting_does_something, observe, probe, tested};
use crate::harness::{melisma, python, record, run, schema, state};

/// A target on a new database, which is at `FOLDER/a.db`.
struct Database {
    target: &'static str,
    reader: &'static str,
}

const DUCKDB: &str = "import duckdb; c = duckdb.connect(sys.argv[1], read_only=True)
tables = c.execute('select sql from duckdb_tables() order by 1').fetchall()
names = c.execute('select schema_name, table_name from duckdb_tables() order by 1, 2').fetchall()
rows = [c.execute(f'select columns(*)::varchar from \"{s}\".\"{t}\"').fetchall() for s, t in names]";
const SQLITE: &str = "import sqlite3; c = sqlite3.connect(sys.argv[1])
tables = c.execute('select sql from sqlite_master order by 1').fetchall()
names = c.execute(\"select name from sqlite_master where type = 'table' order by 1\").fetchall()
rows = [c.execute(f'select * from \"{t}\"').fetchall() for t, in names]";

impl Subject for Database {
    fn observe(&self, config: &Value, input: Option<&str>) -> String {
        let folder = TempDir::new().expect("a folder");
        let name = folder.path().display().to_string();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config.to_string().replace("FOLDER", &name)).expect("written");
        let mut command = Command::new(melisma());
        command.args([self.target, "--config"]).arg(&path);
        let mut seen = observe::outcome(
            &run(&mut command, &bytes(&input.map_or_else(lines, str::to_owned))),
            &[&name],
        );
        for database in ["a.db", "b.db"].map(|name| folder.path().join(name)) {
            if database.exists() {
                // Numbers of this moment and of this process differ from run to run.
                let read = format!(
                    "import re, sys\n{}\nrows = re.sub(r'\\b1[0-9]{{12,}}\\b', 'NOW', str(sorted(map(str, rows))))\nprint(sys.argv[1][-4:], tables, re.sub(r'(\\d) (\\d\\d:)', r'\\1T\\2', rows))",
                    self.reader
                );
                let mut reader = Command::new(python("python"));
                let rows = run(reader.args(["-c", &read]).arg(&database), b"").ok();
                seen += &observe::timeless(&String::from_utf8(rows.stdout).expect("UTF-8"));
            }
        }
        seen
    }
}

/// The driver of SQLite, from its Python package.
pub(crate) fn sqlite() -> PathBuf {
    let python = python("python");
    let lib = python
        .parent()
        .and_then(std::path::Path::parent)
        .expect("an environment")
        .join("lib");
    let version = std::fs::read_dir(lib)
        .expect("read")
        .flatten()
        .next()
        .expect("a version")
        .path();
    version.join("site-packages/adbc_driver_sqlite/libadbc_driver_sqlite.so")
}

/// The library of DuckDB.
pub(crate) fn duckdb() -> PathBuf {
    std::env::var_os("MELISMA_TEST_DUCKDB")
        .expect("run the tests with `cargo xtask test`")
        .into()
}

/// Two versions of a stream; the second has a row less.
fn versions() -> String {
    let version = |id: u64, version: u64| {
        format!(r#"{{"type":"RECORD","stream":"s","record":{{"id":{id}}},"version":{version}}}"#)
    };
    join(&[
        schema("s", &json!({"id": {"type": "integer"}}), &["id"]),
        version(1, 1),
        version(2, 1),
        version(1, 2),
        r#"{"type":"ACTIVATE_VERSION","stream":"s","version":2}"#.to_owned(),
        state("1"),
    ])
}

/// What every target of an SQL database has.
fn of_sql() -> Vec<Probe> {
    let ids = json!({"id": {"type": "integer"}});
    let twice = [
        schema("s", &ids, &["id"]),
        record("s", r#"{"id":1}"#),
        record("s", r#"{"id":1}"#),
        state("1"),
    ];
    let deleted = record("s", r#"{"id":1,"_sdc_deleted_at":"2020-01-01T00:00:00Z"}"#);
    let deleted = join(&[schema("s", &ids, &["id"]), deleted, state("1")]);
    let stored = json!({"state_in_target": true});
    let mut probes = standard(&json!({}));
    probes.extend([
        probe("load_method", "append").on(join(&twice)),
        probe("process_activate_version_messages", false)
            .given(json!({"hard_delete": true}))
            .on(versions()),
        probe("schema_evolution", "fail"),
        probe("hard_delete", true)
            .given(json!({"add_record_metadata": true}))
            .on(deleted),
        probe("primary_key_required", true).on(lines().replace(r#"["id"]"#, "[]")),
        probe("state_in_target", true),
        probe("state_id", "other").given(stored),
        probe("driver", "none"),
    ]);
    probes
}

#[test]
fn every_setting_of_target_adbc_does_something() {
    let base = json!({"driver": sqlite(), "uri": "FOLDER/a.db"});
    let mut probes = of_sql();
    probes.extend([
        probe("default_target_schema", "none"),
        // SQLite's driver has the usual entry point, which is tried as well.
        probe("entrypoint", "none")
            .given(json!({"driver": duckdb(), "uri": null, "options": {"path": ":memory:"}})),
        probe("uri", "FOLDER/b.db"),
        probe("options", json!({"none": "x"})),
        probe("dialect", "ansi"),
    ]);
    let subject = Database {
        target: "target-adbc",
        reader: SQLITE,
    };
    every_setting_does_something("target-adbc", &base, &subject, &probes);
}

#[test]
fn every_setting_of_target_duckdb_does_something() {
    let base = json!({"driver": duckdb(), "path": "FOLDER/a.db"});
    let mut probes = of_sql();
    probes.extend([
        probe("default_target_schema", "raw"),
        probe("path", "FOLDER/b.db"),
        probe("options", json!({"none": "x"})),
        probe("add_metadata_columns", true),
        probe("token", "x"),
        probe("schema_mapping", json!({"a": {"target_schema": "b"}})),
        probe("data_flattening_max_level", 1),
        probe("delimiter", ";"),
        probe("quotechar", "x"),
        probe("temp_dir", "FOLDER"),
        probe("flush_all_streams", true),
    ]);
    let subject = Database {
        target: "target-duckdb",
        reader: DUCKDB,
    };
    every_setting_does_something("target-duckdb", &base, &subject, &probes);
}

/// A target whose service is not reached from here: a test of its crate has what the driver gets with each setting, and
/// what all targets have is what target-adbc has.
fn of_a_service(target: &str, own: &'static str) {
    const ALL: &str = "every_setting_of_target_adbc_does_something";
    let standard: BTreeSet<String> = super::settings("target-jsonl");
    let probes: Vec<Probe> = super::settings(target)
        .into_iter()
        .map(|setting| {
            let is_own = !standard.contains(&setting) && setting != "process_activate_version_messages";
            tested(String::leak(setting), if is_own { own } else { ALL })
        })
        .collect();
    let nothing = Database {
        target: "",
        reader: "",
    };
    every_setting_does_something(target, &json!({}), &nothing, &probes);
}

#[test]
fn every_setting_of_the_targets_of_services_is_tested_in_their_crate() {
    of_a_service(
        "target-snowflake",
        "every_setting_of_target_snowflake_changes_what_is_told",
    );
    of_a_service(
        "target-bigquery",
        "every_setting_of_target_bigquery_changes_what_is_told",
    );
    of_a_service(
        "target-redshift",
        "every_setting_of_target_redshift_changes_what_is_told",
    );
}

#[test]
fn every_setting_of_target_sqlite_does_something() {
    let base = json!({"driver": sqlite(), "database": "FOLDER/a.db"});
    let mut probes = of_sql();
    probes.extend([
        probe("default_target_schema", "raw"),
        probe("database", "FOLDER/b"),
        tested(
            "lock_timeout_seconds",
            "a_database_that_another_process_holds_is_said_with_the_process_and_can_be_tried_again",
        ),
    ]);
    let subject = Database {
        target: "target-sqlite",
        reader: SQLITE,
    };
    every_setting_does_something("target-sqlite", &base, &subject, &probes);
}
