//! Interrupted FULL_TABLE runs that go on, while the table changes.

use std::collections::BTreeMap;

use melisma_testing::postgres::{Database, Options, Server};
use serde_json::{Value, json};

use crate::run::{Outcome, Run, database, database_on};

/// A row fills more than half of a page, so that a range of 1 MiB has 128 rows.
const TABLE: &str = "
    create table t (id int primary key, n int not null, pad text not null);
    alter table t alter pad set storage plain;
    insert into t select i, i, repeat('x', 5000) from generate_series(1, 1000) i";

fn settings() -> Value {
    json!({"full_table_range_mb": 1})
}

/// A server that nobody else uses: what is read again includes all that was written while any transaction was open.
fn server_alone() -> Server {
    Server::start(&Options::default())
}

/// The last `n` of each id, as a target that upserts would have it.
fn upsert(rows: &mut BTreeMap<i64, i64>, outcome: &Outcome) {
    for record in outcome.records("public-t") {
        rows.insert(record["id"].as_i64().unwrap(), record["n"].as_i64().unwrap());
    }
}

/// Asserts that the target has each row as the table has it; rows that were deleted on the way may still be there.
fn assert_complete(database: &Database<'_>, rows: &BTreeMap<i64, i64>) {
    for line in database.sql("select id, n from t").lines() {
        let (id, n) = line.split_once('|').unwrap();
        let (id, n): (i64, i64) = (id.parse().unwrap(), n.parse().unwrap());
        assert_eq!(rows.get(&id), Some(&n), "row {id}");
    }
}

#[test]
fn rows_that_moved_into_what_was_read_are_not_missed() {
    let server = server_alone();
    let database = database_on(&server, TABLE);
    let mut rows = BTreeMap::new();
    let first = Run::on(&database, &settings()).go_until(500);
    assert_eq!(first.code, 143);
    upsert(&mut rows, &first);
    let state = first.state();
    let part = &state["bookmarks"]["public-t"]["full_table"]["parts"][0];
    let read = part["marks"][0][1].as_i64().unwrap();
    assert!((256..1000).contains(&read), "{state}");
    // The first pages become free, and the new versions of the last rows go there.
    database.sql("delete from t where id <= 100; vacuum t");
    database.sql("update t set n = -n where id > 900");
    let page = "select min((ctid::text::point)[0]::int) from t where id > 900";
    assert_eq!(database.sql(page), "0");
    database.sql("update t set n = -n where id between 101 and 110; insert into t values (2000, 2000, 'x')");
    let second = Run::on(&database, &settings()).state(&state).go().ok();
    upsert(&mut rows, &second);
    assert_complete(&database, &rows);
    let again = second.records("public-t").len();
    assert!(again < 800, "{again} rows were read again: {}", second.log);
    assert_eq!(second.state()["bookmarks"]["public-t"]["full_table"], Value::Null);
    // What is complete is not continued.
    let third = Run::on(&database, &settings()).state(&second.state()).go().ok();
    assert_eq!(third.records("public-t").len(), 901);
}

#[test]
fn many_interruptions_and_changes_lose_nothing() {
    let database = database(TABLE);
    let mut rows = BTreeMap::new();
    let mut state = json!({});
    // A generator of its own, so that a failure comes again.
    let mut seed = 12_345_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    for round in 0..12 {
        let outcome = Run::on(&database, &settings())
            .state(&state)
            .go_until(200 + random(200) as usize);
        upsert(&mut rows, &outcome);
        if outcome.code == 0 {
            assert!(round > 1);
            return assert_complete(&database, &rows);
        }
        state = outcome.state();
        for _ in 0..4 {
            let (from, n) = (random(1000), random(1_000_000));
            let to = from + random(40);
            database.sql(&format!("update t set n = {n} where id between {from} and {to}"));
            database.sql(&format!("delete from t where id between {to} and {to} + 10"));
            if random(3) == 0 {
                database.sql("vacuum freeze t");
            }
        }
    }
    let outcome = Run::on(&database, &settings()).state(&state).go().ok();
    upsert(&mut rows, &outcome);
    assert_complete(&database, &rows);
}

