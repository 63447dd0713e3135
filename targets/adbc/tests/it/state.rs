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
