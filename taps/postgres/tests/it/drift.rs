//! A catalog that is older than the database: the SCHEMA is true, and what is gone is named.

use melisma_testing::postgres::Database;
use serde_json::{Value, json};

use crate::run::{Outcome, Run, database};

/// The discovered catalog, all selected.
fn catalog(database: &Database<'_>, settings: &Value) -> Value {
    let mut catalog = Run::on(database, settings).discover();
    for stream in catalog["streams"].as_array_mut().unwrap() {
        stream["metadata"][0]["metadata"]["selected"] = true.into();
    }
    catalog
}

/// Begins anew in a database, which takes less time than another database.
fn again(database: &Database<'_>, sql: &str) {
    database.sql(&format!(
        "drop schema public cascade; create schema public; {sql}"
    ));
}

/// What a run says with the catalog of before these statements.
fn after(database: &Database<'_>, sql: &str) -> Outcome {
    let catalog = catalog(database, &json!({}));
    database.sql(sql);
    Run::on(database, &json!({})).catalog(&catalog).go()
}

#[test]
fn a_column_whose_type_changed_has_its_own_schema_and_a_warning() {
    let database = database("");
    let integer = json!({"type": ["integer", "null"]});
    let string = json!({"type": ["string", "null"]});
    let number = json!({"type": ["number", "null"]});
    for (before, value, change, schema) in [
        ("int", "1", "bigint", integer.clone()),
        ("smallint", "1", "bigint", integer),
        ("varchar(5)", "'a'", "text", string.clone()),
        (
            "varchar(5)",
            "'a'",
            "varchar(9)",
            json!({"type": ["string", "null"], "maxLength": 9}),
        ),
        ("int", "1", "text", string.clone()),
        ("int", "1", "numeric(10,2)", number.clone()),
        ("date", "'2024-01-01'", "text", string.clone()),
        (
            "date",
            "'2024-01-01'",
            "timestamp",
            json!({"type": ["string", "null"], "format": "date-time"}),
        ),
        ("uuid", "gen_random_uuid()", "text", string),
        (
            "boolean",
            "true",
            "int using v::int",
            json!({"type": ["integer", "null"], "minimum": -2_147_483_648_i64, "maximum": 2_147_483_647}),
        ),
        (
            "int[]",
            "'{1}'",
            "bigint[]",
            json!({"type": ["array", "null"], "items": {"type": ["integer", "null"]}}),
        ),
    ] {
        again(
            &database,
            &format!("create table t (id int primary key, v {before}); insert into t values (1, {value})"),
        );
        let outcome = after(&database, &format!("alter table t alter v type {change}")).ok();
        assert_eq!(
            outcome.schema("public-t")["properties"]["v"],
            schema,
            "{before} to {change}"
        );
        assert!(
            outcome
                .log
                .contains("WARN: stream public-t: property v: its type is"),
            "{}",
            outcome.log
        );
        assert_eq!(outcome.records("public-t").len(), 1);
        let catalog = catalog(&database, &json!({}));
        let strict = Run::on(&database, &json!({}))
            .catalog(&catalog)
            .arg("--strict")
            .go()
            .ok();
        assert!(!strict.log.contains("WARN"), "{}", strict.log);
    }
}

#[test]
fn a_change_that_the_catalogs_schema_takes_is_none() {
    let database = database("");
    for (before, change) in [
        ("bigint", "int"),
        ("text", "varchar(5)"),
        ("varchar(9)", "varchar(5)"),
        ("numeric(10,2)", "numeric(12,4)"),
        ("timestamp", "timestamptz"),
    ] {
        again(
            &database,
            &format!("create table t (id int primary key, v {before})"),
        );
        let mut catalog = catalog(&database, &json!({}));
        catalog["streams"][0]["schema"]["properties"]["v"]["title"] = "mine".into();
        database.sql(&format!("alter table t alter v type {change}"));
        let outcome = Run::on(&database, &json!({}))
            .catalog(&catalog)
            .arg("--strict")
            .go()
            .ok();
        assert_eq!(
            outcome.schema("public-t")["properties"]["v"]["title"],
            "mine",
            "{before} to {change}"
        );
    }
}

