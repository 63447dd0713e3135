//! What goes wrong, and what is left then.

use std::process::Command;
use std::time::Duration;
use std::{env, thread};

use melisma_testing::postgres::{Options, Server};
use serde_json::json;

use crate::driver::{Target, plain, record, schema, state};

#[test]
fn a_first_load_that_was_killed_is_finished_by_the_next_run() {
    let target = Target::new(json!({"state_interval_seconds": 0, "batch_size_rows": 2}));
    let mut child = target.start();
    child.send([
        plain(&["id"]),
        record("s", json!({"id": 1, "t": "a"})),
        record("s", json!({"id": 2, "t": "b"})),
        record("s", json!({"id": 1, "t": "c"})),
        state(json!({"n": 1})),
    ]);
    child.says(r#"{"n":1}"#);
    child.kill();
    assert_eq!(target.sql("select count(*) from s"), "3");
    assert_eq!(target.key("s"), "");
    target.load(&[
        plain(&["id"]),
        record("s", json!({"id": 2, "t": "B"})),
        record("s", json!({"id": 3, "t": "d"})),
    ]);
    assert_eq!(target.key("s"), "id");
    assert_eq!(target.sql("select * from s order by id"), "1|c\n2|B\n3|d");
    assert_eq!(target.sql("select obj_description('s'::regclass)"), "");
}

#[test]
fn the_last_row_wins_wherever_the_server_puts_it() {
    // Rows that do not fit a page leave room behind, which later rows fill: their place does not tell their order.
    let mut lines = vec![plain(&["id"])];
    for round in 0..60 {
        for id in 0..40 {
            let length = if (round + id) % 3 == 0 {
                1900
            } else {
                100 + 13 * id
            };
            lines.push(record(
                "s",
                json!({"id": id, "t": format!("{round} {}", "x".repeat(length))}),
            ));
        }
    }
    // A transaction for each round, and one for all, of several statements.
    for rows in [40, 100_000] {
        let target = Target::new(json!({"batch_size_rows": rows}));
        target.load(&lines);
        let last = target.sql("select count(*), bool_and(t like '59 %') from s");
        assert_eq!(last, "40|t", "{rows}");
    }
}

#[test]
fn a_server_that_goes_away_ends_the_run_without_a_state_ahead() {
    let server = Server::start(&Options {
        durable: true,
        ..Options::default()
    });
    let database = server.database();
    let mut target = Target::new(json!({}));
    target.with(json!({"port": database.port(), "database": database.name(), "state_interval_seconds": 0, "batch_size_rows": 2}));
    let mut child = target.start();
    child.send([
        plain(&["id"]),
        record("s", json!({"id": 1, "t": "a"})),
        record("s", json!({"id": 2, "t": "b"})),
        state(json!({"n": 1})),
    ]);
    child.says(r#"{"n":1}"#);
    server.kill();
    child.send([record("s", json!({"id": 3, "t": "c"})), state(json!({"n": 2}))]);
    let ran = child.finish();
    assert_eq!(ran.code, Some(69), "{}", ran.stderr);
    assert_eq!(ran.states(), [r#"{"n":1}"#]);
    assert!(ran.stderr.contains("connection"), "{}", ran.stderr);
    server.restart();
    assert_eq!(database.sql("select * from s order by id").trim_end(), "1|a\n2|b");
}

/// The tap asks in the same words; here the user's name comes from nobody's settings either.
#[test]
fn without_a_user_it_is_that_of_the_process_as_for_libpq() {
    let target = Target::new(json!({"user": null, "password": "of somebody else"}));
    let of_the_process = || {
        let outcome = Command::new("id").arg("-un").output().expect("it runs");
        String::from_utf8(outcome.stdout).expect("a name")
    };
    let user = env::var("PGUSER").unwrap_or_else(|_| of_the_process());
    target.fail(
        &[plain(&[])],
        78,
        &[&format!("authentication failed for user \"{}\"", user.trim())],
    );
}

#[test]
fn a_server_that_is_slow_is_waited_for() {
    let target = Target::new(json!({"batch_size_rows": 3, "state_interval_seconds": 0}));
    target.sql(
        "create table s (id bigint, t text); create function slow() returns trigger language plpgsql as \
         $$ begin perform pg_sleep(0.02); return new; end $$; \
         create trigger slow before insert on s for each row execute function slow()",
    );
    let mut lines = vec![plain(&[])];
    for id in 0..20 {
        lines.push(record("s", json!({"id": id})));
        lines.push(state(json!({"n": id})));
    }
    assert_eq!(
        target.load(&lines).last().map(String::as_str),
        Some(r#"{"n":19}"#)
    );
    assert_eq!(target.sql("select count(*) from s"), "20");
}

#[test]
fn a_server_that_is_not_there_is_told_at_once() {
    let mut target = Target::new(json!({}));
    target.with(json!({"host": "127.0.0.1", "port": 1}));
    target.fail(
        &[plain(&[])],
        69,
        &["cannot connect to postgresql://127.0.0.1:1/"],
    );
}

#[test]
fn a_table_that_somebody_locks_is_told_with_who_it_is() {
    let mut target = Target::new(json!({}));
    target.load(&[plain(&["id"])]);
    let mut blocker = target.database.psql();
    let mut blocker = blocker
        .env("PGAPPNAME", "the blocker")
        .args(["-XAtq", "-c", "begin; lock table s; select pg_sleep(60)"])
        .spawn()
        .expect("psql");
    while target.sql("select count(*) from pg_locks l join pg_class c on c.oid = l.relation where c.relname = 's' and l.granted") == "0" {
        thread::sleep(Duration::from_millis(10));
    }
    target.with(json!({"lock_timeout_seconds": 0.2}));
    let states = target.fail(
        &[
            plain(&["id"]),
            record("s", json!({"id": 1})),
            state(json!({"n": 1})),
        ],
        75,
        &[
            "\"public\".\"s\"",
            "waited 0.2 s",
            "the blocker",
            "holds AccessExclusiveLock",
        ],
    );
    assert_eq!(states, Vec::<String>::new());
    blocker.kill().expect("killed");
    blocker.wait().expect("gone");
    target
        .sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'the blocker'");
}

#[test]
fn rows_that_the_server_refuses_end_the_run_and_states_stay_behind() {
    let target = Target::new(json!({"batch_size_rows": 1, "state_interval_seconds": 0}));
    target.sql("create table s (id bigint primary key check (id < 3), t text)");
    let ran = target.fail(
        &[
            plain(&["id"]),
            record("s", json!({"id": 1})),
            state(json!({"n": 1})),
            record("s", json!({"id": 3})),
            state(json!({"n": 2})),
        ],
        65,
        &["check constraint", "SQLSTATE 23514"],
    );
    assert_eq!(ran, [r#"{"n":1}"#]);
    assert_eq!(target.sql("select id from s"), "1");
}

#[test]
fn streams_on_one_connection_do_not_take_each_others_word() {
    // The second stream fails; rows of the first, in the same transaction, are rolled back with it: no STATE may say
    // that they are there.
    let target = Target::new(json!({}));
    target.sql("create table bad (id bigint check (id < 3))");
    let integer = json!({"id": {"type": "integer"}});
    let states = target.fail(
        &[
            schema("good", integer.clone(), &[]),
            schema("bad", integer, &[]),
            record("good", json!({"id": 1})),
            state(json!({"n": 1})),
            record("bad", json!({"id": 3})),
        ],
        65,
        &["SQLSTATE 23514"],
    );
    let rows = target.sql("select count(*) from good");
    assert!(states.is_empty() || rows == "1", "{states:?} {rows}");
}

#[test]
fn a_value_of_50_mb_is_a_value() {
    let target = Target::new(json!({}));
    let big = "0123456789".repeat(5_000_000);
    target.load(&[plain(&["id"]), record("s", json!({"id": 1, "t": big}))]);
    target.load(&[
        plain(&["id"]),
        record("s", json!({"id": 1, "t": big})),
        record("s", json!({"id": 2, "t": "x"})),
    ]);
    assert_eq!(
        target.sql("select id, length(t) from s order by id"),
        "1|50000000\n2|1"
    );
}

#[test]
fn streams_go_side_by_side() {
    let target = Target::new(json!({
        "max_parallelism": 3, "batch_size_rows": 10, "default_target_schema": "made",
        "default_target_schema_select_permission": "side_reader",
    }));
    target.sql("create role side_reader");
    let mut lines = Vec::new();
    for stream in ["a", "b", "c", "d", "e"] {
        lines.push(schema(
            stream,
            json!({"id": {"type": "integer"}, "n": {"type": "integer"}}),
            &["id"],
        ));
    }
    for n in 0..500 {
        for stream in ["a", "b", "c", "d", "e"] {
            lines.push(record(stream, json!({"id": n % 50, "n": n})));
        }
    }
    lines.push(state(json!({"n": 1})));
    assert_eq!(target.load(&lines), [r#"{"n":1}"#]);
    for stream in ["a", "b", "c", "d", "e"] {
        assert_eq!(
            target.sql(&format!("select count(*), min(n), max(n) from made.{stream}")),
            "50|450|499"
        );
    }
}
