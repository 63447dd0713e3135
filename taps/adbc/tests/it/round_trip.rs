//! From a database into another one of the same kind, by the tap and the target.

use std::process::Command;

use melisma_processes::{melisma, run};
use serde_json::json;

use crate::database::{Database, Kind};

/// Reads all of one database into another.
fn copied(from: &Database) -> Database {
    let to = Database::new(from.kind, &[]);
    let folder = to.folder.path();
    let mut target = to.config(&json!({"add_record_metadata": false}));
    if from.kind == Kind::DuckDb {
        target["default_target_schema"] = "main".into();
    }
    for (name, config) in [("tap", from.config(&json!({}))), ("target", target)] {
        std::fs::write(folder.join(name), config.to_string()).expect("written");
    }
    let mut tap = Command::new(melisma());
    tap.arg(from.plugin("tap"))
        .arg("--config")
        .arg(folder.join("tap"));
    let lines = run(&mut tap, b"").ok().stdout;
    let mut target = Command::new(melisma());
    target
        .arg(from.plugin("target"))
        .arg("--config")
        .arg(folder.join("target"));
    run(&mut target, &lines).ok();
    to
}

#[track_caller]
fn has_the_same(from: &Database, to: &Database, sql: &str) {
    let rows = from.rows(sql);
    assert!(!rows.as_array().expect("rows").is_empty());
    assert_eq!(to.rows(sql), rows, "{:?}: {sql}", from.kind);
}

#[test]
fn duckdb_to_duckdb_keeps_types_and_values() {
    let from = Database::new(
        Kind::DuckDb,
        &[
            "create table t (id bigint primary key, flag boolean, small tinyint, huge hugeint, num double, \
             price decimal(38, 10), day date, clock time, seen timestamptz, name varchar, doc json)",
            "insert into t values (1, true, -128, 99999999999999999999999999999999999999, 1.7976931348623157e308, \
             9999999999999999999999999999.9999999999, '9999-12-31', '23:59:59.999999', \
             '2024-02-29 23:59:59.999999+00', 'é\"猫', '{\"a\": [1.10, null]}'), \
             (-9223372036854775808, false, 127, -1, 5e-324, -0.0000000001, '0001-01-01', '00:00:00', \
             '1970-01-01 00:00:00+00', '', '[]'), (3, null, null, null, null, null, null, null, null, null, null)",
            "create table plain as select i as n, i::varchar as v from range(100000) r(i)",
            "create table nested (id integer, list integer[], pair struct(a integer, b varchar), dict map(varchar, integer))",
            "insert into nested values (1, [1, null], {'a': 1, 'b': 'x'}, MAP {'k': 2})",
        ],
    );
    let to = copied(&from);
    let values = "select id, flag, small, huge, num, price, day, clock, seen::varchar, name, doc->>'$' from t order by id";
    has_the_same(&from, &to, values);
    let types = "select column_name, data_type from duckdb_columns() where table_name = 't' and column_name <> 'small' \
                 and column_name <> 'huge' order by column_index";
    has_the_same(&from, &to, types);
    has_the_same(&from, &to, "select count(*), sum(n), min(v), max(v) from plain");
    let rows = to.rows("select list::varchar, pair::varchar, dict::varchar from nested");
    assert_eq!(
        rows,
        json!([["[1,null]", "{\"a\":1,\"b\":\"x\"}", "{\"k\":2}"]]),
        "JSON"
    );
}

#[test]
fn sqlite_to_sqlite_keeps_types_and_values() {
    let numbers = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 100000)";
    let fill = format!("insert into plain {numbers} select i, 'row ' || i from n");
    let from = Database::new(
        Kind::Sqlite,
        &[
            "create table t (id INTEGER primary key, flag BOOLEAN, num REAL, day DATE, clock TIME, name TEXT)",
            "insert into t values (1, 1, 1.7976931348623157e308, '9999-12-31', '23:59:59.999999', 'é\"猫' || char(10)), \
             (-9223372036854775807 - 1, 0, 5e-324, '0001-01-01', '00:00:00.000000', ''), \
             (9223372036854775807, null, null, null, null, null)",
            "create table plain (n INTEGER, v TEXT)",
            &fill,
        ],
    );
    let to = copied(&from);
    has_the_same(&from, &to, "select * from t order by id");
    has_the_same(&from, &to, "select name, type from pragma_table_info('t')");
    has_the_same(&from, &to, "select count(*), sum(n), min(v), max(v) from plain");
}
