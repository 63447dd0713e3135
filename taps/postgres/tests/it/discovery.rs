//! The catalog: what is in it, and what is not.

use std::path::Path;

use serde_json::{Value, json};

use crate::run::{Run, database};

fn names(catalog: &Value) -> Vec<&str> {
    let streams = catalog["streams"].as_array().unwrap();
    streams
        .iter()
        .map(|stream| stream["tap_stream_id"].as_str().unwrap())
        .collect()
}

fn stream<'a>(catalog: &'a Value, name: &str) -> &'a Value {
    let streams = catalog["streams"].as_array().unwrap();
    streams
        .iter()
        .find(|stream| stream["tap_stream_id"] == name)
        .unwrap()
}

#[test]
fn the_catalog_of_each_kind_of_table() {
    let database = database(
        "create table users (id int primary key, email varchar(100) not null unique, \"Name\" text, born date);
         comment on column users.email is 'Where to write to.';
         create table events (at timestamptz not null, id bigint not null, payload jsonb) partition by range (at);
         create unique index on events (id, at);
         create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
         create table codes (code text unique, id int not null, unique (id) include (code));
         create table partly (a int not null, b int not null);
         create unique index on partly (a) where b > 0; create unique index on partly ((a + b));
         create table nothing ();
         create view people as select id, \"Name\" from users;
         create materialized view emails as select email from users;
         create extension file_fdw; create server files foreign data wrapper file_fdw;
         create foreign table lines (line text) server files options (filename '/dev/null');
         insert into users values (1, 'a', 'b', null); analyze",
    );
    let catalog = Run::on(&database, &json!({})).discover();
    let text = serde_json::to_string_pretty(&catalog)
        .unwrap()
        .replace(database.name(), "DATABASE");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/catalog.json");
    if std::env::var_os("MELISMA_BLESS").is_some() {
        std::fs::write(&path, format!("{text}\n")).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        golden.trim_end(),
        text,
        "{} (MELISMA_BLESS=1 writes it)",
        path.display()
    );
    // And each of them can be read.
    Run::on(&database, &json!({})).go().ok();
}

#[test]
fn filters_choose_schemas_and_tables() {
    let database = database(
        "create schema a; create schema b; create schema \"c,d\";
         create table a.t (); create table a.u (); create table b.t (); create table \"c,d\".t ()",
    );
    let found = |more: Value| {
        let catalog = Run::on(&database, &more).discover();
        names(&catalog).join(" ")
    };
    assert_eq!(found(json!({})), "a-t a-u b-t c,d-t");
    assert_eq!(found(json!({"filter_schemas": "a, b"})), "a-t a-u b-t");
    assert_eq!(found(json!({"filter_schemas": ["c,d"]})), "c,d-t");
    assert_eq!(found(json!({"filter_tables": ["b.t", "u"]})), "a-u b-t");
    assert_eq!(found(json!({"filter_schemas": "a", "filter_tables": "t"})), "a-t");
    assert!(found(json!({"filter_schemas": "information_schema"})).contains("information_schema-tables"));
}

#[test]
fn what_may_not_be_read_is_not_there() {
    let database = database(
        "create table t (id int primary key, secret text, open text); create table hidden (id int);
         create schema closed; create table closed.t (id int);
         drop role if exists reader; create role reader login password 'reader';
         grant select (id, open) on t to reader; grant select on closed.t to reader",
    );
    let as_reader = json!({"user": "reader", "password": "reader"});
    database.sql("insert into t values (1, 'x', 'y')");
    let catalog = Run::on(&database, &as_reader).discover();
    assert_eq!(names(&catalog), ["public-t"]);
    let properties = stream(&catalog, "public-t")["schema"]["properties"]
        .as_object()
        .unwrap();
    assert_eq!(properties.keys().collect::<Vec<_>>(), ["id", "open"]);
    let outcome = Run::on(&database, &as_reader).go().ok();
    assert_eq!(outcome.records("public-t"), [json!({"id": 1, "open": "y"})]);
    // A catalog of somebody who may.
    let catalog = Run::on(&database, &json!({})).discover();
    let outcome = Run::on(&database, &as_reader).catalog(&catalog).go();
    assert_eq!(outcome.code, 78);
    assert_eq!(outcome.records("public-t"), [json!({"id": 1, "open": "y"})]);
    let left_out = "stream closed-t; stream public-hidden; property secret of stream public-t";
    assert!(outcome.log.contains(left_out), "{}", outcome.log);
    database.sql("drop owned by reader; drop role reader");
}

#[test]
fn rows_come_by_way_of_the_table_where_its_parts_may_not_be_read_or_security_says_which() {
    let database = database(
        "create table p (id int) partition by range (id);
         create table p1 partition of p for values from (0) to (10);
         create table secured (id int); alter table secured enable row level security;
         create policy few on secured using (id < 3);
         drop role if exists partial; create role partial login password 'partial';
         grant select on p, secured to partial;
         insert into p select generate_series(0, 9); insert into secured select generate_series(0, 9)",
    );
    let settings = json!({"user": "partial", "password": "partial"});
    let outcome = Run::on(&database, &settings).go().ok();
    assert_eq!(outcome.records("public-p").len(), 10);
    assert_eq!(outcome.records("public-secured").len(), 3);
    database.sql("drop owned by partial; drop role partial");
}

