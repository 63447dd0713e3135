//! Tables that change with their streams.

use serde_json::{Value, json};

use crate::database::{Database, KNOWN, Kind, record, schema};

fn load(database: &Database, config: &Value, properties: &Value, row: &Value) -> melisma_processes::Outcome {
    database.load(config, &[schema("a", properties, &[]), record("a", row)])
}

#[test]
fn new_columns_are_added_and_types_widened_and_no_value_changes() {
    for kind in KNOWN {
        let database = Database::new(kind);
        let narrow = json!({
            "id": {"type": "integer"}, "i": {"type": "integer"}, "d": {"type": "string", "format": "date"},
            "b": {"type": "boolean"}, "n": {"type": "number"}, "j": {"type": "object"}, "x": {"type": "integer"}
        });
        let row = json!({"id": 1, "i": 9_007_199_254_740_992_i64, "d": "2024-01-31", "b": true, "n": 0.1, "j": {"a": 1}, "x": 7});
        load(&database, &json!({}), &narrow, &row).ok();
        let wide = json!({
            "new": {"type": ["string", "null"]}, "id": {"type": "integer"}, "i": {"type": "number"},
            "d": {"type": "string", "format": "date-time"}, "b": {"type": "string"}, "n": {"type": "string"},
            "j": {"type": "string"}, "x": {"type": ["string", "integer"]}
        });
        let row = json!({"new": "n", "id": 2, "i": 0.5, "d": "2024-01-31T12:00:00Z", "b": "yes", "n": "007", "j": "j", "x": "1.10"});
        load(&database, &json!({}), &wide, &row).ok();
        let rows = database.rows("SELECT id, i, d, b, n, j, x, new FROM a ORDER BY id");
        let days = match kind {
            Kind::DuckDb => ["2024-01-31 00:00:00+00", "2024-01-31 12:00:00+00"],
            Kind::Postgresql => ["2024-01-31T00:00:00+00:00", "2024-01-31T12:00:00+00:00"],
            _ => ["2024-01-31T00:00:00.000000Z", "2024-01-31T12:00:00.000000Z"],
        };
        let document = match kind {
            Kind::Postgresql => "{\"a\": 1}",
            _ => "{\"a\":1}",
        };
        let expected = json!([
            [
                1,
                9_007_199_254_740_992.0,
                days[0],
                "true",
                "0.1",
                document,
                "7",
                null
            ],
            [2, 0.5, days[1], "yes", "007", "j", "1.10", "n"]
        ]);
        assert_eq!(rows, expected, "{kind:?}");
        // What is narrower now fits the wide columns.
        load(
            &database,
            &json!({}),
            &narrow,
            &json!({"id": 3, "i": 4, "d": "2024-02-01", "b": false, "n": 0.25, "j": {}, "x": 8}),
        )
        .ok();
        let rows = database.rows("SELECT i + 0.5, b, n, j, x, new FROM a WHERE id = 3");
        assert_eq!(rows, json!([[4.5, "false", "0.25", "{}", "8", null]]), "{kind:?}");
    }
}

#[test]
fn integers_that_a_float_would_round_stop_the_widening() {
    for kind in KNOWN {
        let database = Database::new(kind);
        let (narrow, wide) = (
            json!({"i": {"type": "integer"}}),
            json!({"i": {"type": "number"}}),
        );
        load(
            &database,
            &json!({}),
            &narrow,
            &json!({"i": 9_007_199_254_740_993_i64}),
        )
        .ok();
        let run = load(&database, &json!({}), &wide, &json!({"i": 0.5}));
        run.fails(78, &["1 integers in \"i\" that a column of floats would round"]);
        assert_eq!(
            database.rows("SELECT i FROM a"),
            json!([[9_007_199_254_740_993_i64]]),
            "{kind:?}"
        );
    }
}

#[test]
fn a_table_that_others_made_keeps_its_columns_and_their_order() {
    for kind in KNOWN {
        let database = Database::new(kind);
        database.change("CREATE TABLE a (other VARCHAR(10) DEFAULT 'd', Name TEXT, ID SMALLINT)");
        let properties = json!({"id": {"type": "integer"}, "name": {"type": "string"}});
        load(&database, &json!({}), &properties, &json!({"id": 1, "name": "x"})).ok();
        assert_eq!(
            database.rows("SELECT * FROM a"),
            json!([["d", "x", 1]]),
            "{kind:?}"
        );
    }
}

