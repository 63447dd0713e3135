//! What discovery says of tables, views and columns.

use serde_json::{Value, json};

use crate::database::{ALL, Database, Kind};
use crate::run::{Run, entry};

const TABLES: [&str; 4] = [
    "create table orders (id integer primary key, name varchar not null, price decimal(10, 2))",
    "create table \"Odd \"\"name\" (\"a b\" integer not null, \"é\" varchar, primary key (\"é\", \"a b\"))",
    "create view dear as select id, price from orders where price > 10",
    "create table plain (n integer)",
];

fn ids(catalog: &Value) -> Vec<&str> {
    let streams = catalog["streams"].as_array().expect("streams").iter();
    streams
        .map(|entry| entry["tap_stream_id"].as_str().expect("a name"))
        .collect()
}

#[test]
fn tables_and_views_are_streams_with_their_keys_and_types() {
    for kind in ALL {
        let database = Database::new(kind, &TABLES);
        let catalog = Run::on(&database, &json!({})).discover();
        assert_eq!(
            ids(&catalog),
            ["main-Odd \"name", "main-dear", "main-orders", "main-plain"],
            "{kind:?}"
        );
        let orders = entry(&catalog, "main-orders");
        assert_eq!(orders["key_properties"], json!(["id"]));
        assert_eq!(orders["table_name"], "orders");
        assert_eq!(orders["is_view"], false);
        assert_eq!(orders["replication_method"], "FULL_TABLE");
        assert_eq!(orders["schema"]["required"], json!(["id"]));
        let root = &orders["metadata"][0]["metadata"];
        assert_eq!(root["schema-name"], "main");
        assert_eq!(root["table-key-properties"], json!(["id"]));
        let properties = &orders["schema"]["properties"];
        assert_eq!(properties["id"]["type"], json!(["integer"]));
        assert_eq!(
            properties["name"]["type"],
            json!(["string", "null"]),
            "a NOT NULL may be dropped"
        );
        let name = &orders["metadata"][2];
        assert_eq!(name["breadcrumb"], json!(["properties", "name"]));
        let sql_type = name["metadata"]["sql-datatype"].as_str().expect("a type");
        assert!(sql_type.eq_ignore_ascii_case("varchar"), "{sql_type}");
        let odd = entry(&catalog, "main-Odd \"name");
        assert_eq!(odd["key_properties"], json!(["é", "a b"]), "{kind:?}");
        let dear = entry(&catalog, "main-dear");
        assert_eq!(
            (&dear["is_view"], &dear["key_properties"]),
            (&json!(true), &json!([]))
        );
        assert_eq!(entry(&catalog, "main-plain")["key_properties"], json!([]));
    }
}

#[test]
fn a_unique_constraint_without_nulls_is_a_key_of_duckdb() {
    let tables = [
        "create table a (n integer unique, m integer not null unique, comment varchar)",
        "create table b (n integer unique)",
        "comment on column a.comment is 'what they say'",
    ];
    let database = Database::new(Kind::DuckDb, &tables);
    let catalog = Run::on(&database, &json!({})).discover();
    assert_eq!(entry(&catalog, "main-a")["key_properties"], json!(["m"]));
    assert_eq!(entry(&catalog, "main-b")["key_properties"], json!([]));
    let comment = &entry(&catalog, "main-a")["schema"]["properties"]["comment"];
    assert_eq!(comment["description"], "what they say");
}

#[test]
fn what_the_database_keeps_for_itself_is_no_stream() {
    let database = Database::new(
        Kind::Sqlite,
        &[
            "create table a (id integer primary key autoincrement, n int unique)",
            "analyze",
        ],
    );
    assert_eq!(ids(&Run::on(&database, &json!({})).discover()), ["main-a"]);
}

#[test]
fn filters_choose_schemas_and_tables() {
    let tables = [
        "create table a (n integer)",
        "create schema shop",
        "create table shop.a (n integer)",
        "create table shop.b (n integer)",
    ];
    let database = Database::new(Kind::DuckDb, &tables);
    let found = |config: Value| {
        let catalog = Run::on(&database, &config).discover();
        ids(&catalog).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found(json!({})), ["main-a", "shop-a", "shop-b"]);
    assert_eq!(found(json!({"filter_schemas": ["shop"]})), ["shop-a", "shop-b"]);
    assert_eq!(found(json!({"filter_tables": "a"})), ["main-a", "shop-a"]);
    assert_eq!(
        found(json!({"filter_tables": ["shop.a", "b"]})),
        ["shop-a", "shop-b"]
    );
    let sqlite = Database::new(
        Kind::Sqlite,
        &["create table a (n int)", "create table b (n int)"],
    );
    let catalog = Run::on(&sqlite, &json!({"filter_tables": ["main.b"]})).discover();
    assert_eq!(ids(&catalog), ["main-b"]);
}

#[test]
fn two_tables_with_one_stream_are_refused_by_name() {
    let tables = [
        "create schema a",
        "create schema \"a-b\"",
        "create table a.\"b-c\" (n integer)",
        "create table \"a-b\".c (n integer)",
    ];
    let database = Database::new(Kind::DuckDb, &tables);
    Run::on(&database, &json!({})).fails_to_discover(
        78,
        &["are one stream a-b-c: choose one with filter_schemas or filter_tables"],
    );
}

#[test]
fn a_view_whose_table_is_gone_hides_no_other_stream() {
    for kind in ALL {
        let tables = [
            "create table gone (n integer)",
            "create view broken as select n from gone",
            "create table here (n integer)",
            "insert into here values (1)",
            "drop table gone",
        ];
        let database = Database::new(kind, &tables);
        let catalog = Run::on(&database, &json!({})).discover();
        assert_eq!(ids(&catalog), ["main-here"], "{kind:?}");
        // Without a catalog everything is to be read.
        let run = Run::on(&database, &json!({}))
            .go()
            .fails(78, &["stream main-broken", "gone"]);
        assert_eq!(run.values("main-here", "n"), [1], "{kind:?}");
    }
}

#[test]
fn the_tap_by_its_own_name_finds_out_which_database_it_has() {
    for kind in ALL {
        let database = Database::new(kind, &TABLES);
        database.change(&["insert into orders values (1, 'a', 12.5)"]);
        let catalog = Run::adbc(&database).discover();
        assert_eq!(catalog, Run::on(&database, &json!({})).discover());
        let run = Run::adbc(&database).go().ok();
        assert_eq!(run.values("main-orders", "name"), ["a"], "{kind:?}");
        assert_eq!(run.values("main-dear", "id"), [1], "{kind:?}");
    }
}
