//! `load_method`, keys and deletes.

use serde_json::{Value, json};

use crate::database::{ALL, Database, KNOWN, Kind, record, schema, state};

fn properties() -> Value {
    json!({"id": {"type": "integer"}, "part": {"type": "string"}, "v": {"type": ["string", "null"]}})
}

fn orders(key: &[&str], rows: &[(i64, &str, &str)]) -> Vec<Value> {
    let mut lines = vec![schema("orders", &properties(), key)];
    lines.extend(
        rows.iter()
            .map(|(id, part, v)| record("orders", &json!({"id": id, "part": part, "v": v}))),
    );
    lines.push(state(&json!({"rows": rows.len()})));
    lines
}

const ROWS: &str = "SELECT id, part, v FROM orders ORDER BY id, part, v";

#[test]
fn the_last_record_of_a_key_wins_within_a_batch_between_batches_and_between_runs() {
    for kind in ALL {
        for batch_size_rows in [1, 2, 100] {
            let database = Database::new(kind);
            let config = json!({"batch_size_rows": batch_size_rows});
            let first = orders(
                &["id", "part"],
                &[
                    (1, "a", "1"),
                    (1, "b", "2"),
                    (1, "a", "3"),
                    (2, "a", "4"),
                    (1, "a", "5"),
                ],
            );
            database.load(&config, &first).ok();
            assert_eq!(
                database.rows(ROWS),
                json!([[1, "a", "5"], [1, "b", "2"], [2, "a", "4"]]),
                "{kind:?}"
            );
            let second = orders(&["id", "part"], &[(3, "a", "6"), (1, "b", "7"), (1, "b", "8")]);
            database.load(&config, &second).ok();
            let expected = json!([[1, "a", "5"], [1, "b", "8"], [2, "a", "4"], [3, "a", "6"]]);
            assert_eq!(database.rows(ROWS), expected, "{kind:?}");
        }
    }
}

#[test]
fn append_adds_rows_although_there_are_keys() {
    for kind in ALL {
        let database = Database::new(kind);
        let lines = orders(&["id"], &[(1, "a", "1"), (1, "a", "2")]);
        database.load(&json!({"load_method": "append"}), &lines).ok();
        database.load(&json!({"load_method": "append"}), &lines).ok();
        assert_eq!(
            database.rows("SELECT id, COUNT(*) FROM orders GROUP BY id"),
            json!([[1, 4]]),
            "{kind:?}"
        );
    }
}

#[test]
fn overwrite_replaces_the_rows_of_earlier_runs_with_and_without_keys() {
    for kind in ALL {
        for key in [&[][..], &["id", "part"]] {
            let database = Database::new(kind);
            let config = json!({"load_method": "overwrite"});
            database
                .load(&config, &orders(key, &[(1, "a", "1"), (2, "a", "2")]))
                .ok();
            database
                .load(&config, &orders(key, &[(3, "a", "3"), (4, "b", "4")]))
                .ok();
            assert_eq!(
                database.rows(ROWS),
                json!([[3, "a", "3"], [4, "b", "4"]]),
                "{kind:?} {key:?}"
            );
            database.load(&config, &orders(key, &[])).ok();
            assert_eq!(database.rows(ROWS), json!([]), "{kind:?} {key:?}");
        }
    }
}

#[test]
fn overwrite_with_a_schema_that_changes_in_the_middle_has_the_rows_of_both() {
    for (kind, key) in KNOWN
        .into_iter()
        .flat_map(|kind| [(kind, &["id"][..]), (kind, &[])])
    {
        let database = Database::new(kind);
        let config = json!({"load_method": "overwrite"});
        database
            .load(&config, &orders(key, &[(1, "a", "old"), (9, "a", "old")]))
            .ok();
        let mut lines = orders(key, &[(1, "a", "1"), (2, "a", "2")]);
        let wider =
            json!({"id": {"type": "integer"}, "more": {"type": "integer"}, "part": {"type": "integer"}});
        lines.extend([
            schema("orders", &wider, key),
            record("orders", &json!({"id": 3, "more": 5, "part": 7})),
            record("orders", &json!({"id": 4, "more": 6, "part": 8})),
            state(&json!(1)),
        ]);
        database.load(&config, &lines).ok();
        let rows = database.rows("SELECT id, part, v, more FROM orders ORDER BY id");
        let expected = json!([
            [1, "a", "1", null],
            [2, "a", "2", null],
            [3, "7", null, 5],
            [4, "8", null, 6]
        ]);
        assert_eq!(rows, expected, "{kind:?} {key:?}");
    }
}

