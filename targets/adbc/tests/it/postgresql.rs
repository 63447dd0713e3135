//! What only a server does: other users of its tables, and being away.

use serde_json::json;

use crate::database::{Database, Kind, record, schema, state};

#[test]
fn rows_that_others_refer_to_stay_in_place_and_types_of_others_are_kept() {
    let database = Database::new(Kind::Postgresql);
    database.change(
        "CREATE TABLE orders (id integer PRIMARY KEY, v varchar(10), total numeric, doc json, at timestamp);
         INSERT INTO orders VALUES (1, 'old');
         CREATE TABLE items (id int REFERENCES orders); INSERT INTO items VALUES (1);
         CREATE VIEW names AS SELECT id, v FROM orders",
    );
    let properties = json!({
        "id": {"type": "integer"}, "v": {"type": "string"}, "total": {"type": "number"}, "doc": {"type": "object"},
        "at": {"type": "string", "format": "date-time"},
    });
    let row = |id: i64| json!({"id": id, "v": "new", "total": 0.25, "doc": {"a": 1}, "at": "2024-02-29T12:00:00+02:00"});
    let lines = [
        schema("orders", &properties, &["id"]),
        record("orders", &row(1)),
        record("orders", &row(2)),
        state(&json!(1)),
    ];
    database.load(&json!({}), &lines).ok();
    let rows = database
        .rows("SELECT n.id, n.v, total::text, doc, at FROM names n JOIN orders USING (id) ORDER BY 1");
    let row = |id: i64| json!([id, "new", "0.25", "{\"a\":1}", "2024-02-29T10:00:00"]);
    assert_eq!(rows, json!([row(1), row(2)]));
    let run = database.load(
        &json!({}),
        &[
            lines[0].clone(),
            record("orders", &json!({"id": 3, "v": "x".repeat(11)})),
        ],
    );
    run.fails(65, &["SQLSTATE 22001"]);
    assert_eq!(database.rows("SELECT count(*) FROM orders"), json!([[2]]));
}

#[test]
fn several_connections_load_at_once() {
    let database = Database::new(Kind::Postgresql);
    let properties = json!({"id": {"type": "integer"}});
    let mut lines: Vec<_> = (0..6)
        .map(|stream| schema(&format!("s{stream}"), &properties, &["id"]))
        .collect();
    for id in 0..100 {
        lines.extend((0..6).map(|stream| record(&format!("s{stream}"), &json!({"id": id}))));
    }
    lines.push(state(&json!(1)));
    let config = json!({"max_parallelism": 3, "batch_size_rows": 10});
    assert_eq!(database.load(&config, &lines).ok().states(), ["1"]);
    for stream in 0..6 {
        let rows = database.rows(&format!("SELECT count(*), count(DISTINCT id) FROM s{stream}"));
        assert_eq!(rows, json!([[100, 100]]));
    }
}

#[test]
fn a_text_that_the_server_cannot_hold_is_refused() {
    let database = Database::new(Kind::Postgresql);
    let lines = [
        schema("a", &json!({"v": {"type": "string"}}), &[]),
        record("a", &json!({"v": "a\u{0}b"})),
    ];
    database.load(&json!({}), &lines).fails(65, &["SQLSTATE 22021"]);
}

#[test]
fn a_server_that_is_away_or_refuses_the_user_is_said_without_the_password() {
    let database = Database::new(Kind::Postgresql);
    let away = json!({"uri": "postgresql://u:hunter2-secret@127.0.0.1:1/x"});
    let run = database.load(&away, &[]).fails(69, &["127.0.0.1", "refused"]);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    let server = database.on_server();
    let wrong = json!({"uri": format!("postgresql://u:hunter2-secret@127.0.0.1:{}/x", server.port())});
    let run = database.load(&wrong, &[]).fails(69, &["authentication failed"]);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
}

#[test]
fn the_driver_is_found_and_says_what_it_is() {
    let database = Database::new(Kind::Postgresql);
    let folder = crate::database::packaged("postgresql");
    let folder = folder.parent().expect("a folder");
    let mut drivers = std::process::Command::new(melisma_processes::melisma());
    drivers.env("ADBC_DRIVER_PATH", folder);
    drivers.args(["drivers", "postgresql", "--test", &database.on_server().url()]);
    let run = melisma_processes::run(&mut drivers, b"").ok();
    let said = String::from_utf8(run.stdout).expect("UTF-8");
    assert!(said.contains("PostgreSQL 1"), "{said}");
}
