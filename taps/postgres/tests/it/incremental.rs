//! INCREMENTAL: bookmarks in the order of the database.

use melisma_testing::postgres::Database;
use serde_json::{Value, json};

use crate::run::{Outcome, Run, database};

/// The discovered catalog, all selected, read by this replication key.
fn catalog(database: &Database<'_>, key: &str) -> Value {
    let mut catalog = Run::on(database, &json!({})).discover();
    for stream in catalog["streams"].as_array_mut().unwrap() {
        let root = &mut stream["metadata"][0]["metadata"];
        root["selected"] = true.into();
        root["replication-method"] = "INCREMENTAL".into();
        root["replication-key"] = key.into();
    }
    catalog
}

fn bookmark(outcome: &Outcome) -> Value {
    outcome.state()["bookmarks"]["public-t"]["replication_key_value"].clone()
}

#[test]
fn the_second_run_reads_from_the_bookmark_on() {
    let database = database(
        "create table t (id int primary key, at timestamptz);
         insert into t values (1, '2024-01-02 00:00Z'), (2, null), (3, '2024-01-01 00:00Z')",
    );
    let catalog = catalog(&database, "at");
    let first = Run::on(&database, &json!({})).catalog(&catalog).go().ok();
    assert_eq!(first.values("public-t", "id"), [2, 3, 1]);
    assert_eq!(bookmark(&first), "2024-01-02T00:00:00.000000+00:00");
    database
        .sql("insert into t values (4, null), (5, '2024-01-01 12:00Z'), (6, '2024-02-01 00:00:00.123456Z')");
    let second = Run::on(&database, &json!({}))
        .catalog(&catalog)
        .state(&first.state())
        .go()
        .ok();
    assert_eq!(second.values("public-t", "id"), [1, 6]);
    assert_eq!(bookmark(&second), "2024-02-01T00:00:00.123456+00:00");
    let third = Run::on(&database, &json!({}))
        .catalog(&catalog)
        .state(&second.state())
        .go()
        .ok();
    assert_eq!(third.values("public-t", "id"), [6]);
    assert_eq!(bookmark(&third), bookmark(&second));
}

#[test]
fn every_type_with_an_order_can_be_the_key() {
    let long = "123456789012345678901234567890.12345678901234567890";
    for (sql_type, values) in [
        ("bigint", ["-5", "9", "9223372036854775807"]),
        ("numeric", ["-1.5", "99", long]),
        ("double precision", ["-1e300", "0.1", "1e300"]),
        ("real", ["-1.5", "0.1", "3e30"]),
        ("text collate \"C\"", ["it's", "it_s \"\\ é", "😀"]),
        // In this collation a is before B, and - counts for nothing at first.
        ("text collate \"und-x-icu\"", ["a-b", "aB", "Z"]),
        ("char(5)", ["a", "b", "c"]),
        ("date", ["0044-03-15 BC", "2024-02-29", "infinity"]),
        (
            "timestamp(0)",
            ["0044-03-15 BC", "2024-02-29 01:02:03", "12024-01-01"],
        ),
        (
            "timestamptz",
            ["-infinity", "2024-02-29 01:02:03.5+07", "infinity"],
        ),
        ("time", ["00:00", "12:00:00.5", "24:00"]),
        ("timetz", ["00:00+02", "12:00:00.5-07", "23:00-15:59:59"]),
        ("interval", ["-1 month", "1 day -00:00:01", "1 year"]),
        (
            "uuid",
            [
                "00000000-0000-0000-0000-000000000001",
                "7fffffff-0000-0000-0000-000000000000",
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
            ],
        ),
        ("bytea", ["\\x00", "\\x7f00", "\\xff"]),
        ("inet", ["10.0.0.0/8", "10.0.0.1", "::1"]),
        (
            "macaddr",
            ["00:00:00:00:00:01", "08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"],
        ),
        ("bit varying", ["0", "01", "1"]),
        ("oid", ["1", "2147483648", "4294967295"]),
        ("pg_lsn", ["0/1", "16/B374D848", "FFFFFFFF/FFFFFFFF"]),
        ("boolean", ["false", "true", "true"]),
        ("int4range", ["empty", "[1,2)", "[5,)"]),
    ] {
        let database = database(&format!("create table t (id int primary key, k {sql_type})"));
        for (id, value) in values.iter().enumerate() {
            database.sql(&format!(
                "insert into t values ({id}, '{}')",
                value.replace('\'', "''")
            ));
        }
        let catalog = catalog(&database, "k");
        let settings = json!({"invalid_date_handling": "text"});
        let first = Run::on(&database, &settings).catalog(&catalog).go().ok();
        let ids = first.values("public-t", "id");
        assert!(ids == [0, 1, 2] || sql_type == "boolean", "{sql_type}: {ids:?}");
        let half = Run::on(
            &database,
            &json!({"max_record_count": 2, "invalid_date_handling": "text"}),
        )
        .catalog(&catalog)
        .go()
        .ok();
        let rest = Run::on(&database, &settings)
            .catalog(&catalog)
            .state(&half.state())
            .go()
            .ok();
        assert_eq!(
            rest.values("public-t", "id"),
            [1, 2],
            "{sql_type}: {}",
            half.state()
        );
        assert_eq!(bookmark(&rest), bookmark(&first), "{sql_type}");
    }
}

