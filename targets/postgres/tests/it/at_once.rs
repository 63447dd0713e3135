//! Two runs at once that mean the same table.

use std::thread;
use std::time::Duration;

use melisma_processes::Outcome;
use serde_json::{Value, json};

use crate::driver::{Target, plain, record, schema, state};

fn row(id: i64, t: &str) -> Value {
    record("s", json!({"id": id, "t": t}))
}

/// Waits until the server says yes.
fn wait_for(target: &Target, sql: &str) {
    while target.sql(sql) != "t" {
        thread::sleep(Duration::from_millis(10));
    }
}

const LOADED: &str = "select to_regclass('s') is not null";
const WAITS: &str = "select count(*) > 0 from pg_locks where locktype = 'advisory' and not granted";

/// Settings that make every row durable at once.
fn settings() -> Value {
    json!({"batch_size_rows": 1, "state_interval_seconds": 0})
}

#[test]
fn a_second_run_waits_for_a_first_load_and_both_end_well() {
    let target = Target::new(settings());
    let mut first = target.start();
    first.send([plain(&["id"]), row(0, "a"), row(1, "a"), state(json!({"n": 1}))]);
    wait_for(&target, LOADED);
    let mut second = target.start();
    second.send([plain(&["id"]), row(1, "b"), row(2, "b"), state(json!({"n": 2}))]);
    wait_for(&target, WAITS);
    first.send([row(0, "c"), state(json!({"n": 3}))]);
    let (first, second) = (first.finish(), second.finish());
    assert_eq!(
        (first.code, second.code),
        (Some(0), Some(0)),
        "{}\n{}",
        first.stderr,
        second.stderr
    );
    assert_eq!(target.sql("select id, t from s order by id"), "0|c\n1|b\n2|b");
    assert_eq!(
        (
            target.key("s"),
            target.sql("select obj_description('s'::regclass)")
        ),
        ("id".to_owned(), String::new())
    );
}

#[test]
fn a_first_load_that_lives_longer_than_others_wait_is_told_to_them() {
    let mut target = Target::new(settings());
    let mut first = target.start();
    first.send([plain(&["id"]), row(0, "a")]);
    wait_for(&target, LOADED);
    target.with(json!({"lock_timeout_seconds": 0.2}));
    let states = target.fail(
        &[plain(&["id"]), row(1, "b"), state(json!({"n": 1}))],
        75,
        &[
            "cannot wait for another run's first load of \"public\".\"s\"",
            "holds the lock of a first load",
        ],
    );
    assert_eq!(states, Vec::<String>::new());
    // One that overwrites must not pull the table away.
    target.with(json!({"lock_timeout_seconds": 0.2, "load_method": "overwrite"}));
    target.fail(&[plain(&["id"]), row(1, "b")], 75, &["first load"]);
    first.send([row(2, "a")]);
    let first = first.finish();
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert_eq!(target.sql("select id, t from s order by id"), "0|a\n2|a");
    target.load(&[plain(&["id"]), row(1, "b")]);
    assert_eq!(
        (target.key("s"), target.sql("select id, t from s")),
        ("id".to_owned(), "1|b".to_owned())
    );
}

#[test]
fn a_run_that_is_killed_in_its_first_load_is_not_waited_for() {
    let target = Target::new(settings());
    let mut first = target.start();
    first.send([plain(&["id"]), row(0, "a"), row(0, "b")]);
    wait_for(&target, LOADED);
    wait_for(&target, "select count(*) = 2 from s");
    let mut second = target.start();
    second.send([plain(&["id"]), row(1, "b")]);
    wait_for(&target, WAITS);
    first.kill();
    let second = second.finish();
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    assert!(
        second.stderr.contains("finishing a first load"),
        "{}",
        second.stderr
    );
    assert_eq!(
        (target.key("s"), target.sql("select id, t from s order by id")),
        ("id".to_owned(), "0|b\n1|b".to_owned())
    );
}