#[test]
fn a_column_that_may_be_null_now_says_so() {
    let database = database("create table t (id int primary key, v int)");
    let outcome = after(
        &database,
        "alter table t drop constraint t_pkey; alter table t alter id drop not null; insert into t values (null, 1)",
    )
    .ok();
    let id = json!({"type": ["integer", "null"], "minimum": -2_147_483_648_i64, "maximum": 2_147_483_647});
    assert_eq!(outcome.schema("public-t")["properties"]["id"], id);
    assert!(
        outcome.log.contains("property id: it may be null"),
        "{}",
        outcome.log
    );
}

#[test]
fn settings_that_change_values_change_the_schema() {
    let database = database(
        "create table t (id int primary key, n numeric(10,2), d date); insert into t values (1, 1, '2024-01-01')",
    );
    let catalog = catalog(&database, &json!({}));
    let settings = json!({"use_singer_decimal": true, "dates_as_string": true});
    let outcome = Run::on(&database, &settings).catalog(&catalog).go().ok();
    let properties = &outcome.schema("public-t")["properties"];
    assert_eq!(properties["n"]["format"], "singer.decimal");
    assert_eq!(properties["d"], json!({"type": ["string", "null"]}));
}

#[test]
fn tables_and_columns_that_are_gone_are_named_and_the_others_read() {
    let database = database("");
    let start = "create table a (id int primary key, v int, w int); insert into a values (1, 2, 3);
                 create table b (id int primary key); insert into b values (4);
                 create view c as select id from b";
    for (change, left_out, records) in [
        ("drop table a", "stream public-a", [0, 1, 1]),
        ("alter table a rename to z", "stream public-a", [0, 1, 1]),
        ("alter table a drop v", "property v of stream public-a", [1, 1, 1]),
        (
            "alter table a rename w to x",
            "property w of stream public-a",
            [1, 1, 1],
        ),
        (
            "alter table a rename id to key",
            "stream public-a, because it is keyed by its property id",
            [0, 1, 1],
        ),
        ("drop view c", "stream public-c", [1, 1, 0]),
        (
            "drop table a; drop view c; drop table b",
            "stream public-a; stream public-b; stream public-c",
            [0, 0, 0],
        ),
    ] {
        again(&database, start);
        let outcome = after(&database, change);
        assert_eq!(outcome.code, 78, "{change}: {}", outcome.log);
        assert!(outcome.log.contains(left_out), "{change}: {}", outcome.log);
        let found = ["public-a", "public-b", "public-c"].map(|stream| outcome.records(stream).len());
        assert_eq!(found, records, "{change}");
    }
}

#[test]
fn a_right_that_was_revoked_is_named() {
    let database = database(
        "create table t (id int primary key, v int); insert into t values (1, 2);
         create table u (id int primary key); insert into u values (3);
         drop role if exists drifter; create role drifter login password 'drifter'; grant select on t, u to drifter",
    );
    let as_drifter = json!({"user": "drifter", "password": "drifter"});
    let catalog = catalog(&database, &as_drifter);
    for (change, left_out, records) in [
        ("revoke select on t from drifter", "stream public-t", [0, 1]),
        (
            "grant select (id) on t to drifter",
            "property v of stream public-t",
            [1, 1],
        ),
    ] {
        database.sql(change);
        let outcome = Run::on(&database, &as_drifter).catalog(&catalog).go();
        assert_eq!(outcome.code, 78, "{change}: {}", outcome.log);
        assert!(outcome.log.contains(left_out), "{change}: {}", outcome.log);
        let found = ["public-t", "public-u"].map(|stream| outcome.records(stream).len());
        assert_eq!(found, records, "{change}");
        let strict = Run::on(&database, &as_drifter)
            .catalog(&catalog)
            .arg("--strict")
            .go();
        assert_eq!((strict.code, strict.text.as_str()), (78, ""));
    }
    database.sql("drop owned by drifter; drop role drifter");
}

