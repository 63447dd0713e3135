//! `load_method: overwrite`.

use serde_json::json;

use crate::driver::{Target, plain, record, schema, state};

#[test]
fn the_new_table_takes_the_place_of_the_old_one() {
    let target = Target::new(json!({"load_method": "overwrite"}));
    target.sql("create role reader; create table s (id bigint primary key, t text); insert into s values (7); grant select on s to reader");
    let lines = [
        plain(&["id"]),
        record("s", json!({"id": 1, "t": "a"})),
        record("s", json!({"id": 2, "t": "b"})),
        state(json!({"n": 1})),
        record("s", json!({"id": 1, "t": "c"})),
        state(json!({"n": 2})),
    ];
    for _ in 0..2 {
        assert_eq!(target.load(&lines), [r#"{"n":2}"#]);
        assert_eq!(target.columns("s"), "id bigint not null, t text");
        assert_eq!(target.sql("select * from s order by id"), "1|c\n2|b");
        assert_eq!(
            target.sql("select conname from pg_constraint where conrelid = 's'::regclass and contype = 'p'"),
            "s_pkey"
        );
        assert_eq!(
            target.sql("select has_table_privilege('reader', 's', 'select')"),
            "t"
        );
        assert_eq!(
            target.sql("select count(*) from pg_class where relname like '%melisma%'"),
            "0"
        );
    }
    // A stream without records is empty now.
    target.load(&[plain(&["id"])]);
    assert_eq!(target.sql("select count(*) from s"), "0");
}

#[test]
fn a_table_that_others_hang_on_is_filled_anew() {
    let target = Target::new(json!({"load_method": "overwrite"}));
    target.sql("create table s (id int primary key, t jsonb, extra text default 'e'); insert into s values (7); create view v as select * from s");
    let properties = json!({"id": {"type": "integer", "minimum": 0, "maximum": 99}, "t": {"type": "string"}, "n": {"type": "number"}});
    target.load(&[
        schema("s", properties, &["id"]),
        record("s", json!({"id": 1, "t": "a", "n": 1.5})),
    ]);
    assert_eq!(target.sql("select * from s"), "1|\"a\"|e|1.5");
    assert_eq!(target.sql("select * from v"), "1|\"a\"|e");
}

#[test]
fn a_run_that_fails_leaves_the_old_table() {
    let target = Target::new(json!({"load_method": "overwrite"}));
    target.load(&[plain(&[]), record("s", json!({"id": 1, "t": "a"}))]);
    let states = target.fail(
        &[
            plain(&[]),
            record("s", json!({"id": 2})),
            state(json!({"n": 1})),
            record("s", json!({"id": "x"})),
        ],
        65,
        &["line 4"],
    );
    assert_eq!(states, Vec::<String>::new());
    assert_eq!(target.sql("select * from s"), "1|a");
    target.load(&[plain(&[]), record("s", json!({"id": 3, "t": "b"}))]);
    assert_eq!(target.sql("select * from s"), "3|b");
}