#[test]
fn a_key_without_an_order_or_without_a_column_is_refused() {
    let database = database("create table t (id int primary key, j json, a int[])");
    for (key, message) in [
        ("j", "replication key j: its type json has no order to read by"),
        (
            "a",
            "replication key a: its type integer[] has no order to read by",
        ),
        (
            "x",
            "replication key: expected a column that may be read, found x",
        ),
    ] {
        let catalog = catalog(&database, key);
        let outcome = Run::on(&database, &json!({})).catalog(&catalog).go();
        assert_eq!(outcome.code, 78, "{}", outcome.log);
        assert!(outcome.log.contains(message), "{}", outcome.log);
    }
}

#[test]
fn start_date_counts_where_it_is_later_than_the_bookmark() {
    let database = database(
        "create table t (id int primary key, at timestamp);
         insert into t values (0, null), (1, '2024-01-01'), (2, '2024-02-01'), (3, '2024-03-01')",
    );
    let catalog = catalog(&database, "at");
    for dates_as_string in [false, true] {
        let settings = |date: &str| json!({"start_date": date, "dates_as_string": dates_as_string});
        let first = Run::on(&database, &settings("2024-01-15"))
            .catalog(&catalog)
            .go()
            .ok();
        assert_eq!(first.values("public-t", "id"), [2, 3]);
        let state = first.state();
        let later = Run::on(&database, &settings("2024-02-15T00:00:00Z"))
            .catalog(&catalog)
            .state(&state)
            .go()
            .ok();
        assert_eq!(later.values("public-t", "id"), [3]);
    }
}

#[test]
fn limits_and_clauses() {
    let database = database(
        "create table t (id int primary key, k int); insert into t select i, i / 3 from generate_series(0, 29) i",
    );
    let catalog = catalog(&database, "k");
    let clauses = json!({"public-t": {"custom_where_clauses": ["id % 2 = 0 -- even", "id < 10 or id > 20"]}});
    let outcome = Run::on(&database, &json!({"stream_options": clauses, "limit": 6}))
        .catalog(&catalog)
        .go()
        .ok();
    assert_eq!(outcome.values("public-t", "id"), [0, 2, 4, 6, 8, 22]);
    // More rows with one key than the limit allows: the next run cannot get past them.
    let settings = json!({"max_record_count": 2});
    let mut state = json!({"bookmarks": {"public-t": {"replication_key": "k", "replication_key_value": 4}}});
    let outcome = Run::on(&database, &settings)
        .catalog(&catalog)
        .state(&state)
        .go()
        .ok();
    assert_eq!(outcome.values("public-t", "k"), [4, 4]);
    assert!(
        outcome.log.contains("so the next run will read the same"),
        "{}",
        outcome.log
    );
    state = outcome.state();
    assert_eq!(state["bookmarks"]["public-t"]["replication_key_value"], 4);
}

