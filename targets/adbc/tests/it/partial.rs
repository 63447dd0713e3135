//! Records that lack properties of their stream: an upsert leaves the columns as they were.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::database::{ALL, Database, KNOWN, Kind, record, schema};

/// The columns beside the key, in their order.
const NAMES: [&str; 5] = ["i", "s", "j", "n", "t"];

fn properties(kind: Kind) -> Value {
    let mut properties = json!({
        "id": {"type": "integer"}, "i": {"type": ["integer", "null"]}, "s": {"type": ["string", "null"]},
        "j": {"type": ["object", "null"]}, "n": {"type": ["number", "null"]}, "t": {"type": ["string", "null"]}
    });
    // A driver alone makes no column of them in SQLite.
    if kind != Kind::Ansi {
        properties["t"] =
            json!({"type": ["string", "null"], "format": "singer.decimal", "precision": 20, "scale": 2});
    }
    properties
}

/// Pseudo-random numbers below a bound.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// A record that has some of the properties, some of them as null.
    fn record(&mut self) -> Map<String, Value> {
        let mut record = Map::new();
        record.insert("id".into(), json!(self.below(6)));
        for name in NAMES {
            let value = match (name, self.below(4)) {
                (_, 0 | 1) => continue,
                (_, 2) => Value::Null,
                ("i", _) => json!(self.below(1000)),
                ("s", _) => json!(format!("it's {}", self.below(1000))),
                ("j", _) => json!({"a": self.below(1000)}),
                ("n", _) => json!(f64::from(u32::try_from(self.below(1000)).expect("small")) + 0.5),
                _ => json!(format!("{}.50", self.below(1000))),
            };
            record.insert(name.into(), value);
        }
        record
    }
}

/// What a table holds of a value.
fn plain(name: &str, value: &Value) -> Value {
    match (name, value) {
        (_, Value::Null) => Value::Null,
        ("j", Value::Object(_)) => json!(value.to_string()),
        _ => value.clone(),
    }
}

#[test]
fn any_sequence_of_partial_records_leaves_what_one_after_another_would_leave() {
    for kind in ALL {
        for seed in 1..=4 {
            let mut random = Random(seed);
            let database = Database::new(kind);
            let mut model: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
            for run in 0..3 {
                let mut lines = vec![schema("a", &properties(kind), &["id"])];
                for _ in 0..random.below(60) {
                    let line = random.record();
                    let row = model.entry(line["id"].as_u64().expect("a key")).or_default();
                    row.extend(line.clone());
                    lines.push(record("a", &Value::Object(line)));
                }
                let size = [1, 3, 1000][usize::try_from(random.below(3)).expect("small")];
                // A small batch is not yet a commit: that comes with the STATE at the end.
                let config = json!({"batch_size_rows": size});
                database.load(&config, &lines).ok();
                let expected: Vec<Value> = model
                    .values()
                    .map(|row| {
                        let of = |name: &str| plain(name, row.get(name).unwrap_or(&Value::Null));
                        let values = NAMES.iter().map(|name| of(name));
                        [json!(row["id"])].into_iter().chain(values).collect()
                    })
                    .collect();
                let found = database.rows("SELECT id, i, s, j, n, CAST(t AS VARCHAR(30)) FROM a ORDER BY id");
                assert_eq!(
                    found,
                    json!(expected),
                    "{kind:?}, seed {seed}, run {run}, batches of {size}"
                );
            }
        }
    }
}

#[test]
fn null_overwrites_and_a_missing_property_does_not_whatever_else_is_in_the_commit() {
    for kind in ALL {
        let database = Database::new(kind);
        let load = |rows: &[Value]| {
            let mut lines = vec![schema("a", &properties(kind), &["id"])];
            lines.extend(rows.iter().map(|row| record("a", row)));
            database.load(&json!({}), &lines).ok();
        };
        load(&[
            json!({"id": 1, "i": 1, "s": "a", "j": {"k": 1}, "n": 1.5, "t": "1.00"}),
            json!({"id": 2, "i": 2, "s": "b"}),
        ]);
        load(&[
            json!({"id": 1, "i": null, "s": "c"}),
            json!({"id": 2, "s": null}),
            json!({"id": 3, "i": 3}),
            json!({"id": 3, "s": "d"}),
        ]);
        let rows = database.rows("SELECT id, i, s, j, n FROM a ORDER BY id");
        let expected = json!([
            [1, null, "c", "{\"k\":1}", 1.5],
            [2, 2, null, null, null],
            [3, 3, "d", null, null]
        ]);
        assert_eq!(rows, expected, "{kind:?}");
    }
}

