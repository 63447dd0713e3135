//! Tables that somebody else made, with rules of their own about who writes what.

use serde_json::{Value, json};

use crate::driver::{Target, plain, record, schema};

/// A database with a role that may log in.
fn with_role(role: &str, load_method: &str, sql: &str) -> Target {
    let mut target = Target::new(json!({}));
    target.sql(&format!("create role {role} login password 'p'"));
    target.sql(sql);
    target.with(json!({"user": role, "password": "p", "load_method": load_method}));
    target
}

/// A table of two tenants; the loader sees and changes the rows of the first.
fn tenants(role: &str, load_method: &str, key: bool) -> Target {
    let key = if key { " primary key" } else { "" };
    with_role(
        role,
        load_method,
        &format!(
            "grant create on schema public to {role}; create table s (id bigint{key}, t text, tenant int default 1); \
             insert into s values (1, 'mine', 1), (100, 'theirs', 2); alter table s enable row level security; \
             create policy p on s to {role} using (tenant = 1) with check (tenant = 1 and id < 100); \
             grant all on s to {role}"
        ),
    )
}

#[test]
fn rows_are_loaded_under_row_security() {
    let lines = [
        plain(&[]),
        record("s", json!({"id": 7, "t": "a"})),
        record("s", json!({"id": 7})),
    ];
    let target = tenants("appends_secured", "append", false);
    target.load(&lines);
    target.load(&lines);
    assert_eq!(
        target.sql("select id, t from s where id = 7 order by t"),
        "7|a\n7|a\n7|\n7|"
    );
    let target = tenants("upserts_secured", "upsert", true);
    for t in ["a", "b"] {
        target.load(&[
            plain(&["id"]),
            record("s", json!({"id": 1, "t": t})),
            record("s", json!({"id": 2})),
        ]);
        assert_eq!(
            target.sql("select id, t from s order by id"),
            format!("1|{t}\n2|\n100|theirs")
        );
    }
}

#[test]
fn the_owner_is_under_row_security_when_it_is_forced() {
    let target = with_role(
        "owns_secured",
        "upsert",
        "create table s (id bigint primary key, t text); alter table s enable row level security; \
         alter table s force row level security; create policy p on s using (true); alter table s owner to owns_secured",
    );
    target.load(&[plain(&["id"]), record("s", json!({"id": 1, "t": "a"}))]);
    assert_eq!(target.sql("select * from s"), "1|a");
}

#[test]
fn overwrite_under_row_security_replaces_what_it_lets_the_loader_delete() {
    let target = tenants("overwrites_secured", "overwrite", true);
    target.load(&[plain(&["id"]), record("s", json!({"id": 2, "t": "a"}))]);
    assert_eq!(target.sql("select id, t from s order by id"), "2|a\n100|theirs");
    // Rows that it shows and does not let go.
    target.sql("create policy q on s for select using (true)");
    target.fail(
        &[plain(&["id"]), record("s", json!({"id": 3, "t": "a"}))],
        78,
        &["row security lets us read rows that it does not let us delete"],
    );
    assert_eq!(target.sql("select id, t from s order by id"), "2|a\n100|theirs");
}

#[test]
fn a_row_that_a_policy_refuses_ends_the_run() {
    for (role, method, key) in [
        ("refused_append", "append", &[][..]),
        ("refused_upsert", "upsert", &["id"][..]),
        ("refused_overwrite", "overwrite", &["id"][..]),
    ] {
        let target = tenants(role, method, !key.is_empty());
        target.fail(
            &[
                plain(key),
                record("s", json!({"id": 5})),
                record("s", json!({"id": 500})),
            ],
            78,
            &["\"public\".\"s\"", "violates row-level security policy"],
        );
        assert_eq!(target.sql("select id from s order by id"), "1\n100", "{method}");
    }
}

#[test]
fn a_loader_that_may_only_insert_appends_under_row_security() {
    let target = with_role(
        "only_inserts",
        "append",
        "create table s (id bigint, t text); alter table s enable row level security; \
         create policy p on s for insert with check (true); grant insert on s to only_inserts",
    );
    target.load(&[plain(&[]), record("s", json!({"id": 7, "t": "a"}))]);
    assert_eq!(target.sql("select * from s"), "7|a");
}

#[test]
fn a_new_table_that_an_event_trigger_secures_is_loaded() {
    for (role, key) in [("secured_plain", &[][..]), ("secured_keyed", &["id"][..])] {
        let target = with_role(
            role,
            "upsert",
            &format!(
                "grant create on schema public to {role}; \
                 create function secure() returns event_trigger language plpgsql as $$ declare made record; begin \
                 for made in select * from pg_event_trigger_ddl_commands() where object_type = 'table' \
                 and schema_name = 'public' loop \
                 execute format('alter table %s enable row level security', made.object_identity); \
                 execute format('alter table %s force row level security', made.object_identity); \
                 execute format('create policy p on %s using (true)', made.object_identity); end loop; end $$; \
                 create event trigger secure on ddl_command_end when tag in ('CREATE TABLE') execute function secure()"
            ),
        );
        let lines = [
            plain(key),
            record("s", json!({"id": 1, "t": "a"})),
            record("s", json!({"id": 1, "t": "b"})),
        ];
        target.load(&lines);
        let expected = if key.is_empty() { "1|a\n1|b" } else { "1|b" };
        assert_eq!(target.sql("select * from s order by t"), expected);
        assert_eq!(target.key("s"), key.join(", "));
    }
}

/// `id`, `a`, `b`
fn three(key: &[&str]) -> Value {
    let integer = json!({"type": ["integer", "null"]});
    schema("s", json!({"id": integer, "a": integer, "b": integer}), key)
}