#[test]
fn a_transaction_that_was_open_in_the_first_run_is_read_in_the_second() {
    let database = database(TABLE);
    let mut rows = BTreeMap::new();
    let mut open = database
        .psql()
        .args(["-Xq"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut say = |sql: &str| {
        use std::io::Write;
        let stdin = open.stdin.as_mut().unwrap();
        stdin.write_all(sql.as_bytes()).unwrap();
    };
    say("begin; update t set n = -1 where id = 5;\n");
    while database
        .sql("select count(*) from pg_locks where mode = 'RowExclusiveLock' and relation = 't'::regclass")
        == "0"
    {}
    // Transactions that begin and end later have larger numbers than the open one.
    database.sql("update t set n = 77 where id = 6");
    let first = Run::on(&database, &settings()).go_until(500);
    upsert(&mut rows, &first);
    say("commit;\n\\q\n");
    open.wait().unwrap();
    let second = Run::on(&database, &settings()).state(&first.state()).go().ok();
    upsert(&mut rows, &second);
    assert_complete(&database, &rows);
}

#[test]
fn a_rewritten_table_is_read_from_its_start() {
    let database = database(TABLE);
    let first = Run::on(&database, &settings()).go_until(500);
    let state = first.state();
    database.sql("delete from t where id <= 10; vacuum full t");
    let second = Run::on(&database, &settings()).state(&state).go().ok();
    assert_eq!(second.records("public-t").len(), 990);
}

#[test]
fn another_question_or_another_server_begins_anew() {
    let database = database(TABLE);
    let state = Run::on(&database, &settings()).go_until(500).state();
    let all = |state: &Value, more: Value| {
        let outcome = Run::on(&database, &more).state(state).go().ok();
        assert_eq!(outcome.records("public-t").len(), 1000);
        outcome.log
    };
    let log = all(
        &state,
        json!({"stream_options": {"public-t": {"custom_where_clauses": ["id > 0"]}}}),
    );
    assert!(
        log.contains("the selected columns, or settings, are others"),
        "{log}"
    );
    let change = |name: &str, value: Value| {
        let mut state = state.clone();
        state["bookmarks"]["public-t"]["full_table"][name] = value;
        state
    };
    let log = all(&change("history", json!("1/1/1")), settings());
    assert!(log.contains("the server is another"), "{log}");
    let log = all(&change("lsn", json!(u64::MAX)), settings());
    assert!(log.contains("the server is behind"), "{log}");
    let log = all(&change("parts", json!("what?")), settings());
    assert!(log.contains("all rows are read"), "{log}");
}

#[test]
fn resuming_can_be_turned_off() {
    let database = database(TABLE);
    let off = json!({"full_table_range_mb": 1, "full_table_resume": false});
    let first = Run::on(&database, &off).go_until(500);
    assert_eq!(first.code, 143);
    assert_eq!(first.state(), Value::Null);
    let state = Run::on(&database, &settings()).go_until(500).state();
    let second = Run::on(&database, &off).state(&state).go().ok();
    assert_eq!(second.records("public-t").len(), 1000);
    assert_eq!(second.state()["bookmarks"]["public-t"]["full_table"], Value::Null);
}

#[test]
fn several_connections_read_the_same_rows_and_can_be_interrupted() {
    let server = server_alone();
    let database = database_on(&server, TABLE);
    let settings = json!({"full_table_range_mb": 1, "parallelism": 3});
    let outcome = Run::on(&database, &settings).go().ok();
    let mut rows = BTreeMap::new();
    upsert(&mut rows, &outcome);
    assert_eq!(outcome.records("public-t").len(), 1000);
    assert_complete(&database, &rows);

    let first = Run::on(&database, &settings).go_until(500);
    assert_eq!(first.code, 143);
    let mut rows = BTreeMap::new();
    upsert(&mut rows, &first);
    database.sql("update t set n = -n where id % 7 = 0");
    let second = Run::on(&database, &settings).state(&first.state()).go().ok();
    upsert(&mut rows, &second);
    assert_complete(&database, &rows);
    assert!(second.records("public-t").len() < 1000);
}

#[test]
fn the_version_of_an_interrupted_run_goes_on() {
    let database = database(TABLE);
    let settings = json!({"full_table_range_mb": 1, "emit_activate_version_messages": true});
    let version = |outcome: &Outcome, kind: &str| {
        let mut versions: Vec<i64> = outcome
            .messages
            .iter()
            .filter(|message| message["type"] == kind)
            .map(|message| message["version"].as_i64().unwrap())
            .collect();
        versions.dedup();
        versions
    };
    let first = Run::on(&database, &settings).go_until(500);
    let versions = version(&first, "RECORD");
    assert_eq!(versions.len(), 1);
    assert!(version(&first, "ACTIVATE_VERSION").is_empty());
    let second = Run::on(&database, &settings).state(&first.state()).go().ok();
    assert_eq!(version(&second, "RECORD"), versions);
    assert_eq!(version(&second, "ACTIVATE_VERSION"), versions);
    let third = Run::on(&database, &settings).state(&second.state()).go().ok();
    assert_ne!(version(&third, "ACTIVATE_VERSION"), versions);
}

#[test]
fn rows_that_moved_between_partitions_are_not_missed() {
    let server = server_alone();
    let database = database_on(
        &server,
        "create table t (id int, n int not null, pad text not null, k int) partition by list (k);
         create table t1 partition of t for values in (1);
         create table t2 partition of t for values in (2);
         create table t3 partition of t for values in (3);
         alter table t1 alter pad set storage plain; alter table t2 alter pad set storage plain;
         alter table t3 alter pad set storage plain;
         insert into t select i, i, repeat('x', 5000), 1 + i / 400 from generate_series(1, 1000) i",
    );
    let mut rows = BTreeMap::new();
    let first = Run::on(&database, &settings()).go_until(700);
    assert_eq!(first.code, 143);
    upsert(&mut rows, &first);
    let parts = &first.state()["bookmarks"]["public-t"]["full_table"]["parts"];
    assert_eq!(parts.as_array().unwrap().len(), 2, "{parts}");
    // Out of what is to be read into what was read, and the other way; and a partition that is new.
    database.sql("update t set k = 1, n = -n where id > 900; update t set k = 3, n = -n where id < 50");
    database.sql("create table t4 partition of t for values in (4); update t set k = 4, n = -n where id between 400 and 420");
    let second = Run::on(&database, &settings()).state(&first.state()).go().ok();
    upsert(&mut rows, &second);
    assert_complete(&database, &rows);
    let again = second.records("public-t").len();
    assert!(again < 700, "{again} rows were read again");
}

#[test]
fn a_materialized_view_is_resumed_until_it_is_refreshed() {
    let server = server_alone();
    let database = database_on(
        &server,
        &format!(
            "{TABLE}; create materialized view m as select * from t with no data;
         alter materialized view m alter pad set storage plain; refresh materialized view m"
        ),
    );
    let mut catalog = Run::on(&database, &json!({})).discover();
    for stream in catalog["streams"].as_array_mut().unwrap() {
        let selected = stream["tap_stream_id"] == "public-m";
        stream["metadata"][0]["metadata"]["selected"] = selected.into();
    }
    let first = Run::on(&database, &settings()).catalog(&catalog).go_until(500);
    let state = first.state();
    let second = Run::on(&database, &settings())
        .catalog(&catalog)
        .state(&state)
        .go()
        .ok();
    assert!(second.records("public-m").len() < 800);
    database.sql("refresh materialized view m");
    let third = Run::on(&database, &settings())
        .catalog(&catalog)
        .state(&state)
        .go()
        .ok();
    assert_eq!(third.records("public-m").len(), 1000);
}