#[test]
fn an_interrupted_run_goes_on_where_it_stopped() {
    let database = database(
        "create table t (id int primary key, pad text);
         insert into t select i, repeat('x', 500) from generate_series(1, 20000) i",
    );
    let catalog = catalog(&database, "id");
    let first = Run::on(&database, &json!({})).catalog(&catalog).go_until(5_000);
    assert_eq!(first.code, 143);
    let read = first.values("public-t", "id").last().unwrap().as_i64().unwrap();
    let value = bookmark(&first).as_i64().unwrap();
    assert!(value <= read && value > read - 2, "{value} of {read}");
    let second = Run::on(&database, &json!({}))
        .catalog(&catalog)
        .state(&first.state())
        .go()
        .ok();
    let ids = second.values("public-t", "id");
    assert_eq!(ids.first().unwrap(), value);
    assert_eq!(i64::try_from(ids.len()).unwrap(), 20_001 - value);
}

#[test]
fn log_based_is_refused() {
    let database = database("create table t (id int primary key)");
    let mut catalog = catalog(&database, "id");
    catalog["streams"][0]["metadata"][0]["metadata"]["replication-method"] = "LOG_BASED".into();
    let outcome = Run::on(&database, &json!({})).catalog(&catalog).go();
    assert_eq!(outcome.code, 78);
    assert!(
        outcome.log.contains("LOG_BASED is asked for, but"),
        "{}",
        outcome.log
    );
    assert!(outcome.messages.is_empty(), "{:?}", outcome.messages);
}

/// Begins anew in a database, which takes less time than another database.
fn again(database: &Database<'_>, sql: &str) {
    database.sql(&format!("drop table if exists t; {sql}"));
}

/// The state as a runner in Python hands it on: every number that is not whole became a double.
fn through_doubles(state: &Value) -> Value {
    match state {
        Value::Object(members) => members
            .iter()
            .map(|(k, v)| (k.clone(), through_doubles(v)))
            .collect(),
        Value::Number(number) if !number.is_i64() || number.as_i64().is_some_and(|n| n.abs() > 1 << 53) => {
            json!(number.as_f64().unwrap())
        }
        other => other.clone(),
    }
}

#[test]
fn a_bookmark_survives_every_json_reader() {
    let database = database("");
    for (sql_type, key) in [
        ("numeric", "1704067200.999999999"),
        ("numeric(30,10)", "12345678901234567890.0123456789"),
        ("numeric", "123456789012345678901234567890"),
        ("numeric", "0.000000000000000000000000000000000001"),
        ("bigint", "9007199254740993"),
        ("bigint", "-9223372036854775808"),
        ("double precision", "0.1"),
        ("double precision", "1.7976931348623157e308"),
        ("real", "16777217.1"),
        ("bigint", "7"),
    ] {
        for settings in [json!({}), json!({"use_singer_decimal": true})] {
            again(
                &database,
                &format!(
                    "create table t (id int primary key, k {sql_type}); insert into t values (1, '{key}')"
                ),
            );
            let catalog = catalog(&database, "k");
            let first = Run::on(&database, &settings).catalog(&catalog).go().ok();
            database.sql(&format!("insert into t values (2, '{key}')"));
            for state in [first.state(), through_doubles(&first.state())] {
                let second = Run::on(&database, &settings)
                    .catalog(&catalog)
                    .state(&state)
                    .go()
                    .ok();
                assert_eq!(
                    second.values("public-t", "id"),
                    [1, 2],
                    "{sql_type} {key}: {state}"
                );
            }
        }
    }
}

#[test]
fn a_bookmark_that_is_a_number_or_its_text_is_read_alike() {
    let database = database(
        "create table t (id int primary key, k numeric); insert into t select i, i from generate_series(1, 4) i",
    );
    let catalog = catalog(&database, "k");
    for value in [json!(3), json!("3"), json!(3.0), json!("3.0")] {
        let state =
            json!({"bookmarks": {"public-t": {"replication_key": "k", "replication_key_value": value}}});
        let outcome = Run::on(&database, &json!({}))
            .catalog(&catalog)
            .state(&state)
            .go()
            .ok();
        assert_eq!(outcome.values("public-t", "id"), [3, 4], "{state}");
    }
}

