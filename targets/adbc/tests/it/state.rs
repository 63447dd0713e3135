//! STATE beside the rows.

use serde_json::json;

use crate::database::{Database, KNOWN, record, schema, state};

#[test]
fn the_state_is_stored_with_the_rows_of_all_streams_that_it_covers() {
    for kind in KNOWN {
        let database = Database::new(kind);
        let config = json!({"state_in_target": true, "state_id": "it's", "state_interval_seconds": 0});
        let properties = json!({"id": {"type": "integer"}});
        let lines = [
            schema("a", &properties, &["id"]),
            schema("b", &properties, &[]),
            record("a", &json!({"id": 1})),
            record("b", &json!({"id": 1})),
            state(&json!({"at": 1})),
            record("a", &json!({"id": 2})),
            record("b", &json!({"id": "x"})),
            state(&json!({"at": 2})),
        ];
        database.load(&config, &lines).fails(65, &["id"]);
        let rows = database.rows(
            "SELECT state_id, state, (SELECT COUNT(*) FROM a), (SELECT COUNT(*) FROM b) FROM _melisma_state",
        );
        assert_eq!(rows, json!([["it's", "{\"at\":1}", 1, 1]]), "{kind:?}");
        database.load(&config, &[state(&json!({"at": 3}))]).ok();
        let rows = database.rows("SELECT COUNT(*) FROM _melisma_state");
        assert_eq!(rows, json!([[1]]), "{kind:?}");
    }
}

#[test]
fn overwrite_and_a_stored_state_exclude_each_other() {
    for kind in KNOWN {
        let run =
            Database::new(kind).load(&json!({"state_in_target": true, "load_method": "overwrite"}), &[]);
        run.fails(78, &["state_in_target", "overwrite"]);
    }
}

#[test]
fn a_schema_may_change_between_two_states_that_are_stored() {
    for kind in KNOWN {
        let database = Database::new(kind);
        let config = json!({"state_in_target": true, "state_interval_seconds": 1000});
        let narrow = json!({"id": {"type": "integer"}, "v": {"type": "integer"}});
        let wide = json!({"id": {"type": "integer"}, "v": {"type": "string"}, "w": {"type": "integer"}});
        let lines = |from: i64| {
            let mut lines = Vec::new();
            for (properties, n) in [(&narrow, 0), (&wide, 1)] {
                for (stream, key) in [("keyed", &["id"][..]), ("plain", &[])] {
                    lines.push(schema(stream, properties, key));
                    let v = if n == 0 { json!(7) } else { json!("x") };
                    for id in [from + n, from + n + 1] {
                        lines.push(record(stream, &json!({"id": id, "v": v})));
                    }
                }
            }
            lines.push(state(&json!({"at": from})));
            lines
        };
        for from in [1, 2] {
            database.load(&config, &lines(from)).ok();
        }
        let rows = database.rows("SELECT id, v, w FROM keyed ORDER BY id");
        assert_eq!(
            rows,
            json!([[1, "7", null], [2, "7", null], [3, "x", null], [4, "x", null]]),
            "{kind:?}"
        );
        let rows = database.rows("SELECT id, v, w FROM plain ORDER BY id, v");
        let expected = json!([
            [1, "7", null],
            [2, "7", null],
            [2, "7", null],
            [2, "x", null],
            [3, "7", null],
            [3, "x", null],
            [3, "x", null],
            [4, "x", null]
        ]);
        assert_eq!(rows, expected, "{kind:?}");
    }
}

#[test]
fn a_table_whose_rows_are_deleted_by_then_is_not_changed_before_a_commit_in_duckdb() {
    let database = Database::new(crate::database::Kind::DuckDb);
    let config = json!({"state_in_target": true, "state_interval_seconds": 1000, "hard_delete": true});
    let properties = json!({"id": {"type": "integer"}});
    let row = |id: i64, version: i64| json!({"type": "RECORD", "stream": "a", "version": version, "record": {"id": id}});
    let first = [
        schema("a", &properties, &["id"]),
        row(1, 1),
        state(&json!({"at": 1})),
    ];
    database.load(&config, &first).ok();
    let wide = json!({"id": {"type": "integer"}, "w": {"type": "integer"}});
    let second = [
        schema("a", &properties, &["id"]),
        row(2, 2),
        json!({"type": "ACTIVATE_VERSION", "stream": "a", "version": 2}),
        schema("a", &wide, &["id"]),
        row(3, 2),
        state(&json!({"at": 2})),
    ];
    database
        .load(&config, &second)
        .fails(78, &["cannot change a table whose rows were replaced or deleted"]);
    assert_eq!(database.rows("SELECT id FROM a"), json!([[1]]));
}
