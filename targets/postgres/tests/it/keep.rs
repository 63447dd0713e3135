//! Tables that were there before: a column keeps its type as long as the values fit.

use serde_json::{Value, json};

use crate::driver::{Target, record, schema, state};

fn date_or_text() -> Value {
    json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]})
}

fn one(data_type: &Value) -> Value {
    schema("s", json!({"id": {"type": "integer"}, "x": data_type}), &["id"])
}

/// As MeltanoLabs' target leaves a stream of Salesforce.
fn accounts(target: &Target) {
    target.sql(
        "create table accounts (id text primary key, created timestamp, parents text[], note text, props jsonb); \
         insert into accounts values ('a1', '2024-01-02 03:04:05', '{\"x\",\"y\"}', 'old', '{\"k\": 1}'); \
         create view recent as select id, created, parents from accounts where created > '2024-01-01'",
    );
}

fn accounts_schema() -> Value {
    let properties = json!({
        "id": {"type": "string"}, "created": date_or_text(),
        "parents": {"type": ["array", "string"], "items": {"type": "string"}},
        "note": {"type": ["null", "string"]}, "props": {"type": ["null", "object"]},
    });
    schema("accounts", properties, &["id"])
}

#[test]
fn the_peers_tables_keep_their_types_and_views() {
    let target = Target::new(json!({}));
    accounts(&target);
    target.load(&[
        accounts_schema(),
        record("accounts", json!({"id": "a1", "created": "2024-05-06T07:08:09Z", "parents": ["z"], "note": "new", "props": null})),
        record("accounts", json!({"id": "a2", "created": null, "parents": [], "note": null, "props": {"k": 2}})),
        state(json!({"at": 2})),
    ]);
    assert_eq!(
        target.columns("accounts"),
        "id text not null, created timestamp without time zone, parents text[], note text, props jsonb"
    );
    assert_eq!(
        target.sql("select * from accounts order by id"),
        "a1|2024-05-06 07:08:09|{z}|new|\na2||{}||{\"k\": 2}"
    );
    assert_eq!(target.sql("select * from recent"), "a1|2024-05-06 07:08:09|{z}");
}

#[test]
fn a_value_that_does_not_fit_under_a_view_is_refused_with_what_to_do() {
    let mut target = Target::new(json!({}));
    accounts(&target);
    let lines = [
        accounts_schema(),
        record("accounts", json!({"id": "a2", "created": "2024-05-06"})),
        record("accounts", json!({"id": "a3", "created": "soon"})),
        record("accounts", json!({"id": "a4", "parents": "one text"})),
        record("accounts", json!({"id": "a5", "created": "2024-05-07"})),
    ];
    target.fail(
        &lines,
        65,
        &[
            "created: expected a date and time, found \"soon\"",
            "view recent uses the column",
            "drop it",
        ],
    );
    target.with(json!({"on_invalid": "skip"})).load(&lines);
    assert_eq!(target.sql("select id from accounts order by id"), "a1\na2\na5");
    // Null where the user wants it.
    target.with(json!({"invalid_values": "null"})).load(&[
        lines[0].clone(),
        record(
            "accounts",
            json!({"id": "a4", "parents": "one text", "note": "n"}),
        ),
    ]);
    assert_eq!(target.sql("select * from accounts where id = 'a4'"), "a4|||n|");
}

#[test]
fn an_integer_under_a_view_takes_what_fits() {
    let target = Target::new(json!({}));
    target.sql("create table s (id bigint primary key, x int); create view v as select * from s");
    target.load(&[
        one(&json!({"type": ["integer", "null"]})),
        record("s", json!({"id": 1, "x": 5})),
    ]);
    assert_eq!(target.sql("select * from v"), "1|5");
    target.fail(
        &[
            one(&json!({"type": "integer"})),
            record("s", json!({"id": 1, "x": 5_000_000_000_i64})),
        ],
        65,
        &[
            "expected an integer that fits integer, found 5000000000",
            "view v uses the column",
        ],
    );
    // What can never fit is refused before anything is written.
    target.fail(
        &[one(&json!({"type": "string"}))],
        78,
        &["found integer", "view v uses the column"],
    );
    assert_eq!(target.columns("s"), "id bigint not null, x integer");
}

#[test]
fn what_else_keeps_a_type_from_changing_is_named() {
    let target = Target::new(json!({}));
    target.sql(
        "create table s (id bigint primary key, x int, p int, t int, g int generated always as (x + 1) stored); \
         alter table s enable row level security; create policy po on s using (p > 0); \
         create function f() returns trigger language plpgsql as 'begin return new; end'; \
         create trigger tr before update of t on s for each row execute function f()",
    );
    let properties = json!({"id": {"type": "integer"}, "x": {"type": "integer"}, "p": {"type": "integer"}, "t": {"type": "integer"}});
    for (column, user) in [("x", "column g"), ("p", "policy po"), ("t", "trigger tr")] {
        let mut row = json!({"id": 1});
        row[column] = json!(5_000_000_000_i64);
        target.fail(
            &[schema("s", properties.clone(), &["id"]), record("s", row)],
            65,
            &[user, "uses the column"],
        );
    }
}