#[test]
fn a_view_that_its_owner_may_no_longer_read_is_named_before_its_schema() {
    let database = database(
        "drop role if exists owner_of_view; create role owner_of_view;
         create table t (id int); insert into t values (1); create table u (id int); insert into u values (2);
         create view v as select id from t; create function one() returns int language sql as 'select 1';
         create view w as select one() as id;
         grant select on t to owner_of_view; grant create on schema public to owner_of_view;
         alter view v owner to owner_of_view",
    );
    let outcome = after(&database, "revoke select on t from owner_of_view");
    database.sql("drop owned by owner_of_view; drop role owner_of_view");
    assert_eq!(outcome.code, 78, "{}", outcome.log);
    assert!(outcome.log.contains("stream public-v"), "{}", outcome.log);
    assert_eq!(outcome.schema("public-v"), Value::Null);
    assert_eq!(outcome.values("public-u", "id"), [2]);
    assert_eq!(outcome.values("public-w", "id"), [1]);
}

#[test]
fn the_ids_of_another_taps_catalog_are_named() {
    let database = database("create table t (id int primary key)");
    let mut catalog = catalog(&database, &json!({}));
    let id = format!("{}-public-t", database.name());
    catalog["streams"][0]["tap_stream_id"] = id.clone().into();
    let outcome = Run::on(&database, &json!({})).catalog(&catalog).go();
    assert_eq!(outcome.code, 78);
    assert!(outcome.log.contains(&id), "{}", outcome.log);
}

#[test]
fn arrays_deeper_than_declared_have_a_schema_that_takes_them() {
    let database = database(
        "create table declared (id int primary key, x int[]); insert into declared values (1, '{1,2}'), (2, '{{1,2},{3,4}}');
         create table flat (id int primary key, x int[][]); insert into flat values (1, '{1,2}');
         create table t (id int primary key, x int[][], y text[]); insert into t values (1, '{{1,2},{3,4}}', '{a}');
         create view v as select * from t; create materialized view m as select * from t;
         create table copied as select * from t; create domain matrix as int[];
         create table d (x matrix); insert into d values ('{{{1}}}');
         create table parts (x int[]) partition by list (x); create table part partition of parts default;
         insert into parts values ('{}'), ('{{7}}')",
    );
    for parallelism in [1, 2] {
        let outcome = Run::on(&database, &json!({"parallelism": parallelism})).go().ok();
        let x = |stream: &str| outcome.values(stream, "x");
        let matrix = json!([[1, 2], [3, 4]]);
        for stream in ["t", "v", "m", "copied"].map(|name| format!("public-{name}")) {
            assert_eq!(x(&stream), std::slice::from_ref(&matrix), "{stream}");
        }
        assert_eq!(x("public-declared"), [json!([1, 2]), matrix]);
        assert_eq!(x("public-flat"), [json!([1, 2])]);
        assert_eq!(x("public-d"), [json!([[[1]]])]);
        assert_eq!(x("public-parts"), [json!([]), json!([[7]])]);
        // Every record is valid by the SCHEMA before it.
        let mut schemas = std::collections::HashMap::new();
        for message in &outcome.messages {
            let stream = message["stream"].as_str().unwrap_or_default().to_owned();
            match message["type"].as_str().unwrap() {
                "SCHEMA" => {
                    schemas.insert(stream, message["schema"]["properties"]["x"].clone());
                }
                "RECORD" => assert!(takes(&schemas[&stream], &message["record"]["x"]), "{message}"),
                _ => {}
            }
        }
        let y = json!({"type": ["array", "null"], "items": {"type": ["string", "null"]}});
        assert_eq!(outcome.schema("public-v")["properties"]["y"], y);
    }
}

/// Whether a schema of arrays and integers takes a value.
fn takes(schema: &Value, value: &Value) -> bool {
    let types = schema["type"].as_array().unwrap();
    match value {
        Value::Array(items) => {
            types.contains(&json!("array")) && items.iter().all(|item| takes(&schema["items"], item))
        }
        Value::Null => types.contains(&json!("null")),
        _ => types.contains(&json!("integer")),
    }
}
