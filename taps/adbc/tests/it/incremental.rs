//! INCREMENTAL: bookmarks in the order of the database.

use serde_json::{Value, json};

use crate::database::{ALL, Database, Kind};
use crate::run::{Outcome, Run, incremental};

fn bookmark(outcome: &Outcome) -> Value {
    outcome.state()["bookmarks"]["main-t"]["replication_key_value"].clone()
}

#[test]
fn the_second_run_reads_from_the_bookmark_on() {
    for kind in ALL {
        let database = Database::new(
            kind,
            &[
                "create table t (id integer primary key, seen timestamp)",
                "insert into t values (1, '2024-01-02 00:00:00'), (2, null), (3, '2024-01-01 00:00:00')",
            ],
        );
        let catalog = incremental(&database, "seen");
        let first = Run::on(&database, &json!({})).catalog(&catalog).go().ok();
        assert_eq!(first.values("main-t", "id"), [2, 3, 1], "{kind:?}");
        // A row with the key of the bookmark may come later.
        database.change(&[
            "insert into t values (4, null), (5, '2024-01-01 12:00:00'), (6, '2024-02-01 00:00:00.123456'), \
             (7, '2024-01-02 00:00:00')",
        ]);
        let state = first.state();
        let second = Run::on(&database, &json!({}))
            .catalog(&catalog)
            .state(&state)
            .go()
            .ok();
        let mut ids = second.values("main-t", "id");
        ids.sort_by_key(Value::as_i64);
        assert_eq!(ids, [1, 6, 7], "{kind:?}");
        let state = second.state();
        let third = Run::on(&database, &json!({}))
            .catalog(&catalog)
            .state(&state)
            .go()
            .ok();
        assert_eq!(third.values("main-t", "id"), [6], "{kind:?}");
        assert_eq!(bookmark(&third), bookmark(&second));
        let expected = match kind {
            Kind::DuckDb => "2024-02-01T00:00:00.123456+00:00",
            // As the database has it: it compares texts.
            Kind::Sqlite => "2024-02-01 00:00:00.123456",
        };
        assert_eq!(bookmark(&third), expected);
        assert_eq!(
            third.values("main-t", "seen"),
            ["2024-02-01T00:00:00.123456+00:00"],
            "a record has the same form in both"
        );
    }
}

/// Of three values of each type, in its order, the first two are read; after them, the second and the third.
fn can_be_the_key(kind: Kind, types: &[(&str, [&str; 3])]) {
    let insert = |row: usize| {
        let rows = types.iter().enumerate();
        rows.map(move |(at, (_, values))| format!("insert into t{at:02} values ({row}, {})", values[row]))
    };
    let tables = types.iter().enumerate();
    let tables =
        tables.map(|(at, (sql_type, _))| format!("create table t{at:02} (id integer, k {sql_type})"));
    let statements: Vec<String> = tables.chain(insert(1)).chain(insert(0)).collect();
    let database = Database::new(kind, &statements.iter().map(String::as_str).collect::<Vec<_>>());
    let catalog = incremental(&database, "k");
    let first = Run::on(&database, &json!({})).catalog(&catalog).go().ok();
    let statements: Vec<String> = insert(2).collect();
    database.change(&statements.iter().map(String::as_str).collect::<Vec<_>>());
    let state = first.state();
    let second = Run::on(&database, &json!({}))
        .catalog(&catalog)
        .state(&state)
        .go()
        .ok();
    for (at, (sql_type, _)) in types.iter().enumerate() {
        let stream = format!("main-t{at:02}");
        assert_eq!(first.values(&stream, "id"), [0, 1], "{kind:?} {sql_type}");
        assert_eq!(
            second.values(&stream, "id"),
            [1, 2],
            "{kind:?} {sql_type} {state}"
        );
    }
}