#[test]
fn values_that_do_not_fit_widen_in_the_middle_of_a_batch() {
    let target = Target::new(json!({}));
    target.sql(
        "create table s (id bigint primary key, x int, at timestamp, list text[], short varchar(3), d numeric(5,2)); \
         insert into s values (0, 1, '2024-01-01', '{a,NULL}', 'abc', 1.25)",
    );
    let properties = json!({
        "id": {"type": "integer"}, "x": {"type": ["integer", "null"]}, "at": date_or_text(),
        "list": {"type": ["array", "string"], "items": {"type": "string"}}, "short": {"type": "string"},
        "d": {"type": ["number", "null"]},
    });
    target.load(&[
        schema("s", properties, &["id"]),
        record(
            "s",
            json!({"id": 1, "x": 2, "at": "2024-05-06T07:08:09Z", "list": ["b"], "short": "é漢😀", "d": 2.5}),
        ),
        record(
            "s",
            json!({"id": 2, "x": 5_000_000_000_i64, "at": "soon", "list": ["c"], "short": "abc", "d": 3}),
        ),
        record("s", json!({"id": 1, "x": 3})),
        record(
            "s",
            json!({"id": 3, "list": "one text", "short": "abcd", "d": 1234.567}),
        ),
        record("s", json!({"id": 2, "d": 4})),
    ]);
    assert_eq!(
        target.columns("s"),
        "id bigint not null, x bigint, at text, list jsonb, short character varying, d numeric"
    );
    assert_eq!(
        target.sql("select * from s order by id"),
        "0|1|2024-01-01 00:00:00|[\"a\", null]|abc|1.25\n1|3|2024-05-06 07:08:09|[\"b\"]|é漢😀|2.50\n\
         2|5000000000|soon|[\"c\"]|abc|4\n3|||\"one text\"|abcd|1234.567"
    );
}

#[test]
fn new_tables_widen_too_with_and_without_keys_and_when_they_replace() {
    for (settings, key) in [
        (json!({}), &["id"][..]),
        (json!({}), &[]),
        (json!({"load_method": "append"}), &["id"]),
        (json!({"load_method": "overwrite"}), &["id"]),
        (json!({"load_method": "overwrite"}), &[]),
        (json!({"state_in_target": true}), &["id"]),
        (json!({"batch_size_rows": 1}), &["id"]),
    ] {
        let target = Target::new(settings.clone());
        let properties = json!({"id": {"type": "integer"}, "x": date_or_text()});
        let lines = [
            schema("s", properties, key),
            record("s", json!({"id": 1, "x": "2024-05-06T07:08:09Z"})),
            record("s", json!({"id": 2, "x": "2024-05-06T07:08:09Z"})),
            record("s", json!({"id": 3, "x": "soon"})),
            record("s", json!({"id": 4, "x": null})),
            state(json!(1)),
        ];
        target.load(&lines[..3].iter().chain(&lines[5..]).cloned().collect::<Vec<_>>());
        assert!(
            target.columns("s").ends_with("x timestamp without time zone"),
            "{settings} {key:?}"
        );
        target.load(&lines);
        assert!(
            target.columns("s").ends_with("x text"),
            "{settings} {key:?}: {}",
            target.columns("s")
        );
        assert_eq!(target.sql("select x from s where id = 3"), "soon");
        assert_eq!(target.sql("select count(distinct id) from s"), "4");
        // In one run from nothing.
        target.sql("drop table s");
        target.load(&lines);
        assert_eq!(
            target.sql("select id, x from s order by id"),
            "1|2024-05-06 07:08:09\n2|2024-05-06 07:08:09\n3|soon\n4|",
            "{settings} {key:?}"
        );
    }
}

#[test]
fn the_strict_way_widens_at_the_schema() {
    let target = Target::new(json!({"widen_on": "schema"}));
    target.sql("create table s (id bigint primary key, x int)");
    target.load(&[one(&json!({"type": "integer"}))]);
    assert_eq!(target.columns("s"), "id bigint not null, x bigint");
    let new = schema("n", json!({"x": date_or_text()}), &[]);
    target.load(&[new]);
    assert_eq!(target.columns("n"), "x text");
}

#[test]
fn other_ways_of_evolution_decide_about_values_that_do_not_fit() {
    let wide = [
        one(&json!({"type": "number"})),
        record("s", json!({"id": 1, "x": 1.5})),
    ];
    for (evolution, words) in [
        ("error", "schema_evolution is error"),
        ("freeze", "schema_evolution is freeze"),
    ] {
        let target = Target::new(json!({"schema_evolution": evolution}));
        target.sql("create table s (id bigint primary key, x int)");
        target.load(&[wide[0].clone(), record("s", json!({"id": 1, "x": 5}))]);
        target.fail(
            &wide,
            65,
            &["expected an integer that fits integer, found 1.5", words],
        );
        assert_eq!(target.columns("s"), "id bigint not null, x integer");
    }
    let target = Target::new(json!({"schema_evolution": "version"}));
    target.sql("create table s (id bigint primary key, x int); create view v as select x from s");
    target.load(&[
        wide[0].clone(),
        record("s", json!({"id": 1, "x": 5})),
        wide[1].clone(),
    ]);
    assert!(
        target.columns("s").ends_with(" integer, x numeric"),
        "{}",
        target.columns("s")
    );
    assert_eq!(target.sql("select x from s"), "1.5");
}

#[test]
fn a_column_that_is_put_aside_twice_in_a_minute_gets_two_names() {
    let target = Target::new(json!({"schema_evolution": "version"}));
    let number = one(&json!({"type": ["integer", "null"]}));
    let list = one(&json!({"type": ["array", "null"], "items": {"type": "integer"}}));
    for line in [&number, &list, &number, &list, &number] {
        target.load(std::slice::from_ref(line));
    }
    assert!(
        target.columns("s").ends_with(" bigint[], x bigint"),
        "{}",
        target.columns("s")
    );
    assert_eq!(target.columns("s").matches("x_20").count(), 4);
}