#[test]
fn rows_whose_keys_the_table_does_not_have_are_added_and_others_replace() {
    for kind in ALL {
        let database = Database::new(kind);
        let load = |rows: &[Value]| {
            let mut lines = vec![schema("a", &properties(kind), &["id"])];
            lines.extend(rows.iter().map(|row| record("a", row)));
            database.load(&json!({}), &lines).ok();
        };
        load(&[
            json!({"id": 1, "i": 1, "s": "a"}),
            json!({"id": 2, "i": 2, "s": "b"}),
        ]);
        // New keys alone, one of them twice.
        load(&[
            json!({"id": 3, "i": 3}),
            json!({"id": 4, "i": 4, "s": "d"}),
            json!({"id": 3, "s": "c"}),
        ]);
        // New ones and one that is there.
        load(&[json!({"id": 5, "i": 5, "s": "e"}), json!({"id": 2, "s": "B"})]);
        let rows = database.rows("SELECT id, i, s FROM a ORDER BY id");
        let expected = json!([[1, 1, "a"], [2, 2, "B"], [3, 3, "c"], [4, 4, "d"], [5, 5, "e"]]);
        assert_eq!(rows, expected, "{kind:?}");
    }
}

#[test]
fn append_and_overwrite_write_null_for_what_a_record_lacks() {
    for kind in ALL {
        let database = Database::new(kind);
        let lines = [
            schema("a", &properties(kind), &["id"]),
            record("a", &json!({"id": 1, "i": 1, "s": "a"})),
            record("a", &json!({"id": 1, "s": "b"})),
            json!({"type": "STATE", "value": 1}),
        ];
        database.load(&json!({"load_method": "append"}), &lines).ok();
        let rows = database.rows("SELECT id, i, s FROM a ORDER BY s");
        assert_eq!(rows, json!([[1, 1, "a"], [1, null, "b"]]), "{kind:?}");
        let lines = [&lines[0], &lines[2], &lines[3]].map(Clone::clone);
        database.load(&json!({"load_method": "overwrite"}), &lines).ok();
        let rows = database.rows("SELECT id, i, s FROM a");
        assert_eq!(rows, json!([[1, null, "b"]]), "{kind:?}");
    }
}

#[test]
fn what_comes_after_a_delete_does_not_get_the_values_from_before_it() {
    for kind in KNOWN {
        let database = Database::new(kind);
        let config = json!({"hard_delete": true});
        let deleted = json!({"id": 1, "i": 9, "s": "z", "_sdc_deleted_at": "2024-01-01T00:00:00Z"});
        let first = [
            schema("a", &properties(kind), &["id"]),
            record("a", &json!({"id": 1, "i": 1, "s": "a"})),
            record("a", &json!({"id": 2, "i": 2, "s": "b"})),
        ];
        database.load(&config, &first).ok();
        let second = [
            schema("a", &properties(kind), &["id"]),
            record("a", &json!({"id": 1, "s": "x"})),
            record("a", &deleted),
            record("a", &json!({"id": 1, "i": 7})),
            record("a", &json!({"id": 2, "s": "y"})),
        ];
        database.load(&config, &second).ok();
        let rows = database.rows("SELECT id, i, s FROM a ORDER BY id");
        assert_eq!(rows, json!([[1, 7, null], [2, 2, "y"]]), "{kind:?}");
    }
}

#[test]
fn a_column_that_the_stream_no_longer_has_keeps_its_values() {
    for kind in ALL {
        let database = Database::new(kind);
        database.change("CREATE TABLE a (id BIGINT, other VARCHAR DEFAULT 'd', i BIGINT, gone VARCHAR)");
        database.change("INSERT INTO a VALUES (1, 'x', 1, 'y'), (2, 'x', 2, 'z')");
        let properties = json!({"id": {"type": "integer"}, "i": {"type": "integer"}});
        let lines = [
            schema("a", &properties, &["id"]),
            record("a", &json!({"id": 1, "i": 7})),
            record("a", &json!({"id": 2})),
            record("a", &json!({"id": 3, "i": 3})),
        ];
        database.load(&json!({}), &lines).ok();
        let rows = database.rows("SELECT id, other, i, gone FROM a ORDER BY id");
        let expected = json!([[1, "x", 7, "y"], [2, "x", 2, "z"], [3, "d", 3, null]]);
        assert_eq!(rows, expected, "{kind:?}");
    }
}
