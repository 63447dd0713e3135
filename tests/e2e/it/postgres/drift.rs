//! A source that is no longer, or never was, what its catalog says: the pair loads it, or the run fails and names it.

use std::process::Command;

use melisma_testing::postgres::{Database, server};
use serde_json::{Value, json};

use super::{Configs, load, settings, tap};
use crate::harness::{Outcome, melisma, run};

/// The discovered catalog of the schema `src`, all selected.
fn catalog(database: &Database) -> Value {
    let mut command = Command::new(melisma());
    command.args(["tap-postgres", "--discover"]);
    let configs = Configs::new();
    configs.plugin(
        "tap",
        &mut command,
        &settings(database, json!({"filter_schemas": "src"})),
    );
    let outcome = run(&mut command, b"").ok();
    let mut catalog: Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
    for stream in catalog["streams"].as_array_mut().expect("a list") {
        stream["metadata"][0]["metadata"]["selected"] = true.into();
    }
    catalog
}

/// `melisma run` of the pair with this catalog.
fn run_pair(database: &Database, catalog: &Value) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str, json: &Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, json.to_string()).expect("written");
        path.display().to_string()
    };
    let tap = path("tap.json", &settings(database, json!({})));
    let target = path(
        "target.json",
        &settings(database, json!({"default_target_schema": "dst"})),
    );
    let catalog = path("catalog.json", catalog);
    let mut command = Command::new(melisma());
    command
        .current_dir(folder.path())
        .arg("run")
        .arg(format!("tap-postgres --config {tap} --catalog {catalog}"))
        .arg(format!("target-postgres --config {target}"));
    run(&mut command, b"")
}

#[test]
fn a_table_that_changed_since_its_catalog_was_made_is_loaded() {
    let database = server().database();
    database.sql(
        "create schema src; create table src.t (id int primary key, n int, v varchar(5), d date);
         insert into src.t values (1, 1, 'a', '2024-01-01')",
    );
    let catalog = catalog(&database);
    run_pair(&database, &catalog).ok();
    database.sql(
        "alter table src.t alter n type bigint; alter table src.t alter v type text; alter table src.t add w int;
         insert into src.t values (2, 3000000000, 'longer than five', '2024-01-02', 5)",
    );
    let outcome = run_pair(&database, &catalog).ok();
    assert!(
        outcome.stderr.contains("property n: its type is bigint"),
        "{}",
        outcome.stderr
    );
    let rows = database.sql("select id, n, v, d::text from dst.t order by id");
    assert_eq!(rows, "1|1|a|2024-01-01\n2|3000000000|longer than five|2024-01-02");
}

#[test]
fn a_table_that_is_gone_fails_the_run_after_the_others_were_loaded() {
    let database = server().database();
    database.sql(
        "create schema src; create table src.t (id int primary key); create table src.u (id int primary key);
         insert into src.t values (1); insert into src.u values (2)",
    );
    let catalog = catalog(&database);
    database.sql("drop table src.t");
    let outcome = run_pair(&database, &catalog);
    assert_ne!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("stream src-t"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("run completed"), "{}", outcome.stderr);
    assert_eq!(database.sql("select id from dst.u"), "2");
}

#[test]
fn arrays_that_a_view_has_deeper_than_it_says_are_loaded() {
    let database = server().database();
    database.sql(
        "create schema src; create table src.t (id int primary key, x int[][], y text[]);
         insert into src.t values (1, '{{1,2},{3,4}}', '{{a},{b}}'), (2, '{{5}}', '{c}');
         create view src.v as select * from src.t",
    );
    let said = tap(&settings(
        &database,
        json!({"filter_schemas": "src", "filter_tables": "src.v"}),
    ));
    load(
        &settings(&database, json!({"default_target_schema": "dst"})),
        &said,
    );
    let rows = "select id, to_jsonb(x), to_jsonb(y) from";
    assert_eq!(
        database.sql(&format!("{rows} dst.v order by id")),
        database.sql(&format!("{rows} src.t order by id"))
    );
    // Again, into the columns that are there now.
    load(
        &settings(&database, json!({"default_target_schema": "dst"})),
        &said,
    );
    assert_eq!(database.sql("select count(*) from dst.v"), "4");
}