#[test]
fn freeze_changes_nothing_and_fail_refuses() {
    for kind in KNOWN {
        let database = Database::new(kind);
        let (narrow, wide) = (
            json!({"id": {"type": "integer"}}),
            json!({"id": {"type": "integer"}, "v": {"type": "string"}}),
        );
        for policy in ["freeze", "fail"] {
            let run = load(
                &database,
                &json!({"schema_evolution": policy}),
                &narrow,
                &json!({"id": 1}),
            );
            run.fails(78, &["found no such table", policy]);
        }
        load(&database, &json!({}), &narrow, &json!({"id": 1})).ok();
        load(
            &database,
            &json!({"schema_evolution": "freeze"}),
            &wide,
            &json!({"id": 2, "v": "x"}),
        )
        .ok();
        let run = load(
            &database,
            &json!({"schema_evolution": "fail"}),
            &wide,
            &json!({"id": 3, "v": "x"}),
        );
        run.fails(78, &["found no column \"v\"", "schema_evolution: fail"]);
        assert_eq!(
            database.rows("SELECT * FROM a ORDER BY id"),
            json!([[1], [2]]),
            "{kind:?}"
        );
    }
}

#[test]
fn a_database_that_nothing_is_known_of_changes_no_table() {
    let database = Database::new(Kind::Ansi);
    let (narrow, wide) = (
        json!({"id": {"type": "integer"}}),
        json!({"id": {"type": "integer"}, "v": {"type": "string"}}),
    );
    load(&database, &json!({}), &narrow, &json!({"id": 1})).ok();
    load(&database, &json!({}), &wide, &json!({"id": 2, "v": "x"}))
        .fails(78, &["found no column \"v\"", "the dialect ansi cannot add one"]);
    database
        .load(&json!({"state_in_target": true}), &[])
        .fails(78, &["state_in_target", "ansi"]);
    assert_eq!(database.rows("SELECT * FROM a"), json!([[1]]));
}

#[test]
fn version_puts_a_column_aside_whose_type_cannot_be_widened() {
    for kind in KNOWN {
        let database = Database::new(kind);
        let config = json!({"schema_evolution": "version"});
        let of = |i: Value| json!({"id": {"type": "integer"}, "i": i, "s": {"type": "string"}});
        let (integer, number) = (of(json!({"type": "integer"})), of(json!({"type": "number"})));
        let load = |properties: &Value, row: &Value| {
            let lines = [schema("a", properties, &["id"]), record("a", row)];
            database.load(&config, &lines)
        };
        // A number that a float would round.
        let large = 9_007_199_254_740_993_i64;
        load(&integer, &json!({"id": 1, "i": large, "s": "x"})).ok();
        load(&number, &json!({"id": 1, "i": 0.5})).ok();
        load(&number, &json!({"id": 2, "i": 1.5, "s": "y"})).ok();
        let types = database.types("a");
        let names: Vec<&str> = types
            .as_array()
            .expect("columns")
            .iter()
            .filter_map(|column| column[0].as_str())
            .collect();
        let [id, old, s, new] = names.as_slice() else {
            panic!("{kind:?}: {types}");
        };
        assert_eq!((*id, *s, *new), ("id", "s", "i"), "{kind:?}");
        let stamp = old.strip_prefix("i_").expect("a name with the time");
        let is_stamp = stamp.len() == 13 && stamp.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
        assert!(is_stamp, "{kind:?}: {old}");
        let rows = database.rows(&format!("SELECT id, {old}, i, s FROM a ORDER BY id"));
        assert_eq!(
            rows,
            json!([[1, large, 0.5, "x"], [2, null, 1.5, "y"]]),
            "{kind:?}"
        );
        // What can be widened is, and new columns are added.
        let wider = json!({"id": {"type": "integer"}, "i": {"type": "string"}, "more": {"type": "integer"}});
        load(&wider, &json!({"id": 2, "i": "z", "more": 3})).ok();
        let rows = database.rows("SELECT id, i, s, more FROM a ORDER BY id");
        assert_eq!(rows, json!([[1, "0.5", "x", null], [2, "z", "y", 3]]), "{kind:?}");
        // Twice in a minute: the name with the time is taken.
        database.change("ALTER TABLE a RENAME COLUMN i TO was_text");
        database.change("ALTER TABLE a ADD COLUMN i BIGINT");
        database.change(&format!("UPDATE a SET i = {large}"));
        load(&number, &json!({"id": 3, "i": 2.5})).ok();
        assert_eq!(
            database.rows("SELECT id, i, s FROM a ORDER BY id"),
            json!([[1, null, "x"], [2, null, "y"], [3, 2.5, null]]),
            "{kind:?}"
        );
        // A key stays.
        let text = json!({"id": {"type": "integer", "minimum": 0}, "i": {"type": "number"}});
        load(&text, &json!({"id": 4, "i": 3.5})).ok();
        let float = json!({"id": {"type": "number"}, "i": {"type": "number"}});
        database.change(&format!("UPDATE a SET id = {large} WHERE id = 4"));
        load(&float, &json!({"id": 5.5, "i": 3.5})).fails(78, &["\"id\"", "schema_evolution: version"]);
    }
}
