//! `x-sql-datatype`: a word of the tap that becomes part of a statement.

use serde_json::{Value, json};

use crate::driver::{Target, record, schema};

fn typed(name: &str) -> Value {
    let properties =
        json!({"id": {"type": "integer"}, "x": {"type": ["string", "null"], "x-sql-datatype": name}});
    schema("s", properties, &["id"])
}

#[test]
fn what_is_no_name_of_a_type_ends_the_run_before_anything_is_changed() {
    let target = Target::new(json!({}));
    target.sql(
        "create table s (id bigint primary key, secret text); insert into s values (1, 'precious'); \
         alter table s enable row level security",
    );
    for name in [
        "int, drop column secret",
        "int, disable row level security",
        "int, alter column secret type text using concat(md5(secret))",
        "text, add column e text default pg_read_file(concat(chr(47),chr(101)))",
        "int); drop table s; --",
        "\"int\", drop column secret",
        "varchar(3), drop column secret",
        "numeric(1,(select 2))",
        "int[], drop column secret",
    ] {
        target.fail(
            &[typed(name), record("s", json!({"id": 2, "x": "5"}))],
            65,
            &["x-sql-datatype"],
        );
        // Deeper, where it is the type of an element or a branch.
        for nested in [
            json!({"type": "array", "items": {"type": "string", "x-sql-datatype": name}}),
            json!({"anyOf": [{"type": "string", "x-sql-datatype": name}, {"type": "null"}]}),
        ] {
            let properties = json!({"id": {"type": "integer"}, "x": nested});
            target.fail(&[schema("s", properties, &["id"])], 65, &["x-sql-datatype"]);
        }
    }
    // Names of types that no server has: constraints and options that are spelled like words of one.
    for name in [
        "int not null",
        "int unique",
        "text collate pg_catalog",
        "int default now",
        "integer primary key",
    ] {
        let _ = target.run(&[typed(name)]);
        target.sql("alter table s drop column if exists x");
    }
    assert_eq!(target.sql("select id, secret from s"), "1|precious");
    assert_eq!(target.columns("s"), "id bigint not null, secret text");
    assert_eq!(
        target.sql("select relrowsecurity from pg_class where oid = 's'::regclass"),
        "t"
    );
}

#[test]
fn a_type_that_the_server_does_not_have_leaves_the_rest_of_the_schema() {
    for name in [
        "variant",
        "NUMBER(38,0)",
        "varchar(max)",
        "enum('a','b')",
        "bigint(20) unsigned",
        "datetime2(7)",
        "nope.mood",
        "\"no such type\"",
        "record",
        "anyelement",
        "serial",
        "varchar(99999999)",
        "text(5)",
    ] {
        let target = Target::new(json!({}));
        let ran = target.run(&[typed(name), record("s", json!({"id": 1, "x": "a"}))]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        assert!(
            ran.stderr
                .contains("stream s: x: x-sql-datatype: the server has no type"),
            "{name}: {}",
            ran.stderr
        );
        assert_eq!(target.columns("s"), "id bigint not null, x text", "{name}");
        assert_eq!(target.sql("select x from s"), "a", "{name}");
    }
}

#[test]
fn types_are_what_the_tap_says_with_all_limits() {
    let target = Target::new(json!({}));
    target.sql(
        "create type \"My Mood\" as enum ('glad', 'sad'); create schema other; create type other.mood as enum ('glad'); \
         create domain word as text not null check (value <> '')",
    );
    for (name, value, column, stored) in [
        (
            "timestamp(0)",
            json!("2024-01-01T00:00:00.6Z"),
            "timestamp(0) without time zone",
            "2024-01-01 00:00:01",
        ),
        (
            "time(3)",
            json!("08:30:06.1236+02:00"),
            "time(3) without time zone",
            "08:30:06.124",
        ),
        (
            "timetz",
            json!("08:30:06+02:00"),
            "time with time zone",
            "08:30:06+02",
        ),
        (
            "timestamp with time zone",
            json!("2024-01-01T00:00:00"),
            "timestamp with time zone",
            "2024-01-01 00:00:00+00",
        ),
        (
            "timestamp(3) with time zone",
            json!("2024-01-01T01:00:00+01:00"),
            "timestamp(3) with time zone",
            "2024-01-01 00:00:00+00",
        ),
        ("double precision", json!("1.5"), "double precision", "1.5"),
        ("float(24)", json!("1.5"), "real", "1.5"),
        (
            "character varying(3)",
            json!("abc"),
            "character varying(3)",
            "abc",
        ),
        ("char(5)", json!("abc"), "character(5)", "abc"),
        ("numeric(7,3)", json!("1234.567"), "numeric(7,3)", "1234.567"),
        ("DECIMAL", json!("1.50"), "numeric", "1.50"),
        ("integer[]", json!([1, 2]), "integer[]", "{1,2}"),
        ("integer[3][]", json!([[1], [2]]), "integer[]", "{{1},{2}}"),
        ("pg_catalog.int4", json!("5"), "integer", "5"),
        ("inet", json!("10.0.0.1/8"), "inet", "10.0.0.1/8"),
        (
            "interval second(2)",
            json!("1.234"),
            "interval second(2)",
            "00:00:01.23",
        ),
        ("bit varying(4)", json!("101"), "bit varying(4)", "101"),
        ("\"My Mood\"", json!("sad"), "\"My Mood\"", "sad"),
        ("other.mood[]", json!(["glad"]), "other.mood[]", "{glad}"),
        ("word", json!("x"), "word", "x"),
    ] {
        let properties = json!({"x": {"type": ["string", "number", "array"], "x-sql-datatype": name}});
        let lines = [schema("s", properties, &[]), record("s", json!({"x": value}))];
        target.load(&lines);
        assert_eq!(target.columns("s"), format!("x {column}"), "{name}");
        // Into the table as the catalog has it.
        target.load(&lines);
        let all = target.sql("set timezone = 'UTC'; select distinct x::text from s");
        assert_eq!(all, stored, "{name}");
        target.sql("drop table s");
    }
}

#[test]
fn other_words_that_become_sql_are_quoted() {
    let evil = "x\"; drop table precious; --'\\";
    let target = Target::new(json!({
        "default_target_schema": evil, "application_name": evil,
        "schema_mapping": {"src": {"target_schema": evil, "indices": {evil: [evil]}}},
        "state_in_target": true, "state_id": evil,
    }));
    target.sql("create table precious (id int)");
    let mut line = schema(evil, json!({evil: {"type": "string"}}), &[evil]);
    line["stream"] = json!(format!("src-{evil}").replace("--", "__"));
    let stream = line["stream"].clone();
    let mut row = record("s", json!({evil: evil}));
    row["stream"] = stream;
    let ran = target.run(&[line, row, crate::driver::state(json!(evil))]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(target.sql("select count(*) from precious"), "0");
    // A role that does not exist ends the run, and is no statement.
    let mut target = Target::new(json!({}));
    target.sql("create table precious (id int)");
    target.with(json!({"default_target_schema_select_permissions": [evil]}));
    let ran = target.run(&[typed("text")]);
    assert_ne!(ran.code, Some(0));
    assert_eq!(target.sql("select count(*) from precious"), "0");
}