#[test]
fn every_type_with_an_order_can_be_the_key() {
    let of_duckdb = [
        ("TINYINT", ["-5", "9", "127"]),
        ("BIGINT", ["-5", "9007199254740993", "9223372036854775807"]),
        ("UBIGINT", ["0", "9", "18446744073709551615"]),
        ("HUGEINT", ["-5", "9", "170141183460469231731687303715884105727"]),
        (
            "DECIMAL(38,10)",
            ["-1.5", "99", "9999999999999999999999999999.9999999999"],
        ),
        ("DOUBLE", ["-1e300", "0.1", "1e300"]),
        ("FLOAT", ["-1.5", "0.1", "3e30"]),
        ("VARCHAR", ["'it''s'", "'it_s \"\\ é'", "'😀'"]),
        ("BOOLEAN", ["false", "true", "true"]),
        ("DATE", ["'0001-01-01'", "'2024-02-29'", "'9999-12-31'"]),
        (
            "TIMESTAMP",
            [
                "'2024-01-01'",
                "'2024-02-29 01:02:03.5'",
                "'2024-02-29 01:02:03.500001'",
            ],
        ),
        (
            "TIMESTAMP_S",
            ["'2024-01-01'", "'2024-02-29 01:02:03'", "'2024-02-29 01:02:04'"],
        ),
        (
            "TIMESTAMP_MS",
            ["'2024-01-01'", "'2024-02-29 01:02:03.5'", "'2024-02-29 01:02:04'"],
        ),
        (
            "TIMESTAMP_NS",
            [
                "'2024-01-01'",
                "'2024-02-29 01:02:03.123456789'",
                "'2024-02-29 01:02:03.123456790'",
            ],
        ),
        (
            "TIMESTAMPTZ",
            [
                "'2024-01-01 00:00:00+00'",
                "'2024-02-29 01:02:03.5+07'",
                "'2024-03-01 00:00:00+00'",
            ],
        ),
        ("TIME", ["'00:00:00'", "'12:00:00.5'", "'23:59:59.999999'"]),
        (
            "UUID",
            [
                "'00000000-0000-0000-0000-000000000001'",
                "'7fffffff-0000-0000-0000-000000000000'",
                "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            ],
        ),
        ("BLOB", ["'\\x00'::blob", "'\\x7F\\x00'::blob", "'\\xFF'::blob"]),
        ("ENUM('z', 'm', 'a')", ["'z'", "'m'", "'a'"]),
    ];
    can_be_the_key(Kind::DuckDb, &of_duckdb);
    let of_sqlite = [
        ("integer", ["-5", "9007199254740993", "9223372036854775807"]),
        ("real", ["-1e300", "0.1", "1e300"]),
        ("decimal(10,2)", ["-1.5", "99", "9007199254740993"]),
        ("text", ["'it''s'", "'it_s \"\\ é'", "'😀'"]),
        ("varchar(10) collate nocase", ["'a'", "'B'", "'c'"]),
        ("boolean", ["0", "1", "1"]),
        ("date", ["'2023-01-01'", "'2024-02-29'", "'2024-03-01'"]),
        (
            "datetime",
            [
                "'2024-02-29 01:02:03'",
                "'2024-02-29 01:02:03.5'",
                "'2024-02-29 01:02:04'",
            ],
        ),
        ("time", ["'00:00'", "'12:00:00.5'", "'23:59:59'"]),
        ("blob", ["x'00'", "x'7f00'", "x'ff'"]),
    ];
    can_be_the_key(Kind::Sqlite, &of_sqlite);
}

#[test]
fn what_has_no_order_is_no_replication_key() {
    for (kind, sql_type, value) in [
        (Kind::DuckDb, "INTEGER[]", "[1]"),
        (Kind::DuckDb, "JSON", "'{}'"),
        (Kind::DuckDb, "INTERVAL", "'1 day'"),
        (Kind::Sqlite, "json", "'{}'"),
    ] {
        let table = format!("create table t (k {sql_type})");
        let insert = format!("insert into t values ({value})");
        let database = Database::new(kind, &[&table, &insert]);
        let catalog = incremental(&database, "k");
        let run = Run::on(&database, &json!({})).catalog(&catalog).go();
        run.fails(78, &["replication key k: its type", "has no order to read by"]);
    }
}

#[test]
fn a_key_with_nothing_after_it_does_not_move_the_bookmark() {
    let database = Database::new(
        Kind::DuckDb,
        &[
            "create table t (id integer, k double)",
            "insert into t values (1, 1.5), (2, 'inf'), (3, 'nan')",
        ],
    );
    let catalog = incremental(&database, "k");
    let first = Run::on(&database, &json!({})).catalog(&catalog).go().ok();
    assert_eq!(bookmark(&first), 1.5);
    assert!(first.log.contains("do not move the bookmark"), "{}", first.log);
    database.change(&["insert into t values (4, 2.5)"]);
    let state = first.state();
    let second = Run::on(&database, &json!({}))
        .catalog(&catalog)
        .state(&state)
        .go()
        .ok();
    assert_eq!(second.values("main-t", "id"), [1, 4, 2, 3]);
    assert_eq!(bookmark(&second), 2.5);
    let dates = Database::new(
        Kind::DuckDb,
        &[
            "create table t (k date)",
            "insert into t values ('2024-01-01'), ('infinity')",
        ],
    );
    let catalog = incremental(&dates, "k");
    let config = json!({"invalid_date_handling": "clamp"});
    let run = Run::on(&dates, &config).catalog(&catalog).go().ok();
    assert_eq!(bookmark(&run), "2024-01-01");
}

#[test]
fn a_start_date_counts_where_it_is_later_than_the_bookmark_whatever_form_dates_have() {
    for kind in ALL {
        let database = Database::new(
            kind,
            &[
                "create table t (id integer, k timestamp, d date)",
                "insert into t values (1, '2024-01-01 04:00:00', '2024-01-01'), (2, '2024-01-01 06:00:00', '2024-01-02'), \
                 (3, '2024-01-02 00:00:00', '2024-01-03'), (4, null, null)",
            ],
        );
        for (key, start_date, expected) in [
            ("k", "2024-01-01T05:00:00Z", vec![2, 3]),
            ("k", "2024-01-01T07:30:00+02:00", vec![2, 3]),
            ("k", "2024-01-02", vec![3]),
            ("d", "2024-01-02", vec![2, 3]),
            ("d", "2024-01-03T00:00:00Z", vec![3]),
        ] {
            let catalog = incremental(&database, key);
            let config = json!({"start_date": start_date});
            let run = Run::on(&database, &config).catalog(&catalog).go().ok();
            assert_eq!(
                run.values("main-t", "id"),
                expected,
                "{kind:?} {key} {start_date}"
            );
            let state = run.state();
            let later = json!({"start_date": "2023-01-01"});
            let run = Run::on(&database, &later)
                .catalog(&catalog)
                .state(&state)
                .go()
                .ok();
            assert_eq!(run.values("main-t", "id"), [3], "{kind:?}: the bookmark is later");
        }
    }
}

#[test]
fn limits_and_clauses_choose_rows() {
    for kind in ALL {
        let database = Database::new(
            kind,
            &[
                "create table t (id integer)",
                "insert into t values (5), (1), (4), (2), (3), (1), (1)",
            ],
        );
        let catalog = incremental(&database, "id");
        let config = json!({
            "max_record_count": 2,
            "stream_options": {"main-t": {"custom_where_clauses": ["t.id > 1 -- not the first", "id < 5"]}},
        });
        let first = Run::on(&database, &config).catalog(&catalog).go().ok();
        assert_eq!(first.values("main-t", "id"), [2, 3], "{kind:?}");
        let state = first.state();
        let second = Run::on(&database, &config)
            .catalog(&catalog)
            .state(&state)
            .go()
            .ok();
        assert_eq!(second.values("main-t", "id"), [3, 4], "{kind:?}");
        let whole = Run::on(&database, &config).go().ok();
        assert_eq!(whole.records("main-t").len(), 2, "FULL_TABLE, too");
        let stuck = json!({"max_record_count": 3});
        let first = Run::on(&database, &stuck).catalog(&catalog).go().ok();
        let state = first.state();
        let second = Run::on(&database, &stuck)
            .catalog(&catalog)
            .state(&state)
            .go()
            .ok();
        assert!(
            second.log.contains("so the next run will read the same"),
            "{}",
            second.log
        );
    }
}

#[test]
fn a_run_that_is_stopped_resumes_where_it_was() {
    for kind in ALL {
        let numbers = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 30000)";
        let fill = format!("insert into t {numbers} select i, 'row ' || i from n");
        let database = Database::new(kind, &["create table t (id integer, v varchar)", &fill]);
        let catalog = incremental(&database, "id");
        let first = Run::on(&database, &json!({})).catalog(&catalog).go_until(10_000);
        assert_eq!(first.code, 143, "{}", first.log);
        let state = first.state();
        let at = bookmark(&first).as_u64().expect("a number");
        assert!((9_000..30_000).contains(&at), "{kind:?} {at}");
        let second = Run::on(&database, &json!({}))
            .catalog(&catalog)
            .state(&state)
            .go()
            .ok();
        assert_eq!(second.values("main-t", "id")[0], at, "{kind:?}");
        let mut ids = first.values("main-t", "id");
        ids.extend(second.values("main-t", "id"));
        let mut ids: Vec<u64> = ids.iter().filter_map(Value::as_u64).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 30_000, "{kind:?}");
    }
}
