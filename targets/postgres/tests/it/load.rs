//! How rows meet those that are there.

use serde_json::json;

use crate::driver::{Target, plain, record, schema, state};

#[test]
fn rows_without_a_key_are_added_and_state_follows() {
    let target = Target::new(json!({}));
    let lines = [
        plain(&[]),
        record("s", json!({"id": 1, "t": "a\tb\n\\N \u{e9} \"q\" '"})),
        record("s", json!({"id": 1})),
        record("s", json!({"id": 2, "t": null})),
        state(json!({"at": 2})),
    ];
    assert_eq!(target.load(&lines), [r#"{"at":2}"#]);
    target.load(&lines);
    assert_eq!(target.columns("s"), "id bigint, t text");
    assert_eq!(target.sql("select count(*), count(t) from s"), "6|2");
    assert_eq!(
        target.sql("select distinct t = E'a\\tb\\n\\\\N é \"q\" ''' from s where t is not null"),
        "t"
    );
}

#[test]
fn the_last_of_equal_keys_stays_in_a_first_load() {
    let target = Target::new(json!({"batch_size_rows": 3}));
    let mut lines = vec![plain(&["id"])];
    // The last batch that has a key decides, and in it the last record.
    for round in 0..3 {
        for id in 0..4 {
            lines.push(record("s", json!({"id": id, "t": format!("{round} {id}")})));
        }
    }
    lines.push(state(json!({"n": 1})));
    assert_eq!(target.load(&lines), [r#"{"n":1}"#]);
    assert_eq!(target.key("s"), "id");
    assert_eq!(
        target.sql("select string_agg(t, ', ' order by id) from s"),
        "2 0, 2 1, 2 2, 2 3"
    );
    assert_eq!(target.sql("select obj_description('s'::regclass)"), "");
    target.load(&lines);
    assert_eq!(
        target.sql("select string_agg(t, ', ' order by id) from s"),
        "2 0, 2 1, 2 2, 2 3"
    );
}

#[test]
fn a_schema_that_changes_before_the_first_row_is_no_end_of_a_first_load() {
    let target = Target::new(json!({}));
    let first = schema("s", json!({"id": {"type": "integer"}}), &["id"]);
    target.load(&[
        first.clone(),
        plain(&["id"]),
        record("s", json!({"id": 1, "t": "a"})),
        record("s", json!({"id": 1, "t": "b"})),
    ]);
    assert_eq!(target.columns("s"), "id bigint not null, t text");
    assert_eq!(
        (target.key("s"), target.sql("select * from s")),
        ("id".to_owned(), "1|b".to_owned())
    );
    // Another key, before the first row and after it.
    target.sql("drop table s");
    let text = schema(
        "s",
        json!({"id": {"type": "integer"}, "t": {"type": "string"}}),
        &["t"],
    );
    target.load(&[
        first,
        text.clone(),
        record("s", json!({"id": 1, "t": "a"})),
        plain(&["id"]),
        record("s", json!({"id": 1, "t": "b"})),
    ]);
    assert_eq!(
        (target.key("s"), target.sql("select * from s")),
        ("id".to_owned(), "1|b".to_owned())
    );
}

#[test]
fn upsert_replaces_and_the_last_of_a_batch_wins() {
    for rows in [2, 100] {
        let target = Target::new(json!({"batch_size_rows": rows}));
        target.load(&[
            plain(&["id"]),
            record("s", json!({"id": 1, "t": "old"})),
            record("s", json!({"id": 9, "t": "stays"})),
        ]);
        target.load(&[
            plain(&["id"]),
            record("s", json!({"id": 1, "t": "a"})),
            record("s", json!({"id": 2, "t": "b"})),
            record("s", json!({"id": 1, "t": "c"})),
            record("s", json!({"id": 3, "t": null})),
            record("s", json!({"id": 1, "t": "d"})),
        ]);
        assert_eq!(
            target.sql("select id, t from s order by id"),
            "1|d\n2|b\n3|\n9|stays"
        );
    }
}

#[test]
fn a_record_that_lacks_a_column_leaves_it_as_it_is() {
    let properties = json!({"id": {"type": "integer"}, "a": {"type": ["string", "null"]}, "b": {"type": ["string", "null"]}});
    let schema = schema("s", properties, &["id"]);
    for first in [true, false] {
        let target = Target::new(json!({}));
        let before = [
            record("s", json!({"id": 1, "a": "a1", "b": "b1"})),
            record("s", json!({"id": 2, "a": "a2", "b": "b2"})),
        ];
        let after = [
            record("s", json!({"id": 1, "a": "A1"})),
            record("s", json!({"b": null, "id": 2})),
            record("s", json!({"id": 3, "b": "b3"})),
            record("s", json!({"id": 3, "a": "a3"})),
            record("s", json!({"id": 1})),
        ];
        let mut lines = vec![schema.clone()];
        lines.extend(before);
        if first {
            target.load(&lines);
            lines.truncate(1);
        }
        lines.extend(after);
        target.load(&lines);
        assert_eq!(
            target.sql("select * from s order by id"),
            "1|A1|b1\n2|a2|\n3|a3|b3"
        );
    }
}

#[test]
fn append_adds_also_with_keys() {
    let target = Target::new(json!({"load_method": "append"}));
    let lines = [plain(&["id"]), record("s", json!({"id": 1, "t": "a"}))];
    target.load(&lines);
    target.load(&lines);
    assert_eq!(target.sql("select id, t from s"), "1|a\n1|a");
    assert_eq!(target.key("s"), "");
}

#[test]
fn append_only_does_as_the_peers_do() {
    let target = Target::new(json!({"load_method": "append-only"}));
    let lines = [plain(&["id"]), record("s", json!({"id": 1, "t": "a"}))];
    target.load(&lines);
    target.load(&lines);
    assert_eq!(target.sql("select id, t from s"), "1|a");
}

#[test]
fn a_null_key_is_refused() {
    let target = Target::new(json!({}));
    let schema = schema("s", json!({"id": {"type": ["integer", "null"]}}), &["id"]);
    let states = target.fail(
        &[
            schema,
            record("s", json!({"id": 1})),
            state(json!({"n": 1})),
            record("s", json!({"id": null})),
            state(json!({"n": 2})),
        ],
        65,
        &["line 4", "id: expected a value for the key, found null"],
    );
    assert_eq!(states, [r#"{"n":1}"#]);
    assert_eq!(target.sql("select id from s"), "1");
}
