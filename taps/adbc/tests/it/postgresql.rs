//! PostgreSQL by its driver: into another database of it, by the tap and the target.

use std::process::Command;

use melisma_processes::{melisma, run};
use melisma_testing::postgres::{self, Database};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::database::packaged;

const TABLE: &str = "create table t (id bigint primary key, flag boolean, num double precision, price numeric(38, 10), \
    free numeric, day date, clock time, seen timestamptz, plain timestamp, name text, doc jsonb, bytes bytea, \
    gap interval, list int[], small smallint, token uuid)";
const ROWS: &str = "insert into t values \
    (1, true, 1.7976931348623157e308, 9999999999999999999999999999.9999999999, 12345678901234567890123456789012345678901.5, \
     '9999-12-31', '23:59:59.999999', '2024-02-29 23:59:59.999999+00', '2024-02-29 12:00:00.5', 'é\"猫', \
     '{\"a\": [1.10, null]}', '\\x00ff', '1 year -3 days', '{1,null}', -5, '00000000-0000-0000-0000-00000000000a'), \
    (-9223372036854775808, false, 5e-324, -0.0000000001, 10000.00010000, '0001-01-01', '00:00:00', \
     '1970-01-01 00:00:00+00', '1970-01-01', '', '[]', '', '0', '{}', 7, null), \
    (3, null, null, 100000000, 0, null, null, null, null, null, null, null, null, null, null, null)";

fn config(database: &Database<'_>) -> Value {
    json!({"driver": packaged("postgresql"), "uri": database.url()})
}

fn plugin(name: &str, config: &Value, input: &[u8], folder: &TempDir) -> Vec<u8> {
    let path = folder.path().join(name);
    std::fs::write(&path, config.to_string()).expect("written");
    let mut command = Command::new(melisma());
    run(command.arg(name).arg("--config").arg(path), input)
        .ok()
        .stdout
}

#[test]
fn postgresql_to_postgresql_keeps_types_and_values() {
    let (from, to) = (postgres::server().database(), postgres::server().database());
    from.sql(&format!("{TABLE}; {ROWS}"));
    let folder = tempfile::tempdir().expect("a folder");
    let lines = plugin("tap-adbc", &config(&from), b"", &folder);
    let mut target = config(&to);
    target["add_record_metadata"] = false.into();
    plugin("target-adbc", &target, &lines, &folder);
    let values = "set timezone = 'UTC'; select id, flag, num, price, free::text, day, clock, seen, plain, name, doc, \
                  encode(bytes::text::bytea, 'escape') is null, gap::text, small, token from t order by id";
    let values = values.replace("encode(bytes::text::bytea, 'escape') is null, ", "");
    // A moment without a zone is one in UTC elsewhere.
    let there = to.sql(&values.replace("plain,", "plain at time zone 'UTC',"));
    assert_eq!(there, from.sql(&values));
    let types = "select column_name, data_type, numeric_precision, numeric_scale from information_schema.columns \
                 where table_name = 't' and column_name in ('id', 'flag', 'num', 'price', 'day', 'clock', 'seen', 'name', 'doc') \
                 order by ordinal_position";
    assert_eq!(to.sql(types), from.sql(types));
    assert_eq!(
        to.sql("select list::text, bytes from t where id = 1"),
        "[1, null]|00ff"
    );
}

#[test]
fn bookmarks_of_postgresql_are_values_of_their_column() {
    let from = postgres::server().database();
    from.sql(&format!("{TABLE}; {ROWS}"));
    let folder = tempfile::tempdir().expect("a folder");
    let mut catalog = config(&from);
    catalog["filter_tables"] = "t".into();
    let path = folder.path().join("config");
    std::fs::write(&path, catalog.to_string()).expect("written");
    let tap = || {
        let mut tap = Command::new(melisma());
        tap.arg("tap-adbc").arg("--config").arg(&path);
        tap
    };
    let discovered = run(tap().arg("--discover"), b"").ok().stdout;
    let discovered: Value = serde_json::from_slice(&discovered).expect("JSON");
    for (key, bookmark, ids) in [
        ("id", json!(1), vec![1, 3]),
        ("price", json!("0"), vec![3, 1]),
        ("day", json!("0001-01-01"), vec![i64::MIN, 1]),
        ("seen", json!("2024-01-01T00:00:00Z"), vec![1]),
        ("name", json!("a'\\"), vec![1]),
        ("token", json!("00000000-0000-0000-0000-00000000000a"), vec![1]),
    ] {
        let mut catalog = discovered.clone();
        let root = catalog["streams"][0]["metadata"]
            .as_array_mut()
            .expect("a list")
            .iter_mut()
            .find(|entry| entry["breadcrumb"] == json!([]))
            .expect("the stream");
        root["metadata"]["selected"] = true.into();
        root["metadata"]["replication-method"] = "INCREMENTAL".into();
        root["metadata"]["replication-key"] = key.into();
        let state =
            json!({"bookmarks": {"public-t": {"replication_key": key, "replication_key_value": bookmark}}});
        let (catalog_path, state_path) = (folder.path().join("catalog"), folder.path().join("state"));
        std::fs::write(&catalog_path, catalog.to_string()).expect("written");
        std::fs::write(&state_path, state.to_string()).expect("written");
        let mut tap = tap();
        tap.arg("--catalog")
            .arg(&catalog_path)
            .arg("--state")
            .arg(&state_path);
        let lines = String::from_utf8(run(&mut tap, b"").ok().stdout).expect("UTF-8");
        let read: Vec<i64> = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .filter(|message| message["type"] == "RECORD")
            .map(|message| message["record"]["id"].as_i64().expect("an integer"))
            .collect();
        assert_eq!(read, ids, "{key}");
    }
}