#[test]
fn rows_of_partitions_and_children_come_with_their_parent() {
    let database = database(
        "create table p (id int, k text) partition by list (k);
         create table pa partition of p for values in ('a');
         create table pb (k text, id int); alter table p attach partition pb for values in ('b');
         create table parent (id int); create table child (more text) inherits (parent);
         insert into p values (1, 'a'), (2, 'b'); insert into parent values (3); insert into child values (4, 'x')",
    );
    let outcome = Run::on(&database, &json!({})).go().ok();
    assert_eq!(
        outcome.records("public-p"),
        [json!({"id": 1, "k": "a"}), json!({"id": 2, "k": "b"})]
    );
    assert_eq!(outcome.values("public-parent", "id"), [4, 3]);
    // Partitions are streams, too, when a catalog selects them.
    assert!(outcome.records("public-pa").is_empty());
    let mut catalog = Run::on(&database, &json!({})).discover();
    for stream in catalog["streams"].as_array_mut().unwrap() {
        let selected = stream["tap_stream_id"] == "public-pb";
        stream["metadata"][0]["metadata"]["selected"] = selected.into();
    }
    let outcome = Run::on(&database, &json!({})).catalog(&catalog).go().ok();
    assert_eq!(outcome.records("public-pb"), [json!({"k": "b", "id": 2})]);
    assert!(outcome.records("public-p").is_empty());
}

#[test]
fn selection_reaches_the_query() {
    let database = database(
        "create table t (id int primary key, a text, b int, c jsonb); insert into t values (1, 'x', 2, '{}')",
    );
    let mut catalog = Run::on(&database, &json!({})).discover();
    for item in catalog["streams"][0]["metadata"].as_array_mut().unwrap() {
        let name = item["breadcrumb"][1].as_str().unwrap_or_default().to_owned();
        item["metadata"]["selected"] = (name != "a" && name != "id").into();
    }
    let outcome = Run::on(&database, &json!({})).catalog(&catalog).go().ok();
    assert_eq!(outcome.records("public-t"), [json!({"id": 1, "b": 2, "c": {}})]);
    // What the catalog does not know is not read.
    database.sql("alter table t add d int default 5; alter table t drop a");
    let outcome = Run::on(&database, &json!({"strict": true}))
        .catalog(&catalog)
        .go()
        .ok();
    assert_eq!(outcome.records("public-t"), [json!({"id": 1, "b": 2, "c": {}})]);
}

#[test]
fn names_that_need_quotes() {
    let database = database(
        "create schema \"my \"\" schema\";
         create table \"my \"\" schema\".\"Or.der; --\" (\"sel'ect\" int primary key, \"a \"\"b\\\" int[]);
         insert into \"my \"\" schema\".\"Or.der; --\" values (1, '{2}')",
    );
    let outcome = Run::on(&database, &json!({"emit_activate_version_messages": true}))
        .go()
        .ok();
    assert_eq!(
        outcome.records("my \" schema-Or.der; --"),
        [json!({"sel'ect": 1, "a \"b\\": [2]})]
    );
}

#[test]
fn two_tables_with_one_stream_name_are_refused() {
    let database = database(
        "create schema a; create schema \"a-b\"; create table a.\"b-c\" (); create table \"a-b\".c ()",
    );
    let outcome = Run::on(&database, &json!({})).go();
    assert_eq!(outcome.code, 78);
    let message =
        "the tables a.b-c and a-b.c are one stream a-b-c: choose one with filter_schemas or filter_tables";
    assert!(outcome.log.contains(message), "{}", outcome.log);
    Run::on(&database, &json!({"filter_schemas": "a"})).go().ok();
}

#[test]
fn the_default_method_is_that_of_the_setting_and_the_catalog_goes_before_it() {
    let database = database("create table t (id int primary key)");
    let settings = json!({"default_replication_method": "LOG_BASED"});
    let outcome = Run::on(&database, &settings).go();
    assert_eq!(outcome.code, 78, "{}", outcome.log);
    let mut catalog = Run::on(&database, &settings).discover();
    assert_eq!(catalog["streams"][0]["replication_method"], "LOG_BASED");
    catalog["streams"][0]["metadata"][0]["metadata"]["replication-method"] = "FULL_TABLE".into();
    catalog["streams"][0]["metadata"][0]["metadata"]["selected"] = true.into();
    Run::on(&database, &settings).catalog(&catalog).go().ok();
}

#[test]
fn a_thousand_tables_are_found_with_their_keys_and_a_catalog_finds_its_own() {
    let database = database(
        "do $$ begin for i in 1..1001 loop
           execute format('create table t%s (a int, id int primary key)', i);
         end loop; end $$; insert into t7 values (1, 2)",
    );
    let mut catalog = Run::on(&database, &json!({})).discover();
    let streams = catalog["streams"].as_array_mut().unwrap();
    assert_eq!(streams.len(), 1001);
    for stream in streams {
        assert_eq!(stream["key_properties"], json!(["id"]));
        stream["metadata"][0]["metadata"]["selected"] = (stream["table_name"] == "t7").into();
    }
    let outcome = Run::on(&database, &json!({})).catalog(&catalog).go().ok();
    assert_eq!(outcome.records("public-t7"), [json!({"a": 1, "id": 2})]);
    assert!(!outcome.log.contains("WARN"), "{}", outcome.log);
}
