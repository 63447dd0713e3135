//! Keys of tables that were there before: deferrable ones, unique indexes, NOT NULL columns and checks; and keys that
//! no index can hold.

use serde_json::{Value, json};

use crate::driver::{Target, record, schema, state};

fn with_text(key: &[&str]) -> Value {
    let text = json!({"type": ["string", "null"]});
    schema("t", json!({"id": {"type": "integer"}, "a": text, "b": text}), key)
}

fn row(id: i64, a: &str) -> Value {
    record("t", json!({"id": id, "a": a}))
}

#[test]
fn a_key_that_is_deferrable_is_upserted_by() {
    for key in [
        "primary key (id) deferrable",
        "primary key (id) deferrable initially deferred",
        "unique (id) deferrable",
        // Both on one column: ON CONFLICT would find the deferrable one as well.
        "primary key (id), unique (id) deferrable",
        "primary key (id) deferrable, unique (a) deferrable",
    ] {
        let mut target = Target::new(json!({"batch_size_rows": 2}));
        target.sql(&format!("create table t (id bigint not null, a text, {key})"));
        target.sql("insert into t values (1, 'old'), (9, 'stays')");
        let lines = [
            with_text(&["id"]),
            row(1, "new"),
            row(2, "x"),
            row(1, "newest"),
            row(3, "y"),
        ];
        target.load(&lines);
        assert_eq!(
            target.sql("select id, a from t order by id"),
            "1|newest\n2|x\n3|y\n9|stays",
            "{key}"
        );
        target.with(json!({"hard_delete": true, "add_record_metadata": true}));
        let delete = record("t", json!({"id": 2, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}));
        target.load(&[with_text(&["id"]), row(2, "z"), delete, row(3, "last")]);
        assert_eq!(
            target.sql("select id, a from t order by id"),
            "1|newest\n3|last\n9|stays",
            "{key}"
        );
    }
}

#[test]
fn a_table_with_rules_is_upserted() {
    let target = Target::new(json!({}));
    target.sql(
        "create table t (id bigint primary key, a text); create table seen (id bigint); \
         create rule seen as on insert to t do also insert into seen values (new.id)",
    );
    target.sql("insert into t values (1, 'old')");
    target.load(&[with_text(&["id"]), row(1, "x"), row(2, "y"), row(1, "z")]);
    assert_eq!(target.sql("select id, a from t order by id"), "1|z\n2|y");
}

#[test]
fn a_key_property_that_comes_later_is_refused_while_old_rows_have_none() {
    let target = Target::new(json!({}));
    target.load(&[with_text(&["id"]), row(1, "x")]);
    let states = target.fail(
        &[
            with_text(&["id", "c"])
                .as_object_mut()
                .map_or(Value::Null, |line| {
                    line["schema"]["properties"]["c"] = json!({"type": "string"});
                    Value::Object(line.clone())
                }),
            record("t", json!({"id": 1, "a": "y", "c": "c"})),
            state(json!({"n": 1})),
        ],
        65,
        &["\"public\".\"t\"", "contains null values"],
    );
    assert_eq!(states, Vec::<String>::new());
    // Nothing was changed: neither the columns nor the key.
    assert_eq!(target.columns("t"), "id bigint not null, a text, b text");
    assert_eq!(target.key("t"), "id");
    target.load(&[with_text(&["id"]), row(1, "z")]);
    assert_eq!(target.sql("select id, a from t"), "1|z");
}

#[test]
fn unique_indexes_are_keys_when_they_tell_all_rows_apart() {
    // What the table has, and whether it gets a primary key.
    for (index, made) in [
        ("create unique index on t (id)", false),
        ("create unique index on t (id) include (a)", false),
        ("alter table t add unique (id)", false),
        ("create unique index on t (id) where a is null", true),
        ("create unique index on t (abs(id))", true),
        ("create unique index on t (id, a)", true),
        ("create index on t (id)", true),
    ] {
        let target = Target::new(json!({}));
        target.sql(&format!("create table t (id bigint not null, a text); {index}"));
        target.sql("insert into t values (1, 'old')");
        for _ in 0..2 {
            target.load(&[with_text(&["id"]), row(1, "x"), row(2, "y"), row(1, "z")]);
            assert_eq!(
                target.sql("select id, a from t order by id"),
                "1|z\n2|y",
                "{index}"
            );
        }
        assert_eq!(target.key("t"), if made { "id" } else { "" }, "{index}");
    }
}