/// Runs so many at once on the same lines, and says how they ended.
fn together(target: &Target, runs: usize, lines: impl Fn(usize) -> Vec<Value>) -> Vec<Outcome> {
    let mut children: Vec<_> = (0..runs).map(|_| target.start()).collect();
    for (run, child) in children.iter_mut().enumerate() {
        // One that fails does not read to the end; how it ended says so.
        child.send(lines(run));
    }
    let ends: Vec<_> = children
        .into_iter()
        .map(|child| thread::spawn(|| child.finish()))
        .collect();
    ends.into_iter().map(|ran| ran.join().expect("ended")).collect()
}

#[test]
fn runs_that_make_the_same_schema_tables_and_columns_at_once_end_well() {
    for round in 0..3 {
        let mut target = Target::new(json!({}));
        let schema_name = format!("made{round}");
        for state_in_target in [false, true] {
            target.with(json!({"default_target_schema": schema_name, "state_in_target": state_in_target}));
            let text = json!({"type": ["string", "null"]});
            // The second time a column is new.
            let more = if state_in_target { "u" } else { "t" };
            let lines = |run: usize| -> Vec<Value> {
                let properties = json!({"id": {"type": "integer"}, "t": text, more: text});
                let interval = json!({"id": {"type": "string", "x-sql-datatype": "interval"}, more: text});
                vec![
                    schema("keyed", properties.clone(), &["id"]),
                    schema("plain", properties, &[]),
                    schema("compared", interval, &["id"]),
                    record("keyed", json!({"id": 1, more: "x"})),
                    record("keyed", json!({"id": 10 + run, more: "x"})),
                    record("plain", json!({"id": 1, more: "x"})),
                    record(
                        "compared",
                        json!({"id": if run == 0 { "1 day" } else { "24:00" }, more: "x"}),
                    ),
                    state(json!({"n": run})),
                ]
            };
            for ran in together(&target, 3, lines) {
                assert_eq!(ran.code, Some(0), "{}", ran.stderr);
                assert_eq!(ran.states().len(), 1);
            }
            let count = |table: &str| {
                target.sql(&format!(
                    "select count(*) from {schema_name}.{table} where {more} = 'x'"
                ))
            };
            let expected = if state_in_target && more == "t" { "6" } else { "3" };
            assert_eq!(
                (&*count("keyed"), &*count("plain"), &*count("compared")),
                ("4", expected, "1")
            );
        }
    }
}

#[test]
fn runs_that_upsert_the_same_keys_at_once_end_well_or_are_to_be_run_again() {
    let target = Target::new(json!({"batch_size_rows": 50}));
    target.load(&[plain(&["id"])]);
    let lines = |run: usize| -> Vec<Value> {
        let ids: Vec<i64> = if run.is_multiple_of(2) {
            (0..400).collect()
        } else {
            (0..400).rev().collect()
        };
        let rows = ids.into_iter().map(|id| row(id, &format!("{run}")));
        std::iter::once(plain(&["id"]))
            .chain(rows)
            .chain([state(json!({"n": run}))])
            .collect()
    };
    for ran in together(&target, 4, lines) {
        assert!(matches!(ran.code, Some(0 | 75)), "{:?} {}", ran.code, ran.stderr);
        assert_eq!(
            ran.states().len(),
            usize::from(ran.code == Some(0)),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(target.sql("select count(*) from s"), "400");
}

#[test]
fn runs_that_overwrite_a_table_at_once_leave_the_rows_of_one() {
    for before in ["", "create table s (id bigint primary key, t text)"] {
        let target = Target::new(json!({"load_method": "overwrite"}));
        target.sql(before);
        let lines = |run: usize| -> Vec<Value> {
            let rows = (0..20).map(|id| row(id, &format!("{run}")));
            std::iter::once(plain(&["id"])).chain(rows).collect()
        };
        for ran in together(&target, 3, lines) {
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        }
        assert_eq!(target.sql("select count(*), count(distinct t) from s"), "20|1");
        assert_eq!(target.key("s"), "id");
    }
}