#[test]
fn a_null_key_and_a_missing_one_are_refused() {
    for kind in ALL {
        let database = Database::new(kind);
        let nullable = json!({"id": {"type": ["integer", "null"]}});
        let lines = [
            schema("orders", &nullable, &["id"]),
            record("orders", &json!({"id": null})),
        ];
        database.load(&json!({}), &lines).fails(
            65,
            &["id: expected a value for each record, because it is a key, found null"],
        );
        let lines = [
            schema("orders", &nullable, &[]),
            record("orders", &json!({"id": null})),
        ];
        database
            .load(&json!({"primary_key_required": true}), &lines)
            .fails(65, &["primary_key_required"]);
    }
}

#[test]
fn activate_version_marks_the_rows_of_older_versions_or_deletes_them() {
    for kind in KNOWN {
        for hard_delete in [false, true] {
            let database = Database::new(kind);
            let config = json!({"add_record_metadata": true, "hard_delete": hard_delete});
            let lines = |version: i64, ids: &[i64]| -> Vec<Value> {
                let mut lines = vec![schema("orders", &properties(), &["id"])];
                lines.extend(ids.iter().map(|id| {
                    json!({"type": "RECORD", "stream": "orders", "version": version, "record": {"id": id, "part": "", "v": null}})
                }));
                lines.push(json!({"type": "ACTIVATE_VERSION", "stream": "orders", "version": version}));
                lines
            };
            database.load(&config, &lines(1, &[1, 2])).ok();
            database.load(&config, &lines(2, &[2, 3])).ok();
            let rows = database
                .rows("SELECT id, _sdc_table_version, _sdc_deleted_at IS NOT NULL FROM orders ORDER BY id");
            let yes = |is: bool| {
                if kind == Kind::Sqlite {
                    json!(i32::from(is))
                } else {
                    json!(is)
                }
            };
            let mut expected = vec![json!([2, 2, yes(false)]), json!([3, 2, yes(false)])];
            if !hard_delete {
                expected.insert(0, json!([1, 1, yes(true)]));
            }
            assert_eq!(rows, json!(expected), "{kind:?} hard_delete {hard_delete}");
        }
    }
}

#[test]
fn a_version_that_is_activated_in_a_run_that_overwrites_removes_rows_of_this_run() {
    for kind in KNOWN {
        let database = Database::new(kind);
        let config = json!({"hard_delete": true, "load_method": "overwrite"});
        let row = |version: i64, id: i64| {
            let record = json!({"id": id, "part": "", "v": null});
            json!({"type": "RECORD", "stream": "orders", "version": version, "record": record})
        };
        let activate =
            |version: i64| json!({"type": "ACTIVATE_VERSION", "stream": "orders", "version": version});
        let schema = schema("orders", &properties(), &["id"]);
        let end = state(&json!(1));
        database
            .load(&config, &[schema.clone(), row(1, 9), end.clone()])
            .ok();
        let lines = [
            schema,
            activate(1),
            row(1, 1),
            row(1, 2),
            activate(2),
            row(2, 2),
            row(2, 3),
            activate(2),
            end,
        ];
        database.load(&config, &lines).ok();
        let rows = database.rows("SELECT id FROM orders ORDER BY id");
        assert_eq!(rows, json!([[2], [3]]), "{kind:?}");
    }
}

#[test]
fn a_record_that_is_deleted_at_its_source_is_deleted_with_hard_delete() {
    for kind in KNOWN {
        let database = Database::new(kind);
        let mut lines = orders(&["id"], &[(1, "a", "1"), (2, "a", "2")]);
        lines.push(record(
            "orders",
            &json!({"id": 1, "part": "a", "v": "1", "_sdc_deleted_at": "2024-01-01T00:00:00Z"}),
        ));
        database.load(&json!({"hard_delete": true}), &lines).ok();
        assert_eq!(database.rows("SELECT id FROM orders"), json!([[2]]), "{kind:?}");
    }
}
