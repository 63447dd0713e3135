//! A server that others use and administer.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::driver::{Target, plain, record, state};

fn settings(load_method: &str) -> Value {
    json!({"state_interval_seconds": 0, "load_method": load_method})
}

fn first_rows() -> [Value; 3] {
    [
        plain(&["id"]),
        record("s", json!({"id": 1, "t": "a"})),
        state(json!({"n": 1})),
    ]
}

/// Ends every session of the database but the one that asks.
const TERMINATE: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                         where datname = current_database() and pid <> pg_backend_pid()";

#[test]
fn a_tap_that_is_quiet_for_longer_than_the_server_likes_loses_no_session() {
    for timeout in ["idle_session_timeout", "idle_in_transaction_session_timeout"] {
        for method in ["upsert", "append", "overwrite"] {
            let target = Target::new(settings(method));
            let name = target.database.name().to_owned();
            target.sql(&format!("alter database {name} set {timeout} = '100ms'"));
            let mut child = target.start();
            child.send(first_rows());
            if method == "overwrite" {
                while target.sql("select count(*) from pg_stat_activity where datname = current_database()")
                    != "3"
                {
                    thread::sleep(Duration::from_millis(10));
                }
            } else {
                child.says(r#"{"n":1}"#);
            }
            thread::sleep(Duration::from_millis(600));
            // The second stream asks the catalog.
            child.send([
                record("s", json!({"id": 2, "t": "b"})),
                crate::driver::schema("other", json!({"id": {"type": "integer"}}), &[]),
                state(json!({"n": 2})),
            ]);
            let ran = child.finish();
            assert_eq!(ran.code, Some(0), "{timeout} {method}: {}", ran.stderr);
            assert_eq!(ran.states().last().map(String::as_str), Some(r#"{"n":2}"#));
            assert_eq!(target.sql("select * from s order by id"), "1|a\n2|b");
        }
    }
}

#[test]
fn a_session_that_is_ended_between_two_commits_is_opened_again() {
    for method in ["upsert", "append"] {
        let target = Target::new(settings(method));
        // Once in a first load, and once where there is a stage to lose.
        for round in ["x", "y"] {
            let mut child = target.start();
            child.send(first_rows());
            child.says(r#"{"n":1}"#);
            target.sql(TERMINATE);
            let more = [
                record("s", json!({"id": 2, "t": round})),
                crate::driver::schema("other", json!({"id": {"type": "integer"}}), &[]),
                state(json!({"n": 2})),
            ];
            child.send(&more);
            let ran = child.finish();
            assert_eq!(ran.code, Some(0), "{method}: {}", ran.stderr);
            assert_eq!(ran.states().last().map(String::as_str), Some(r#"{"n":2}"#));
            assert!(ran.stderr.contains("connecting again"), "{}", ran.stderr);
            let last = target.sql("select t from s where id = 2 order by t desc limit 1");
            assert_eq!(last, round);
        }
    }
}

#[test]
fn a_session_that_is_ended_in_a_transaction_ends_the_run() {
    let target = Target::new(json!({"load_method": "overwrite"}));
    target.load(&[plain(&["id"]), record("s", json!({"id": 7, "t": "old"}))]);
    let mut child = target.start();
    child.send(first_rows());
    let open = "select count(*) from pg_locks where locktype = 'advisory' and granted and \
                database = (select oid from pg_database where datname = current_database())";
    while target.sql(open) == "0" {
        thread::sleep(Duration::from_millis(10));
    }
    target.sql(TERMINATE);
    let ran = child.finish();
    assert_eq!(ran.code, Some(69), "{}", ran.stderr);
    assert_eq!(ran.states(), Vec::<String>::new());
    assert_eq!(target.sql("select * from s"), "7|old");
}

#[test]
fn a_server_without_room_for_another_connection_is_try_again() {
    let mut target = Target::new(json!({}));
    target.sql("create role has_one_connection login password 'p' connection limit 1");
    target.with(json!({"user": "has_one_connection", "password": "p"}));
    target.fail(&[plain(&[])], 75, &["SQLSTATE 53300"]);
}

#[test]
fn a_statement_that_runs_into_a_time_limit_of_the_role_is_try_again() {
    let mut target = Target::new(json!({}));
    target.sql(
        "create role is_hurried login password 'p'; alter role is_hurried set statement_timeout = '200ms'; \
         create table s (id bigint, t text); grant all on s to is_hurried; \
         create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(5); return new; end $$; \
         create trigger slow before insert on s for each row execute function slow()",
    );
    target.with(json!({"user": "is_hurried", "password": "p"}));
    target.fail(
        &[plain(&[]), record("s", json!({"id": 1}))],
        75,
        &["statement timeout", "SQLSTATE 57014"],
    );
}
