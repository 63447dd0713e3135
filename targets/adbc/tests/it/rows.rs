//! Rows come as they were sent.

use serde_json::json;

use crate::database::{ALL, Database, Kind, record, schema, state};

#[test]
fn rows_and_nulls_of_two_streams_come_and_the_state_follows() {
    for kind in ALL {
        let database = Database::new(kind);
        let properties = json!({"id": {"type": "integer"}, "name": {"type": ["string", "null"]}});
        let run = database.load(
            &json!({}),
            &[
                schema("shop-orders", &properties, &[]),
                schema("items", &properties, &[]),
                record("shop-orders", &json!({"id": 1, "name": "it's \"a\" 猫"})),
                record("items", &json!({"id": 7, "name": null})),
                record("shop-orders", &json!({"id": 2})),
                state(&json!({"at": 2})),
            ],
        );
        assert_eq!(run.ok().states(), ["{\"at\":2}"]);
        let orders = if matches!(kind, Kind::DuckDb | Kind::Postgresql) {
            "shop.orders"
        } else {
            "orders"
        };
        let rows = database.rows(&format!("SELECT id, name FROM {orders} ORDER BY id"));
        assert_eq!(rows, json!([[1, "it's \"a\" 猫"], [2, null]]), "{kind:?}");
        assert_eq!(
            database.rows("SELECT id, name FROM items"),
            json!([[7, null]]),
            "{kind:?}"
        );
    }
}

#[test]
fn two_streams_with_one_table_are_refused_by_name() {
    for kind in [Kind::Sqlite, Kind::Ansi] {
        let database = Database::new(kind);
        let properties = json!({"id": {"type": "integer"}});
        let lines = [
            schema("a-orders", &properties, &[]),
            schema("b-orders", &properties, &[]),
        ];
        let run = database.load(&json!({}), &lines);
        run.fails(78, &["b-orders", "a-orders", "is also that of the stream"]);
    }
}

#[test]
fn the_schema_of_the_tables_can_be_chosen() {
    for kind in [Kind::DuckDb, Kind::Postgresql] {
        let database = Database::new(kind);
        let lines = [
            schema("shop-orders", &json!({"id": {"type": "integer"}}), &[]),
            record("shop-orders", &json!({"id": 1})),
        ];
        let config = json!({"default_target_schema": "Raw 'data'"});
        database.load(&config, &lines).ok();
        database.load(&config, &lines).ok();
        let rows = database.rows("SELECT id FROM \"Raw 'data'\".orders");
        assert_eq!(rows, json!([[1], [1]]), "{kind:?}");
    }
}

#[test]
fn columns_that_differ_in_case_only_are_refused_where_case_does_not_count() {
    for kind in [Kind::DuckDb, Kind::Sqlite] {
        let database = Database::new(kind);
        let properties = json!({"id": {"type": "integer"}, "ID": {"type": "integer"}});
        let run = database.load(&json!({}), &[schema("a", &properties, &[])]);
        run.fails(65, &["\"id\" and \"ID\" are both the column"]);
    }
}