#[test]
fn key_columns_have_the_order_of_the_table() {
    let target = Target::new(json!({}));
    target.sql("create table t (a text, id bigint, b text, primary key (a, id))");
    for b in ["x", "y"] {
        target.load(&[
            with_text(&["id", "a", "id"]),
            record("t", json!({"id": 1, "a": "k", "b": b})),
        ]);
    }
    assert_eq!(
        (target.key("t"), target.sql("select a, id, b from t")),
        ("a, id".to_owned(), "k|1|y".to_owned())
    );
}

#[test]
fn rows_that_are_twice_in_a_table_without_a_key_are_an_error_before_anything_is_written() {
    let target = Target::new(json!({}));
    target.sql("create table t (id bigint, a text); insert into t values (1, 'x'), (1, 'y')");
    let states = target.fail(
        &[with_text(&["id"]), row(2, "new"), state(json!({"n": 1}))],
        65,
        &["\"public\".\"t\"", "(id)=(1)"],
    );
    assert_eq!(states, Vec::<String>::new());
    assert_eq!(target.columns("t"), "id bigint, a text");
    assert_eq!(target.sql("select count(*) from t"), "2");
}

#[test]
fn a_record_that_lacks_what_a_new_row_must_have_updates_the_row_that_is_there() {
    for (column, value) in [
        ("c text not null", "'c'"),
        ("c text check (c is not null)", "'c'"),
        ("c filled", "'c'"),
        ("c text not null default 'd'", "'c'"),
    ] {
        let target = Target::new(json!({}));
        target.sql("create domain filled as text not null");
        target.sql(&format!(
            "create table t (id bigint primary key, {column}, a text, b text)"
        ));
        target.sql(&format!(
            "insert into t values (1, {value}, 'a', 'b'), (2, {value}, 'a', 'b')"
        ));
        // The stream has no such column; it has, and the record does not; whole rows and parts of rows.
        let text = json!({"type": ["string", "null"]});
        let all = schema(
            "t",
            json!({"id": {"type": "integer"}, "c": text, "a": text, "b": text}),
            &["id"],
        );
        for schema in [with_text(&["id"]), all] {
            target.load(&[
                schema,
                record("t", json!({"id": 1, "a": "A"})),
                record("t", json!({"id": 2, "a": "A2", "b": "B2"})),
                record("t", json!({"id": 1})),
            ]);
            assert_eq!(
                target.sql("select id, c, a, b from t order by id"),
                "1|c|A|b\n2|c|A2|B2",
                "{column}"
            );
        }
    }
}

#[test]
fn a_new_row_that_lacks_what_it_must_have_is_an_error() {
    let target = Target::new(json!({}));
    target.sql(
        "create table t (id bigint primary key, a text, c text not null); insert into t values (1, 'a', 'c')",
    );
    let states = target.fail(
        &[
            with_text(&["id"]),
            row(1, "A"),
            row(2, "B"),
            state(json!({"n": 1})),
        ],
        65,
        &["\"public\".\"t\"", "null value in column \"c\"", "SQLSTATE 23502"],
    );
    assert_eq!(states, Vec::<String>::new());
    assert_eq!(target.sql("select id, a, c from t"), "1|a|c");
}

/// Letters and digits that do not compress.
fn noise(length: usize) -> String {
    let mut random = crate::random::Random::new(7);
    let letter = |_| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[random.below(36) as usize]);
    (0..length).map(letter).collect()
}