#[test]
fn a_key_with_nothing_after_it_or_changed_by_a_policy_is_no_bookmark() {
    let database = database("");
    let all = ["null", "clamp", "text"];
    for (sql_type, plain, special, later, policies) in [
        ("timestamp", "2024-01-01", "infinity", "2030-01-01", &all[..]),
        ("timestamptz", "2024-01-01Z", "infinity", "2030-01-01Z", &all[..]),
        ("date", "2024-01-01", "infinity", "2030-01-01", &all[..]),
        ("date", "2024-01-01", "12024-01-01", "2030-01-01", &all[..2]),
        (
            "timestamptz",
            "2024-01-01Z",
            "294276-12-31Z",
            "2030-01-01Z",
            &all[..2],
        ),
        ("double precision", "1.5", "NaN", "1e300", &all[..1]),
        ("double precision", "1.5", "Infinity", "1e300", &all[..1]),
        ("real", "1.5", "NaN", "1e30", &all[..1]),
        ("numeric", "1.5", "NaN", "1e40", &all[..1]),
    ] {
        for policy in policies {
            let settings = json!({"invalid_date_handling": policy});
            again(
                &database,
                &format!(
                    "create table t (id int primary key, k {sql_type}); insert into t values (1, '{plain}'), (2, '{special}')"
                ),
            );
            let catalog = catalog(&database, "k");
            let first = Run::on(&database, &settings).catalog(&catalog).go().ok();
            assert_eq!(first.values("public-t", "id"), [1, 2], "{sql_type} {special}");
            assert_eq!(
                first.log.matches("do not move the bookmark").count(),
                1,
                "{}",
                first.log
            );
            database.sql(&format!("insert into t values (3, '{later}')"));
            let second = Run::on(&database, &settings)
                .catalog(&catalog)
                .state(&first.state())
                .go()
                .ok();
            assert_eq!(
                second.values("public-t", "id"),
                [1, 3, 2],
                "{sql_type} {special} {policy}: {}",
                first.state()
            );
        }
    }
}

#[test]
fn keys_that_are_all_infinite_leave_no_bookmark() {
    let database = database(
        "create table t (id int primary key, at timestamp);
         insert into t values (1, '-infinity'), (2, 'infinity'), (3, null)",
    );
    let (catalog, settings) = (catalog(&database, "at"), json!({"dates_as_string": true}));
    let first = Run::on(&database, &settings).catalog(&catalog).go().ok();
    assert_eq!(bookmark(&first), Value::Null);
    database.sql("insert into t values (4, '2024-01-01')");
    let second = Run::on(&database, &settings)
        .catalog(&catalog)
        .state(&first.state())
        .go()
        .ok();
    assert_eq!(second.values("public-t", "id"), [3, 1, 4, 2]);
    assert_eq!(bookmark(&second), "2024-01-01T00:00:00.000000+00:00");
}

#[test]
fn a_bookmark_of_an_earlier_release_that_ended_the_stream_is_not_used() {
    let database = database(
        "create table t (id int primary key, at timestamp);
         insert into t values (1, '2024-01-01'), (2, 'infinity')",
    );
    let catalog = catalog(&database, "at");
    let state =
        json!({"bookmarks": {"public-t": {"replication_key": "at", "replication_key_value": "infinity"}}});
    let outcome = Run::on(&database, &json!({"invalid_date_handling": "null"}))
        .catalog(&catalog)
        .state(&state)
        .go()
        .ok();
    assert_eq!(outcome.values("public-t", "id"), [1, 2]);
    assert!(outcome.log.contains("has no rows after it"), "{}", outcome.log);
    assert_eq!(bookmark(&outcome), "2024-01-01T00:00:00.000000+00:00");
}

#[test]
fn a_forced_method_or_a_key_alone_makes_a_discovered_stream_incremental() {
    let database =
        database("create table t (id int primary key, at timestamp); insert into t values (1, now())");
    for metadata in [
        json!({"forced-replication-method": "INCREMENTAL", "replication-key": "at"}),
        json!({"replication-key": "at"}),
        json!({"replication-method": "INCREMENTAL", "replication-key": "at"}),
    ] {
        let mut catalog = Run::on(&database, &json!({})).discover();
        let root = catalog["streams"][0]["metadata"][0]["metadata"]
            .as_object_mut()
            .unwrap();
        root.insert("selected".into(), true.into());
        root.extend(metadata.as_object().unwrap().clone());
        let outcome = Run::on(&database, &json!({})).catalog(&catalog).go().ok();
        assert_eq!(
            outcome.state()["bookmarks"]["public-t"]["replication_key"],
            "at",
            "{metadata}"
        );
    }
}
