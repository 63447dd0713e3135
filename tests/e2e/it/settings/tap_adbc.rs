//! tap-adbc, tap-duckdb, tap-snowflake and tap-sqlite.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::target_adbc::{duckdb, sqlite};
use super::{Probe, Subject, every_setting_does_something, observe, probe, tested};
use crate::harness::{melisma, python, run};

/// A tap on new databases with these tables: `FOLDER/a.db` of SQLite, and `FOLDER/d.db` of DuckDB.
struct Tables {
    tap: &'static str,
}

const TABLES: &str = "create table t (id integer primary key, day date, price decimal(10, 2));
insert into t values (1, '2020-01-01', 1.5), (2, '2020-01-02', 2.5);
create table u (id integer)";

const MAKE: &str = "import sqlite3, sys
from adbc_driver_manager import dbapi
c = sqlite3.connect(sys.argv[1] + '/a.db'); c.executescript(sys.argv[2]); c.close()
c = dbapi.connect(driver=sys.argv[3], entrypoint='duckdb_adbc_init', db_kwargs={'path': sys.argv[1] + '/d.db'}, autocommit=True)
with c.cursor() as cursor:
    for statement in sys.argv[2].split(';'): cursor.execute(statement)
    cursor.execute('create schema other'); cursor.execute('create table other.t as select 1 as id')
c.close()";

impl Subject for Tables {
    fn observe(&self, config: &Value, input: Option<&str>) -> String {
        let folder = TempDir::new().expect("a folder");
        let name = folder.path().display().to_string();
        let mut make = Command::new(python("python"));
        let make = make
            .args(["-c", MAKE, &name, input.unwrap_or(TABLES)])
            .arg(duckdb());
        run(make, b"").ok();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config.to_string().replace("FOLDER", &name)).expect("written");
        let mut command = Command::new(melisma());
        command.args([self.tap, "--config"]).arg(&path);
        observe::outcome(&run(&mut command, b""), &[&name])
    }
}

/// What the three taps have.
fn common() -> Vec<Probe> {
    vec![
        probe("driver", "none"),
        probe("filter_tables", json!(["u"])),
        probe("dates_as_string", true),
        probe("invalid_date_handling", "null").on(INFINITE),
        probe("default_replication_method", "INCREMENTAL"),
        tested(
            "start_date",
            "a_start_date_counts_where_it_is_later_than_the_bookmark_whatever_form_dates_have",
        ),
        probe("stream_options{}.custom_where_clauses", json!(["id > 1"]))
            .given(json!({"stream_options": {"main-t": {}}})),
        probe("max_record_count", 1),
        probe("emit_activate_version_messages", true),
        tested(
            "strict",
            "a_table_that_was_dropped_is_left_out_and_the_run_does_not_succeed",
        ),
    ]
}

/// A date of DuckDB, and a text that is none in SQLite.
const INFINITE: &str = "create table t (day date); insert into t values ('infinity')";

#[test]
fn every_setting_of_tap_adbc_does_something() {
    let base = json!({"driver": sqlite(), "uri": "FOLDER/a.db"});
    let of_duckdb = json!({"driver": duckdb(), "uri": null, "options": {"path": "FOLDER/d.db"}});
    let mut probes = common();
    probes.extend([
        probe("entrypoint", "none").given(of_duckdb.clone()),
        probe("uri", "FOLDER/b.db"),
        probe("options", json!({"none": "x"})),
        probe("statement_options", json!({"none": "x"})),
        probe("dialect", "ansi"),
        probe("filter_schemas", json!(["other"])),
        probe("use_singer_decimal", false).given(of_duckdb),
    ]);
    every_setting_does_something("tap-adbc", &base, &Tables { tap: "tap-adbc" }, &probes);
}

#[test]
fn every_setting_of_tap_duckdb_does_something() {
    let base = json!({"driver": duckdb(), "path": "FOLDER/d.db"});
    let mut probes = common();
    probes.extend([
        probe("path", "FOLDER/b.db"),
        probe("options", json!({"none": "x"})),
        probe("filter_schemas", json!(["other"])),
        probe("use_singer_decimal", false),
    ]);
    every_setting_does_something("tap-duckdb", &base, &Tables { tap: "tap-duckdb" }, &probes);
}

#[test]
fn every_setting_of_tap_sqlite_does_something() {
    let base = json!({"driver": sqlite(), "database": "FOLDER/a.db"});
    let mut probes = common();
    probes.extend([
        probe("database", "FOLDER/b.db"),
        tested(
            "lock_timeout_seconds",
            "a_database_that_another_process_writes_is_named_with_the_process",
        ),
    ]);
    every_setting_does_something("tap-sqlite", &base, &Tables { tap: "tap-sqlite" }, &probes);
}

/// The service is not reached from here: a test of the crate has what its own settings come to.
#[test]
fn every_setting_of_tap_snowflake_is_tested_in_its_crate() {
    const ALL: &str = "every_setting_of_tap_adbc_does_something";
    const OWN: &str = "every_setting_of_tap_snowflake_changes_what_is_read";
    let shared: Vec<&str> = common().iter().map(|probe| probe.setting).collect();
    let probes: Vec<Probe> = super::settings("tap-snowflake")
        .into_iter()
        .map(|setting| {
            let is_shared = shared.contains(&setting.as_str()) && setting != "driver";
            tested(String::leak(setting), if is_shared { ALL } else { OWN })
        })
        .collect();
    every_setting_does_something("tap-snowflake", &json!({}), &Tables { tap: "" }, &probes);
}