#[test]
fn a_key_that_no_index_can_hold_is_refused_before_a_state_covers_it() {
    let key = || schema("s", json!({"id": {"type": "string"}}), &["id"]);
    let lines = [
        key(),
        record("s", json!({"id": "a"})),
        state(json!({"n": 1})),
        record("s", json!({"id": noise(6000)})),
        state(json!({"n": 2})),
    ];
    let settings = json!({"batch_size_rows": 1, "state_interval_seconds": 0});
    // In a first load, and in a later one.
    for table in ["", "create table s (id text primary key)"] {
        let mut target = Target::new(settings.clone());
        target.sql(table);
        let states = target.fail(
            &lines,
            65,
            &[
                "line 4",
                "id: expected a key that an index of PostgreSQL can hold",
            ],
        );
        assert_eq!(states, [r#"{"n":1}"#]);
        target.load(&[key(), record("s", json!({"id": "b"}))]);
        assert_eq!(
            (target.key("s"), target.sql("select * from s order by id")),
            ("id".to_owned(), "a\nb".to_owned())
        );
        let mut skips = settings.clone();
        skips["on_invalid"] = json!("skip");
        target.with(skips);
        assert_eq!(target.load(&lines).last().map(String::as_str), Some(r#"{"n":2}"#));
    }
}

#[test]
fn a_long_key_is_for_the_server_to_judge_before_a_state_covers_it() {
    let key = schema("s", json!({"id": {"type": "string"}}), &["id"]);
    let settings = json!({"batch_size_rows": 1, "state_interval_seconds": 0});
    let target = Target::new(settings);
    // One that compresses, one of which only the server knows, and one that does not fit by a little.
    target.load(&[
        key.clone(),
        record("s", json!({"id": "x".repeat(50_000)})),
        record("s", json!({"id": noise(2600)})),
    ]);
    assert_eq!(
        (target.key("s"), target.sql("select count(*) from s")),
        ("id".to_owned(), "2".to_owned())
    );
    target.sql("drop table s");
    let states = target.fail(
        &[
            key.clone(),
            record("s", json!({"id": noise(2750)})),
            state(json!({"n": 1})),
        ],
        65,
        &["\"public\".\"s\"", "index row", "SQLSTATE 54000"],
    );
    assert_eq!(states, Vec::<String>::new());
    target.load(&[key, record("s", json!({"id": "b"}))]);
    assert_eq!(target.sql("select * from s"), "b");
}

#[test]
fn a_table_whose_first_load_left_a_key_that_is_too_long_says_how_to_go_on() {
    let target = Target::new(json!({}));
    target.sql("create table s (id text not null)");
    target.sql(r#"comment on table s is 'melisma: first load not finished; key:["id"]'"#);
    target.sql(&format!("insert into s values ('{}'), ('a')", noise(6000)));
    let lines = [
        schema("s", json!({"id": {"type": "string"}}), &["id"]),
        record("s", json!({"id": "b"})),
    ];
    target.fail(
        &lines,
        65,
        &[
            "cannot add the primary key to \"public\".\"s\"",
            "delete the rows",
            "or drop the table",
        ],
    );
    target.sql("drop table s");
    target.load(&lines);
    assert_eq!(
        (target.key("s"), target.sql("select * from s")),
        ("id".to_owned(), "b".to_owned())
    );
}

#[test]
fn a_key_of_a_type_that_has_no_order_is_refused_at_the_schema() {
    for (name, value) in [
        ("json", json!({"a": 1})),
        ("xml", json!("<a/>")),
        ("point", json!("(1,2)")),
        ("json[]", json!([1])),
    ] {
        let target = Target::new(json!({"batch_size_rows": 1, "state_interval_seconds": 0}));
        let types = ["object", "array", "string"];
        let states = target.fail(
            &[
                schema(
                    "s",
                    json!({"id": {"type": types, "x-sql-datatype": name}}),
                    &["id"],
                ),
                record("s", json!({"id": value})),
                state(json!({"n": 1})),
            ],
            78,
            &["\"public\".\"s\"", name],
        );
        assert_eq!(states, Vec::<String>::new(), "{name}");
        assert_eq!(
            target.sql("select count(*) from pg_class where relname = 's'"),
            "0",
            "{name}"
        );
    }
}

#[test]
fn more_key_properties_than_an_index_has_columns_are_refused_at_the_schema() {
    let names: Vec<String> = (0..33).map(|n| format!("k{n}")).collect();
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let values = |value: &Value| -> Value {
        names
            .iter()
            .map(|name| (name.clone(), value.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let properties = values(&json!({"type": "integer"}));
    let target = Target::new(json!({"batch_size_rows": 1, "state_interval_seconds": 0}));
    let states = target.fail(
        &[
            schema("s", properties.clone(), &keys),
            record("s", values(&json!(1))),
            state(json!({"n": 1})),
        ],
        65,
        &["expected at most 32 key properties", "found 33"],
    );
    assert_eq!(states, Vec::<String>::new());
    target.load(&[
        schema("s", properties, &keys[1..]),
        record("s", values(&json!(1))),
    ]);
    assert_eq!(target.sql("select count(*) from s"), "1");
}
