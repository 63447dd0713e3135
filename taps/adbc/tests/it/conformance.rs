//! The rules that every tap keeps.

use melisma_sdk::check;
use serde_json::json;
use tap_adbc::{TapDuckDb, TapSqlite};

use crate::database::{Database, Kind};

const TABLES: [&str; 5] = [
    "create table orders (id integer primary key, name varchar, seen timestamp, price decimal(10, 2))",
    "insert into orders values (1, 'a', '2024-01-01 00:00:00', 1.50), (2, null, null, null)",
    "create table plain (n integer, d double precision, flag boolean)",
    "insert into plain values (null, null, null), (7, 0.1, true)",
    "create view v as select id, name from orders",
];

#[test]
fn the_taps_keep_all_rules() {
    let duckdb = Database::new(Kind::DuckDb, &TABLES);
    check::tap::<TapDuckDb>()
        .config(duckdb.config(&json!({})))
        .passes();
    let sqlite = Database::new(Kind::Sqlite, &TABLES);
    check::tap::<TapSqlite>()
        .config(sqlite.config(&json!({})))
        .passes();
}
