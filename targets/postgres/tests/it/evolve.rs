//! Names, types, and schemas that change.

use serde_json::{Value, json};

use crate::driver::{Target, record, schema};

fn one(data_type: &Value) -> Value {
    schema("s", json!({"id": {"type": "integer"}, "x": data_type}), &["id"])
}

#[test]
fn new_columns_are_added_in_the_middle_of_a_stream() {
    let target = Target::new(json!({}));
    let narrow = schema("s", json!({"id": {"type": "integer"}}), &["id"]);
    let wide = one(&json!({"type": ["null", "string"]}));
    target.load(&[
        narrow.clone(),
        record("s", json!({"id": 1})),
        wide,
        record("s", json!({"id": 2, "x": "a"})),
        record("s", json!({"id": 1, "x": "b"})),
        narrow,
        record("s", json!({"id": 2})),
        record("s", json!({"id": 3})),
    ]);
    assert_eq!(target.columns("s"), "id bigint not null, x text");
    assert_eq!(target.sql("select * from s order by id"), "1|b\n2|a\n3|");
}

#[test]
fn types_widen_and_values_stay() {
    let steps = [
        (
            json!({"type": "integer", "minimum": -9, "maximum": 9}),
            json!(1),
            "smallint",
        ),
        (
            json!({"type": "integer", "minimum": 0, "maximum": 100_000}),
            json!(70_000),
            "integer",
        ),
        (json!({"type": "integer"}), json!(5_000_000_000_i64), "bigint"),
        (
            json!({"type": "integer", "minimum": 0, "maximum": 9}),
            json!(2),
            "bigint",
        ),
        (json!({"type": "number"}), json!(1.5), "numeric"),
        (json!({"type": "string"}), json!("a"), "text"),
        (json!({"type": "integer"}), json!(3), "text"),
        (json!({"type": "object"}), json!({"k": 1}), "text"),
    ];
    for runs in [true, false] {
        let target = Target::new(json!({}));
        let mut lines = Vec::new();
        for (id, (data_type, value, column)) in steps.iter().enumerate() {
            lines.push(one(data_type));
            lines.push(record("s", json!({"id": id, "x": value})));
            if runs {
                target.load(&lines);
                assert_eq!(target.columns("s"), format!("id bigint not null, x {column}"));
                lines.clear();
            }
        }
        if !runs {
            target.load(&lines);
        }
        let values = target.sql("select string_agg(x::text, ' ' order by id) from s");
        assert_eq!(values, r#"1 70000 5000000000 2 1.5 a 3 {"k":1}"#);
    }
}

#[test]
fn dates_widen_to_timestamps() {
    let target = Target::new(json!({}));
    target.load(&[
        one(&json!({"type": "string", "format": "date"})),
        record("s", json!({"id": 1, "x": "2020-02-29"})),
    ]);
    target.load(&[
        one(&json!({"type": "string", "format": "date-time"})),
        record("s", json!({"id": 2, "x": "2020-03-01T00:30:00+01:00"})),
    ]);
    assert_eq!(
        target.sql("select x from s order by id"),
        "2020-02-29 00:00:00\n2020-02-29 23:30:00"
    );
}

#[test]
fn what_can_not_widen_follows_the_setting() {
    let number = [
        one(&json!({"type": "integer"})),
        record("s", json!({"id": 1, "x": 5})),
    ];
    let object = [
        one(&json!({"type": "object"})),
        record("s", json!({"id": 2, "x": {"a": 1}})),
    ];
    let mut target = Target::new(json!({}));
    target.load(&number);
    target.fail(
        &object,
        78,
        &[
            "expected a column of type jsonb for x, found bigint",
            "no type holds both",
        ],
    );
    target.with(json!({"schema_evolution": "version"})).load(&object);
    assert!(
        target.columns("s").starts_with("id bigint not null, x_20"),
        "{}",
        target.columns("s")
    );
    assert!(target.columns("s").ends_with(" bigint, x jsonb"));
    assert_eq!(target.sql("select id, x from s order by id"), "1|\n2|{\"a\": 1}");

    let text = [
        one(&json!({"type": "string"})),
        record("s", json!({"id": 3, "x": "a"})),
    ];
    let mut target = Target::new(json!({}));
    target.load(&number);
    target
        .with(json!({"schema_evolution": "error"}))
        .fail(&text, 78, &["schema_evolution error"]);
    let more = schema(
        "s",
        json!({"id": {"type": "integer"}, "x": {"type": "integer"}, "y": {"type": "string"}}),
        &["id"],
    );
    target.load(&[more.clone(), record("s", json!({"id": 3, "x": 1, "y": "a"}))]);
    assert_eq!(target.columns("s"), "id bigint not null, x bigint, y text");

    let mut target = Target::new(json!({}));
    target.load(&number);
    target.with(json!({"schema_evolution": "freeze"}));
    target.load(&[more, record("s", json!({"id": 3, "x": 1, "y": "a"}))]);
    target.fail(
        &text,
        65,
        &["x: expected an integer that fits bigint, found \"a\""],
    );
    assert_eq!(target.columns("s"), "id bigint not null, x bigint");
}

#[test]
fn changed_keys_become_the_tables_key() {
    let target = Target::new(json!({}));
    let properties = json!({"a": {"type": "integer"}, "b": {"type": "string"}, "t": {"type": "string"}});
    target.load(&[
        schema("s", properties.clone(), &["a"]),
        record("s", json!({"a": 1, "b": "x", "t": "1"})),
    ]);
    target.load(&[
        schema("s", properties.clone(), &["b", "a"]),
        record("s", json!({"a": 1, "b": "x", "t": "2"})),
        record("s", json!({"a": 1, "b": "y", "t": "3"})),
    ]);
    assert_eq!(target.key("s"), "b, a");
    assert_eq!(target.sql("select * from s order by b"), "1|x|2\n1|y|3");
    // A table of somebody else's, with a unique index: no key is made.
    target.sql("drop table s; create table s (a bigint, b text, t text, unique (b, a)); insert into s values (1, 'x', '0')");
    target.load(&[
        schema("s", properties.clone(), &["a", "b"]),
        record("s", json!({"a": 1, "b": "x", "t": "1"})),
    ]);
    assert_eq!(target.sql("select * from s"), "1|x|1");
    assert_eq!(target.key("s"), "");
    // One without: it gets a key, if its rows allow it.
    target.sql("drop table s; create table s (a bigint, b text, t text); insert into s values (1, 'x', '0'), (1, 'x', '1')");
    target.fail(
        &[
            schema("s", properties, &["a"]),
            record("s", json!({"a": 1, "b": "x", "t": "1"})),
        ],
        65,
        &["add primary key", "SQLSTATE 23505"],
    );
}

#[test]
fn names_are_kept_whatever_they_are() {
    let target = Target::new(json!({"default_target_schema": "Odd \"schema\""}));
    let long = "é".repeat(50);
    let properties = json!({"select": {"type": "integer"}, "Select": {"type": "integer"}, "a\"b": {"type": "integer"}, "c d.e-f": {"type": "integer"}, long.clone(): {"type": "integer"}, format!("{long}2"): {"type": "integer"}});
    let values =
        json!({"select": 1, "Select": 2, "a\"b": 3, "c d.e-f": 4, long.clone(): 5, format!("{long}2"): 6});
    let lines = [
        schema("x-Order", properties, &["select", "a\"b"]),
        record("x-Order", values),
    ];
    target.load(&lines);
    target.load(&lines);
    assert_eq!(
        target.sql(r#"select * from "Odd ""schema"""."Order""#),
        "1|2|3|4|5|6"
    );
    let name = "x".repeat(90);
    target.load(&[
        schema(&name, json!({"a": {"type": "integer"}}), &[]),
        record(&name, json!({"a": 1})),
    ]);
    target.fail(
        &[
            schema("b-orders", json!({"a": {"type": "integer"}}), &[]),
            schema("a-orders", json!({"a": {"type": "integer"}}), &[]),
        ],
        78,
        &[
            "expected a table for each stream",
            "is the table of b-orders as well",
        ],
    );
}

#[test]
fn pipelinewise_names_types_and_columns() {
    let target = Target::new(json!({
        "naming_mode": "pipelinewise", "add_metadata_columns": true, "hard_delete": true,
        "schema_mapping": {"shop": {"target_schema": "dwh", "target_schema_select_permissions": ["analysts"], "indices": {"orders": ["t", "n,t"]}}},
    }));
    target.sql("create role analysts");
    let properties =
        json!({"Id": {"type": "integer"}, "T": {"type": ["null", "string"]}, "n": {"type": "number"}});
    target.load(&[
        schema("shop-Orders", properties, &["Id"]),
        record("shop-Orders", json!({"Id": 1, "T": "a", "n": 1.5})),
    ]);
    assert_eq!(
        target.columns("dwh.orders"),
        "id numeric not null, t character varying, n double precision, _sdc_extracted_at timestamp without time zone, \
         _sdc_batched_at timestamp without time zone, _sdc_deleted_at character varying"
    );
    assert_eq!(
        target.sql("select count(*) from pg_indexes where tablename = 'orders'"),
        "3"
    );
    assert_eq!(target.sql("select has_table_privilege('analysts', 'dwh.orders', 'select'), has_schema_privilege('analysts', 'dwh', 'usage')"), "t|t");
    target.fail(
        &[schema("shop-x", json!({"a": {}}), &[])],
        65,
        &["primary_key_required"],
    );
}

#[test]
fn more_columns_than_a_table_can_have_are_refused_before_anything_is_made() {
    let target = Target::new(json!({}));
    let columns = |count: usize| {
        let properties: serde_json::Map<String, Value> = (0..count)
            .map(|at| (format!("c{at}"), json!({"type": "boolean"})))
            .collect();
        schema("s", Value::Object(properties), &[])
    };
    target.load(&[columns(1600), record("s", json!({"c0": true, "c1599": false}))]);
    assert_eq!(target.sql("select c0, c1599 from s"), "t|f");
    target.fail(
        &[columns(1601)],
        65,
        &["expected at most 1600 columns", "found 1601"],
    );
    target.sql("drop table s");
    target.fail(
        &[columns(1601)],
        65,
        &["expected at most 1600 columns", "found 1601"],
    );
    assert_eq!(
        target.sql("select count(*) from pg_class where relname = 's'"),
        "0"
    );
}

#[test]
fn objects_become_columns_when_asked() {
    let properties = json!({
        "id": {"type": "integer"},
        "o": {"type": ["null", "object"], "properties": {
            "a": {"type": "string"},
            "in": {"type": "object", "properties": {"n": {"type": "integer"}, "l": {"type": "array", "items": {"type": "integer"}}}}
        }},
        "free": {"type": ["null", "object"]}
    });
    let lines = [
        schema("s", properties, &["id"]),
        record(
            "s",
            json!({"id": 1, "o": {"a": "x\ty", "in": {"n": 5, "l": [1, 2]}}, "free": {"k": 1}}),
        ),
        record("s", json!({"id": 2, "o": {"in": {"n": 6}}})),
        record("s", json!({"id": 3, "o": null, "free": null})),
    ];
    let target = Target::new(json!({"flattening_enabled": true}));
    target.load(&lines);
    assert_eq!(
        target.columns("s"),
        "id bigint not null, o__a text, o__in__n bigint, o__in__l text, free text"
    );
    assert_eq!(
        target.sql("select * from s order by id"),
        "1|x\ty|5|[1,2]|{\"k\":1}\n2||6||\n3||||"
    );
    // A record without the object leaves its columns as they are; one with less of it does not.
    target.load(&[
        lines[0].clone(),
        record("s", json!({"id": 1, "free": null})),
        record("s", json!({"id": 2, "o": {"a": "z"}})),
    ]);
    assert_eq!(
        target.sql("select * from s where id < 3 order by id"),
        "1|x\ty|5|[1,2]|\n2|z|||"
    );
    let target = Target::new(
        json!({"flattening_enabled": true, "flattening_max_depth": 1, "flattening_separator": "."}),
    );
    target.load(&lines);
    assert_eq!(
        target.columns("s"),
        "id bigint not null, o.a text, o.in text, free text"
    );
    let target = Target::new(json!({"naming_mode": "pipelinewise", "data_flattening_max_level": 2}));
    target.load(&lines);
    assert_eq!(
        target.columns("s"),
        "id numeric not null, o__a character varying, o__in__n numeric, o__in__l jsonb, free jsonb"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_stored_keeps_every_digit_when_its_column_widens() {
    let bigint = json!({"type": "integer", "x-sql-datatype": "bigint"});
    let number = |name: &str| json!({"type": "number", "x-sql-datatype": name});
    for (first, stored, second, value, column) in [
        (
            bigint.clone(),
            "9007199254740993",
            number("double precision"),
            json!(1.5),
            "numeric",
        ),
        (
            bigint.clone(),
            "9007199254740993",
            number("real"),
            json!(1.5),
            "numeric",
        ),
        (
            number("numeric(25,5)"),
            "12345678901234567890.12345",
            number("double precision"),
            json!(1.5e-9),
            "numeric",
        ),
        (
            number("numeric(25,5)"),
            "12345678901234567890.12345",
            number("numeric(10,8)"),
            json!(1.123_456_78),
            "numeric(28,8)",
        ),
        (
            number("integer"),
            "2147483647",
            number("real"),
            json!(1.5),
            "double precision",
        ),
        (
            number("double precision"),
            "0.1234567890123456",
            number("numeric"),
            json!(1e-20),
            "double precision",
        ),
        (
            number("real"),
            "0.1",
            number("double precision"),
            json!(1e300),
            "double precision",
        ),
        (
            number("double precision"),
            "0.1234567890123456",
            json!({"type": "string", "x-sql-datatype": "text"}),
            json!("x"),
            "text",
        ),
        (
            number("double precision"),
            "0.1234567890123456",
            number("numeric"),
            json!(12_345_678_901_234_567_890.0),
            "double precision",
        ),
        (
            number("real"),
            "16777216",
            json!({"type": "string", "x-sql-datatype": "varchar(3)"}),
            json!("x"),
            "character varying",
        ),
        (
            bigint,
            "9007199254740993",
            json!({"type": "string", "x-sql-datatype": "varchar(3)"}),
            json!("x"),
            "character varying",
        ),
    ] {
        let target = Target::new(json!({}));
        target.load(&[one(&first)]);
        target.sql(&format!("insert into s values (1, {stored})"));
        let before = target.sql("select x::text from s");
        target.load(&[one(&second), record("s", json!({"id": 2, "x": value}))]);
        assert_eq!(
            target.columns("s"),
            format!("id bigint not null, x {column}"),
            "{first} {second}"
        );
        let after = target.sql("select x::text from s where id = 1");
        // A scale adds zeros.
        let bare = |text: &str| {
            if text.contains('.') {
                text.trim_end_matches('0').to_owned()
            } else {
                text.to_owned()
            }
        };
        assert_eq!(bare(&after), bare(&before), "{first} {second}");
    }
}