#[test]
fn identity_columns_take_the_values_of_the_rows() {
    for always in ["always", "by default"] {
        for method in ["append", "upsert", "overwrite"] {
            let target = Target::new(json!({"load_method": method}));
            target.sql(&format!(
                "create table s (id bigint generated {always} as identity primary key, t text)"
            ));
            target.load(&[plain(&["id"]), record("s", json!({"id": 7, "t": "a"}))]);
            if method != "append" {
                target.load(&[
                    plain(&["id"]),
                    record("s", json!({"id": 7, "t": "b"})),
                    record("s", json!({"id": 8, "t": "c"})),
                ]);
                assert_eq!(
                    target.sql("select * from s order by id"),
                    "7|b\n8|c",
                    "{always} {method}"
                );
            }
            assert_eq!(
                target.sql(
                    "select attidentity from pg_attribute where attrelid = 's'::regclass and attname = 'id'"
                ),
                always[..1].replace('b', "d")
            );
        }
    }
}

#[test]
fn an_identity_column_beside_the_key_keeps_its_value_in_an_update() {
    let target = Target::new(json!({}));
    target.sql("create table s (id bigint primary key, a bigint generated always as identity, b bigint)");
    target.load(&[three(&["id"]), record("s", json!({"id": 1, "a": 50, "b": 1}))]);
    let ran = target.run(&[
        three(&["id"]),
        record("s", json!({"id": 1, "a": 60, "b": 2})),
        record("s", json!({"id": 2, "a": 70, "b": 3})),
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("GENERATED ALWAYS AS IDENTITY"),
        "{}",
        ran.stderr
    );
    assert_eq!(target.sql("select * from s order by id"), "1|50|2\n2|70|3");
}

#[test]
fn generated_columns_are_left_out_with_a_warning() {
    for method in ["append", "upsert", "overwrite"] {
        let target = Target::new(json!({"load_method": method}));
        target.sql(
            "create table s (id bigint primary key, a bigint, b bigint generated always as (a * 2) stored)",
        );
        let ran = target.run(&[three(&["id"]), record("s", json!({"id": 1, "a": 2, "b": 99}))]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stderr.contains("b is a generated column"), "{}", ran.stderr);
        assert_eq!(target.sql("select * from s"), "1|2|4", "{method}");
    }
    // As a key it cannot tell rows apart before they are there.
    let target = Target::new(json!({}));
    target
        .sql("create table s (id bigint, a bigint, b bigint generated always as (a * 2) stored primary key)");
    target.fail(
        &[three(&["b"]), record("s", json!({"id": 1, "a": 2, "b": 4}))],
        78,
        &["key property b, found a generated one"],
    );
    // Without a key it is a column like others.
    let target = Target::new(json!({"load_method": "append"}));
    target
        .sql("create table s (id bigint, a bigint, b bigint generated always as (a * 2) stored primary key)");
    target.load(&[three(&["b"]), record("s", json!({"id": 1, "a": 2, "b": 4}))]);
    assert_eq!(target.sql("select * from s"), "1|2|4");
}

#[test]
fn domains_are_kept_and_their_checks_hold() {
    for method in ["append", "upsert", "overwrite"] {
        let target = Target::new(json!({"load_method": method}));
        target.sql(
            "create domain small as bigint check (value < 10); create table s (id small primary key, a small, b bigint)",
        );
        target.load(&[three(&["id"]), record("s", json!({"id": 1, "a": 2, "b": 3}))]);
        assert_eq!(target.columns("s"), "id small not null, a small, b bigint");
        target.fail(
            &[three(&["id"]), record("s", json!({"id": 2, "a": 20, "b": 3}))],
            65,
            &["SQLSTATE 23514"],
        );
        assert_eq!(target.sql("select * from s"), "1|2|3", "{method}");
    }
}

#[test]
fn a_missing_privilege_is_found_before_the_first_row() {
    for (role, method, grants, words) in [
        (
            "lacks_insert",
            "append",
            "select, insert (id, a)",
            "INSERT on column b",
        ),
        (
            "lacks_update",
            "upsert",
            "select, insert, update (a)",
            "UPDATE on column b",
        ),
    ] {
        let target = with_role(
            role,
            method,
            &format!(
                "create table s (id bigint primary key, a bigint, b bigint); grant {grants} on s to {role}"
            ),
        );
        let key: &[&str] = if method == "append" { &[] } else { &["id"] };
        let states = target.fail(
            &[three(key), record("s", json!({"id": 1, "a": 2, "b": 3}))],
            78,
            &[words],
        );
        assert!(states.is_empty());
        // The columns of another stream are enough.
        let two = schema(
            "s",
            json!({"id": {"type": "integer"}, "a": {"type": "integer"}}),
            key,
        );
        target.load(&[two, record("s", json!({"id": 1, "a": 2}))]);
        assert_eq!(target.sql("select * from s"), "1|2|");
    }
}

#[test]
fn what_is_no_table_is_named() {
    let target = Target::new(json!({}));
    target.sql(
        "create table t (id bigint, t text); create view s as select * from t; \
         create materialized view m as select * from t; create extension file_fdw; \
         create server f foreign data wrapper file_fdw; \
         create foreign table f (id bigint, t text) server f options (filename '/dev/null')",
    );
    for (stream, found) in [
        ("s", "a view"),
        ("m", "a materialized view"),
        ("f", "a foreign table"),
    ] {
        let properties = json!({"id": {"type": "integer"}});
        target.fail(
            &[schema(stream, properties, &[]), record(stream, json!({"id": 1}))],
            78,
            &[&format!("expected a table, found {found}")],
        );
    }
}
